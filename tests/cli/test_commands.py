"""The commands other than `check` and `submit`: what they print where, and their exit codes."""

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
from tbatch_tui.cli.output import print_long_table, print_table
from tbatch_tui.cli.parser import COMMAND_HELP, SHELLS
from tbatch_tui.config.settings import Settings
from tbatch_tui.engine.errors import ConnectionFailedError
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import write_chat

if TYPE_CHECKING:
    from tests.cli.conftest import Run

SOON = ("--poll-interval", "0.2")


def test_the_dispatcher_knows_every_command_of_the_parser() -> None:
    assert set(COMMANDS) == {"check", "sandbox", *COMMAND_HELP}


def test_fetch_and_cancel(run: Run, chat_file: Path, tmp_path: Path) -> None:
    job_id = run("submit", str(chat_file), "--wait", *SOON).stdout.split()[0]
    path = tmp_path / "batch-results" / f"{chat_file.stem}-{job_id[:8]}.output.jsonl"
    path.unlink()
    fetched = run("fetch", job_id, *SOON)
    assert (fetched.returncode, fetched.stdout.split()) == (0, [str(path)]), fetched.stderr
    assert path.exists()
    ended = run("cancel", job_id, "--yes")
    assert ended.returncode == 0 and "already ended" in ended.stderr
    assert run("cancel", job_id).returncode == 2  # standard input is not a terminal


def test_a_running_job_is_cancelled_once(run: Run, still_sandbox: Sandbox, chat_file: Path) -> None:
    env = {"TOGETHER_API_KEY": still_sandbox.key, "TOGETHER_BASE_URL": still_sandbox.base_url}
    job_id = run("submit", str(chat_file), env=env).stdout.strip()
    done = run("cancel", job_id, job_id[:8], "--yes", env=env)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.split()[1] in ("Cancelling", "Cancelled")
    assert still_sandbox.count("POST", f"/v1/batches/{job_id}/cancel") == 1


def test_a_label_that_another_id_begins_with_cancels_neither(
    run: Run, still_sandbox: Sandbox, chat_file: Path, tmp_path: Path
) -> None:
    env = {"TOGETHER_API_KEY": still_sandbox.key, "TOGETHER_BASE_URL": still_sandbox.base_url}
    other = run("submit", str(chat_file), env=env).stdout.strip()
    meant = write_chat(tmp_path / "meant.jsonl", ["Cancel this one."])
    job_id = run("submit", str(meant), "--label", other[:4], env=env).stdout.strip()
    done = run("cancel", other[:4], "--yes", env=env)
    assert done.returncode != 0 and f"2 jobs are called {other[:4]!r}" in done.stderr
    assert other in done.stderr and job_id in done.stderr
    assert not [call for call in still_sandbox.requests if call.path.endswith("/cancel")]
    assert json.loads(run("get", other, "--json", env=env).stdout)["id"] == other


