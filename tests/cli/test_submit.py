"""`submit`: one job for each file, waited for until its files are on disk."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import until

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox


async def test_wait_goes_on_while_a_completed_job_names_no_file(
    still_sandbox: Sandbox, chat_file: Path, tmp_path: Path
) -> None:
    """The server may report COMPLETED some lists before it names the files."""
    box = still_sandbox
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tbatch_tui", "submit", str(chat_file), "--wait"),
        *("--poll-interval", "0.3", "--data-dir", str(tmp_path / "data")),
        cwd=tmp_path,
        env={**os.environ, "TOGETHER_API_KEY": box.key, "TOGETHER_BASE_URL": box.base_url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        await until(lambda: box.jobs, what="the job is created")
        completed = box.jobs[0] | {"status": "COMPLETED", "output_file_id": None, "error_file_id": None}
        box.plan_fault("status", "/v1/batches", method="GET", last=3, status=200, body=[completed])
        await asyncio.to_thread(box.advance, 3600)
        stdout, stderr = await asyncio.wait_for(child.communicate(), 60)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    assert child.returncode == 0, stderr.decode()
    job_id, path = stdout.decode().splitlines()
    assert job_id == box.jobs[0]["id"]
    assert Path(path).read_bytes() == box.file_bytes(box.jobs[0]["output_file_id"])
    assert b"have no row" not in stderr
