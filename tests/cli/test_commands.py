"""Each command: what it prints, where, and with which exit code."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.cli import session
from tbatch_tui.cli.dispatch import COMMANDS
from tbatch_tui.cli.parser import NAMES, SHELLS
from tbatch_tui.config.settings import Settings
from tbatch_tui.engine.errors import ConnectionFailedError
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import until, write_chat

if TYPE_CHECKING:
    from tests.cli.conftest import Run

SOON = ("--poll-interval", "0.2")


def test_every_command_that_is_told_is_one():
    assert set(COMMANDS) == {"check", "sandbox", *NAMES}


def test_submit_and_wait_brings_the_files_home(run: Run, sandbox: Sandbox, chat_file: Path, tmp_path: Path):
    done = run("submit", str(chat_file), "--label", "first", "--wait", *SOON)
    assert done.returncode == 0, done.stderr
    [job] = sandbox.jobs
    job_id, *paths = done.stdout.splitlines()
    assert job_id == job["id"]
    assert paths == [str(tmp_path / "batch-results" / f"{chat_file.stem}-{job_id[:8]}.output.jsonl")]
    assert Path(paths[0]).read_bytes() == sandbox.file_bytes(job["output_file_id"])
    assert "In progress" in done.stderr and "Completed" in done.stderr

    [told] = json.loads(run("ls", "--json").stdout)
    assert (told["id"], told["label"], told["status"], told["output"]["state"]) == (
        job_id,
        "first",
        "COMPLETED",
        "fetched",
    )
    listed = run("ls").stdout.splitlines()
    assert listed[0].split() == ["ID", "STATUS", "NAME", "MODEL", "REQUESTS", "DONE", "CREATED"]
    assert listed[1].startswith(f"{job_id}  Completed  first")
    for called in (job_id, job_id[:8], "first"):
        assert json.loads(run("get", called, "--json").stdout)["id"] == job_id
    assert "Completed" in run("get", "first").stdout


def test_a_file_over_the_limits_goes_as_several_jobs_when_asked(run: Run, sandbox: Sandbox, tmp_path: Path):
    file = tmp_path / "many.jsonl"
    line = '{"custom_id": "%d", "body": {"model": "m/m", "messages": [{"role": "user", "content": "x"}]}}\n'
    file.write_text("".join(line % number for number in range(50_001)))
    refused = run("submit", str(file), *SOON)
    assert refused.returncode == 1 and "--in-parts submits it as several jobs" in refused.stderr
    assert not sandbox.jobs
    done = run("submit", str(file), "--in-parts", "--label", "big", *SOON)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(job["id"] for job in sandbox.jobs)
    assert [sandbox.file_bytes(job["input_file_id"]).count(b"\n") for job in sandbox.jobs] in ([50_000, 1], [1, 50_000])
    assert "big · 2 of 2: " in done.stderr
    again = run("submit", str(file), "--in-parts", *SOON)
    assert again.returncode == 1 and "ran already" in again.stderr


def test_a_job_that_completed_without_every_answer_did_not_come_out(run: Run, sandbox: Sandbox, chat_file: Path):
    """A script that goes by the exit code must not take a file with one row of many for all that it asked."""
    row = '{"custom_id": "request-1", "response": {"status_code": 200, "body": {}}}\n'
    sandbox.plan_fault("status", "/v1/files/*/content", last=None, status=200, body=row)
    done = run("submit", str(chat_file), "--wait", *SOON)
    asked = len(chat_file.read_text().splitlines())
    assert done.returncode == 1, done.stderr
    assert f"{asked - 1} of {asked} requests have no row in its files" in done.stderr
    told = done.stderr.splitlines()
    assert sorted(told) == sorted(set(told))  # nothing is said twice


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("request-1", 200), ("request-1", 200)], "1 of 2 requests have no row"),
        ([("request-1", 200), ("request-2", 500)], "1 of 2 requests came back as errors"),
    ],
)
def test_as_many_rows_as_requests_are_not_yet_as_many_answers(
    rows: list[tuple[str, int]], said: str, run: Run, sandbox: Sandbox, tmp_path: Path
):
    file = write_chat(tmp_path / "two.jsonl", ["one", "two"])
    body = "".join(
        json.dumps({"custom_id": name, "response": {"status_code": status, "body": {"error": "no"}}}) + "\n"
        for name, status in rows
    )
    sandbox.plan_fault("status", "/v1/files/*/content", last=None, status=200, body=body)
    done = run("submit", str(file), "--wait", *SOON)
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr


def test_the_same_bytes_are_not_submitted_twice_without_a_word(run: Run, sandbox: Sandbox, chat_file: Path):
    assert run("submit", str(chat_file)).returncode == 0
    again = run("submit", str(chat_file))
    assert (again.returncode, again.stdout) == (1, "")
    assert sandbox.jobs[0]["id"] in again.stderr and "--again" in again.stderr
    assert len(sandbox.jobs) == 1
    assert run("submit", str(chat_file), "--again").returncode == 0
    assert len(sandbox.jobs) == 2


def test_a_submit_that_was_killed_and_runs_again_is_the_same_job(
    run: Run, sandbox: Sandbox, chat_file: Path, tmp_path: Path
):
    """To tell it of --again, as of bytes that ran before, would be to tell it to pay twice."""
    sandbox.plan_fault("delay", "/v1/batches", method="POST", seconds=60, after=True)
    command = [sys.executable, "-m", "tbatch_tui", "submit", str(chat_file), "--data-dir", str(tmp_path / "data")]
    environment = {**os.environ, "TOGETHER_API_KEY": sandbox.key, "TOGETHER_BASE_URL": sandbox.base_url}
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL) as first:
        try:
            asyncio.run(until(lambda: len(sandbox.jobs) == 1))
        finally:
            first.kill()
    sandbox.clear_faults()
    again = run("submit", str(chat_file), "--wait", *SOON)
    assert again.returncode == 0, again.stderr
    assert "taken up" in again.stderr and "--again" not in again.stderr
    [job] = sandbox.jobs
    assert again.stdout.splitlines()[0] == job["id"]


def test_a_lost_answer_is_one_job_all_the_same(run: Run, sandbox: Sandbox, chat_file: Path):
    sandbox.plan_fault("status-after", "/v1/batches", method="POST", status=504)
    done = run("submit", str(chat_file), *SOON)
    assert done.returncode == 0, done.stderr
    assert [job["id"] for job in sandbox.jobs] == done.stdout.split()
    assert "Uncertain" in done.stderr


def test_a_faulty_file_is_not_sent(run: Run, sandbox: Sandbox, tmp_path: Path):
    faulty = tmp_path / "faulty.jsonl"
    faulty.write_text('{"custom_id": 7}\n')
    done = run("submit", str(faulty))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{faulty}:1:" in done.stderr and "Nothing was submitted" in done.stderr
    assert not sandbox.jobs and not sandbox.count("POST", "/v1/files")


def test_fetch_and_cancel(run: Run, sandbox: Sandbox, chat_file: Path, tmp_path: Path):
    job_id = run("submit", str(chat_file), "--wait", *SOON).stdout.split()[0]
    path = tmp_path / "batch-results" / f"{chat_file.stem}-{job_id[:8]}.output.jsonl"
    path.unlink()
    fetched = run("fetch", job_id, *SOON)
    assert (fetched.returncode, fetched.stdout.split()) == (0, [str(path)]), fetched.stderr
    assert path.exists()
    ended = run("cancel", job_id, "--yes")
    assert ended.returncode == 0 and "ended already" in ended.stderr
    assert run("cancel", job_id).returncode == 2  # nobody can be asked


def test_a_running_job_is_cancelled_once(run: Run, still_sandbox: Sandbox, chat_file: Path):
    env = {"TOGETHER_API_KEY": still_sandbox.key, "TOGETHER_BASE_URL": still_sandbox.base_url}
    job_id = run("submit", str(chat_file), env=env).stdout.strip()
    done = run("cancel", job_id, job_id[:8], "--yes", env=env)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.split()[1] in ("Cancelling", "Cancelled")
    assert still_sandbox.count("POST", f"/v1/batches/{job_id}/cancel") == 1


async def test_a_folder_that_cannot_be_written_is_not_waited_for_for_ever(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The trouble is the same each time, and each time counts; it is said once."""
    monkeypatch.setattr(session, "_TRIES", 2)
    (tmp_path / "results").write_text("a file where the folder should be")
    job_id = sandbox.add_job("COMPLETED", rows=2)
    settings = Settings(
        tmp_path / "data", tmp_path / "results", poll_interval=0.2, base_url=sandbox.base_url, api_key=sandbox.key
    )
    async with asyncio.timeout(60), session.Session(settings, background_work=True) as open_one:
        await open_one.listed()
        await open_one.engine.download(job_id)
        with pytest.raises(ConnectionFailedError, match="did not come"):
            await open_one.until(job_id, session.is_brought_home)
    assert capsys.readouterr().err.count("folder should be") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_output_to_a_full_disk_is_said_without_a_traceback(tmp_path: Path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tbatch_tui", "ls", "--offline", "--json", "--data-dir", str(tmp_path)],
            env={**os.environ, "TOGETHER_API_KEY": "key-of-nobody-1234"},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (1, "What was asked for cannot be written: No space left on device\n")


def test_a_limit_below_nothing_is_refused(run: Run):
    done = run("ls", "--limit", "-1")
    assert done.returncode == 2 and "--limit" in done.stderr


def test_results_and_a_retry_of_what_failed(run: Run, tmp_path: Path):
    asked = ["Hello"] * 9
    source = write_chat(tmp_path / "asked.jsonl", asked)
    with Sandbox(speed=40, failure_rate=0.5) as box:
        env = {"TOGETHER_API_KEY": box.key, "TOGETHER_BASE_URL": box.base_url}
        done = run("submit", str(source), "--wait", *SOON, env=env)
        job_id = done.stdout.split()[0]
        rows = run("results", job_id, "--json", env=env)
        told = [json.loads(line) for line in rows.stdout.splitlines()]
        assert [row["custom_id"] for row in told] == [f"request-{n}" for n in range(1, 10)]
        errors = [row for row in told if "error" in row]
        assert errors and len(errors) < len(told)
        assert f"9 in = {9 - len(errors)} answered" in rows.stderr
        listed = run("results", job_id, "--filter", "errors", env=env).stdout.splitlines()
        assert len(listed) == 1 + len(errors) and listed[0].split()[:2] == ["LINE", "CUSTOM"]

        again = run("retry", job_id, "--only", "errors", "--json", env=env)
        path = Path(json.loads(again.stdout)["path"])
        assert path == tmp_path / "asked.retry1.jsonl"
        lines = source.read_text().splitlines()
        assert path.read_text().splitlines() == [lines[int(row["custom_id"][8:]) - 1] for row in errors]
        assert len(box.jobs) == 1
        sent = run("retry", job_id, "--submit", env=env)
        assert sent.returncode == 0, sent.stderr
        assert len(box.jobs) == 2 and sent.stdout.strip() in {job["id"] for job in box.jobs}


@pytest.mark.parametrize("command", ["get", "fetch", "cancel", "retry", "results"])
def test_a_job_that_is_not_there(run: Run, command: str):
    done = run(command, "nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no job 'nonsense'" in done.stderr


def test_the_server_cannot_be_reached(run: Run):
    done = run("ls", env={"TOGETHER_BASE_URL": "http://127.0.0.1:9"})
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert run("ls", "--offline").returncode == 0


def test_without_a_key_it_is_said_where_to_get_one(run: Run):
    done = run("ls", env={"TOGETHER_API_KEY": None})
    assert done.returncode == 1 and "TOGETHER_API_KEY" in done.stderr
    refused = run("ls", env={"TOGETHER_API_KEY": "a-key-that-is-wrong"})
    assert refused.returncode == 1 and "a-key-that-is-wrong" not in refused.stderr


def test_an_answer_paints_nothing(run: Run, sandbox: Sandbox, chat_file: Path):
    run("submit", str(chat_file), "--label", "\x1b[2J[bold]\u202e", "--wait", *SOON)
    for command in (("ls",), ("get", sandbox.jobs[0]["id"]), ("ls", "--json")):
        done = run(*command)
        assert done.returncode == 0 and done.stdout
        assert "\x1b" not in done.stdout and "\u202e" not in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_completion(shell: str):
    done = subprocess.run(
        [sys.executable, "-m", "tbatch_tui", "completion", shell], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "submit" in done.stdout and "--poll-interval" in done.stdout
    if found := shutil.which(shell):
        assert subprocess.run([found, "-n"], input=done.stdout, text=True, timeout=60).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_help_is_quick_to_load(name: str):
    code = (
        "import sys; from tbatch_tui.cli.dispatch import main\n"
        f"try: main([{name!r}, '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'textual', 'rich', 'together', 'httpx', 'msgspec', 'starlette', 'sqlite3'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "exit status" in done.stdout
