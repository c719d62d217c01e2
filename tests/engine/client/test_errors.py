"""What the SDK and httpx raise, as errors of ours: none repeats a key."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import httpx
import pytest
import together

from tbatch_tui.engine.client.api import TogetherApi
from tbatch_tui.engine.client.translate_errors import translate_errors
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

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox

KEY = "tgp_v1_FIRSTHALFOFTHESECRET\nSECONDHALFOFTHESECRET1234"


def test_a_key_that_no_header_can_hold_is_refused_before_it_is_used() -> None:
    with pytest.raises(AuthenticationError) as error:
        TogetherApi.connect(base_url="http://127.0.0.1:9", api_key=KEY)
    assert "SECRET" not in str(error.value)


def test_what_a_library_says_of_a_header_is_not_passed_on(sandbox: Sandbox) -> None:
    """It quotes the header, with the key in it, in a form of its own."""
    with pytest.raises(ConnectionFailedError) as error, translate_errors("list the jobs", host="h", key="another-key"):
        httpx.get(sandbox.base_url, headers={"Authorization": f"Bearer {KEY}"})
    assert "SECRET" not in str(error.value)


REQUEST = httpx.Request("POST", "https://host.example/v1/batches")


def translated(error: Exception) -> BatchError:
    with pytest.raises(BatchError) as raised, translate_errors("list the jobs", host="host.example", key="k" * 20):
        raise error
    return raised.value


def answered(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> BatchError:
    response = httpx.Response(status, headers=headers, content=body, request=REQUEST)
    return translated(together.APIStatusError("as the SDK says it", response=response, body=None))


@pytest.mark.parametrize(
    ("error", "kind", "title", "hint"),
    [
        (together.FileTypeError("no such purpose"), LocalFileError, "no such purpose", "Nothing was submitted."),
        (
            httpx.ConnectError("refused", request=REQUEST),
            ConnectionFailedError,
            "No connection to host.example",
            "refused",
        ),
        (
            httpx.UnsupportedProtocol("ftp", request=REQUEST),
            ConnectionFailedError,
            "The server's address or the key is unusable: ftp",
            "Check TOGETHER_BASE_URL and TOGETHER_API_KEY.",
        ),
        (
            httpx.LocalProtocolError("Illegal header b'Bearer secret'"),
            ConnectionFailedError,
            "The server's address or the key is unusable",
            "Check TOGETHER_BASE_URL and TOGETHER_API_KEY.",
        ),
        (
            httpx.ReadTimeout("slow"),
            OutcomeUnknownError,
            "The server did not answer in time when asked to list the jobs",
            "",
        ),
        (
            httpx.ReadError("cut"),
            OutcomeUnknownError,
            "The connection was cut when the server was asked to list the jobs",
            "cut",
        ),
        (ValueError("x" * 300), OutcomeUnknownError, "The server's answer could not be understood", "x" * 200),
    ],
)
def test_what_is_raised_says_what_happened(error: Exception, kind: type[BatchError], title: str, hint: str) -> None:
    ours = translated(error)
    assert (type(ours), ours.title, ours.hint) == (kind, title, hint)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, RedirectError), (307, RedirectError), (400, RequestRejectedError), (401, AuthenticationError),
        (402, RequestRejectedError), (403, AuthenticationError), (404, NotFoundError), (408, ServerError),
        (409, RequestRejectedError), (410, NotFoundError), (416, RequestRejectedError), (429, RateLimitError),
        (500, ServerError), (503, ServerError), (299, ServerError),
    ],
)  # fmt: skip
def test_what_a_status_is_taken_for(status: int, kind: type[BatchError]) -> None:
    error = answered(status, body=b'{"error": {"message": "because"}}')
    assert type(error) is kind and "because" in error.title


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/v2/batches", "https://host.example/v2/batches"),
        ("https://me:pass@new.example/v1?token=1#x", "https://new.example/v1"),
        ("https://host:port/v1?token=1", "https://host:port/v1"),
        ("https://new.example/" + "x" * 300, ("https://new.example/" + "x" * 300)[:200]),
        ("https://host:port/" + "x" * 300, ("https://host:port/" + "x" * 300)[:200]),
        ("", ""),
    ],
)
def test_the_address_of_a_redirect_is_shown_without_what_may_be_secret(location: str, shown: str) -> None:
    error = answered(307, {"Location": location}) if location else answered(307)
    assert isinstance(error, RedirectError) and error.location == shown
    assert error.title.endswith(f"pointed to {shown or 'nowhere'}")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0", 0.0), ("-3", 0.0), ("3600", 3600.0), ("99999", 3600.0), ("soon", None), (None, None)],
)
def test_how_long_the_server_asks_to_wait(value: str | None, seconds: float | None) -> None:
    for status in (429, 503):
        error = answered(status, {"Retry-After": value} if value is not None else None)
        assert isinstance(error, RateLimitError | ServerError) and error.retry_after == seconds
    error = answered(429, {"Retry-After": value} if value is not None else None)
    assert error.hint.endswith(f"asks to wait {seconds:,.0f} s." if seconds else "Asking less often for a while.")


def test_a_wait_may_be_told_in_milliseconds() -> None:
    """Together does not promise it; the SDK honours it."""
    for status in (429, 503):
        error = answered(status, {"Retry-After-Ms": "1500", "Retry-After": "9"})
        assert isinstance(error, RateLimitError | ServerError) and error.retry_after == 1.5
    error = answered(429, {"Retry-After-Ms": "soon", "Retry-After": "9"})
    assert isinstance(error, RateLimitError) and error.retry_after == 9.0


@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_a_wait_may_be_told_as_a_date(zone: str) -> None:
    error = answered(429, {"Retry-After": formatdate(time.time() + 90, usegmt=True).replace("GMT", zone)})
    assert isinstance(error, RateLimitError) and error.retry_after == pytest.approx(90, abs=3)


def test_a_refusal_of_the_storage_says_nothing_about_the_key() -> None:
    request = httpx.Request("PUT", "https://storage.example/x")
    response = httpx.Response(403, request=request, content=b"<Error/>")
    error = translated(together.APIStatusError("x", response=response, body=None))
    assert type(error) is ServerError and error.title.startswith("The storage said 403")


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (502, "The gateway in front of the server got no answer. Trying again."),
        (504, "The gateway in front of the server got no answer. Trying again."),
        (503, "The server is overloaded or under maintenance. Trying again."),
        (520, "Cloudflare, in front of the server, cannot reach it. Trying again."),
        (530, "Cloudflare, in front of the server, cannot reach it. Trying again."),
        (519, ""),
        (531, ""),
        (500, ""),
    ],
)
def test_what_a_fault_of_the_server_means(status: int, hint: str) -> None:
    error = answered(status, {"Retry-After": "7"})
    assert isinstance(error, ServerError) and (error.hint, error.retry_after) == (hint, 7.0)
    assert error.title == f"The server said {status} when asked to list the jobs"


def test_a_refused_key_is_shown_by_its_end_and_with_what_to_do() -> None:
    error = answered(401)
    assert error.title == "The key …kkkk was refused (401)" and "…" + "k" * 5 not in error.title
    assert error.hint.startswith("Set TOGETHER_API_KEY to a key of your account")


def test_only_a_403_that_is_a_web_page_is_somebody_elses() -> None:
    page = {"Content-Type": "TEXT/HTML"}
    assert isinstance(answered(401, page), AuthenticationError)
    assert type(answered(403, {"cf-mitigated": "challenge"})) is RequestRejectedError
    blocked = answered(403, page)
    assert blocked.hint == "The key was not checked. Ask for host.example to be allowed. See docs/guide/network.md."
    cloudflare = answered(403, page | {"Server": "Cloudflare"})
    assert cloudflare.title == "Cloudflare, in front of the server, refused the request (403)"
    assert cloudflare.hint.endswith("Try without a VPN or from another network.")
    assert answered(403, page | {"CF-Ray": "8a1b"}).hint.endswith("give Together's support the ray id 8a1b.")


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"x-ratelimit-reset": "9"}, 9.0), ({"x-ratelimit-reset": "x"}, None)]
)
def test_the_limits_own_header_is_read_where_there_is_no_other(headers: dict[str, str], seconds: float | None) -> None:
    error = answered(429, headers)
    assert isinstance(error, RateLimitError) and error.retry_after == seconds
    error = answered(429, headers | {"Retry-After": "4"})
    assert isinstance(error, RateLimitError) and error.retry_after == 4.0


def test_a_request_that_was_sent_on_and_failed_may_have_been_carried_out() -> None:
    sent_on = httpx.ConnectError("refused", request=httpx.Request("GET", "https://elsewhere.example/v1"))
    for cause in (sent_on, httpx.InvalidURL("no port")):
        error = together.APIConnectionError(request=REQUEST)
        error.__cause__ = cause
        ours = translated(error)
        assert type(ours) is OutcomeUnknownError and ours.hint == str(cause)
        assert ours.title == "The server redirected the request to list the jobs, and that failed"
    for cause in (httpx.ConnectError("refused", request=REQUEST), httpx.ConnectError("refused")):
        error = together.APIConnectionError(request=REQUEST)
        error.__cause__ = cause
        assert isinstance(translated(error), ConnectionFailedError)
