"""The files of parts are removed once all is here and the input file has their bytes, and never else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.submission import REMOVED, JobGroup
from tbatch_tui.engine.groups.group_record import make_group
from tbatch_tui.engine.groups.group_results import results_of
from tbatch_tui.engine.local_files.input_state import InputState
from tbatch_tui.engine.results import rows_to_retry
from tbatch_tui.engine.results.export.export import ExportFormat, export_rows
from tests.conftest import until
from tests.engine.groups.test_groups import file, submit

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

__all__ = ["file"]


def copies(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "data" / "parts").glob("*/*"))


async def ended(engine: BatchEngine, key: str) -> list[JobRecord]:
    """Return the parts of a group once all have their results."""
    for part in await engine.groups.parts(key):
        await engine.wait(part.key)
    return await engine.groups.parts(key)


async def group_of(engine: BatchEngine, key: str) -> JobGroup:
    group = (await engine.groups.parts(key))[0].group
    assert group is not None
    return group


async def exported(engine: BatchEngine, key: str, path: Path) -> bytes:
    """Return the merged export of a group."""
    _, index = results_of(make_group(await engine.groups.parts(key)))

    def write() -> None:
        index.build()
        export_rows(index, range(len(index)), path, ExportFormat.MERGED, job_id_of=index.job_id_of, replace=True)

    await asyncio.to_thread(write)
    return path.read_bytes()


@pytest.mark.parametrize("first", [0, 5])
async def test_they_are_removed_and_all_reads_as_before(
    sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path, first: int
) -> None:
    async with make_engine(sandbox, requests_per_job=10, keep_parts=True) as engine:
        key = await submit(engine, file, first=first, auto_continue=True)
        parts = await ended(engine, key)
        before = await exported(engine, key, tmp_path / "before")
        requests = [part.submission.path.read_bytes() for part in parts if part.submission]
        assert len(copies(tmp_path)) == len(parts) == 3
        assert await engine.groups.remove_copies(key) == 0, "they are to be kept"
    async with make_engine(sandbox, requests_per_job=10) as engine:
        await engine.records()
        await until(lambda: not copies(tmp_path))
        assert await exported(engine, key, tmp_path / "after") == before
        parts = await engine.groups.parts(key)
        await engine.wait_until(key, lambda record: record.group is not None and record.group.copies == REMOVED)
        for part, lines in zip(parts, requests, strict=True):
            assert part.submission is not None
            assert await engine.input_state(part.submission) is InputState.UNCHANGED
            index = engine.results(part)
            await asyncio.to_thread(index.build)
            assert index.has_input and not index.input_changed
            assert b"".join(index.record(row).raw_request + b"\n" for row in range(len(index))) == lines  # type: ignore[operator]
        rows = rows_to_retry(index, marked=[1, 2])
        retry = await engine.retries.write(index, rows, parts[-1].key)
        assert retry.read_bytes() == b"".join(requests[-1].splitlines(keepends=True)[1:3])
        assert retry.parent != tmp_path / "data" / "parts"
