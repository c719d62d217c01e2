"""Faults: each kind as a client sees it, and invalid plans."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from together import APIConnectionError, InternalServerError, RateLimitError, Together

from tbatch_tui.sandbox.faults import BadPlanError, Fault, parse_plan, read_plan
from tests.sandbox.conftest import CHAT, chat_row, jsonl, write_file

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

BATCHES = "/v1/batches"
BODY = jsonl(*(chat_row(f"row-{n}") for n in range(200)))


@pytest.fixture
def content(box: Sandbox) -> str:
    """The URL path of a file's content."""
    return f"/v1/files/{box.add_file(BODY)}/content"


def create(http: httpx.Client) -> httpx.Response:
    """Create a job."""
    return http.post(BATCHES, json={"endpoint": CHAT, "input_file_id": "file-x"})


def test_a_status_with_headers(box: Sandbox, sdk: Together) -> None:
    box.plan_fault("status", BATCHES, method="GET", status=429, headers={"Retry-After": "7"})
    with pytest.raises(RateLimitError) as limited:
        sdk.batches.list()
    assert limited.value.response.headers["retry-after"] == "7"
    assert sdk.batches.list() == []
    assert [(call.status, call.fault) for call in box.requests] == [(429, "status"), (200, None)]


def test_a_status_after_the_work_is_done(box: Sandbox, sdk: Together) -> None:
    box.plan_fault("status-after", BATCHES, method="POST", status=504)
    with pytest.raises(InternalServerError):
        sdk.batches.create(input_file_id="file-x", endpoint=CHAT)
    assert len(box.jobs) == 1


def test_the_sdk_repeats_a_create_by_itself(box: Sandbox, sdk: Together) -> None:
    box.plan_fault("status-after", BATCHES, method="POST", status=504, to=2, headers={"Retry-After-Ms": "1"})
    sdk.with_options(max_retries=2).batches.create(input_file_id="file-x", endpoint=CHAT)
    assert len(box.jobs) == 3  # billed three times, and the caller knows of one


@pytest.mark.parametrize(("kind", "jobs"), [("close", 0), ("close-after", 1)])
def test_no_response_at_all(box: Sandbox, sdk: Together, kind: str, jobs: int) -> None:
    box.plan_fault(kind, BATCHES, method="POST")
    with pytest.raises(APIConnectionError) as lost:
        sdk.batches.create(input_file_id="file-x", endpoint=CHAT)
    assert isinstance(lost.value.__cause__, httpx.RemoteProtocolError)
    assert len(box.jobs) == jobs
    assert (box.requests[0].status, box.requests[0].fault) == (0, kind)


def test_garbage_after_the_work_is_done(box: Sandbox, http: httpx.Client) -> None:
    box.plan_fault("garbage", BATCHES, method="POST")
    answer = create(http)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert len(box.jobs) == 1


def test_a_page_of_a_proxy(box: Sandbox, http: httpx.Client) -> None:
    box.plan_fault("html", BATCHES, status=502)
    answer = create(http)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert box.jobs == []
    box.plan_fault("html", BATCHES, after=True, body="<p>Sign in</p>")
    assert create(http).text == "<p>Sign in</p>"
    assert len(box.jobs) == 1


def test_a_response_given_in_the_plan(box: Sandbox, sdk: Together) -> None:
    box.plan_fault("status-after", BATCHES, status=201, body={"job": None, "warning": "no capacity"})
    answer = sdk.batches.create(input_file_id="file-x", endpoint=CHAT)
    assert (answer.job, answer.warning) == (None, "no capacity")


@pytest.mark.parametrize("after", [False, True])
def test_delays(box: Sandbox, http: httpx.Client, after: bool) -> None:
    box.plan_fault("delay", BATCHES, method="POST", seconds=0.3, after=after)
    began = time.monotonic()
    assert create(http).status_code == 201
    assert time.monotonic() - began >= 0.3


def test_work_goes_on_after_the_client_disconnects(box: Sandbox, http: httpx.Client) -> None:
    box.plan_fault("delay", BATCHES, method="POST", seconds=5, after=True)
    with pytest.raises(httpx.ReadTimeout):
        http.post(BATCHES, json={"endpoint": CHAT, "input_file_id": "file-x"}, timeout=0.2)
    assert len(box.jobs) == 1


