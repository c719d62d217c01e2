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


@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_a_wait_may_be_told_as_a_date(zone: str) -> None:
    error = answered(429, {"Retry-After": formatdate(time.time() + 90, usegmt=True).replace("GMT", zone)})
    assert isinstance(error, RateLimitError) and error.retry_after == pytest.approx(90, abs=3)


def test_a_refusal_of_the_storage_says_nothing_about_the_key() -> None:
    request = httpx.Request("PUT", "https://storage.example/x")
    response = httpx.Response(403, request=request, content=b"<Error/>")
    error = translated(together.APIStatusError("x", response=response, body=None))
    assert type(error) is ServerError and error.title.startswith("The storage said 403")
