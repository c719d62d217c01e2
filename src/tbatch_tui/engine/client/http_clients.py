"""HTTP clients as the environment wants them: its proxies, but never for this machine, and its certificates."""

from __future__ import annotations

import os
import ssl
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import httpx
import together

from tbatch_tui.engine.errors import ConnectionFailedError
from tbatch_tui.engine.redaction import redact
from tbatch_tui.engine.server_address import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

NETWORK_PAGE = "docs/guide/network.md"
_LOOPBACK = ("localhost", "*.localhost", "127.0.0.1", "[::1]")
_OPENED = (".connect_tcp.complete", ".start_tls.complete")
_FAILED = (".setup_socks5_connection.failed", ".start_tls.failed")
"""Of what httpcore traces: a connection is there, and cannot be used."""
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def async_client(base_url: str | None, **options: Any) -> httpx.AsyncClient:
    """Return a client of the SDK's kind. Raises ConnectionFailedError for a setting that cannot be used."""
    try:
        return _AsyncClient(**_settings_for(base_url), **options)
    except (OSError, ValueError, ImportError) as error:
        raise unusable_setting(error) from error


def sync_client(base_url: str | None, **options: Any) -> httpx.Client:
    """Return a client of the SDK's kind. Raises ConnectionFailedError for a setting that cannot be used."""
    try:
        return _Client(**_settings_for(base_url), **options)
    except (OSError, ValueError, ImportError) as error:
        raise unusable_setting(error) from error


class _Client(together.DefaultHttpxClient):
    """A client that leaves no connection to the garbage collector.

    httpcore's pool forgets a connection that is still being made when it is closed, and opens others for requests that
    began before: an upload in a thread goes on over it. It also forgets one that a SOCKS proxy has refused.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._streams: WeakSet[Any] = WeakSet()
        self._lock = threading.Lock()
        self.event_hooks["request"].append(self._watch)

    def _watch(self, request: httpx.Request) -> None:
        opened: list[Any] = []

        def trace(event: str, info: Mapping[str, Any]) -> None:
            if event.endswith(_OPENED):
                opened.append(info["return_value"])
                with self._lock:
                    self._streams.add(info["return_value"])
                    is_useless = self.is_closed
            else:
                is_useless = event.endswith(_FAILED)
            while is_useless and opened:
                opened.pop().close()

        request.extensions["trace"] = trace

    def close(self) -> None:
        """Close the client and its connections, those included that a thread is about to use."""
        super().close()
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.close()


class _AsyncClient(together.DefaultAsyncHttpxClient):
    """A client that leaves no connection to the garbage collector; see `_Client`.

    One more that httpcore forgets is that of a request that is cancelled amid TLS.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._streams: WeakSet[Any] = WeakSet()
        self.event_hooks["request"].append(self._watch)

    async def _watch(self, request: httpx.Request) -> None:
        opened: list[Any] = []

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            if is_new := event.endswith(_OPENED):
                opened.append(info["return_value"])
                self._streams.add(info["return_value"])
            while opened and (self.is_closed if is_new else event.endswith(_FAILED)):
                await opened.pop().aclose()

        request.extensions["trace"] = trace

    async def aclose(self) -> None:
        """Close the client and its connections, those included that a request is about to use."""
        await super().aclose()
        for stream in list(self._streams):
            await stream.aclose()


def _settings_for(base_url: str | None) -> dict[str, Any]:
    """Return the options by which loopback is reached directly, whatever proxy is set, as the demo and tests need."""
    if base_url is not None and is_loopback(base_url) and base_url.lower().startswith("http:"):
        return {"trust_env": False}  # nor is a certificate needed: what is set for others may be wrong
    hosts = {*_LOOPBACK}
    if base_url is not None and is_loopback(base_url):
        hosts.add(httpx.URL(base_url).netloc.decode("ascii").rpartition(":")[0] or httpx.URL(base_url).host)
    return {"mounts": {f"all://{host}": None for host in hosts}}


def unusable_setting(error: Exception) -> ConnectionFailedError:
    """Return what is wrong with the variables that a client is made by."""
    if isinstance(error, ssl.SSLError | OSError):
        name = next((each for each in _CERTIFICATES if os.environ.get(each)), _CERTIFICATES[0])
        path = os.environ.get(name, "")
        why = "there is no such file" if isinstance(error, FileNotFoundError) else "it contains no PEM certificate"
        if isinstance(error, PermissionError):
            why = "it cannot be read"
        return ConnectionFailedError(
            f"{name} is {path}: {why}", f"Set it to a PEM file of certificates, or unset it. See {NETWORK_PAGE}."
        )
    name = next(iter(_set_proxies(os.environ)), "the proxy's variable")
    return ConnectionFailedError(
        f"The proxy in {name} cannot be used: {redact(_without_user(str(error)))}",
        f"Set it to http://HOST:PORT or socks5://HOST:PORT, or unset it. See {NETWORK_PAGE}.",
    )


def proxy_variable(url: httpx.URL | None, environ: Mapping[str, str] = os.environ) -> str:
    """Return the variable whose proxy a request to this address goes through; empty where there is none."""
    if url is None or is_loopback(str(url)):
        return ""
    from urllib.request import proxy_bypass

    if proxy_bypass(url.host):
        return ""
    wanted = (f"{url.scheme}_proxy", "all_proxy")
    return next((name for name in _set_proxies(environ) if name.lower() in wanted), "")


def _set_proxies(environ: Mapping[str, str]) -> list[str]:
    names = ("https_proxy", "http_proxy", "all_proxy")
    return [each for name in names for each in (name, name.upper()) if environ.get(each)]


def _without_user(text: str) -> str:
    """Return a message without what stands before `@` in an address: it may be a password."""
    import re

    return re.sub(r"//[^/\s'\"]*@", "//", text)
