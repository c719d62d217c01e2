"""Files as several jobs, and a few requests that go first: nothing is sent unasked, and nothing is lost."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.record import JobRecord, Rank
from tbatch_tui.engine.domain.submission import SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.groups.groups import DROPPED
from tbatch_tui.engine.results import MergedIndex, MergedMember, RequestCounts, ResultIndex, Sources, sources_of
from tests.conftest import CHAT_MODEL, until, write_chat

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

COUNT = 25


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """25 requests that are all answered."""
    return write_chat(tmp_path / "reviews.jsonl", [f"Say {number}." for number in range(COUNT)])


@pytest.fixture
def cut_file(tmp_path: Path) -> Path:
    """25 requests whose answers are cut short."""
    path = tmp_path / "reviews.jsonl"
    asked = {
        "model": CHAT_MODEL,
        "max_tokens": 1,
        "messages": [{"role": "user", "content": "Explain quantum computing."}],
    }
    path.write_text("".join(json.dumps({"custom_id": f"c-{n}", "body": asked}) + "\n" for n in range(COUNT)))
    return path


async def submit(engine: BatchEngine, path: Path, *, first: int = 0, auto_continue: bool = False) -> str:
    fingerprint = await engine.fingerprint(path)
    return await engine.groups.submit(
        path,
        Endpoint.CHAT,
        requests=COUNT,
        fingerprint=fingerprint,
        label="mine",
        first=first,
        auto_continue=auto_continue,
    )


async def rest_is(engine: BatchEngine, key: str, status: str) -> JobRecord:
    """Return the record of the rest of the group, once it has this status."""
    [_, rest] = await engine.groups.parts(key)
    return await engine.wait_until(rest.key, lambda record: record.status == status)


def merged(records: list[JobRecord]) -> tuple[MergedIndex, RequestCounts]:
    group = records[0].group
    assert group is not None
    whole = MergedMember("", group.path.name, ResultIndex(Sources(input=group.path, input_sha256=group.sha256)))
    parts = [MergedMember(record.key, record.name, ResultIndex(sources_of(record)), is_part=True) for record in records]
    index = MergedIndex([whole, *parts])
    return index, index.build()


async def test_a_file_over_the_limits_is_several_jobs_whose_results_merge(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    async with make_engine(sandbox, requests_per_job=10) as engine:
        key = await submit(engine, file)
        names = [record.name for record in await engine.groups.parts(key)]
        assert names == ["mine · 1 of 3", "mine · 2 of 3", "mine · 3 of 3"]
        for record in await engine.groups.parts(key):
            await engine.wait(record.key)
        records = await engine.groups.parts(engine.record(key).key)  # type: ignore[union-attr]
        assert len(sandbox.jobs) == 3
        assert [record.requests for record in records] == [9, 9, 7], "as equal as can be, not full ones and a crumb"
        assert records[1].output is not None and records[1].output.path is not None
        assert records[1].output.path.name == f"reviews.part2of3-{records[1].key[:8]}.output.jsonl"
        index, counts = merged(records)
        assert counts.is_even and counts.answered == COUNT
        assert [index.row(row).attempt for row in (0, 12, 24)] == [1, 1, 1]
        assert [index.row(row).custom_id for row in (0, 12, 24)] == ["request-1", "request-13", "request-25"]
        family = await engine.family(records[2].key)
        assert {one.record.key for one in family} == {record.key for record in records}
        [earlier] = await engine.earlier_runs((await engine.fingerprint(file)).sha256, Endpoint.CHAT)
        assert earlier.key == records[0].key, "these bytes ran: submitting them again is billed again"


async def test_the_rest_follows_when_all_of_the_first_are_answered(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, events: list[Event]
) -> None:
    async with make_engine(sandbox) as engine:
        key = await submit(engine, file, first=10, auto_continue=True)
        [first, rest] = await engine.groups.parts(key)
        assert (first.name, rest.name) == ("mine · first 10", "mine · the rest")
        assert rest.status == LocalStatus.WAITING and rest.rank is Rank.ACTIVE and not rest.is_active
        await engine.wait_until(rest.key, lambda record: record.job is not None)
        records = [await engine.wait(first.key), await engine.wait(rest.key)]
        assert [record.requests for record in records] == [10, COUNT - 10]
        assert len(sandbox.jobs) == 2
        assert merged(records)[1].answered == COUNT
        titles = [event.title for event in events if isinstance(event, Notice)]
        assert titles == ["mine · first 10: all ok"]


async def test_the_rest_waits_for_the_person_and_is_sent_once(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, events: list[Event]
) -> None:
    async with make_engine(sandbox) as engine:
        key = await submit(engine, file, first=10)
        rest = await rest_is(engine, key, LocalStatus.READY)
        assert rest.rank is Rank.ATTENTION
        assert rest.submission is not None and rest.submission.error == "10 ok"
        assert len(sandbox.jobs) == 1
        assert engine.removal_blocker(rest.key), "what waits is not taken out of the list"
        assert await engine.groups.send_rest(rest.key) == 1
        assert await engine.groups.send_rest(rest.key) == 0
        assert (await engine.wait(rest.key)).has_results_here
        assert len(sandbox.jobs) == 2
        [notice] = [event for event in events if isinstance(event, Notice)]
        assert "The other 15 are on hold" in notice.hint


async def test_answers_that_are_cut_short_hold_the_rest(
    sandbox: Sandbox, make_engine: MakeEngine, cut_file: Path
) -> None:
    async with make_engine(sandbox) as engine:
        key = await submit(engine, cut_file, first=10, auto_continue=True)
        rest = await rest_is(engine, key, LocalStatus.READY)
        assert rest.submission is not None and rest.submission.error == "0 ok, 10 cut short"
        assert await engine.groups.drop_rest(rest.key) == 1
        dropped = await rest_is(engine, rest.key, LocalStatus.NOT_SUBMITTED)
        assert dropped.submission is not None and dropped.submission.error == DROPPED
        assert await engine.groups.send_rest(rest.key) == 0
        assert len(sandbox.jobs) == 1


async def test_a_first_part_without_results_holds_the_rest(
    still_sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    async with make_engine(still_sandbox) as engine:
        key = await submit(engine, file, first=10, auto_continue=True)
        first = await engine.wait_until(key, lambda record: record.job is not None)
        assert first.job is not None
        await engine.cancel(first.job.id)
        still_sandbox.advance(3_600)
        await rest_is(engine, key, LocalStatus.READY)
        assert len(still_sandbox.jobs) == 1


async def test_the_first_come_back_while_no_app_is_open(sandbox: Sandbox, make_engine: MakeEngine, file: Path) -> None:
    async with make_engine(sandbox) as engine:
        key = await submit(engine, file, first=10, auto_continue=True)
        [_, rest] = await engine.groups.parts(key)
        await engine.wait_until(key, lambda record: record.job is not None)
    file.unlink()  # the parts are files of their own
    await until(lambda: sandbox.jobs[0]["status"] == "COMPLETED")
    async with make_engine(sandbox) as engine:
        await engine.records()
        await engine.wait_until(rest.key, lambda record: record.job is not None)
        assert (await engine.wait(rest.key)).has_results_here
        assert len(sandbox.jobs) == 2


async def test_killed_after_the_first_were_counted_the_rest_is_still_decided(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    async with make_engine(sandbox) as engine:
        key = await submit(engine, file, first=10)
        rest = await rest_is(engine, key, LocalStatus.READY)
        assert rest.group is not None
        # As it was on the disk an instant before: the first are counted, the rest has not heard of it.
        waiting, ready = SubmissionState.WAITING, SubmissionState.READY
        await engine._store.groups.release(rest.group.id, waiting, error=None, only=(ready,))
    async with make_engine(sandbox) as engine:
        await engine.records()
        await rest_is(engine, rest.key, LocalStatus.READY)


@pytest.mark.skipif(sys.platform == "darwin", reason="the file system takes no such name")
async def test_a_name_that_no_request_can_carry_is_rejected_at_once(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path
) -> None:
    renamed = file.rename(file.with_name(os.fsdecode(b"caf\xe9.jsonl")))
    async with make_engine(sandbox) as engine:
        for submitting in (submit(engine, renamed, first=10), engine.submit_checked(renamed, Endpoint.CHAT)):
            with pytest.raises(LocalFileError, match="its name is not UTF-8") as caught:
                await submitting
            assert "Rename it" in caught.value.hint
        assert await engine.records() == []


async def test_nothing_is_submitted_of_a_file_that_changed(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path
) -> None:
    async with make_engine(sandbox) as engine:
        checked = await engine.fingerprint(file)
        file.write_bytes(file.read_bytes().replace(b"Say", b"Sing"))
        with pytest.raises(LocalFileError, match="has changed since it was checked"):
            await engine.groups.submit(file, Endpoint.CHAT, requests=COUNT, fingerprint=checked, first=10)
        assert await engine.records() == []
        assert list((tmp_path / "data" / "parts").iterdir()) == []


async def test_a_file_ran_before_if_any_of_its_parts_did(sandbox: Sandbox, make_engine: MakeEngine, file: Path) -> None:
    # The create of part 1 is refused: the others run all the same, and would be billed twice if they were sent again.
    sandbox.plan_fault("status", "/v1/batches", method="POST", first=1, last=1, status=402, body="{}")
    async with make_engine(sandbox, requests_per_job=10) as engine:
        key = await submit(engine, file)
        parts = [await engine.wait_until(part.key, lambda r: r.is_resolved) for part in await engine.groups.parts(key)]
        sent = [part.submission.part for part in parts if part.job is not None and part.submission is not None]
        assert len(sent) == 2
        sha256 = (await engine.fingerprint(file)).sha256
        runs = await engine.earlier_runs(sha256, Endpoint.CHAT)
        assert [run.submission.part for run in runs if run.submission is not None] == sent[:1]


async def test_a_group_is_read_once_for_many_parts_that_end_and_not_when_none_waits(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_engine(sandbox, requests_per_job=5, parts_at_once=4) as engine:
        key = await submit(engine, file)
        [group] = {record.group.id for record in await engine.groups.parts(key) if record.group is not None}
        await until(lambda: len(sandbox.jobs) == 5)
        advance = engine.groups._advance
        read: list[int] = []

        async def note(group_id: int) -> None:
            read.append(group_id)

        monkeypatch.setattr(advance, "advance", note)
        for _ in range(50):
            advance.soon(group)
        await until(lambda: not advance._due)
        assert read == [], "all parts are sent"
        monkeypatch.setattr(engine._store.groups, "waiting_ids", _one_waits(group))
        for _ in range(50):
            advance.soon(group)
        await until(lambda: bool(read))
        assert len(read) < 10, "not by each of fifty"


def _one_waits(group: int) -> Callable[[], Awaitable[set[int]]]:
    async def waiting_ids() -> set[int]:
        return {group}

    return waiting_ids
