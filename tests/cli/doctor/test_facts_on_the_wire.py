"""`doctor --live` against a server that is not as believed in one point: it says in which."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.cli.doctor.facts import FACTS, HELD, judge
from tbatch_tui.engine.client.live_probe import run_two_lines
from tbatch_tui.sandbox.testing import Sandbox
from tests.helpers.between import Answer, Call, serve_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow  # the flow once for each fact

JOB = "/v1/batches"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(speed=200) as running:
        yield running


def _job(change: Callable[[dict[str, Any]], object]) -> Callable[[Call, Answer, Any], Any]:
    """Return what changes the job in the answer to the create."""

    def changed(call: Call, _: Answer, body: Any) -> Any:
        if (call.method, call.path) == ("POST", JOB):
            change(body["job"])
        return body

    return changed


def _ended(change: Callable[[dict[str, Any]], object]) -> Callable[[Call, Answer, Any], Any]:
    """Return what changes a job that has ended."""

    def changed(call: Call, _: Answer, body: Any) -> Any:
        if call.path.startswith(f"{JOB}/") and isinstance(body, dict) and body.get("status") == "COMPLETED":
            change(body)
        return body

    return changed


def _file(change: Callable[[dict[str, Any]], object], name: str = "doctor.jsonl") -> Callable[[Call, Answer, Any], Any]:
    """Return what changes a file of this name when it is asked for."""

    def changed(call: Call, _: Answer, body: Any) -> Any:
        if call.method == "GET" and isinstance(body, dict) and body.get("filename") == name:
            change(body)
        return body

    return changed


def _rows(field: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Call, Answer, Any], Any]:
    """Return what changes the rows that have this field, of a content."""

    def changed(call: Call, _: Answer, body: Any) -> Any:
        for row in body if call.path.endswith("/content") and isinstance(body, list) else ():
            if field in row:
                change(row)
        return body

    return changed


def _usage(**counts: int) -> Callable[[dict[str, Any]], object]:
    return lambda row: row["response"]["body"]["usage"].update(counts)


FALSE: dict[str, Callable[[Call, Answer, Any], Any]] = {
    "upload": _file(lambda file: file.pop("LineCount")),
    "report": _file(lambda file: file.pop("validation_report")),
    "job-id": _job(lambda job: job.update(id="batch_1")),
    "deadline": _job(lambda job: job.update(job_deadline="2099-01-01T00:00:00Z")),
    "owners": _job(lambda job: job.pop("project_id")),
    "accepted": _job(lambda job: job.update(status="QUEUED")),
    "whole-list": lambda call, _, body: {"data": body} if (call.method, call.path) == ("GET", JOB) else body,
    "ways": _ended(lambda job: job.update(status="FAILED")),
    "no-counts": _ended(lambda job: job.update(request_counts={"total": 2})),
    "row-ids": _rows("response", lambda row: row.update(id="batch_req_1")),
    "output-row": _rows("response", lambda row: row["response"].update(status_code=202)),
    "usage": _rows("response", lambda row: row["response"]["body"]["usage"].pop("prompt_tokens")),
    "limit": _rows("response", _usage(completion_tokens=17)),
    "missing-model": _rows("error", lambda row: row.update(custom_id="another")),
    "error-row": _rows("error", lambda row: row["error"].update(code="invalid_request")),
    "result-names": _file(lambda file: file.update(filename="job.jsonl"), "output.jsonl"),
}
"""What a server would send instead, by the fact that it denies."""
STATUS: dict[str, Callable[[Call, Answer], int]] = {
    "same-bytes": lambda _, answer: answer.status,  # the server is not told of the bytes
    "range": lambda _, answer: 200 if answer.status == 206 else answer.status,
    "cancel-ended": lambda call, answer: 200 if call.path.endswith("/cancel") else answer.status,
    "unknown-job": lambda call, answer: 410 if answer.status == 404 and call.path.startswith(JOB) else answer.status,
    "unknown-file": lambda call, answer: 410 if answer.status == 404 and "/files/" in call.path else answer.status,
}
"""The same, where it is the status that differs."""
ALSO = {"job-id": {"whole-list"}, "accepted": {"ways"}, "ways": {"missing-model"}}
"""What shows in the same place and so is denied with it."""


def test_each_fact_that_two_lines_show_is_here() -> None:
    assert FALSE.keys() | STATUS.keys() == {fact.id for fact in FACTS if fact.look is not None}


@pytest.mark.parametrize("name", [*FALSE, *STATUS])
def test_the_fact_that_is_false_is_named(sandbox: Sandbox, name: str) -> None:
    def answered(call: Call, answer: Answer) -> Answer:
        if name in STATUS:
            return answer._replace(status=STATUS[name](call, answer))
        try:
            body = [json.loads(line) for line in answer.body.splitlines()]
        except ValueError:
            return answer
        if call.path.endswith("/content"):
            return answer._replace(body=b"".join(_line(row) for row in FALSE[name](call, answer, body)))
        return answer._replace(body=_line(FALSE[name](call, answer, body[0]))) if body else answer

    def asked(call: Call) -> Call:
        if name == "same-bytes" and call.path == "/v1/files":
            return call._replace(body=call.body.replace(b'name="checksum"', b'name="other"'))
        return call._replace(path=call.path.replace("batch_1", sandbox.jobs[-1]["id"])) if name == "job-id" else call

    with serve_between(sandbox.base_url, asked, answered) as base_url:
        seen = run_two_lines(
            base_url=base_url,
            api_key=sandbox.key,
            model="openai/gpt-oss-20b",
            tell=lambda _: None,
            poll_every=0.01,
            patience=20.0,
        )
    differs = {fact.id for fact, came in judge(seen) if came not in (HELD, None)}
    assert differs - ALSO.get(name, set()) == {name}


def _line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"
