"""What the SDK and httpx raise, as errors of ours: certainly not sent, certainly not done, or perhaps done.

Every word passes `redaction`: an answer, or a library's message, may repeat the key.
"""

from __future__ import annotations

import email.utils
import time
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING

import httpx
import together
from together import FileTypeError

from tbatch_tui.engine.client import decode as wire
from tbatch_tui.engine.errors import (
    AuthenticationError,
    BatchError,
    ConnectionFailedError,
    LocalFileError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    RequestRejectedError,
    ServerError,
)
from tbatch_tui.engine.redaction import masked_key, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

_RAISED = (
    together.TogetherError,
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    # What the SDK trips over when an answer is not what it takes for granted.
    ValueError,
    AssertionError,
    LookupError,
    TypeError,
    AttributeError,
)


@contextmanager
def translate_errors(doing: str, *, host: str, key: str) -> Iterator[None]:
    """Errors raised inside come out as a BatchError that says what was being done."""
    try:
        yield
    except _RAISED as error:
        raise _explain(error, doing, host, key) from error


def _explain(error: Exception, doing: str, host: str, key: str) -> BatchError:
    if isinstance(error, together.APIStatusError):
        return _status_error(error.response, doing, key)
    if isinstance(error, FileTypeError):
        return LocalFileError(redact(str(error)), "Nothing was submitted.")
    cause = error.__cause__ if isinstance(error, together.APIConnectionError) else error
    if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return ConnectionFailedError(f"No connection to {host}", redact(str(cause)))
    if isinstance(cause, httpx.UnsupportedProtocol | httpx.LocalProtocolError | httpx.InvalidURL | UnicodeEncodeError):
        return ConnectionFailedError(
            f"The server's address or the key cannot be used: {redact(str(cause))}",
            "Look at TOGETHER_BASE_URL and TOGETHER_API_KEY.",
        )
    if isinstance(cause, httpx.TimeoutException):
        return OutcomeUnknownError(f"The server did not answer in time when asked to {doing}")
    if isinstance(cause, httpx.HTTPError | httpx.StreamError):
        return OutcomeUnknownError(f"The connection was cut when the server was asked to {doing}", redact(str(cause)))
    return OutcomeUnknownError(wire.UNREADABLE, redact(str(error))[:200])


def _status_error(response: httpx.Response, doing: str, key: str) -> BatchError:
    status = response.status_code
    try:
        said = redact(wire.decode_error_message(response.content))
    except httpx.ResponseNotRead:
        said = ""
    what = f"The server said {status} when asked to {doing}"
    if said:
        what += f": {said}"
    if status in (401, 403) and _is_storage(response):
        return ServerError(what.replace("The server", "The storage", 1), status=status)
    if status in (401, 403):
        return AuthenticationError(
            f"The key {masked_key(key)} was refused ({status})" + (f": {said}" if said else ""),
            "Set TOGETHER_API_KEY to a key of your account (api.together.ai → Settings → API keys), start again.",
            status=status,
        )
    if status == 429:
        return RateLimitError(what, retry_after=_retry_after(response))
    if status in (404, 410):
        return NotFoundError(what, status=status)
    if status == 408 or status >= 500 or status < 400:
        return ServerError(what, status=status, retry_after=_retry_after(response))
    return RequestRejectedError(what, status=status)


def _is_storage(response: httpx.Response) -> bool:
    """Whether it is not Together that answers but where the bytes are kept: its leave is a signed address, not the key.

    One that has run out says nothing about the key, and the next try is given another.
    """
    return response.request.method == "PUT" or bool(response.history)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait, of Retry-After in either of its forms; capped at an hour."""
    value = str(response.headers.get("Retry-After", ""))
    seconds = wire.as_number(value)
    if seconds is None and value:
        try:
            moment = email.utils.parsedate_to_datetime(value)
            if moment.tzinfo is None:  # it says -0000, or no zone at all: the protocol knows only GMT
                moment = moment.replace(tzinfo=UTC)
            seconds = moment.timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(3600.0, max(0.0, seconds)) if seconds is not None else None
