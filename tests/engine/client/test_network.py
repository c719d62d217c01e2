"""Proxies, certificates and what stands before the server, each told as what it is, with the variable to set."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from tbatch_tui.engine.client.api import TogetherApi
from tbatch_tui.engine.client.http_clients import async_client, proxy_variable, sync_client, unusable_setting
from tbatch_tui.engine.errors import (
    AuthenticationError,
    BatchError,
    ConnectionFailedError,
    RateLimitError,
    RequestRejectedError,
    ServerError,
)
from tests.helpers.network import SELF_SIGNED, Keeper, answering, closed_sockets, http_answer, serving, socks, tls

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

KEY = "tgp_v1_0123456789abcdef"
ELSEWHERE = "https://api.example.test/v1"
WEB_PAGE = "Content-Type: text/html; charset=UTF-8"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


async def list_jobs(base_url: str) -> bytes:
    api = TogetherApi.connect(base_url=base_url, api_key=KEY)
    try:
        return await api.list_jobs()
    finally:
        await api.close()


async def error_of(base_url: str) -> BatchError:
    with pytest.raises(BatchError) as raised:
        await list_jobs(base_url)
    assert KEY not in str(raised.value) and "secret" not in str(raised.value)
    return raised.value


async def test_a_proxy_that_wants_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    wants_password = answering(http_answer("407 Proxy Authentication Required", "Proxy-Authenticate: Basic"))
    with serving(wants_password) as (port, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://someone:secret@127.0.0.1:{port}")
        error = await error_of(ELSEWHERE)
        assert heads[0].startswith(b"CONNECT api.example.test:443")
    assert isinstance(error, ConnectionFailedError)
    assert error.title == "The proxy requires a user name and password (407)"
    assert "Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT" in error.hint and "network.md" in error.hint


async def test_a_proxy_that_refuses_and_one_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(http_answer("403 Forbidden"))) as (port, _):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        error = await error_of(ELSEWHERE)
        assert isinstance(error, ConnectionFailedError)
        assert error.title == "The proxy in https_proxy made no connection: 403 Forbidden"
    error = await error_of(ELSEWHERE)
    assert isinstance(error, ConnectionFailedError) and "No connection to api.example.test" in error.title
    assert "through the proxy in https_proxy" in error.hint


async def test_a_socks_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is closed whose greeting the proxy refuses: the list is asked for again and again."""
    with serving(socks) as (port, heads), closed_sockets():
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{port}")
        error = await error_of(ELSEWHERE)
        assert heads[0].startswith(b"\x05")
    assert isinstance(error, ConnectionFailedError) and "The proxy in ALL_PROXY made no connection" in error.title


BEHIND_SOCKS = "http://api.example.test/v1"


