"""What a network between here and the server does to a request, in words: proxies, certificates, web pages."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx

from tbatch_tui.engine.client.http_clients import NETWORK_PAGE, proxy_variable
from tbatch_tui.engine.errors import ConnectionFailedError, RequestRejectedError
from tbatch_tui.engine.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_CAUSES = 8
_CLOUDFLARE_ERRORS = range(520, 531)
"""Statuses by which Cloudflare says that it has no good answer of the server behind it."""


def variable_of(error: BaseException | None) -> str:
    """Return the variable of the proxy that a failed request went through; empty where there is none."""
    try:
        return proxy_variable(error.request.url) if isinstance(error, httpx.RequestError) else ""
    except RuntimeError:  # it names no request
        return ""


def proxy_error(text: str, variable: str) -> ConnectionFailedError:
    """Return what a proxy said before the request could be sent: it certainly was not.

    Args:
        text: The proxy's own words, such as `407 Proxy Authentication Required`.
        variable: The variable that names it; empty if that is not known.
    """
    name = variable or "HTTPS_PROXY"
    if text.startswith("407"):
        return ConnectionFailedError(
            "The proxy requires a user name and password (407)",
            f"Set {name} to http://USER:PASSWORD@HOST:PORT. See {NETWORK_PAGE}.",
        )
    return ConnectionFailedError(
        f"The proxy in {name} made no connection: {redact(text)}",
        f"Set {name} to one that does, or add the host to NO_PROXY. See {NETWORK_PAGE}.",
    )


def certificate_fault(error: BaseException | None) -> str | None:
    """Return why a certificate was not accepted; None for any other error."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message or str(cause)
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(_MOST_CAUSES):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def is_web_page(response: httpx.Response) -> bool:
    """Return whether a person's page was answered, which Together's API never does."""
    return "html" in str(response.headers.get("Content-Type", "")).lower() or _is_blocked_by_cloudflare(response)


def _is_blocked_by_cloudflare(response: httpx.Response) -> bool:
    return "cf-mitigated" in response.headers


def refused_on_the_way(response: httpx.Response) -> RequestRejectedError:
    """Return the error for a 403 that is a web page: it says nothing about the key."""
    is_cloudflare = str(response.headers.get("Server", "")).lower() == "cloudflare" or "cf-ray" in response.headers
    if is_cloudflare:
        ray = str(response.headers.get("CF-Ray", ""))
        return RequestRejectedError(
            "Cloudflare, in front of the server, refused the request (403)",
            "The key was not checked: this is about your network's address. Try without a VPN or from another network"
            + (f", or give Together's support the ray id {redact(ray)[:40]}." if ray else "."),
            status=403,
        )
    variable = proxy_variable(response.request.url)
    return RequestRejectedError(
        "A web page answered instead of the API (403): a proxy or firewall refused the request",
        f"The key was not checked. Ask for {response.request.url.host} to be allowed"
        + (f", or see {variable}." if variable else f". See {NETWORK_PAGE}."),
        status=403,
    )


def status_hint(status: int) -> str:
    """Return what a status of the server means for the person; empty where its number says as much."""
    if status in (502, 504):
        return "The gateway in front of the server got no answer. Trying again."
    if status == 503:
        return "The server is overloaded or under maintenance. Trying again."
    if status in _CLOUDFLARE_ERRORS:
        return "Cloudflare, in front of the server, cannot reach it. Trying again."
    return ""
