"""Creates whose answer is lost: which the list resolves, which only a person can, and what never happens meanwhile."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.submit.lookup import LookupDecision
from tests.conftest import until
from tests.engine.scenarios.test_main_job import fetched

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

LIST, CREATE = ("GET", "/v1/batches"), ("POST", "/v1/batches")


def hide_jobs(box: Sandbox, lists: int | None = None) -> None:
    """Make the list lag: the next `lists` (None: all that follow) have no job."""
    box.plan_fault("status", LIST[1], method=LIST[0], last=lists, status=200, body=[])


async def lost(engine: BatchEngine, file: Path, label: str = "mine") -> str:
    """Submit, wait until the submission is uncertain, and return its key."""
    key = await engine.submit_checked(file, Endpoint.CHAT, requests=2, label=label)
    await engine.wait_until(key, is_uncertain)
    return key


def is_uncertain(record: JobRecord) -> bool:
    return record.status == LocalStatus.UNCERTAIN


def says(words: str) -> Any:
    return lambda r: words in ((r.submission and r.submission.error) or "")


async def two_candidates(box: Sandbox, engine: BatchEngine, file: Path) -> tuple[str, list[str]]:
    """Return the key of a lost create that made nothing, and two jobs made elsewhere that come in one list."""
    box.plan_fault("close", CREATE[1], method=CREATE[0])
    await until(lambda: engine.health.state is HealthState.OK)
    box.plan_fault("status", LIST[1], method=LIST[0], last=None, status=503)
    key = await lost(engine, file)
    others = [box.add_job(content=file.read_bytes()) for _ in range(2)]
    box.clear_faults()
    await engine.wait_until(key, says("2 jobs could be"))
    return key, others


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, {"job": None}),
        (200, {"job": None, "warning": "slow today"}),
        (201, {"job": {"id": None}}),
        (201, {"job": {"id": {"$oid": "x"}}}),
        (201, []),
        (201, "null"),
        (200, "<html><body>Welcome</body></html>"),
        (204, ""),
        (202, {"queued": True}),
        (302, {"moved": True}),
        (408, {"error": "timeout"}),
        pytest.param(500, "\x00\xff", id="500-no text"),
        (503, {"error": {"message": ["odd"]}}),
    ],
    ids=lambda value: str(value)[:12],
)
async def test_whatever_the_answer_says_the_job_is_adopted(
    status: int, body: Any, sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    sandbox.plan_fault("status-after", CREATE[1], method=CREATE[0], status=status, body=body)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="mine")
        record = await engine.wait_until(key, fetched)
    assert (record.key, record.label) == (sandbox.jobs[0]["id"], "mine")
    assert sandbox.count(*CREATE) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 415, 422, 425, 451])
async def test_a_rejected_create_is_reported_in_the_servers_words_and_not_repeated(
    status: int, sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    sandbox.plan_fault("status", CREATE[1], method=CREATE[0], status=status, body={"error": {"message": "no [/way]"}})
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        record = await engine.wait_until(key, lambda r: r.status == LocalStatus.NOT_SUBMITTED)
    assert record.submission is not None and "no [/way]" in (record.submission.error or "")
    assert (sandbox.count(*CREATE), sandbox.jobs) == (1, [])


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}, {"Retry-After": "Mon, 01 Jan 2001 00:00:00"}])
async def test_a_429_without_retry_after_is_repeated_with_back_off(
    headers: dict[str, str], sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    sandbox.plan_fault("status", CREATE[1], method=CREATE[0], last=2, status=429, headers=headers)
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await engine.wait_until(key, lambda r: r.job is not None)
    creates = [c.started for c in sandbox.requests if (c.method, c.path) == CREATE]
    assert len(creates) == 3
    assert min(later - first for first, later in itertools.pairwise(creates)) >= 0.09


async def test_a_job_that_the_list_names_twice_is_one_job(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    sandbox.plan_fault("close-after", CREATE[1], method=CREATE[0])
    async with asyncio.timeout(30), make_engine(sandbox, lookup_patience=60.0) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        hide_jobs(sandbox, None)
        key = await lost(engine, chat_file)
        sandbox.clear_faults()
        twice = [*sandbox.jobs, *sandbox.jobs]
        sandbox.plan_fault("status", LIST[1], method=LIST[0], status=200, body=twice)
        record = await engine.wait_until(key, lambda r: r.job is not None)
    assert record.key == sandbox.jobs[0]["id"]


async def test_a_list_that_lags_less_than_promised_makes_no_second_job(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30), make_engine(sandbox, lookup_patience=2.0) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        sandbox.plan_fault("close-after", CREATE[1], method=CREATE[0])
        hide_jobs(sandbox, 7)  # 0.2 s apart: about 1.5 of the 2 s
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="late")
        record = await engine.wait_until(key, fetched)
    assert sandbox.count(*CREATE) == 1
    assert record.label == "late"


async def test_a_job_that_shows_up_after_the_second_create_is_reported(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, events: list[Event]
) -> None:
    async with asyncio.timeout(30), make_engine(still_sandbox, lookup_patience=0.4) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        still_sandbox.plan_fault("close-after", CREATE[1], method=CREATE[0])
        hide_jobs(still_sandbox)
        still_sandbox.plan_fault("status", LIST[1], method=LIST[0], last=None, status=200, body=[])
        key = await lost(engine, chat_file)
        record = await engine.wait_until(key, lambda r: r.job is not None)
        first, second = sorted(still_sandbox.jobs, key=lambda job: job["id"] == record.key)
        still_sandbox.clear_faults()
        await until(lambda: any(isinstance(e, Notice) and e.key == first["id"] for e in events), what="it is told of")
        assert engine.record(first["id"]) is not None
    assert second["id"] == record.key
    assert len([e for e in events if isinstance(e, Notice) and "shown up late" in e.title]) == 1


async def test_while_every_answer_is_lost_creates_are_sent_less_and_less_often(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    sandbox.plan_fault("close", CREATE[1], method=CREATE[0], last=4)
    async with asyncio.timeout(40), make_engine(sandbox, lookup_patience=0.4, lookup_interval=0.1) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        await engine.wait_until(key, lambda r: r.job is not None)
    creates = [c.started for c in sandbox.requests if (c.method, c.path) == CREATE]
    gaps = [later - first for first, later in itertools.pairwise(creates)]
    assert all(gap >= least for gap, least in zip(gaps, (0.4, 0.4, 0.8, 1.6), strict=True)), gaps
    assert len(sandbox.jobs) == 1


async def test_two_jobs_that_show_up_just_before_the_second_create_stop_it(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30), make_engine(still_sandbox, poll_interval=5, lookup_patience=0.0) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        still_sandbox.plan_fault("close-after", CREATE[1], method=CREATE[0])
        hide_jobs(still_sandbox, 1)
        still_sandbox.plan_fault("status", LIST[1], method=LIST[0], first=2, last=None, status=503)
        key = await lost(engine, chat_file)
        still_sandbox.add_job(content=chat_file.read_bytes())
        await until(lambda: engine.health.state is HealthState.BACKING_OFF)
        still_sandbox.clear_faults()
        await engine.wait_until(key, says("2 jobs could be"))
        await asyncio.sleep(0.5)
    assert still_sandbox.count(*CREATE) == 1


async def test_while_a_person_has_to_choose_the_list_is_asked_for_at_the_usual_pace(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30), make_engine(still_sandbox, poll_interval=2, lookup_interval=0.1) as engine:
        key, others = await two_candidates(still_sandbox, engine, chat_file)
        assert {job.id for job in engine.candidates(key) or ()} == set(others)
        before = still_sandbox.count(*LIST)
        await asyncio.sleep(1.0)
        assert still_sandbox.count(*LIST) - before <= 1
        assert await engine.decide(key, LookupDecision(job_id="another")) is False
        assert await engine.decide(key, LookupDecision(job_id=others[0]))
        await engine.wait_until(key, lambda r: r.key == others[0])
        await engine.wait_until(others[1], lambda r: r.submission is None)  # the other is somebody else's
        assert engine.candidates(key) is None
        assert await engine.decide(key, LookupDecision(give_up=True)) is False


@pytest.mark.parametrize("created_at", [True, False])
async def test_a_new_job_whose_input_the_list_does_not_name_is_no_proof_that_ours_was_not_made(
    created_at: bool, still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    """It is not created again automatically, and adopted as soon as the list names its input."""
    async with asyncio.timeout(30), make_engine(still_sandbox, lookup_patience=0.2) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        still_sandbox.plan_fault("close-after", CREATE[1], method=CREATE[0])
        hide_jobs(still_sandbox)
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="mine")
        await until(lambda: len(still_sandbox.jobs) == 1)
        [job] = still_sandbox.jobs
        untold = {"input_file_id": None, "created_at": job["created_at"] if created_at else None}
        still_sandbox.clear_faults()
        still_sandbox.plan_fault("status", LIST[1], method=LIST[0], last=None, status=200, body=[job | untold])
        await engine.wait_until(key, says("1 job could be"))
        lists = still_sandbox.count(*LIST)
        await until(lambda: still_sandbox.count(*LIST) > lists + 3)
        assert [j.id for j in engine.candidates(key) or ()] == [job["id"]]
        still_sandbox.clear_faults()
        record = await engine.wait_until(key, lambda r: r.job is not None)
        assert (record.key, record.label) == (job["id"], "mine")
    assert (still_sandbox.count(*CREATE), len(still_sandbox.jobs)) == (1, 1)


async def test_none_of_the_candidates_means_that_another_is_created(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30), make_engine(still_sandbox, lookup_patience=60.0) as engine:
        key, others = await two_candidates(still_sandbox, engine, chat_file)
        assert await engine.decide(key, LookupDecision(again=True))
        record = await engine.wait_until(key, lambda r: r.job is not None)
        assert record.key not in others
        for other in others:
            await engine.wait_until(other, lambda r: r.submission is None)
    assert still_sandbox.count(*CREATE) == 2
    assert len(still_sandbox.jobs) == 3


async def test_create_again_adopts_a_job_that_is_there_after_all(
    still_sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    """An impatient person is billed once."""
    async with asyncio.timeout(30), make_engine(still_sandbox, lookup_patience=60.0) as engine:
        await until(lambda: engine.health.state is HealthState.OK)
        still_sandbox.plan_fault("close-after", CREATE[1], method=CREATE[0])
        hide_jobs(still_sandbox, None)
        key = await lost(engine, chat_file)
        await until(lambda: engine.candidates(key) is not None)
        still_sandbox.clear_faults()
        await engine.decide(key, LookupDecision(again=True))
        await engine.wait_until(key, lambda r: r.job is not None)
    assert (still_sandbox.count(*CREATE), len(still_sandbox.jobs)) == (1, 1)


async def test_choosing_to_wait_makes_no_second_job_even_after_a_restart(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    pace = {"lookup_patience": 0.8, "lookup_interval": 0.1}
    async with asyncio.timeout(40):
        async with make_engine(sandbox, **pace) as engine:
            await until(lambda: engine.health.state is HealthState.OK)
            sandbox.plan_fault("close-after", CREATE[1], method=CREATE[0])
            hide_jobs(sandbox, None)
            key = await lost(engine, chat_file)
            await until(lambda: engine.candidates(key) is not None)
            assert await engine.decide(key, LookupDecision(wait=True))
            record = await engine.wait_until(key, lambda r: bool(r.submission and r.submission.state == "held"))
            assert record.status == LocalStatus.UNCERTAIN and record.submission is not None
            assert record.submission.uncertain_since is not None
            await asyncio.sleep(1.5)
        async with make_engine(sandbox, **pace) as engine:
            await asyncio.sleep(1.5)
            assert [r.submission.state for r in await engine.records() if r.submission] == [SubmissionState.HELD]
            assert sandbox.count(*CREATE) == 1
            sandbox.clear_faults()
            await engine.wait_until(key, fetched)
    assert (sandbox.count(*CREATE), len(sandbox.jobs)) == (1, 1)


async def test_a_job_that_two_answers_name_belongs_to_one_submission(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with asyncio.timeout(30), make_engine(sandbox) as engine:
        key = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="first")
        first = await engine.wait_until(key, fetched)
        answer = {"job": sandbox.job(first.key)}
        sandbox.plan_fault("status", CREATE[1], method=CREATE[0], status=201, body=answer)
        other = await engine.submit_checked(chat_file, Endpoint.CHAT, requests=2, label="second")
        second = await engine.wait_until(other, lambda r: r.status == LocalStatus.NOT_SUBMITTED)
        assert first.key[:8] in ((second.submission and second.submission.error) or "")
        assert (engine.record(first.key) or first).label == "first"