def test_a_client_that_is_closed_amid_a_greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an upload in a thread goes on over is closed: its pool has forgotten it."""
    keeper = Keeper()
    with serving(keeper.talk) as (port, _), closed_sockets():
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{port}")
        client = sync_client(BEHIND_SOCKS)
        thread = threading.Thread(target=get, args=(client, BEHIND_SOCKS))
        thread.start()
        assert keeper.was_greeted.wait(5)
        client.close()
        keeper.go_on.set()
        thread.join()
        assert keeper.was_closed.wait(5)


async def test_an_async_client_that_is_closed_amid_a_greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper()
    with serving(keeper.talk) as (port, _), closed_sockets():
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{port}")
        client = async_client(BEHIND_SOCKS)
        sending = asyncio.create_task(client.get(BEHIND_SOCKS))
        assert await asyncio.to_thread(keeper.was_greeted.wait, 5)
        await client.aclose()
        keeper.go_on.set()
        with contextlib.suppress(httpx.TransportError):
            await sending
        assert await asyncio.to_thread(keeper.was_closed.wait, 2)


def test_a_client_that_is_closed_before_its_request_has_a_connection() -> None:
    keeper = Keeper()
    with serving(keeper.talk) as (port, _), closed_sockets():

        def close(_: httpx.Request) -> None:
            client.close()

        client: httpx.Client = sync_client(None, event_hooks={"request": [close]})
        get(client, f"http://127.0.0.1:{port}")
        assert keeper.was_closed.wait(5)


async def test_an_async_client_that_is_closed_before_its_request_has_a_connection() -> None:
    keeper = Keeper()
    with serving(keeper.talk) as (port, _), closed_sockets():

        async def close(_: httpx.Request) -> None:
            await client.aclose()

        client: httpx.AsyncClient = async_client(None, event_hooks={"request": [close]})
        with contextlib.suppress(httpx.TransportError):
            await client.get(f"http://127.0.0.1:{port}")
        assert await asyncio.to_thread(keeper.was_closed.wait, 2)


def get(client: httpx.Client, url: str) -> None:
    """Ask for the address; it may fail."""
    with contextlib.suppress(httpx.TransportError):
        client.get(url)


def test_a_socks_proxy_that_refuses_an_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(socks) as (port, _), closed_sockets():
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{port}")
        with sync_client(BEHIND_SOCKS) as client, pytest.raises(httpx.ProxyError):
            client.get(BEHIND_SOCKS)


@pytest.mark.parametrize("address", ["foo://127.0.0.1:1", "socks9://someone:secret@h:1"])
async def test_a_proxy_that_cannot_be_used(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", address)
    error = await error_of(ELSEWHERE)
    assert isinstance(error, ConnectionFailedError) and "The proxy in ALL_PROXY cannot be used" in error.title


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "foo://bar"])
def test_loopback_goes_through_no_proxy(
    proxy: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    command = [sys.executable, "-m", "tbatch_tui", "watch", "--data-dir", str(tmp_path / "data")]
    environment = os.environ | {"TOGETHER_API_KEY": sandbox.key, "TOGETHER_BASE_URL": sandbox.base_url}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (0, "No job is running.\n"), done


async def test_no_certificate_is_needed_for_a_server_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    sync_client("http://127.0.0.1:9").close()
    await async_client("http://127.0.0.1:9").aclose()
    for connect in sync_client, async_client:
        with pytest.raises(ConnectionFailedError, match="there is no such file"):
            connect(ELSEWHERE)


@pytest.mark.parametrize("host", ["[::1]", "127.0.0.2", "localhost"])
def test_a_server_here_is_reached_directly_with_tls_too(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(http_answer("403 Forbidden"))) as (proxy, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
        with sync_client(f"https://{host}:9/v1") as client, pytest.raises(httpx.ConnectError):
            client.get(f"https://{host}:9/v1")
        assert heads == []


def test_which_variable_names_the_proxy() -> None:
    url = httpx.URL(ELSEWHERE)
    assert proxy_variable(url, {}) == ""
    assert proxy_variable(url, {"HTTP_PROXY": "x", "ALL_PROXY": "y"}) == "ALL_PROXY"
    assert proxy_variable(url, {"https_proxy": "x", "ALL_PROXY": "y"}) == "https_proxy"
    assert proxy_variable(httpx.URL("http://127.0.0.1:1/"), {"HTTP_PROXY": "x"}) == ""


def test_a_host_of_no_proxy_goes_through_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "api.example.test")
    assert proxy_variable(httpx.URL(ELSEWHERE), {"HTTPS_PROXY": "x"}) == ""
    assert proxy_variable(None, {"HTTPS_PROXY": "x"}) == ""
    assert proxy_variable(httpx.URL("https://other.example.test"), {"HTTPS_PROXY": "x"}) == "HTTPS_PROXY"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (FileNotFoundError(), "there is no such file"),
        (PermissionError(), "it cannot be read"),
        (ssl.SSLError(), "it contains no PEM certificate"),
    ],
)
def test_which_certificates_cannot_be_used_and_why(error: Exception, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hint = "Set it to a PEM file of certificates, or unset it. See docs/guide/network.md."
    assert (unusable_setting(error).title, unusable_setting(error).hint) == (f"SSL_CERT_FILE is : {why}", hint)
    monkeypatch.setenv("SSL_CERT_DIR", "/certificates")
    assert unusable_setting(error).title == f"SSL_CERT_DIR is /certificates: {why}"


def test_a_proxy_that_cannot_be_used_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ValueError("Unknown scheme for proxy URL URL('foo://me:secret@host')")
    told = unusable_setting(error)
    assert told.title == "The proxy in the proxy's variable cannot be used: Unknown scheme for proxy URL " + (
        "URL('foo://host')"
    )
    assert told.hint == "Set it to http://HOST:PORT or socks5://HOST:PORT, or unset it. See docs/guide/network.md."
    monkeypatch.setenv("all_proxy", "foo://me:secret@host")
    assert unusable_setting(error).title.startswith("The proxy in all_proxy cannot be used: Unknown")


async def test_a_certificate_that_nobody_trusts(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tls) as (port, _):
        error = await error_of(f"https://localhost:{port}/v1")
        assert isinstance(error, ConnectionFailedError)
        assert "certificate of localhost cannot be verified: self-signed certificate" in error.title
        assert "set SSL_CERT_FILE to a PEM file" in error.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(SELF_SIGNED))
        assert await list_jobs(f"https://localhost:{port}/v1") == b"[]"


@pytest.mark.parametrize("content", [None, "no PEM certificate"])
async def test_certificates_that_cannot_be_read(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    error = await error_of(ELSEWHERE)
    assert isinstance(error, ConnectionFailedError)
    assert f"SSL_CERT_FILE is {path}: " in error.title and "unset it" in error.hint


@pytest.mark.parametrize(
    ("answer", "kind", "title", "hint"),
    [
        (
            http_answer("403 Forbidden", WEB_PAGE, "Server: cloudflare", "CF-RAY: 8a1b-FRA", body="<html>Blocked"),
            RequestRejectedError,
            "Cloudflare, in front of the server, refused the request (403)",
            "8a1b-FRA",
        ),
        (
            http_answer("403 Forbidden", WEB_PAGE, body="<html>Not allowed here"),
            RequestRejectedError,
            "a proxy or firewall refused the request",
            "The key was not checked",
        ),
        (
            http_answer("403 Forbidden", "Content-Type: application/json", body='{"error": "no such right"}'),
            AuthenticationError,
            "was refused (403): no such right",
            "TOGETHER_API_KEY",
        ),
        (
            http_answer("407 Proxy Authentication Required", WEB_PAGE, body="<html>"),
            ConnectionFailedError,
            "The proxy requires a user name and password (407)",
            "USER:PASSWORD",
        ),
        (
            http_answer("429 Too Many Requests", "Retry-After: 7", body="{}"),
            RateLimitError,
            "The server said 429",
            "sending too many requests. The server asks to wait 7 s",
        ),
        (http_answer("503 Service Unavailable", WEB_PAGE, body="<html>"), ServerError, "said 503", "overloaded"),
        (http_answer("522 No Reason", WEB_PAGE, body="<html>"), ServerError, "said 522", "Cloudflare"),
    ],
    ids=["Cloudflare", "firewall", "key", "407", "429", "503", "522"],
)
async def test_what_a_status_means(answer: bytes, kind: type[BatchError], title: str, hint: str) -> None:
    with serving(answering(answer)) as (port, _):
        error = await error_of(f"http://127.0.0.1:{port}/v1")
    assert type(error) is kind and title in error.title and hint in error.hint, error
