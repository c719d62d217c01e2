"""Results are counted when a job's files are here, saved, shown, and counted again when a file has changed."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.counts import JobCounts
from tbatch_tui.engine.domain.record import JobRecord, Rank
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.results import ResultIndex, Sources, count_results, is_stale, sources_of
from tbatch_tui.engine.results.index.staleness import format_stamps
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import write_chat

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.engine import BatchEngine
    from tests.engine.conftest import MakeEngine


def is_counted(record: JobRecord) -> bool:
    return record.counts is not None


async def run_job(engine: BatchEngine, path: Path, requests: int) -> JobRecord:
    key = await engine.submit_checked(path, Endpoint.CHAT, requests=requests)
    return await engine.wait_until(key, is_counted)


def result_path(record: JobRecord) -> Path:
    assert record.output is not None and record.output.path is not None
    return record.output.path


async def test_a_job_is_counted_when_its_files_are_here(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = write_chat(tmp_path / "in.jsonl", [f"Say {n}." for n in range(9)])
    async with make_engine(sandbox) as engine:
        record = await run_job(engine, path, 9)
    counts = record.counts
    assert counts is not None
    assert (counts.requests, counts.answered, counts.errors, counts.missing) == (9, 9, 0, 0)
    assert counts.is_even and not counts.needs_attention and record.rank is Rank.DONE
    rows = [json.loads(line) for line in result_path(record).read_text().splitlines()]
    usages = [row["response"]["body"]["usage"] for row in rows]
    assert counts.completion_tokens == sum(usage["completion_tokens"] for usage in usages) > 0
    assert counts.prompt_tokens == sum(usage["prompt_tokens"] for usage in usages) > 0
    async with make_engine(sandbox, api_key=None) as again:  # loaded
        await again.records()
        loaded = again.record(record.key)
        assert loaded is not None and loaded.counts == counts


async def test_rows_that_are_lost_or_doubled_need_a_person(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = write_chat(tmp_path / "in.jsonl", [f"Say {n}." for n in range(5)])
    async with make_engine(sandbox) as engine:
        record = await run_job(engine, path, 5)
        output = result_path(record)
        rows = output.read_bytes().splitlines(keepends=True)
        output.write_bytes(b"".join([*rows[:3], rows[0], b'{"custom_id": "stranger", "response": null}\n', b'{"cus']))
        engine.recount(record.key)
        record = await engine.wait_until(record.key, lambda r: r.counts is not None and not r.counts.is_even)
        counts = record.counts
        assert counts is not None
        assert (
            counts.requests,
            counts.answered,
            counts.missing,
            counts.unknown,
            counts.duplicates,
            counts.unreadable,
        ) == ((5, 3, 2, 1, 1, 1))
        assert record.rank is Rank.ATTENTION
        # What was counted stays when a file is gone: it is still what came of the job.
        output.unlink()
        path.unlink()
        engine.recount(record.key)
        assert not is_stale(counts, sources_of(record))
        assert count_results(record) is None


async def test_a_job_downloaded_by_an_older_version_is_counted_at_the_next_start(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path, tmp_path: Path
) -> None:
    async with make_engine(sandbox) as engine:
        record = await run_job(engine, chat_file, 2)
    journal = Journal(tmp_path / "data" / "history.db")
    journal.database.execute("DELETE FROM tallies")
    journal.close()
    async with make_engine(sandbox) as engine:
        assert all(old.counts is None for old in await engine.records())
        assert (await engine.wait_until(record.key, is_counted)).counts == record.counts
    journal = Journal(tmp_path / "data" / "history.db")
    journal.database.execute("DELETE FROM tallies")
    journal.close()
    async with make_engine(sandbox, api_key=None) as engine:  # without a key, when it is looked at
        await engine.records()
        engine.recount(record.key)
        assert (await engine.wait_until(record.key, is_counted)).counts == record.counts


async def test_a_job_that_is_here_now_does_not_wait_for_those_downloaded_before(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with make_engine(sandbox, first_retry_delay=60.0) as engine:  # the past ones wait a minute
        async with asyncio.timeout(30):
            assert (await run_job(engine, chat_file, 2)).counts is not None


async def test_a_job_made_elsewhere_is_counted_by_what_came_back(sandbox: Sandbox, make_engine: MakeEngine) -> None:
    job_id = sandbox.add_job("COMPLETED", rows=3)
    async with make_engine(sandbox) as engine:
        await engine.wait_until(job_id, lambda r: r.job is not None)
        await engine.download(job_id)
        counts = (await engine.wait_until(job_id, is_counted)).counts
    assert counts is not None and not counts.has_input and not counts.is_even and not counts.needs_attention
    assert counts.requests == counts.answered == 3


async def test_an_input_that_has_changed_is_not_counted_against(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = write_chat(tmp_path / "in.jsonl", ["Hello?", "Anyone?"])
    async with make_engine(sandbox) as engine:
        record = await run_job(engine, path, 2)
    asked, counts = path.read_bytes(), record.counts
    assert counts is not None and counts.is_even
    path.write_bytes(asked + asked.replace(b"request-", b"other-"))
    assert not is_stale(counts, sources_of(record))  # counted while it was what was submitted
    late = count_results(replace(record, requests=3))
    assert late is not None and (late.requests, late.answered, late.missing, late.has_input) == (3, 2, 1, False)
    assert not is_stale(late, sources_of(record))
    path.write_bytes(asked)
    assert is_stale(late, sources_of(record))
    again = count_results(record)
    assert again is not None and again == replace(counts, stamps=again.stamps)
    with pytest.raises(OperationCancelledError):
        count_results(record, cancelled=lambda: True)


async def test_counts_of_an_older_version_are_made_again_where_the_files_are(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    path = write_chat(tmp_path / "in.jsonl", ["Hello?", "Anyone?", "Nobody?"])
    async with make_engine(sandbox) as engine:
        record = await run_job(engine, path, 3)
    counts, output = record.counts, record.paths[0]
    assert counts is not None and counts.ok == 3
    older = replace(counts, stamps="1" + counts.stamps[1:])
    assert is_stale(older, sources_of(record))
    output.write_bytes(output.read_bytes().replace(b'"finish_reason":"stop"', b'"finish_reason":"error"', 1))
    again = count_results(replace(record, counts=older))
    assert again is not None and again.outcomes == {"ok": 2, "cut short": 0, "invalid": 1, "error": 0, "missing": 0}
    path.unlink()  # of other result files, all that is known is what came back
    assert not (count_results(replace(record, counts=older)) or counts).has_input
    same = replace(again, stamps="1" + again.stamps[1:], invalid=0)
    kept = count_results(replace(record, counts=same))  # of the same ones, the input is still known
    assert kept == replace(again, stamps=kept.stamps if kept else "", usage=kept.usage if kept else ())
    strange = replace(same, unknown=1)
    assert count_results(replace(record, counts=strange)) == replace(strange, stamps=kept.stamps if kept else "")
    output.unlink()
    assert not is_stale(older, sources_of(record))


async def test_another_share_moves_jobs_in_the_list(make_engine: MakeEngine, tmp_path: Path) -> None:
    path = write_chat(tmp_path / "in.jsonl", ["Hello?", "Anyone?"])
    with Sandbox(speed=40, cut_rate=1.0) as box:
        async with make_engine(box) as engine:
            record = await run_job(engine, path, 2)
            assert record.counts is not None and (record.counts.cut_short, record.counts.ok) == (2, 0)
            assert record.counts.is_even and record.rank is Rank.ATTENTION
        async with make_engine(box, attention_share=100.0) as engine:
            await engine.records()
            key = record.key
            record = await engine.wait_until(key, lambda r: r.counts is not None and r.counts.attention_share == 100)
            assert record.rank is Rank.DONE


def test_files_are_told_apart_by_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("{}\n")
    index = ResultIndex(sources_of(None))
    assert is_stale(JobCounts(0, 0, 0, 0), index.sources)  # of another version
    sources = Sources(output=path)
    index = ResultIndex(sources)
    index.build()
    counts = JobCounts(0, 0, 0, 0, stamps=format_stamps(index.file_stamps, input_changed=False))
    assert not is_stale(counts, sources)
    os.utime(path, (1, 1))
    assert is_stale(counts, sources)
