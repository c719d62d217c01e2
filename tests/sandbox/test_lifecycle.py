"""The statuses of a job, on a clock that the tests move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from together import APIStatusError, Together

from tbatch_tui.sandbox.clock import Clock
from tbatch_tui.sandbox.jobs.records import Pace
from tbatch_tui.sandbox.testing import Sandbox
from tests.sandbox.conftest import CHAT, LLAMA, chat_row, decode_rows, jsonl

if TYPE_CHECKING:
    import httpx

PACE = Pace(validating=10, starting=0, per_row=10, canceling=15)
TEN = jsonl(*(chat_row(f"row-{n}") for n in range(10)))


def test_a_job_from_create_to_completed(box: Sandbox, sdk: Together) -> None:
    job_id = box.add_job(content=TEN, pace=PACE)
    new = sdk.batches.retrieve(job_id)
    assert (new.status, new.progress, new.x_model_id) == ("VALIDATING", 0, None)
    assert new.file_size_bytes == len(TEN)
    assert new.created_at is not None and new.job_deadline is not None
    assert (new.job_deadline - new.created_at).total_seconds() == 86_400
    box.advance(9.9)
    assert sdk.batches.retrieve(job_id).status == "VALIDATING"
    box.advance(0.2)
    running = sdk.batches.retrieve(job_id)
    assert (running.status, running.progress, running.x_model_id) == ("IN_PROGRESS", 0, LLAMA)
    box.advance(30)
    assert sdk.batches.retrieve(job_id).progress == 30
    box.advance(70)
    done = sdk.batches.retrieve(job_id)
    assert (done.status, done.progress, done.error_file_id) == ("COMPLETED", 100, None)
    assert done.completed_at is not None
    assert (done.completed_at - new.created_at).total_seconds() == 110
    assert done.output_file_id is not None
    rows = decode_rows(sdk.files.content(done.output_file_id).read())
    ids = [row["custom_id"] for row in rows]
    assert sorted(ids) == [f"row-{n}" for n in range(10)]
    assert ids != sorted(ids)  # in the order they were finished
    assert sdk.batches.list() == [done]


def test_a_job_on_an_unknown_file_is_accepted_and_fails(box: Sandbox, sdk: Together) -> None:
    accepted = sdk.batches.create(input_file_id="file-none", endpoint=CHAT)
    assert accepted.job is not None and accepted.job.status == "VALIDATING"
    box.advance(4)
    failed = box.job(accepted.job.id or "")
    assert (failed["status"], failed["error"]) == ("FAILED", "input file file-none not found")


def test_one_bad_line_fails_the_whole_job(box: Sandbox) -> None:
    job_id = box.add_job(content=TEN + b"{nonsense\n", pace=PACE)
    box.advance(11)
    failed = box.job(job_id)
    assert failed["status"] == "FAILED"
    assert failed["error"].endswith("Line 11 (within chunk): invalid JSON")
    assert {"output_file_id", "error_file_id", "model_id"}.isdisjoint(failed)


def test_cancelled_while_running(box: Sandbox, sdk: Together) -> None:
    job_id = box.add_job(content=TEN, pace=PACE)
    box.advance(55)
    cancelled: Any = sdk.batches.with_raw_response.cancel(job_id).json()
    assert cancelled["status"] == "CANCELING"
    box.advance(14)
    again: Any = sdk.batches.with_raw_response.cancel(job_id).json()  # a second cancel is no error
    assert again["status"] == "CANCELING"
    box.advance(2)
    job = box.job(job_id)
    assert (job["status"], job["progress"]) == ("CANCELLED", 40)
    assert len(decode_rows(box.file_bytes(job["output_file_id"]))) == 4
    with pytest.raises(APIStatusError) as refused:
        sdk.batches.cancel(job_id)
    assert refused.value.status_code == 409
    body = refused.value.response.json()
    assert body["error"] == "Cannot cancel job - already in terminal state: CANCELLED"


def test_a_job_cancelled_while_validating_has_no_results(box: Sandbox, sdk: Together) -> None:
    job_id = box.add_job(content=TEN, pace=PACE)
    sdk.batches.with_raw_response.cancel(job_id)
    box.advance(60)
    job = box.job(job_id)
    assert job["status"] == "CANCELLED"
    assert {"output_file_id", "error_file_id"}.isdisjoint(job)


def test_an_expired_job_keeps_the_rows_that_are_done(box: Sandbox) -> None:
    slow = Pace(validating=0, starting=0, per_row=4 * 3600)  # forty hours
    job_id = box.add_job(content=TEN, pace=slow)
    box.advance(86_399)
    assert box.job(job_id)["status"] == "IN_PROGRESS"
    box.advance(1)
    job = box.job(job_id)
    assert (job["status"], job["completed_at"]) == ("EXPIRED", job["job_deadline"])
    assert len(decode_rows(box.file_bytes(job["output_file_id"]))) == 6


def test_a_job_may_run_on_past_its_deadline(box: Sandbox) -> None:
    slow = Pace(validating=0, starting=0, per_row=4 * 3600, expires=False)
    job_id = box.add_job(content=TEN, pace=slow)
    box.advance(90_000)
    assert box.job(job_id)["status"] == "IN_PROGRESS"
    box.advance(90_000)
    assert box.job(job_id)["status"] == "COMPLETED"


def test_errors_and_answers_each_have_a_file_only_if_they_have_a_row(box: Sandbox) -> None:
    stops = ["a", "b", "c", "d", "e"]
    both = box.add_job(content=jsonl(chat_row("good"), chat_row("bad", stop=stops)))
    none = box.add_job(content=jsonl(chat_row("bad", stop=stops)))
    box.advance(60)
    assert {"output_file_id", "error_file_id"} <= box.job(both).keys()
    assert "output_file_id" not in box.job(none)
    [error] = decode_rows(box.file_bytes(box.job(none)["error_file_id"]))
    assert error["custom_id"] == "bad"
    assert error["error"]["code"] == "batch_client_error"
    assert "stop" in error["error"]["message"]


def test_results_do_not_need_the_deleted_input(box: Sandbox, sdk: Together) -> None:
    job_id = box.add_job(content=TEN)
    sdk.files.delete(box.job(job_id)["input_file_id"])
    box.advance(60)
    assert len(decode_rows(box.file_bytes(box.job(job_id)["output_file_id"]))) == 10


def test_every_result_file_has_the_same_name(box: Sandbox, sdk: Together) -> None:
    for _ in range(2):
        box.add_job(content=jsonl(chat_row("good"), chat_row("bad", stop=["a"] * 5)))
    box.advance(60)
    names = [file.filename for file in sdk.files.list().data]
    assert sorted(names) == ["batch.jsonl", "errors.jsonl", "errors.jsonl", "output.jsonl", "output.jsonl"]


def test_a_warning_beside_the_job(sdk: Together, box: Sandbox) -> None:
    file_id = box.add_file(TEN)
    assert sdk.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h").warning is None
    warned = sdk.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="1h")
    assert warned.job is not None and warned.warning is not None and "24h" in warned.warning


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"endpoint": CHAT}, "input_file_id"),
        ({"input_file_id": "file-x"}, "endpoint"),
        ({"input_file_id": "file-x", "endpoint": "/v1/embeddings"}, "endpoint"),
        ({"input_file_id": 7, "endpoint": CHAT}, "input_file_id"),
    ],
)
def test_an_invalid_create_is_refused(http: httpx.Client, box: Sandbox, body: dict[str, object], param: str) -> None:
    refused = http.post("/v1/batches", json=body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert box.jobs == []


def test_both_shapes_of_a_404(http: httpx.Client) -> None:
    job = http.get("/v1/batches/none")
    assert (job.status_code, job.json()["error"]) == (404, "Job not found")
    assert job.json()["request_id"] == job.headers["x-request-id"]
    assert http.post("/v1/batches/none/cancel").json()["error"] == "Job not found"
    path = http.get("/v1/nothing")
    assert (path.status_code, path.json()["error"]["code"]) == (404, "not_found")
    assert http.delete("/v1/batches").status_code == 405


def test_the_same_seed_gives_the_same_ids() -> None:
    def ids(seed: int) -> list[str]:
        with Sandbox(speed=0, seed=seed) as box:
            return [box.add_job(), box.add_file(TEN)]

    assert ids(1) == ids(1) != ids(2)


@pytest.mark.parametrize(
    "status", ["VALIDATING", "IN_PROGRESS", "CANCELING", "COMPLETED", "FAILED", "EXPIRED", "CANCELLED", "PAUSED"]
)
def test_a_job_in_any_status(box: Sandbox, status: str) -> None:
    job_id = box.add_job(status)
    assert box.job(job_id)["status"] == status
    box.advance(7 * 86_400)
    assert box.job(job_id)["status"] == status


def test_a_clock_runs_at_its_speed() -> None:
    still = Clock(0, start=100)
    still.advance(5)
    assert still.now() == 105
    still.move_forward_to(50)
    assert still.now() == 105
    still.move_forward_to(200)
    assert still.now() == 200
    fast = Clock(1e6, start=0)
    began = fast.now()
    while fast.now() == began:
        pass
    assert fast.now() > 0
