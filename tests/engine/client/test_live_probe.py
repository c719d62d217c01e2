"""The two lines of `doctor --live`: what they ask for, and what is left on the server however they end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.client.live_probe import Observations, request_lines, run_two_lines
from tbatch_tui.engine.errors import (
    AuthenticationError,
    BatchError,
    ConnectionFailedError,
    RedirectError,
    RequestRejectedError,
)
from tbatch_tui.sandbox.jobs.file_store import FileStore

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox

MODEL = "openai/gpt-oss-20b"
STAY = "the two lines stay on the server: the job may still need them"


def run(sandbox: Sandbox, told: list[str] | None = None, patience: float = 60.0, **more: Any) -> Observations:
    options: dict[str, Any] = {"base_url": sandbox.base_url, "api_key": sandbox.key, "model": MODEL} | more
    tell = told.append if told is not None else lambda _: None
    return run_two_lines(**options, tell=tell, poll_every=0.01, patience=patience)


def deleted(sandbox: Sandbox) -> list[str]:
    return [call.path for call in sandbox.requests if call.method == "DELETE"]


def test_the_lines_ask_for_little_and_are_new_each_time() -> None:
    answered, refused = map(json.loads, request_lines(MODEL).splitlines())
    body = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 16}
    assert answered["body"] == {"model": MODEL, **body} and refused["body"] == body
    assert answered["custom_id"].startswith("doctor-") and refused["custom_id"] == "doctor-without-model"
    assert request_lines(MODEL) != request_lines(MODEL)


def test_each_step_is_told_and_nothing_is_left_on_the_server(sandbox: Sandbox) -> None:
    told: list[str] = []
    seen = run(sandbox, told)
    assert told[:2] == ["uploading two lines", "creating the job"] and told[-1] == "the job is COMPLETED"
    assert told[2:] == [f"the job is {status}" for status in seen.statuses]
    assert seen.was_known is True and seen.created_status == 201 and seen.range_status == 206 and seen.seconds > 0
    assert seen.created["job"]["id"] == seen.job["id"] and seen.job["status"] == "COMPLETED"
    assert seen.uploaded["filename"] == "doctor.jsonl" and len(seen.output) == len(seen.errors) == 1
    assert seen.cancelled is not None and seen.cancelled[0] == 409
    assert seen.unknown_job is not None and seen.unknown_job[0] == 404
    names = [seen.job[name] for name in ("input_file_id", "output_file_id", "error_file_id")]
    assert sorted(set(deleted(sandbox))) == sorted(f"/v1/files/{name}" for name in names)


def test_a_job_that_goes_on_keeps_its_file(still_sandbox: Sandbox) -> None:
    told: list[str] = []
    seen = run(still_sandbox, told, patience=0.0)
    assert told[-1] == STAY and seen.statuses == ["VALIDATING"] and seen.cancelled is None
    assert deleted(still_sandbox) == []


@pytest.mark.parametrize("body", [{"job": None}, {"job": {}}, {"job": {"id": 7}}, []])
def test_an_answer_without_a_job_is_kept_as_it_is_and_the_file_too(still_sandbox: Sandbox, body: Any) -> None:
    """There may be a job that the answer does not name."""
    told: list[str] = []
    still_sandbox.plan_fault("status", "/v1/batches", method="POST", status=202, body=body)
    seen = run(still_sandbox, told)
    assert (seen.created_status, seen.created, seen.job) == (202, body, None)
    assert told[-1] == STAY and deleted(still_sandbox) == []


@pytest.mark.parametrize("status", [500, 307])
def test_a_create_that_may_have_been_carried_out_is_sent_once(still_sandbox: Sandbox, status: int) -> None:
    told: list[str] = []
    still_sandbox.plan_fault("status", "/v1/batches", method="POST", status=status, headers={"Location": "/v1/batches"})
    with pytest.raises(BatchError, match="asked to run two lines") as error:
        run(still_sandbox, told)
    assert isinstance(error.value, RedirectError) is (status == 307)
    assert still_sandbox.count("POST", "/v1/batches") == 1 and told[-1] == STAY and deleted(still_sandbox) == []


def test_what_is_refused_is_raised_and_nothing_was_made(still_sandbox: Sandbox) -> None:
    with pytest.raises(AuthenticationError) as refused:
        run(still_sandbox, api_key="tgp_v1_another-key-0000")
    assert "tgp_v1_another" not in str(refused.value)
    still_sandbox.plan_fault("status", "/v1/files", method="POST", status=400)
    told: list[str] = []
    with pytest.raises(RequestRejectedError, match="asked to run two lines"):
        run(still_sandbox, told)
    assert told == ["uploading two lines"] and still_sandbox.count("POST", "/v1/batches") == 0
    with pytest.raises(ConnectionFailedError, match="127.0.0.1"):
        run(still_sandbox, base_url="http://127.0.0.1:9/v1")


def test_a_file_that_cannot_be_deleted_stays(sandbox: Sandbox) -> None:
    sandbox.plan_fault("status", "/v1/files/", method="DELETE", status=500, last=99)
    assert run(sandbox).statuses[-1] == "COMPLETED"
    assert len(set(deleted(sandbox))) == 3, "one that cannot be deleted keeps none of the others"


def test_a_server_that_takes_the_same_bytes_twice_is_rid_of_both(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileStore, "find_by_checksum", lambda *_: None)
    seen = run(sandbox)
    assert seen.was_known is False and seen.job["status"] == "COMPLETED"
    assert len(set(deleted(sandbox))) == 4, "the file, its second upload, and the two result files"
