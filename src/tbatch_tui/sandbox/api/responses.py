"""Responses as the API writes them. It has two shapes of errors: one for batch calls, one for all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

if TYPE_CHECKING:
    from starlette.requests import Request

_encode = msgspec.json.Encoder().encode


class JsonResponse(Response):
    """A JSON response. Bytes are sent as they are."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode the body."""
        return content if isinstance(content, bytes) else _encode(content)


class ApiError(Exception):
    """A route refuses a call: the client gets an error of the usual shape."""

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param


def error_response(status: int, message: str, *, code: str | None = None, param: str | None = None) -> JsonResponse:
    """Return an error of the usual shape, that of OpenAI's API; the type of a 404 is `not_found` (live API)."""
    kind = "not_found" if status == 404 else "invalid_request_error" if status < 500 else "server_error"
    return JsonResponse({"error": {"message": message, "type": kind, "param": param, "code": code}}, status)


def batch_error_response(request: Request, status: int, message: str) -> JsonResponse:
    """Return an error of the batch calls: a string and the request's id (seen on the live API)."""
    return JsonResponse({"error": message, "request_id": request.scope.get("sandbox.request_id", "")}, status)


async def handle_api_error(_: Request, raised: Exception) -> Response:
    """Answer a call for which a route raised ApiError."""
    assert isinstance(raised, ApiError)
    return error_response(raised.status, raised.message, code=raised.code, param=raised.param)


async def handle_http_error(request: Request, raised: Exception) -> Response:
    """Answer what Starlette refuses by itself: an unknown path, a wrong method, a form it cannot parse."""
    assert isinstance(raised, HTTPException)
    message = f"{request.method} {request.url.path}: {raised.detail}"
    response = error_response(raised.status_code, message, code="not_found" if raised.status_code == 404 else None)
    response.headers.update(raised.headers or {})
    if raised.status_code == 405:
        response.headers["Allow"] = ", ".join(_methods(request))
    return response


def _methods(request: Request) -> list[str]:
    """Return all methods of a path. Starlette names those of its first route only; here each method is its own
    route.
    """
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    first = next(route.path for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in routes if route.path == first for method in route.methods or ()})


async def read_json_object(request: Request, limit: int = 2**20) -> dict[str, Any]:
    """Read the request's body as a JSON object. Raises ApiError.

    Args:
        limit: Bytes that the body may have.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise ApiError(413, "request body too large")
    try:
        decoded = msgspec.json.decode(bytes(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(400, "request body is not valid JSON", code="invalid_json") from error
    if not isinstance(decoded, dict):
        raise ApiError(400, "request body must be a JSON object", code="invalid_json")
    return decoded


def text_field(fields: dict[str, Any], name: str, *, required: bool = True) -> str | None:
    """Return a string of a JSON object or a form; None if it is missing or empty. Raises ApiError."""
    value = fields.get(name)
    if value is None or value == "":
        if required:
            raise ApiError(400, f"{name} is required", param=name, code="missing_field")
        return None
    if not isinstance(value, str):
        raise ApiError(400, f"{name} must be a string", param=name, code="invalid_type")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # a lone surrogate, which a form in some charsets can hold
        raise ApiError(400, f"{name} is not valid text", param=name, code="invalid_type") from error
    return value
