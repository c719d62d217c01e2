"""Each kind of fault seen from a socket: the bytes on the wire, and how the connection ends."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.sandbox.conftest import CHAT

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox

BATCHES = "/v1/batches"
BODY = bytes(range(256)) * 8
CREATE = json.dumps({"endpoint": CHAT, "input_file_id": "file-x"}).encode()


@dataclass
class RawResponse:
    """Everything received on one connection."""

    raw: bytes
    reset: bool
    """Whether the connection ended with a reset, rather than with an orderly end."""
    pieces: list[float]
    """When each piece arrived, in seconds after the request."""

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1])

    @property
    def headers(self) -> dict[str, str]:
        lines = self.raw.partition(b"\r\n\r\n")[0].decode().splitlines()[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def body(self) -> bytes:
        """The body, decoded if it is chunked."""
        rest = self.raw.partition(b"\r\n\r\n")[2]
        if self.headers.get("transfer-encoding") != "chunked":
            return rest
        body = b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        return body


def call(box: Sandbox, method: str, path: str, body: bytes = b"") -> RawResponse:
    """Send one request and receive until the connection ends."""
    url = urlsplit(box.base_url)
    head = f"{method} {path} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {box.key}\r\n"
    head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    response = RawResponse(b"", False, [])
    began = time.monotonic()
    with socket.create_connection((url.hostname, url.port), timeout=20) as sock:
        sock.sendall(head.encode() + body)
        try:
            while piece := sock.recv(65536):
                response.raw += piece
                response.pieces.append(time.monotonic() - began)
        except ConnectionResetError:
            response.reset = True
    return response


@pytest.mark.parametrize("status", [429, 500, 502, 504])
@pytest.mark.parametrize(("kind", "jobs"), [("status", 0), ("status-after", 1)])
def test_a_status(box: Sandbox, status: int, kind: str, jobs: int) -> None:
    box.plan_fault(kind, BATCHES, method="POST", status=status, headers={"Retry-After": "7"})
    response = call(box, "POST", BATCHES, CREATE)
    assert response.raw.startswith(f"HTTP/1.1 {status} ".encode())
    assert response.headers["retry-after"] == "7" and response.headers["content-length"] == str(len(response.body))
    assert json.loads(response.body)["error"]["message"]
    assert len(box.jobs) == jobs
    assert call(box, "GET", BATCHES).status == 200


@pytest.mark.parametrize(("after", "jobs"), [(False, 0), (True, 1)])
def test_a_proxys_page(box: Sandbox, after: bool, jobs: int) -> None:
    box.plan_fault("html", BATCHES, method="POST", status=502, after=after)
    response = call(box, "POST", BATCHES, CREATE)
    assert (response.status, response.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert response.body.startswith(b"<html>") and len(box.jobs) == jobs


@pytest.mark.parametrize(("kind", "jobs"), [("close", 0), ("close-after", 1)])
def test_closed_before_the_headers(box: Sandbox, kind: str, jobs: int) -> None:
    box.plan_fault(kind, BATCHES, method="POST")
    assert call(box, "POST", BATCHES, CREATE).raw == b""
    assert len(box.jobs) == jobs


def test_garbage(box: Sandbox) -> None:
    box.plan_fault("garbage", BATCHES, method="POST")
    response = call(box, "POST", BATCHES, CREATE)
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.body)
    assert len(box.jobs) == 1


def test_a_delay_comes_before_the_first_byte(box: Sandbox) -> None:
    box.plan_fault("delay", BATCHES, seconds=0.3)
    response = call(box, "GET", BATCHES)
    assert response.body == b"[]" and response.pieces[0] >= 0.3


class TestBodies:
    """Faults in the content of a file."""

    @pytest.fixture
    def content(self, box: Sandbox) -> str:
        return f"/v1/files/{box.add_file(BODY)}/content"

    def test_nothing_wrong(self, box: Sandbox, content: str) -> None:
        assert call(box, "GET", content).body == BODY

    def test_a_slow_drip(self, box: Sandbox, content: str) -> None:
        box.plan_fault("drip", content, bytes=256, seconds=0.05)
        response = call(box, "GET", content)
        assert response.body == BODY and response.headers["content-length"] == str(len(BODY))
        assert len(response.pieces) >= 5 and response.pieces[-1] - response.pieces[0] >= 0.25

    def test_closed_in_the_middle(self, box: Sandbox, content: str) -> None:
        box.plan_fault("close-body", content, bytes=1000)
        response = call(box, "GET", content)
        assert response.reset  # which may overtake what was sent before it
        assert BODY[:1000].startswith(response.body)

    def test_truncated_with_its_length(self, box: Sandbox, content: str) -> None:
        box.plan_fault("truncate", content, bytes=1000)
        response = call(box, "GET", content)
        assert not response.reset and response.headers["content-length"] == str(len(BODY))
        assert response.body == BODY[:1000]

    def test_truncated_without_a_length(self, box: Sandbox, content: str) -> None:
        box.plan_fault("truncate-no-length", content, bytes=1000)
        response = call(box, "GET", content)
        assert not response.reset and "content-length" not in response.headers
        assert response.body == BODY[:1000]
        assert response.raw.endswith(b"0\r\n\r\n")  # to the client, the body is whole

    def test_a_wrong_byte(self, box: Sandbox, content: str) -> None:
        box.plan_fault("wrong-byte", content, bytes=1000)
        body = call(box, "GET", content).body
        assert [n for n, (a, b) in enumerate(zip(body, BODY, strict=True)) if a != b] == [1000]
