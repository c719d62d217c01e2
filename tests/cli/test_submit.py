"""`submit`: one job for each file, waited for until its files are on disk."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.check import check_file, plan_fixes, write_fixed
from tests.conftest import until, write_chat

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.cli.conftest import Run, Start

SOON = ("--poll-interval", "0.2")


def test_wait_prints_the_id_and_the_paths(run: Run, sandbox: Sandbox, chat_file: Path, tmp_path: Path) -> None:
    done = run("submit", str(chat_file), "--label", "first", "--wait", *SOON)
    assert done.returncode == 0, done.stderr
    [job] = sandbox.jobs
    job_id, *paths = done.stdout.splitlines()
    assert job_id == job["id"]
    assert paths == [str(tmp_path / "batch-results" / f"{chat_file.stem}-{job_id[:8]}.output.jsonl")]
    assert Path(paths[0]).read_bytes() == sandbox.file_bytes(job["output_file_id"])
    assert "In progress" in done.stderr and "Completed" in done.stderr

    [listed] = json.loads(run("ls", "--json").stdout)
    assert (listed["id"], listed["label"], listed["status"], listed["output"]["state"]) == (
        job_id,
        "first",
        "COMPLETED",
        "fetched",
    )
    lines = run("ls").stdout.splitlines()
    assert lines[0].split() == ["ID", "STATUS", "NAME", "MODEL", "REQUESTS", "DONE", "ERRORS", "CREATED"]
    assert lines[1].startswith(f"{job_id}  Completed  first")
    for text in (job_id, job_id[:8], "first"):
        assert json.loads(run("get", text, "--json").stdout)["id"] == job_id
    assert "Completed" in run("get", "first").stdout


def test_a_file_over_the_limits_goes_as_several_jobs_when_asked(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    line = '{"custom_id": "%d", "body": {"model": "m/m", "messages": [{"role": "user", "content": "x"}]}}\n'
    file.write_text("".join(line % number for number in range(50_001)))
    refused = run("submit", str(file), *SOON)
    assert refused.returncode == 1 and "nothing was submitted. --in-parts submits it as 2 jobs" in refused.stderr
    assert (
        "1:1: note too-many-requests: 50,001 requests (max. 50,000 per job): it will be submitted as 2 jobs"
        in refused.stderr
    )
    assert not sandbox.jobs
    done = run("submit", str(file), "--in-parts", "--label", "big", *SOON)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(job["id"] for job in sandbox.jobs)
    assert [sandbox.file_bytes(job["input_file_id"]).count(b"\n") for job in sandbox.jobs] in (
        [25_001, 25_000],
        [25_000, 25_001],
    )
    assert "big · 2 of 2: " in done.stderr
    again = run("submit", str(file), "--in-parts", *SOON)
    assert again.returncode == 1 and "already submitted" in again.stderr


def test_only_the_part_that_was_refused_is_sent_again(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    line = '{"custom_id": "%d", "body": {"model": "m/m", "messages": [{"role": "user", "content": "x"}]}}\n'
    file.write_text("".join(line % number for number in range(50_001)))
    sandbox.plan_fault("status", "/v1/batches", method="POST", first=1, last=1, status=402, body="{}")
    refused = run("submit", str(file), "--in-parts", *SOON)
    assert refused.returncode == 1 and "No job was created" in refused.stderr
    [before] = sandbox.jobs
    again = run("submit", str(file), "--in-parts", *SOON)
    assert again.returncode == 0, again.stderr
    assert "1 of 2 parts was not sent before: only that one is sent now" in again.stderr
    [sent] = [job for job in sandbox.jobs if job["id"] != before["id"]]
    assert again.stdout.split() == [sent["id"]]
    lines = [sandbox.file_bytes(job["input_file_id"]).count(b"\n") for job in sandbox.jobs]
    assert sorted(lines) == [25_000, 25_001]
    whole = run("submit", str(file), "--in-parts", *SOON)
    assert whole.returncode == 1 and "already submitted" in whole.stderr
    assert len(sandbox.jobs) == 2
    assert run("submit", str(file), "--in-parts", "--again", *SOON).returncode == 0
    assert len(sandbox.jobs) == 4


def test_two_submits_in_parts_of_the_same_bytes_at_once_make_one_set(
    start: Start, sandbox: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "big.jsonl"
    line = '{"custom_id": "%d", "body": {"model": "m/m", "messages": [{"role": "user", "content": "x"}]}}\n'
    file.write_text("".join(line % number for number in range(50_001)))
    # The first one's jobs take a while to be made, so that the second one finds them on their way.
    sandbox.plan_fault("delay", "/v1/batches", method="POST", last=2, seconds=4)
    commands = [start("submit", str(file), "--in-parts", *SOON) for _ in range(2)]
    errors = [command.communicate(timeout=120)[1] for command in commands]
    assert [command.returncode for command in commands] == [0, 0], errors
    assert len(sandbox.jobs) == 2
    assert sum("continuing with it, nothing is sent twice" in error for error in errors) == 1
    assert len(list((tmp_path / "data" / "parts").iterdir())) == 1


async def test_a_file_that_changes_after_its_check_is_not_submitted(
    start: Start, sandbox: Sandbox, chat_file: Path
) -> None:
    # The check is over when the first list is asked for, which is answered only after the file was written again.
    sandbox.plan_fault("delay", "/v1/batches", method="GET", seconds=2)
    command = start("submit", str(chat_file), *SOON)
    await until(lambda: any(request.path == "/v1/batches" for request in sandbox.requests))
    chat_file.write_text(chat_file.read_text() * 2)
    _, error = await asyncio.to_thread(command.communicate, timeout=60)
    assert command.returncode == 2 and "has changed since it was checked" in error
    assert not sandbox.jobs


def test_a_completed_job_without_every_answer_is_a_failure(run: Run, sandbox: Sandbox, chat_file: Path) -> None:
    """A script that looks only at the exit code must not take some of the rows for all of them."""
    row = '{"custom_id": "request-1", "response": {"status_code": 200, "body": {}}}\n'
    sandbox.plan_fault("status", "/v1/files/*/content", last=None, status=200, body=row)
    done = run("submit", str(chat_file), "--wait", *SOON)
    requests = len(chat_file.read_text().splitlines())
    assert done.returncode == 4, done.stderr
    assert f"{requests - 1} of {requests} requests have no result" in done.stderr
    lines = done.stderr.splitlines()
    assert sorted(lines) == sorted(set(lines))  # nothing is printed twice


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("request-1", 200), ("request-1", 200)], "1 of 2 requests have no result"),
        ([("request-1", 200), ("request-2", 500)], "1 of 2 requests failed"),
    ],
)
def test_as_many_rows_as_requests_need_not_be_as_many_answers(
    rows: list[tuple[str, int]], message: str, run: Run, sandbox: Sandbox, tmp_path: Path
) -> None:
    file = write_chat(tmp_path / "two.jsonl", ["one", "two"])
    body = "".join(
        json.dumps({"custom_id": name, "response": {"status_code": status, "body": {"error": "no"}}}) + "\n"
        for name, status in rows
    )
    sandbox.plan_fault("status", "/v1/files/*/content", last=None, status=200, body=body)
    done = run("submit", str(file), "--wait", *SOON)
    assert (done.returncode, message in done.stderr) == (4, True), done.stderr


def test_the_same_bytes_are_submitted_again_only_when_asked_to(run: Run, sandbox: Sandbox, chat_file: Path) -> None:
    assert run("submit", str(chat_file)).returncode == 0
    again = run("submit", str(chat_file))
    assert (again.returncode, again.stdout) == (1, "")
    assert sandbox.jobs[0]["id"] in again.stderr and "--again" in again.stderr
    assert len(sandbox.jobs) == 1
    assert run("submit", str(chat_file), "--again").returncode == 0
    assert len(sandbox.jobs) == 2


def test_a_submit_that_was_killed_and_runs_again_is_the_same_job(
    run: Run, sandbox: Sandbox, chat_file: Path, tmp_path: Path
) -> None:
    """The message must not suggest --again, as for bytes that ran before: that would be billed twice."""
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
    assert "continuing with it" in again.stderr and "--again" not in again.stderr
    [job] = sandbox.jobs
    assert again.stdout.splitlines()[0] == job["id"]


def test_a_lost_answer_still_makes_one_job(run: Run, sandbox: Sandbox, chat_file: Path) -> None:
    sandbox.plan_fault("status-after", "/v1/batches", method="POST", status=504)
    done = run("submit", str(chat_file), *SOON)
    assert done.returncode == 0, done.stderr
    assert [job["id"] for job in sandbox.jobs] == done.stdout.split()
    assert "Uncertain" in done.stderr


def test_a_faulty_file_is_not_sent(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    faulty = tmp_path / "faulty.jsonl"
    faulty.write_text('{"custom_id": 7}\n')
    done = run("submit", str(faulty))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{faulty}:1:" in done.stderr and "Nothing was submitted" in done.stderr
    assert not sandbox.jobs and not sandbox.count("POST", "/v1/files")


@pytest.mark.parametrize("options", [(), ("--in-parts",)])
async def test_a_file_that_changes_after_its_check_is_not_sent(
    still_sandbox: Sandbox, chat_file: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """The check comes before the first list, which may take long. Faulty lines were uploaded, with the old count."""
    box = still_sandbox
    box.plan_fault("delay", "/v1/batches", method="GET", seconds=3)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tbatch_tui", "submit", str(chat_file), *options, "--data-dir", str(tmp_path / "data")),
        cwd=tmp_path,
        env={**os.environ, "TOGETHER_API_KEY": box.key, "TOGETHER_BASE_URL": box.base_url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        await until(lambda: box.count("GET", "/v1/batches"), what="the list is asked for")
        status = chat_file.stat()
        content = chat_file.read_bytes().replace(b'"custom_id"', b'"custom_iD"')
        chat_file.write_bytes(content)  # as long as it was
        os.utime(chat_file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        stdout, stderr = await asyncio.wait_for(child.communicate(), 60)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    assert (child.returncode, stdout) == (2, b""), stderr.decode()
    assert b"has changed since it was checked" in stderr and b"Nothing was submitted" in stderr
    assert not box.jobs and not box.count("POST", "/v1/files")


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
    assert b"have no result" not in stderr


def test_one_server_in_two_spellings_has_one_history(run: Run, sandbox: Sandbox, chat_file: Path) -> None:
    assert run("submit", str(chat_file), "--label", "mine").returncode == 0
    spelled = sandbox.base_url.replace("127.0.0.1", "LocalHost") + "/v1/"
    again = run("submit", str(chat_file), env={"TOGETHER_BASE_URL": spelled})
    assert again.returncode == 1 and "already submitted" in again.stderr
    assert json.loads(run("get", "mine", "--json", env={"TOGETHER_BASE_URL": spelled}).stdout)["label"] == "mine"
    assert len(sandbox.jobs) == 1


def test_results_show_the_ids_that_were_shortened(run: Run, tmp_path: Path) -> None:
    path = write_chat(tmp_path / "long.jsonl", ["Hello", "World"])
    long = ["documents/" * 8 + name for name in ("one", "two")]
    for number, custom_id in enumerate(long, 1):
        path.write_text(path.read_text().replace(f'"request-{number}"', f'"{custom_id}"'))
    write_fixed(plan_fixes(check_file(path)))
    done = run("submit", str(tmp_path / "long.fixed.jsonl"), "--wait", "--poll-interval", "0.2")
    assert done.returncode == 0, done.stderr
    rows = run("results", done.stdout.split()[0], "--json")
    assert [json.loads(line)["custom_id"] for line in rows.stdout.splitlines()] == long


def test_a_submit_that_waits_for_another_of_the_same_file_says_so(
    start: Start, sandbox: Sandbox, chat_file: Path
) -> None:
    """The other's create is lost; meanwhile nobody could tell the two jobs apart."""
    sandbox.plan_fault("close", "/v1/batches", method="POST")
    first = start("submit", str(chat_file), *SOON, lookup_patience=8.0)
    asyncio.run(until(lambda: sandbox.count("POST", "/v1/batches") == 1))
    second = start("submit", str(chat_file), "--again", *SOON)
    printed = ["", ""]
    for number, command in enumerate((first, second)):
        _, printed[number] = command.communicate(timeout=90)
        assert command.returncode == 0, printed[number]
    assert "The connection was cut" in printed[0] and "listed for 8 s" in printed[0]
    assert "It waits for submission number 1 of the same file" in printed[1]
    assert "Settling it in the app there lets you decide" in printed[1]
    assert len(sandbox.jobs) == 2
