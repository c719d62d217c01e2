"""Engines killed at any moment, and two apps at once: each submit is one job, and its files are whole."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conftest import write_chat
from tests.engine.scenarios.test_fault_matrix import has_all_files
from tests.helpers.crash_rounds import crash
from tests.helpers.submit_child import child_environment, submit_command

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


@pytest.mark.parametrize("rounds", [15, pytest.param(200, marks=pytest.mark.slow)])
async def test_killed_at_random_moments_nothing_is_doubled_lost_or_cut(rounds: int, tmp_path: Path) -> None:
    counts = await crash(rounds, seed=20_260, folder=tmp_path)
    print(counts)  # noqa: T201 - shown when it fails, or with -s
    assert counts.are_clean, counts
    assert counts.submits >= rounds // 2, counts


async def test_two_processes_on_one_data_folder_make_twenty_jobs_of_twenty_submits(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    files = [write_chat(tmp_path / f"in-{n:02d}.jsonl", [f"prompt {n}"]) for n in range(10)]
    sandbox.plan_fault("close-after", "/v1/batches", method="POST", first=3, last=5)
    command = submit_command(sandbox, tmp_path, files, requests=1)
    # Both submit the same ten files: twenty presses of Submit, twenty jobs.
    apps = [subprocess.Popen(command, env=child_environment()) for _ in range(2)]
    async with asyncio.timeout(60):
        assert [await asyncio.to_thread(app.wait) for app in apps] == [0, 0]
        async with make_engine(sandbox) as engine:
            records = [await engine.wait_until(r.key, has_all_files) for r in await engine.records()]
    assert len(sandbox.jobs) == 20
    assert {r.key for r in records} == {job["id"] for job in sandbox.jobs}
    assert sorted(r.label for r in records) == sorted(f.stem for f in files * 2)
    for record in records:
        assert record.output is not None and record.output.path is not None
        assert record.output.path.read_bytes() == sandbox.file_bytes(record.output.file_id)
