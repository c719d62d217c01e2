"""The ASGI app: all routes, the check of the key, and the fault middleware."""

from __future__ import annotations

import hmac
import ipaddress
import sys
import traceback
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from tbatch_tui.sandbox.api import account, batches, control, files, realtime, responses, uploads
from tbatch_tui.sandbox.middleware import FaultMiddleware

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

    from tbatch_tui.sandbox.state import SandboxState

STORAGE_PREFIX = "/_storage/"
"""Path prefix of uploads. Their URLs are signed, and no key is sent to them."""


def make_app(state: SandboxState) -> ASGIApp:
    """Return the sandbox as an ASGI app."""
    handlers: Mapping[int | type[Exception], ExceptionHandler] = {
        responses.ApiError: responses.handle_api_error,
        HTTPException: responses.handle_http_error,
        Exception: _handle_crash,
    }
    # `/v1/files/upload` before `/v1/files/{id}`: routes are tried in order.
    routes = [*uploads.routes, *files.routes, *batches.routes, *realtime.routes, *account.routes, *control.routes]
    starlette = Starlette(routes=routes, exception_handlers=handlers)
    starlette.router.redirect_slashes = False
    starlette.state.sandbox = state
    return _HostCheck(FaultMiddleware(_KeyCheck(starlette, state.key), state))


class _HostCheck:
    """Middleware that answers 421 unless the client means this machine.

    A web page whose host name has been pointed at this machine would send that name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) == 1 and _is_loopback(hosts[0]):
            await self._app(scope, receive, send)
            return
        response = responses.error_response(421, "This server answers on this machine only.", code="misdirected")
        await response(scope, receive, send)


def _is_loopback(host: str) -> bool:
    """Return whether a Host header names this machine, by its literal name."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or name.endswith(".localhost") or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class _KeyCheck:
    """Middleware that answers 401 unless the request has the key."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._expected = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        authorization = dict(scope["headers"]).get(b"authorization", b"")
        if scope["path"].startswith(STORAGE_PREFIX) or hmac.compare_digest(authorization, self._expected):
            await self._app(scope, receive, send)
            return
        response = responses.error_response(401, "Invalid API key provided.", code="invalid_api_key")
        await response(scope, receive, send)


async def _handle_crash(_: Request, error: Exception) -> Response:
    """Answer 500 for a bug of the sandbox, and print the traceback where somebody sees it."""
    traceback.print_exception(error, file=sys.stderr)
    return responses.error_response(500, f"sandbox error: {type(error).__name__}", code="sandbox_error")
