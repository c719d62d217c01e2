"""`fetch ID --input`: a job that was submitted elsewhere gets its questions back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from together import Together

from tests.sandbox.conftest import chat_row, jsonl

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.cli.conftest import Run


def run_elsewhere(sandbox: Sandbox, path: Path) -> str:
    """Run a job that this machine's history knows nothing of; return its id."""
    with Together(base_url=sandbox.base_url, api_key=sandbox.key) as client:
        file = client.files.upload(path, purpose="batch-api", check=False)
        job = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions").job
    assert job is not None and job.id is not None
    sandbox.advance(3600)
    return job.id


def test_questions_come_back_beside_the_answers(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    content = jsonl(*(chat_row(f"row-{number}") for number in range(3)))
    source = tmp_path / "elsewhere.jsonl"
    source.write_bytes(content)
    job_id = run_elsewhere(sandbox, source)
    source.unlink()

    def rows() -> list[dict[str, Any]]:
        done = run("results", job_id, "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert run("fetch", job_id).returncode == 0
    assert ["request" in row for row in rows()] == [False] * 3
    done = run("fetch", job_id, "--input")
    assert (done.returncode, done.stderr) == (0, "")
    path = Path(done.stdout.strip())
    assert path.read_bytes() == content
    assert (path.name, path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (
        "elsewhere.jsonl",
        0o600,
        0o700,
    )
    assert [row["request"]["messages"] for row in rows()] == [chat_row("")["body"]["messages"]] * 3
    job = json.loads(run("get", job_id, "--json").stdout)
    assert (job["requests"], job["input"]["path"]) == (3, str(path))
    again = run("fetch", job_id, "--input")
    assert again.returncode == 1
    assert f"The input file of this job is known: {path}" in again.stderr


def test_an_input_file_that_is_gone_is_a_sentence(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    source = tmp_path / "elsewhere.jsonl"
    source.write_bytes(jsonl(chat_row("a")))
    job_id = run_elsewhere(sandbox, source)
    [file_id] = [job["input_file_id"] for job in sandbox.jobs if job["id"] == job_id]
    sandbox.plan_fault("truncate-no-length", f"/v1/files/{file_id}/content", bytes=30)
    done = run("fetch", job_id, "--input")
    assert done.returncode != 0 and done.stdout == ""
    assert not list((tmp_path / "data").rglob("elsewhere*.jsonl")), "what was cut off has no name"
    with Together(base_url=sandbox.base_url, api_key=sandbox.key) as client:
        client.files.delete(file_id)
    done = run("fetch", job_id, "--input", "--json")
    assert done.returncode == 1
    assert "not on the server any more" in done.stderr
    [job] = json.loads(done.stdout)
    assert job["input"].get("path") is None
