"""Errors of the SDK and httpx to errors of ours: certainly not sent, certainly not done, or perhaps done.

Every text passes through `redaction`: an answer, or a library's message, may repeat the key.
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

from tbatch_tui.engine.client.decode import UNREADABLE, decode_error_message
from tbatch_tui.engine.client.http_clients import NETWORK_PAGE, proxy_variable
from tbatch_tui.engine.client.network_errors import (
    certificate_fault,
    is_web_page,
    proxy_error,
    refused_on_the_way,
    status_hint,
    variable_of,
)
from tbatch_tui.engine.errors import (
    AuthenticationError,
    BatchError,
    ConnectionFailedError,
    LocalFileError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    RedirectError,
    RequestRejectedError,
    ServerError,
)
from tbatch_tui.engine.lenient_json import as_number
from tbatch_tui.engine.redaction import masked_key, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

_RAISED = (
    together.TogetherError,
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    # What the SDK raises when an answer is not what it takes for granted.
    ValueError,
    AssertionError,
    LookupError,
    TypeError,
    AttributeError,
)


_KEY_REFUSED = (
    "Set TOGETHER_API_KEY to a key of your account (api.together.ai → Settings → API keys), or correct the one of the "
    "profile in use; then restart."
)
_LOGIN_REFUSED = (
    "A login without a project may not use batches and files: run `tg switch PROJECT` in another terminal, or "
    "`tg login` again, or set TOGETHER_API_KEY; then restart."
)


@contextmanager
def translate_errors(doing: str, *, host: str, key: str, is_login: bool = False) -> Iterator[None]:
    """Raise a BatchError for what the SDK or httpx raises in the block.

    Args:
        doing: What the server is asked to do, as the message has it: "list the jobs".
        host: Where the server is.
        key: The key that is sent, of which the message shows the last 4 characters.
        is_login: Whether the key is what `tg login` stored.
    """
    try:
        yield
    except _RAISED as error:
        raise _translate(error, doing, host, key, is_login=is_login) from error


def _translate(error: Exception, doing: str, host: str, key: str, *, is_login: bool) -> BatchError:
    if isinstance(error, together.APIStatusError):
        return _status_error(error.response, doing, key, is_login=is_login)
    if isinstance(error, FileTypeError):
        return LocalFileError(redact(str(error)), "Nothing was submitted.")
    cause = error.__cause__ if isinstance(error, together.APIConnectionError) else error
    if isinstance(error, together.APIConnectionError) and _was_sent_on(error, cause):
        return OutcomeUnknownError(f"The server redirected the request to {doing}, and that failed", redact(str(cause)))
    if isinstance(cause, httpx.ProxyError):  # the way to the server was refused, before the request was sent
        return proxy_error(str(cause), variable_of(cause))
    if (reason := certificate_fault(cause)) is not None:
        return ConnectionFailedError(
            f"The certificate of {host} cannot be verified: {redact(reason)}",
            "If your network inspects TLS, set SSL_CERT_FILE to a PEM file with its certificate authority. "
            f"See {NETWORK_PAGE}.",
        )
    if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        through = variable_of(cause)
        hint = redact(str(cause)) + (f". The connection goes through the proxy in {through}." if through else "")
        return ConnectionFailedError(f"No connection to {host}", hint)
    if isinstance(cause, httpx.LocalProtocolError | UnicodeEncodeError):
        # Not with its text: that quotes the header, with the key in it.
        return ConnectionFailedError(
            "The server's address or the key is unusable",
            "Check TOGETHER_BASE_URL and TOGETHER_API_KEY.",
        )
    if isinstance(cause, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return ConnectionFailedError(
            f"The server's address or the key is unusable: {redact(str(cause))}",
            "Check TOGETHER_BASE_URL and TOGETHER_API_KEY.",
        )
    if isinstance(cause, httpx.TimeoutException):
        return OutcomeUnknownError(f"The server did not answer in time when asked to {doing}")
    if isinstance(cause, httpx.HTTPError | httpx.StreamError):
        return OutcomeUnknownError(f"The connection was cut when the server was asked to {doing}", redact(str(cause)))
    return OutcomeUnknownError(UNREADABLE, redact(str(error))[:200])


def _status_error(response: httpx.Response, doing: str, key: str, *, is_login: bool) -> BatchError:
    status = response.status_code
    try:
        message = redact(decode_error_message(response.content))
    except httpx.ResponseNotRead:
        message = ""
    title = f"The server said {status} when asked to {doing}"
    if message:
        title += f": {message}"
    if status == 407:
        return proxy_error("407", proxy_variable(response.request.url))
    if status in (401, 403) and _is_storage(response):
        return ServerError(title.replace("The server", "The storage", 1), status=status)
    if status == 403 and is_web_page(response):
        return refused_on_the_way(response)
    if status in (401, 403):
        return AuthenticationError(
            f"The key {masked_key(key)} was refused ({status})" + (f": {message}" if message else ""),
            _LOGIN_REFUSED if is_login else _KEY_REFUSED,
            status=status,
        )
    if status == 429:
        wait = _retry_after(response)
        if wait is None:  # Together promises no Retry-After, but has the seconds in a header of its own
            wait = _seconds(response.headers.get("x-ratelimit-reset"))
        hint = "This account is sending too many requests. "
        hint += f"The server asks to wait {wait:,.0f} s." if wait else "Asking less often for a while."
        return RateLimitError(title, hint, retry_after=wait)
    if status in (404, 410):
        return NotFoundError(title, status=status)
    if 300 <= status < 400:
        location = _location(response)
        return RedirectError(f"{title} and pointed to {location or 'nowhere'}", status=status, location=location)
    if status == 408 or status >= 500 or status < 400:
        return ServerError(title, status_hint(status), status=status, retry_after=_retry_after(response))
    return RequestRejectedError(title, status=status)


def _was_sent_on(error: together.APIConnectionError, cause: BaseException | None) -> bool:
    """Return whether another request failed than the one that was asked: one that a redirect led to.

    An address that cannot be used comes from a redirect too, once the client is made.
    """
    if isinstance(cause, httpx.InvalidURL):
        return True
    try:
        return isinstance(cause, httpx.RequestError) and cause.request.url != error.request.url
    except RuntimeError:  # it names no request
        return False


def _location(response: httpx.Response) -> str:
    """Return the address that a redirect names, without what may be secret in it; empty for none."""
    text = str(response.headers.get("Location", ""))
    if not text:
        return ""
    try:
        url = response.url.join(text)
        return redact(str(url.copy_with(query=None, fragment=None, userinfo=b"")))[:200]
    except (httpx.InvalidURL, ValueError, TypeError):
        return redact(text.partition("?")[0])[:200]


def _is_storage(response: httpx.Response) -> bool:
    """Return whether object storage answered, not Together.

    Its URL is pre-signed: a 403 there says that the URL has run out, nothing about the key. The next try gets a new
    one.
    """
    return response.request.method == "PUT" or bool(response.history)


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds to wait, of Retry-After in either of its forms, or in milliseconds; an hour at most."""
    if (milliseconds := as_number(response.headers.get("Retry-After-Ms"))) is not None:
        return _within_an_hour(milliseconds / 1000)
    value = str(response.headers.get("Retry-After", ""))
    seconds = as_number(value)
    if seconds is None and value:
        try:
            moment = email.utils.parsedate_to_datetime(value)
            if moment.tzinfo is None:  # -0000, or no zone at all: HTTP knows only GMT
                moment = moment.replace(tzinfo=UTC)
            seconds = moment.timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return _within_an_hour(seconds)


def _seconds(value: object) -> float | None:
    """Return the seconds to wait that a header states; an hour at most."""
    return _within_an_hour(as_number(value))


def _within_an_hour(seconds: float | None) -> float | None:
    return min(3600.0, max(0.0, seconds)) if seconds is not None else None
