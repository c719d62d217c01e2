"""Tokens that are enqueued for a model: what is beyond them waits, is seen to, and follows when jobs end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.cost import Estimate
from tbatch_tui.engine.domain.job import Job, JobStatus
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.submission import Pause
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.groups.group_record import make_group
from tbatch_tui.engine.groups.sending.enqueued import enqueued, fit_together, room_for
from tests.conftest import CHAT_MODEL, until, write_chat
from tests.engine.groups.test_group_record import part

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


def asks(record: JobRecord, **tokens: int) -> JobRecord:
    assert record.submission is not None
    return replace(record, submission=replace(record.submission, estimate=Estimate(tokens=tuple(tokens.items()))))


def test_what_is_out_is_counted_by_model() -> None:
    running = asks(part(1, JobStatus.IN_PROGRESS), a=10, b=1)
    uncertain = asks(part(2, state="uncertain"), a=5)
    ended, waiting = asks(part(3, JobStatus.COMPLETED), a=100), asks(part(4, state="waiting"), a=100)
    elsewhere = JobRecord("e", Job("e", JobStatus.IN_PROGRESS, model="a", file_size=400))
    unknown = JobRecord("u", Job("u", JobStatus.VALIDATING, file_size=40))
    out = enqueued([running, uncertain, ended, waiting, elsewhere, unknown])
    assert out == {"a": 115, "b": 1, "": 10}


def test_parts_go_in_their_order_as_long_as_there_is_room() -> None:
    one, two, three = (asks(part(number, state="waiting"), a=40) for number in (1, 2, 3))
    other = asks(part(4, state="waiting"), b=40)
    running = asks(part(5, JobStatus.IN_PROGRESS), a=50)
    room = room_for([three, two, one, other], (1, 2, 3, 4), [running], 100)
    assert room.numbers == (1, 4)
    assert room.reasons == dict.fromkeys((2, 3), "90 of 100 tokens are enqueued for a")
    assert room_for([one], (1,), [], 10).numbers == (1,), "larger than the limit, and nothing else is out"
    unknown = JobRecord("u", Job("u", JobStatus.VALIDATING, file_size=400))
    assert room_for([one], (1,), [unknown], 100).reasons == {1: "100 of 100 tokens are enqueued for a"}
    assert fit_together([Estimate(tokens=(("a", 25),)), None], [running], 75)
    assert not fit_together([Estimate(tokens=(("a", 26),))], [running], 75)


async def parts_of(engine: BatchEngine) -> list[JobRecord]:
    parts = [record for record in await engine.records() if record.group is not None]
    return list(make_group(parts).parts)


async def test_parts_beyond_the_limit_wait_visibly_and_follow_when_jobs_end(
    still_sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    """Also after a restart, and when it is a job made elsewhere that ends."""
    file = write_chat(tmp_path / "reviews.jsonl", [f"Say {number}." for number in range(10)])
    elsewhere = still_sandbox.add_job(rows=2)
    options = {"requests_per_job": 2, "enqueued_tokens": 860}  # 2 requests: 400 tokens of answers, and their prompts
    async with make_engine(still_sandbox, **options) as engine:
        await until(lambda: engine.record(elsewhere) is not None)
        fingerprint = await engine.fingerprint(file)
        await engine.groups.submit(file, Endpoint.CHAT, requests=10, fingerprint=fingerprint)
        await until(lambda: len(still_sandbox.jobs) == 2)
        parts = await parts_of(engine)
        assert [one.is_waiting for one in parts] == [False, True, True, True, True]
        assert make_group(parts).waits_for.endswith(f" of 860 tokens are enqueued for {CHAT_MODEL}")
        still_sandbox.advance(3_600)  # also the job made elsewhere
        await until(lambda: len(still_sandbox.jobs) == 4)
        parts = await parts_of(engine)
        assert [one.is_waiting for one in parts] == [False, False, False, True, True]
    async with make_engine(still_sandbox, **options) as engine:
        await until(lambda: engine.listed_at is not None)
        assert make_group(await parts_of(engine)).waits_for and len(still_sandbox.jobs) == 4
        still_sandbox.advance(3_600)
        await until(lambda: len(still_sandbox.jobs) == 6)
        assert not make_group(await parts_of(engine)).waits_for
    ours = [job for job in still_sandbox.jobs if job["id"] != elsewhere]
    lines = b"".join(still_sandbox.file_bytes(job["input_file_id"]) for job in ours)
    assert sorted(lines.splitlines()) == sorted(file.read_bytes().splitlines()), "each line once"


async def test_what_was_refused_has_no_room_either_while_the_tokens_of_others_are_out(
    still_sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    file = write_chat(tmp_path / "reviews.jsonl", [f"Say {number}." for number in range(6)])
    still_sandbox.plan_fault("status", "/v1/batches", method="POST", first=1, last=3, status=402, body="{}")
    async with make_engine(still_sandbox, requests_per_job=2) as engine:
        fingerprint = await engine.fingerprint(file)
        key = await engine.groups.submit(file, Endpoint.CHAT, requests=6, fingerprint=fingerprint)
        await until(lambda: all(one.can_send_again for one in engine._store.records))
    async with make_engine(still_sandbox, enqueued_tokens=500) as engine:
        await engine.records()
        sent = await engine.groups.send_unsent(key)
        assert [one.is_waiting for one in sent] == [False, True, True]
        assert {one.submission.pause for one in sent[1:] if one.submission} == {Pause.TOKENS}
        assert make_group(await parts_of(engine)).waits_for.endswith(f" of 500 tokens are enqueued for {CHAT_MODEL}")
        for jobs in (1, 2, 3):
            await until(lambda jobs=jobs: len(still_sandbox.jobs) == jobs)  # type: ignore[misc]
            still_sandbox.advance(3_600)


async def test_no_more_is_sent_again_than_may_be_out_together(
    still_sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    file = write_chat(tmp_path / "reviews.jsonl", [f"Say {number}." for number in range(6)])
    still_sandbox.plan_fault("status", "/v1/batches", method="POST", first=1, last=3, status=402, body="{}")
    async with make_engine(still_sandbox, requests_per_job=2, parts_at_once=2) as engine:
        fingerprint = await engine.fingerprint(file)
        key = await engine.groups.submit(file, Endpoint.CHAT, requests=6, fingerprint=fingerprint)
        await until(lambda: all(one.can_send_again for one in engine._store.records))
        assert [one.is_waiting for one in await engine.groups.send_unsent(key)] == [False, False, True]
        await until(lambda: len(still_sandbox.jobs) == 2)
        still_sandbox.advance(3_600)
        await until(lambda: len(still_sandbox.jobs) == 3)