def test_drips(box: Sandbox, http: httpx.Client, content: str) -> None:
    box.plan_fault("drip", content, bytes=len(BODY) // 4, seconds=0.02)
    began = time.monotonic()
    assert http.get(content).content == BODY
    assert time.monotonic() - began >= 0.08


def test_truncated_with_its_length(box: Sandbox, http: httpx.Client, content: str) -> None:
    box.plan_fault("truncate", content, bytes=100)
    received = bytearray()
    with http.stream("GET", content) as answer, pytest.raises(httpx.RemoteProtocolError):
        assert answer.headers["content-length"] == str(len(BODY))
        for piece in answer.iter_raw():
            received += piece
    assert received == BODY[:100]


def test_truncated_without_its_length(box: Sandbox, http: httpx.Client, content: str) -> None:
    box.plan_fault("truncate-no-length", content, to=2)
    for _ in range(2):
        answer = http.get(content)
        assert "content-length" not in answer.headers
        assert answer.content == BODY[: len(BODY) // 2]
    assert http.get(content).content == BODY


def test_cut_in_the_middle_of_the_body(box: Sandbox, http: httpx.Client, content: str) -> None:
    box.plan_fault("close-body", content)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        http.get(content)
    assert http.get(content).content == BODY


def test_one_wrong_byte(box: Sandbox, http: httpx.Client, content: str) -> None:
    box.plan_fault("wrong-byte", content, bytes=20)
    received = http.get(content).content
    assert [n for n, (a, b) in enumerate(zip(received, BODY, strict=True)) if a != b] == [20]


def test_an_upload_can_be_cut(box: Sandbox, http: httpx.Client) -> None:
    form = {"purpose": "batch-api", "file_name": "a.jsonl", "file_type": "jsonl"}
    location = http.post("/v1/files", data=form).headers["location"]
    box.plan_fault("close", "/_storage/*", method="PUT", bytes=10_000)
    with pytest.raises(httpx.TransportError):
        httpx.put(location, content=(BODY for _ in range(1000)))
    assert httpx.put(location, content=BODY).status_code == 200


def test_the_nth_call_and_the_first_that_matches(box: Sandbox, http: httpx.Client) -> None:
    box.plan_fault("status", "/v1/batches/*", status=500, first=2, to=3)
    box.plan_fault("status", "/v1/", status=503, first=4, to=None)
    statuses = [http.get("/v1/batches/x").status_code for _ in range(6)]
    assert statuses == [404, 500, 500, 503, 503, 503]
    assert http.get("/v3/whoami").status_code == 200
    box.clear_faults()
    assert http.get("/v1/batches/x").status_code == 404


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/v1/batches", "/v1/batches", True),
        ("/v1/batches", "/v1/batches/x", False),
        ("/v1/batches/", "/v1/batches/x/cancel", True),
        ("/v1/batches/*", "/v1/batches/x/cancel", False),
        ("/v1/*/x/cancel", "/v1/batches/x/cancel", True),
        ("**/content", "/v1/files/x/content", True),
        ("/v1/(b)", "/v1/(b)", True),
    ],
)
def test_paths(pattern: str, path: str, matches: bool) -> None:
    assert Fault("close", path=pattern).matches("GET", path) is matches


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        (b"[", "not JSON"),
        (b"{}", "expected an array of faults"),
        (b"[1]", "entry 1: expected an object"),
        (b'[{"kind": "close"}, {"kind": "clsoe"}]', "entry 2: kind 'clsoe' is not known; did you mean 'close'?"),
        (b'[{"kind": "close", "pth": "/"}]', "entry 1: 'pth' is not a field; did you mean 'path'?"),
        (b'[{"kind": "status"}]', "needs a status"),
        (b'[{"kind": "status", "status": 99}]', "give one from 200 to 599"),
        (b'[{"kind": "close", "from": 0}]', "calls are counted from 1"),
        (b'[{"kind": "close", "from": 3, "to": 2}]', "to (2) is before from (3)"),
        (b'[{"kind": "close", "method": "post"}]', "write 'POST'"),
        (b'[{"kind": "delay"}]', "needs seconds"),
        (b'[{"kind": "drip", "bytes": -1}]', "bytes is negative"),
        (b'[{"kind": "drip", "seconds": "1"}]', "Expected `float | null`, got `str`"),
        (b'[{"kind": "status", "status": 429, "headers": {"Retry After": "1"}}]', "cannot be sent"),
        (b'[{"kind": "status", "status": 429, "headers": {"Retry-After": "1\\r\\n"}}]', "cannot be sent"),
    ],
)
def test_invalid_plans(tmp_path: Path, plan: bytes, error: str) -> None:
    path = write_file(tmp_path / "faults.json", plan)
    with pytest.raises(BadPlanError) as bad:
        read_plan(path)
    assert str(bad.value).startswith(f"{path}: ")
    assert error in str(bad.value)


def test_a_plan_file_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(BadPlanError, match="cannot be read"):
        read_plan(tmp_path / "none.json")


def test_control_from_another_process(http: httpx.Client, box: Sandbox) -> None:
    plan: list[dict[str, Any]] = [{"kind": "status", "status": 500, "path": BATCHES}]
    active = http.post("/_sandbox/faults", json=plan).json()
    assert active[0]["fault"]["status"] == 500
    assert http.get(BATCHES).status_code == 500
    assert http.get("/_sandbox/faults").json()[0]["seen"] == 1
    assert http.delete("/_sandbox/faults").json() == []
    assert http.post("/_sandbox/faults", json=[{"kind": "?"}]).status_code == 400
    [call] = http.get("/_sandbox/requests").json()
    assert (call["n"], call["method"], call["path"], call["status"]) == (1, "GET", BATCHES, 500)
    assert http.get("/_sandbox/requests?since=2").json() == []
    job_id = box.add_job()
    assert http.post("/_sandbox/advance", json={"seconds": 60}).status_code == 200
    assert box.job(job_id)["status"] == "COMPLETED"
    assert httpx.get(f"{box.base_url}/_sandbox/requests").status_code == 401


def test_an_entry_needs_only_a_kind() -> None:
    [fault] = parse_plan(b'[{"kind": "close"}]')
    assert fault.matches("PUT", "/anything/at/all")
    assert [fault.applies_to(n) for n in (1, 2)] == [True, False]
