"""The routes put together, behind the key."""

from __future__ import annotations

import hmac
import sys
import traceback
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from tbatch_tui.sandbox.api import account, batches, control, uploads
from tbatch_tui.sandbox.api import files as content
from tbatch_tui.sandbox.api import responses as replies
from tbatch_tui.sandbox.middleware import FaultMiddleware

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

    from tbatch_tui.sandbox.state import SandboxState

STORAGE_PREFIX = "/_storage/"
"""Where uploads go. The address is signed: no key is sent there."""


def make_app(state: SandboxState) -> ASGIApp:
    """The sandbox as an ASGI app."""
    handlers: Mapping[int | type[Exception], ExceptionHandler] = {
        replies.ApiError: replies.handle_api_error,
        HTTPException: replies.handle_http_error,
        Exception: _handle_crash,
    }
    # `upload` before `{id}`: routes are tried in order.
    routes = [*uploads.routes, *content.routes, *batches.routes, *account.routes, *control.routes]
    starlette = Starlette(routes=routes, exception_handlers=handlers)
    starlette.router.redirect_slashes = False
    starlette.state.sandbox = state
    return FaultMiddleware(_KeyCheck(starlette, state.key), state)


class _KeyCheck:
    """Lets those in who bring the key."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._expected = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        brought = dict(scope["headers"]).get(b"authorization", b"")
        if scope["path"].startswith(STORAGE_PREFIX) or hmac.compare_digest(brought, self._expected):
            await self._app(scope, receive, send)
            return
        answer = replies.error_response(401, "Invalid API key provided.", code="invalid_api_key")
        await answer(scope, receive, send)


async def _handle_crash(_: Request, error: Exception) -> Response:
    """A mistake of the sandbox's own: told where somebody sees it."""
    traceback.print_exception(error, file=sys.stderr)
    return replies.error_response(500, f"sandbox error: {type(error).__name__}", code="sandbox_error")
