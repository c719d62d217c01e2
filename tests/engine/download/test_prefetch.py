"""Results that are fetched without a transfer to look at, as the demo does with its past jobs."""

from __future__ import annotations

import asyncio
import errno
import hashlib
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.download.fetch_file import _disk_error as disk_error
from tbatch_tui.engine.download.prefetch import latest_without_results
from tbatch_tui.sandbox.testing import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import MakeEngine


def ended(number: int, *, output: str | None = "out", status: str = "COMPLETED") -> JobRecord:
    job = Job(f"job-{number}", status, created_at=float(number), output_file_id=output)
    return JobRecord(job.id, job)


def test_the_latest_jobs_without_results_are_chosen() -> None:
    records = [
        ended(1),
        ended(4),
        ended(2),
        ended(5, output=None),
        ended(6, status="IN_PROGRESS"),
        JobRecord("submission:7"),
        ended(3),
    ]
    assert [record.key for record in latest_without_results(records, 3)] == ["job-4", "job-3", "job-2"]
    assert latest_without_results(records, 0) == []


async def test_both_files_of_a_job_are_fetched_once_and_known_afterwards(
    make_engine: MakeEngine, tmp_path: Path
) -> None:
    with Sandbox(speed=0, failure_rate=0.3) as box:
        await fetch_all(box, make_engine, tmp_path)


async def fetch_all(box: Sandbox, make_engine: MakeEngine, tmp_path: Path) -> None:
    job_id = box.add_job("COMPLETED", rows=30)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    async with asyncio.timeout(20), make_engine(box, now=lambda: 1_800_000_000.0) as engine:
        await engine.prefetch(5, folder)
        record = engine.record(job_id)
        assert record is not None and record.output is not None and record.errors is not None
        for transfer, key in ((record.output, "output_file_id"), (record.errors, "error_file_id")):
            content = box.file_bytes(box.job(job_id)[key])
            assert transfer.path is not None and transfer.path.parent == folder
            assert transfer.path.read_bytes() == content
            assert transfer.path.stat().st_mode & 0o777 == 0o600
            assert (transfer.file_id, transfer.state) == (box.job(job_id)[key], TransferState.FETCHED)
            assert (transfer.size, transfer.rows) == (len(content), content.count(b"\n"))
            assert transfer.sha256 == hashlib.sha256(content).hexdigest()
            assert transfer.updated_at == 1_800_000_000.0
        calls = sum(call.path.endswith("/content") for call in box.requests)
        await engine.prefetch(5, folder)
        assert sum(call.path.endswith("/content") for call in box.requests) == calls == 2


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk quota is exceeded"),
        (errno.EROFS, "the folder is read-only"),
        (errno.EACCES, "no permission to write there"),
        (errno.EPERM, "no permission to write there"),
        (errno.ENOENT, "the folder is gone"),
        (errno.EFBIG, "the file system doesn't allow files that large"),
        (errno.ENOTDIR, "a file is where the folder should be"),
        (errno.EEXIST, "a file is where the folder should be"),
        (errno.EIO, "as the system says it"),
        (None, "as the system says it"),
    ],
)
def test_why_a_file_cannot_be_written(number: int | None, reason: str, tmp_path: Path) -> None:
    error = OSError(number, "as the system says it") if number is not None else OSError("as the system says it")
    ours = disk_error(error, tmp_path / "a.output.jsonl")
    assert ours.title == f"a.output.jsonl cannot be written to {tmp_path}: {reason}"
    assert ours.hint.startswith("The server still has the results. Fix this; ")