async def test_a_command_gives_up_on_a_folder_that_cannot_be_written(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each try counts, though the error is always the same; it is printed once."""
    monkeypatch.setattr(session, "_DOWNLOAD_TRIES", 2)
    (tmp_path / "results").write_text("a file where the folder should be")
    job_id = sandbox.add_job("COMPLETED", rows=2)
    settings = Settings(
        tmp_path / "data", tmp_path / "results", poll_interval=0.2, base_url=sandbox.base_url, api_key=sandbox.key
    )
    async with asyncio.timeout(60), session.Session(settings, background_work=True) as open_session:
        await open_session.list_jobs()
        await open_session.engine.download(job_id)
        with pytest.raises(ConnectionFailedError, match="could not be downloaded"):
            await open_session.wait(job_id)
    assert capsys.readouterr().err.count("folder should be") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_an_error_without_a_traceback(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tbatch_tui", "ls", "--offline", "--json", "--data-dir", str(tmp_path)],
            env={**os.environ, "TOGETHER_API_KEY": "key-of-nobody-1234"},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (1, "Cannot write the output: No space left on device\n")


def test_a_negative_limit_is_refused(run: Run) -> None:
    done = run("ls", "--limit", "-1")
    assert done.returncode == 2 and "--limit" in done.stderr


def test_results_and_a_retry_of_what_failed(run: Run, tmp_path: Path) -> None:
    prompts = ["Hello"] * 9
    source = write_chat(tmp_path / "asked.jsonl", prompts)
    with Sandbox(speed=40, failure_rate=0.5) as box:
        env = {"TOGETHER_API_KEY": box.key, "TOGETHER_BASE_URL": box.base_url}
        done = run("submit", str(source), "--wait", *SOON, env=env)
        job_id = done.stdout.split()[0]
        printed = run("results", job_id, "--json", env=env)
        rows = [json.loads(line) for line in printed.stdout.splitlines()]
        assert [row["custom_id"] for row in rows] == [f"request-{n}" for n in range(1, 10)]
        errors = [row for row in rows if "error" in row]
        assert errors and len(errors) < len(rows)
        assert f"9 in = {9 - len(errors)} ok" in printed.stderr
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
        retry_id = sent.stdout.strip()
        assert len(box.jobs) == 2 and retry_id in {job["id"] for job in box.jobs}
        assert json.loads(run("get", retry_id, "--json", env=env).stdout)["retry_of"] == job_id
        later = run("submit", str(path), "--again", env=env)  # written without --submit, and submitted by itself
        assert json.loads(run("get", later.stdout.strip(), "--json", env=env).stdout)["retry_of"] == job_id


def test_old_answers_are_not_printed_beside_new_prompts(run: Run, tmp_path: Path) -> None:
    source = write_chat(tmp_path / "asked.jsonl", ["What is 2 + 2?"] * 3)
    done = run("submit", str(source), "--wait", *SOON)
    job_id = done.stdout.split()[0]
    write_chat(source, ["Is the moon made of cheese?"] * 4)
    printed = run("results", job_id, "--json")
    rows = [json.loads(line) for line in printed.stdout.splitlines()]
    assert printed.returncode == 0 and len(rows) == 3
    assert all("request" not in row and "response" in row for row in rows)
    assert "asked.jsonl has changed since it was submitted" in printed.stderr
    assert "3 returned = 3 ok" in printed.stderr and "cheese" not in printed.stdout
    listed = run("results", job_id)
    assert "has changed" in listed.stderr and "has changed" not in listed.stdout
    refused = run("retry", job_id)
    assert (refused.returncode, refused.stdout) == (2, "") and "has changed" in refused.stderr


@pytest.mark.parametrize("command", ["get", "fetch", "cancel", "retry", "results"])
def test_a_job_that_does_not_exist(run: Run, command: str) -> None:
    done = run(command, "nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no job 'nonsense'" in done.stderr


def test_a_server_that_cannot_be_reached(run: Run) -> None:
    done = run("fetch", "some-job", env={"TOGETHER_BASE_URL": "http://127.0.0.1:9"})
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert run("ls", "--offline").returncode == 0


def test_without_a_key_the_error_names_the_variable(run: Run) -> None:
    done = run("fetch", "some-job", env={"TOGETHER_API_KEY": None})
    assert done.returncode == 1 and "TOGETHER_API_KEY" in done.stderr
    refused = run("ls", env={"TOGETHER_API_KEY": "a-key-that-is-wrong"})
    assert refused.returncode == 1 and "a-key-that-is-wrong" not in refused.stderr


def test_no_output_has_control_characters(run: Run, sandbox: Sandbox, chat_file: Path) -> None:
    run("submit", str(chat_file), "--label", "\x1b[2J[bold]\u202e", "--wait", *SOON)
    for command in (("ls",), ("get", sandbox.jobs[0]["id"]), ("ls", "--json")):
        done = run(*command)
        assert done.returncode == 0 and done.stdout
        assert "\x1b" not in done.stdout and "\u202e" not in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_completion(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tbatch_tui", "completion", shell], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "submit" in done.stdout and "--poll-interval" in done.stdout
    if path := shutil.which(shell):
        assert subprocess.run([path, "-n"], input=done.stdout, text=True, timeout=60).returncode == 0


@pytest.mark.parametrize("name", COMMAND_HELP)
def test_help_loads_nothing_heavy(name: str) -> None:
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


def test_a_retry_leaves_out_what_would_come_back_the_same(run: Run, tmp_path: Path) -> None:
    """4 requests that fail by chance or stay without an answer, 2 that are refused as they are, 3 cut short."""
    source = write_chat(tmp_path / "mixed.jsonl", ["Tell me a long story, with all details."] * 9)
    lines = [json.loads(line) for line in source.read_text().splitlines()]
    for number, line in enumerate(lines):
        line["body"]["max_tokens"] = 4 if number in (6, 7, 8) else 400
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run("submit", str(source), "--wait", *SOON)
    job_id = done.stdout.split()[0]
    output = next((tmp_path / "batch-results").glob("mixed-*.output.jsonl"))
    rows = output.read_text().splitlines()
    by_id = {json.loads(row)["custom_id"]: row for row in rows}
    messages = dict.fromkeys(("request-1", "request-2"), "Request timed out") | dict.fromkeys(
        ("request-4", "request-5"), "Input validation error: `stop` has a wrong type"
    )
    kept = [row for name, row in by_id.items() if name not in (*messages, "request-3")]
    kept += [json.dumps({"custom_id": name, "error": {"message": text}}) for name, text in messages.items()]
    output.write_text("\n".join(kept) + "\n")

    def asked(done: subprocess.CompletedProcess[str]) -> list[str]:
        assert done.returncode == 0, done.stderr
        return [json.loads(line)["custom_id"] for line in Path(done.stdout.strip()).read_text().splitlines()]

    again = run("retry", job_id)
    assert asked(again) == ["request-1", "request-2", "request-3"]
    assert "Included: 2 errors, 1 missing." in again.stderr
    assert "Left out: 2 errors that would fail again (--only errors)." in again.stderr
    assert "Left out: 3 cut short (--only cut-short with --max-tokens over 4)." in again.stderr
    assert asked(run("retry", job_id, "--only", "errors")) == ["request-1", "request-2", "request-4", "request-5"]
    assert len(asked(run("retry", job_id, "--model", "other/model"))) == 5
    for more, words in (((), "needs a larger --max-tokens"), (("--max-tokens", "4"), "no more than before: 4")):
        refused = run("retry", job_id, "--only", "cut-short", *more)
        assert (refused.returncode, refused.stdout) == (2, "") and words in refused.stderr
    cut = run("retry", job_id, "--only", "cut-short", "--max-tokens", "800")
    assert asked(cut) == ["request-7", "request-8", "request-9"] and "Included: 3 cut short." in cut.stderr


def test_rows_that_are_not_held_are_printed_as_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("1", "a\x1b[2J", "ok"), ("1,000", "much longer", "error")]
    print_table(("LINE", "ID", "OUTCOME"), iter(rows), frozenset({0}))
    held = capsys.readouterr().out
    print_long_table(("LINE", "ID", "OUTCOME"), lambda: iter(rows), frozenset({0}))
    assert capsys.readouterr().out == held and held.splitlines()[2] == "1,000  much longer  error"
