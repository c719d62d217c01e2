"""The user's own command: it gets the job, not the key; one that takes too long is killed, and errors are reported."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.redaction import add_secret
from tbatch_tui.tui.terminal.notify_command import run_notify_command
from tests.conftest import until

RECORD = JobRecord("job-1", job=Job("job-1", "COMPLETED"), label="\x1b[2J $(touch /tmp/x)")
SAVE_INPUT = "import json, os, sys; json.dump([json.load(sys.stdin), dict(os.environ), sys.argv[1:]], open({!r}, 'w'))"


async def test_it_gets_the_job_on_standard_input_and_no_key(tmp_path: Path) -> None:
    received = tmp_path / "received.json"
    command = [sys.executable, "-c", SAVE_INPUT.format(str(received)), "$(echo no shell)"]
    add_secret("hidden-key-of-the-test")
    keys = {"TOGETHER_API_KEY": "secret-of-the-test", "HEADER": "Authorization: hidden-key-of-the-test"}
    await run_notify_command(command, RECORD, environment={**os.environ, **keys})
    job, environment, argv = json.loads(received.read_text())
    assert (job["id"], job["status"], job["label"]) == ("job-1", "COMPLETED", RECORD.label)
    assert "TOGETHER_API_KEY" not in environment and "of-the-test" not in str(environment.values())
    assert argv == ["$(echo no shell)"]


async def test_errors_are_reported() -> None:
    for command, message in (
        (["no-such-program-anywhere"], "did not start"),
        ([sys.executable, "-c", "import sys; sys.exit(3)"], "failed with 3"),
        ([sys.executable, "-c", "pass"], ""),  # it does not even read what it is given
    ):
        if not message:
            await run_notify_command(command, RECORD)
            continue
        with pytest.raises(BatchError) as error:
            await run_notify_command(command, RECORD)
        assert message in error.value.title


async def test_a_command_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    sleeper = f"import subprocess; p = subprocess.Popen(['sleep', '600']); open({str(pid)!r}, 'w').write(str(p.pid))"
    with pytest.raises(BatchError) as error:
        await run_notify_command([sys.executable, "-c", sleeper + "; p.wait()"], RECORD, time_limit=3.0)
    assert "stopped after 3 s" in error.value.title
    child = int(pid.read_text())
    await until(lambda: not _runs(child), what="the child of the command is gone")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
