"""A command that is killed while it submits recordings of a store: one job, and no link is left on the disk."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.audio import signed_copy
from tbatch_tui.engine.options import AudioStore
from tests.conftest import until
from tests.engine.submit.test_signed_links import assert_no_links_in
from tests.helpers.s3_server import KEY, SECRET

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

STORE = AudioStore("s3://talks/2026", "https://store.example.com")


@pytest.mark.parametrize(
    "moment", ["before the upload", pytest.param("before the answer to the create", marks=pytest.mark.slow)]
)
async def test_killed_with_links_one_job_is_made(
    moment: str, sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    body = {"model": "openai/whisper-large-v3", "file": "s3://talks/2026/0123456789abcdef/a.mp3"}
    talks = tmp_path / "talks.jsonl"
    talks.write_text(json.dumps({"custom_id": "a", "method": "FILE", "body": body}) + "\n")
    is_early = moment == "before the upload"
    if is_early:
        sandbox.plan_fault("delay", "/v1/files", method="POST", seconds=1.5)
    else:
        sandbox.plan_fault("delay", "/v1/batches", method="POST", seconds=1.5, after=True)
    child = _submit(sandbox, tmp_path, talks)
    try:
        if is_early:
            await until(lambda: _copies(tmp_path) != [], what="the copy with links is written")
            [copy] = _copies(tmp_path)
            assert (copy.stat().st_mode & 0o777, copy.parent.stat().st_mode & 0o777) == (0o600, 0o700)
            await until(lambda: b"X-Amz-Signature=" in copy.read_bytes(), what="it is written as a whole")
        else:
            await until(lambda: len(sandbox.jobs) == 1, what="the job is made")
    finally:
        child.kill()
        await asyncio.to_thread(child.communicate)
    assert len(sandbox.jobs) == (0 if is_early else 1)
    sandbox.clear_faults()
    async with asyncio.timeout(30), make_engine(sandbox, audio_store=STORE, lookup_patience=30.0) as engine:
        await until(lambda: _copies(tmp_path) == [], what="what the killed one has left is removed")
        [record] = await engine.records()
        record = await engine.wait(record)
        assert (record.job is not None and record.counts is None) or record.name == "talks"
    assert len(sandbox.jobs) == 1 and sandbox.count("POST", "/v1/batches") == 1
    assert b"X-Amz-Signature=" in sandbox.file_bytes(sandbox.jobs[0]["input_file_id"])
    assert_no_links_in(tmp_path / "data")


def _submit(sandbox: Sandbox, folder: Path, path: Path) -> subprocess.Popen[bytes]:
    config = folder / "config" / "tbatch-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[audio]\nstore = "{STORE.address}"\nendpoint = "{STORE.endpoint}"\n')
    own: dict[str, Any] = {
        "TOGETHER_API_KEY": sandbox.key,
        "TOGETHER_BASE_URL": sandbox.base_url,
        "XDG_CONFIG_HOME": str(config.parent.parent),
    }
    command = [sys.executable, "-m", "tbatch_tui", "submit", "--data-dir", str(folder / "data"), str(path)]
    return subprocess.Popen(command, cwd=folder, env={**os.environ, **own}, stdin=subprocess.DEVNULL)


def _copies(folder: Path) -> list[Path]:
    walk = os.walk(folder / "data" / signed_copy.FOLDER)  # which does not mind what is removed meanwhile
    return sorted(Path(place) / name for place, _, names in walk for name in names if name.endswith(".jsonl"))
