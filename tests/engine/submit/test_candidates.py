"""Which job of the list is taken for a lost create's: by its input, its endpoint, and when it was created."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.submission import Submission, SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tests.conftest import until
from tests.engine.submit.test_uncertain import CREATE, LIST, hide_jobs, says

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

SENT = 1_790_000_000.4


@pytest.mark.parametrize("server_clock", [None, 0.0, -500.0])
@pytest.mark.parametrize(
    ("age", "ours", "possible"),
    [(-5.0, True, True), (0.3, True, True), (1.5, False, True), (59.0, False, True), (61.5, False, False)],
)
def test_a_job_is_taken_only_if_it_was_created_after_the_create_was_sent(
    server_clock: float | None, age: float, ours: bool, possible: bool
) -> None:
    from tbatch_tui.engine.submit.matching import could_be_ours, is_ours

    by_server = None if server_clock is None else float(int(SENT + server_clock))
    submission = Submission(
        1, Path("a.jsonl"), 1, "0", Endpoint.CHAT, "", 1, SENT - 9, SubmissionState.UNCERTAIN, "file-1",
        create_sent_at=SENT, create_sent_server_at=by_server,
    )  # fmt: skip
    created_at = SENT + (server_clock or 0.0) - age
    job = Job("a", "VALIDATING", endpoint=Endpoint.CHAT, input_file_id="file-1", created_at=created_at)
    assert is_ours(job, submission) is ours
    assert could_be_ours(job, submission) is (possible or server_clock is None)
    assert not could_be_ours(Job("a", "X", input_file_id="file-2"), submission)


@pytest.mark.parametrize("age", [30.0, 3 * 86_400.0])
async def test_a_job_that_was_there_before_is_not_adopted(
    age: float, still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    """The list before the create was cut short; our create was lost, and not carried out."""
    box = still_sandbox
    older = box.add_job(content=chat_file.read_bytes())
    box.advance(age)
    box.plan_fault("close", CREATE[1], method=CREATE[0])
    hide_jobs(box)
    async with asyncio.timeout(10), make_engine(box, lookup_patience=0.4) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="mine")
        await until(lambda: box.count(*CREATE) == 1)
        box.clear_faults()
        if age < 60:
            await engine.wait_until(key, says("1 job could be"))
            assert [job.id for job in engine.candidates(key) or ()] == [older]
        else:
            record = await engine.wait_until(key, lambda r: r.job is not None)
            assert record.key != older
    assert len(box.jobs) == (1 if age < 60 else 2)


async def test_the_last_list_before_the_repeat_may_say_too_little(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    box = still_sandbox
    async with asyncio.timeout(10), make_engine(box, poll_interval=5, lookup_patience=0.0) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        box.plan_fault("close-after", CREATE[1], method=CREATE[0])
        hide_jobs(box, 1)
        box.plan_fault("status", LIST[1], method=LIST[0], first=2, last=None, status=503)
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="mine")
        await until(lambda: engine.health.state is HealthState.BACKING_OFF)
        [job] = box.jobs
        box.clear_faults()
        box.plan_fault("status", LIST[1], method=LIST[0], status=200, body=[job | {"input_file_id": None}])
        record = await engine.wait_until(key, lambda r: r.job is not None)
        assert (record.key, record.label) == (job["id"], "mine")
    assert (box.count(*CREATE), len(box.jobs)) == (1, 1)


async def test_a_job_made_elsewhere_since_the_last_list_is_not_adopted(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    """The server has the file already, so that a list is waited for before the create."""
    box = still_sandbox
    async with asyncio.timeout(20), make_engine(box, poll_interval=2, lookup_patience=0.4) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        box.plan_fault("close", CREATE[1], method=CREATE[0])
        other = box.add_job(content=chat_file.read_bytes())
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="mine")
        record = await engine.wait_until(key, lambda r: r.job is not None)
        assert record.key != other
        await engine.wait_until(other, lambda r: r.submission is None)
    assert len(box.jobs) == 2


@pytest.mark.parametrize("kind", ["jobs missing", "another page", "unreadable"])
async def test_a_list_that_is_not_whole_does_not_show_that_the_create_was_not_made(
    kind: str, still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    box = still_sandbox
    running = box.add_job("IN_PROGRESS")
    async with asyncio.timeout(15), make_engine(box, lookup_patience=0.4) as engine:
        await until(lambda: engine.record(running) is not None)
        others = list(box.jobs)
        body: object = {
            "jobs missing": [],
            "another page": {"data": others, "has_more": True, "next_cursor": "2"},
            "unreadable": [*others, {"id": None, "status": "VALIDATING"}],
        }[kind]
        box.plan_fault("close-after", CREATE[1], method=CREATE[0])
        box.plan_fault("status", LIST[1], method=LIST[0], last=None, status=200, body=body)
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="mine")
        await until(lambda: box.count(*CREATE) == 1)
        lists = box.count(*LIST)
        await until(lambda: box.count(*LIST) > lists + 6)
        assert box.count(*CREATE) == 1
        box.clear_faults()
        record = await engine.wait_until(key, lambda r: r.job is not None)
        assert record.label == "mine"
    assert (box.count(*CREATE), len(box.jobs)) == (1, 2)


@pytest.mark.parametrize("server_clock", [None, -500.0])
@pytest.mark.parametrize(
    ("after_first", "is_stray"), [(-3601.0, False), (-3599.0, True), (0.0, True), (3699.0, True), (3701.0, False)]
)
def test_a_stray_was_made_between_the_first_create_and_the_last_repeat(
    server_clock: float | None, after_first: float, is_stray: bool
) -> None:
    from tbatch_tui.engine.submit.matching import might_be_stray

    by_server = None if server_clock is None else SENT + server_clock
    submission = Submission(
        1, Path("a.jsonl"), 1, "0", Endpoint.CHAT, "", 1, SENT - 9, SubmissionState.CREATED, "file-1", ("known",),
        create_sent_at=SENT, create_sent_server_at=by_server, repeated_at=SENT + 100,
    )  # fmt: skip
    created_at = SENT + (server_clock or 0.0) + after_first
    job = Job("a", "VALIDATING", endpoint=Endpoint.CHAT, input_file_id="file-1", created_at=created_at)
    assert might_be_stray(job, submission) is is_stray
    assert might_be_stray(replace(job, created_at=None), submission)
    assert not might_be_stray(replace(job, id="known"), submission)
    assert not might_be_stray(replace(job, input_file_id=None), submission)
    assert not might_be_stray(job, replace(submission, repeated_at=None))
    assert not might_be_stray(job, replace(submission, create_sent_at=None))
