"""`settle`: decides about a submission of which it is not known whether a job was created."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from tbatch_tui.cli.commands.groups import decide
from tbatch_tui.cli.exit_codes import UNKNOWN
from tbatch_tui.config.settings import Settings
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.engine.submit.lookup import LookupDecision
from tests.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.cli.conftest import Run, Start

SOON = ("--poll-interval", "0.2")
CREATE = ("POST", "/v1/batches")


def lose_create(start: Start, sandbox: Sandbox, file: Path, *, is_carried_out: bool = False) -> None:
    """Submit a file whose create gets no answer, and kill that."""
    method, path = CREATE
    sandbox.plan_fault("delay", path, method=method, seconds=60, after=is_carried_out)
    count = sandbox.count(*CREATE)
    command = start("submit", str(file), *SOON)
    asyncio.run(until(lambda: sandbox.count(*CREATE) > count))
    command.kill()
    command.wait()
    sandbox.clear_faults()


def test_one_of_two_jobs_is_said_to_be_it(run: Run, start: Start, sandbox: Sandbox, chat_file: Path) -> None:
    lose_create(start, sandbox, chat_file)
    ours, other = (sandbox.add_job(content=chat_file.read_bytes()) for _ in range(2))
    alien = sandbox.add_job()
    refused = run("settle", chat_file.stem, "--job", alien, *SOON)
    assert refused.returncode == 1, refused.stderr
    assert f"{alien} cannot be its job" in refused.stderr and ours in refused.stderr and other in refused.stderr
    settled = run("settle", "submission:1", "--job", ours, *SOON)
    assert (settled.returncode, settled.stdout) == (0, f"{ours}\n"), settled.stderr
    again = run("settle", ours, "--none", *SOON)
    assert again.returncode == 1 and "there is nothing to decide" in again.stderr
    assert run("settle", "submission:9", "--none", *SOON).returncode == 2
    assert run("settle", ours).returncode == 2, "it says neither which job nor none"
    assert run("settle", ours, "--none", "--job", ours).returncode == 2
    assert len(sandbox.jobs) == 3, "nothing was created"


def test_it_became_no_job_and_none_is_created(run: Run, start: Start, sandbox: Sandbox, chat_file: Path) -> None:
    lose_create(start, sandbox, chat_file)
    settled = run("settle", chat_file.stem, "--none", *SOON)
    assert settled.returncode == 0 and settled.stdout.startswith("submission:1  "), settled.stderr
    assert run("settle", chat_file.stem, "--none", *SOON).returncode == 1, "it is decided"
    assert not sandbox.jobs and sandbox.count(*CREATE) == 1


def test_a_job_that_the_list_has_found_by_itself(run: Run, start: Start, sandbox: Sandbox, chat_file: Path) -> None:
    lose_create(start, sandbox, chat_file, is_carried_out=True)
    asyncio.run(until(lambda: len(sandbox.jobs) == 1))
    [job] = sandbox.jobs
    settled = run("settle", chat_file.stem, "--job", job["id"], *SOON)
    assert (settled.returncode, settled.stdout) == (0, f"{job['id']}\n"), settled.stderr
    assert len(sandbox.jobs) == 1


async def test_what_another_app_looks_up_is_decided_there(
    sandbox: Sandbox,
    tmp_path: Path,
    chat_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is not known what came of it, and nothing is changed: exit status 3."""
    monkeypatch.setattr(decide, "_LOOKED_UP_WITHIN", 0.3)
    sandbox.plan_fault("close", CREATE[1], method=CREATE[0], last=None)
    options = EngineOptions(tmp_path / "data", tmp_path / "out", sandbox.base_url, sandbox.key, poll_interval=0.2)
    settings = Settings(
        tmp_path / "data", tmp_path / "out", base_url=sandbox.base_url, api_key=sandbox.key, poll_interval=0.2
    )
    async with BatchEngine(options) as other:
        key = await other.submit_checked(chat_file, Endpoint.CHAT)
        await other.wait_until(key, lambda record: record.status == LocalStatus.UNCERTAIN)
        arguments = argparse.Namespace(job=key, found=None, none=True)
        assert await decide.settle(arguments, settings) == UNKNOWN
        assert "Another tbatch-tui works on this data folder: decide there" in capsys.readouterr().err
        record = other.record(key)
        assert record is not None and record.status == LocalStatus.UNCERTAIN
        assert await other.decide(key, LookupDecision(give_up=True)), "there it can be decided"
    assert not sandbox.jobs
