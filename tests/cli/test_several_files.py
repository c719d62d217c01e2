"""`submit a b --group NAME`: several files as one group."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.conftest import CHAT_MODEL, until

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.cli.conftest import Run, Start

SOON = ("--poll-interval", "0.2")
CREATE = "/v1/batches"


def write(path: Path, first: int, count: int, end: str = "\n", tokens: int = 500) -> Path:
    path.parent.mkdir(exist_ok=True)
    lines = (
        json.dumps(
            {
                "custom_id": f"r-{number}",
                "body": {
                    "model": CHAT_MODEL,
                    "max_tokens": tokens,
                    "messages": [{"role": "user", "content": f"Say {number}."}],
                },
            }
        )
        for number in range(first, first + count)
    )
    path.write_text("\n".join(lines) + end)
    return path


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Return three files of 4, 3 and 2 requests; the second without an end of its last line, the third with a BOM."""
    folder = tmp_path / "shards"
    files = [write(folder / "a.jsonl", 0, 4), write(folder / "b.jsonl", 4, 3, ""), write(folder / "c.jsonl", 7, 2)]
    files[2].write_bytes(b"\xef\xbb\xbf" + files[2].read_bytes())
    return files


def parts_left(tmp_path: Path) -> int:
    return len(list((tmp_path / "data" / "parts").iterdir()))


def test_a_pattern_is_one_group_in_the_order_of_the_files(
    run: Run, sandbox: Sandbox, tmp_path: Path, shards: list[Path]
) -> None:
    done = run("submit", "shards/*.jsonl", "--group", "week", "--wait", *SOON)
    assert done.returncode == 0, done.stderr
    jobs = sandbox.jobs
    asked = [sandbox.file_bytes(job["input_file_id"]).splitlines() for job in jobs]
    assert sorted([json.loads(line)["custom_id"] for line in lines] for lines in asked) == [
        [f"r-{number}" for number in range(*bounds)] for bounds in ((0, 4), (4, 7), (7, 9))
    ]
    _, *lines = run("ls").stdout.splitlines()
    assert len(lines) == 1 and "week · 3 parts" in lines[0]
    group = json.loads(run("get", "week", "--json").stdout)
    assert group["kind"] == "group" and group["outcomes"]["ok"] == group["requests"] == 9
    rows = [json.loads(line) for line in run("results", "week", "--json").stdout.splitlines()]
    assert [row["custom_id"] for row in rows] == [f"r-{number}" for number in range(9)]
    told = run("get", "week").stdout
    assert f"input     {shards[0]} … c.jsonl, from which the parts are read\n" in told, told
    found = {"path": None, "slices": [{"path": str(shards[2]), "offset": 3, "size": shards[2].stat().st_size - 3}]}
    assert group["parts"][2]["input"].items() >= found.items()
    assert f"input     {shards[1]}, from byte 0\n" in run("get", group["parts"][1]["id"]).stdout
    assert run("export", "week", "-o", "all.jsonl").returncode == 0
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 9

    again = run("submit", *map(str, shards), "--group", "other", *SOON)
    assert again.returncode == 1 and "already submitted exactly these files" in again.stderr
    alone = run("submit", str(shards[2]), *SOON)
    assert alone.returncode == 1 and f"already submitted this exact file: {group['parts'][2]['id']}" in alone.stderr
    more = write(tmp_path / "shards" / "d.jsonl", 20, 1)
    grown = run("submit", str(more), str(shards[1]), "--group", "grown", *SOON)
    assert grown.returncode == 1 and f"already submitted {shards[1]}" in grown.stderr
    assert len(sandbox.jobs) == 3 and parts_left(tmp_path) == 0, "all is in the files that were submitted"


def test_files_that_are_gone_come_back_from_the_server(run: Run, tmp_path: Path, shards: list[Path]) -> None:
    assert run("submit", "shards/*.jsonl", "--group", "week", "--wait", *SOON).returncode == 0
    assert run("export", "week", "-o", "before.jsonl").returncode == 0
    shards[0].write_text("another\n")
    shards[1].unlink()
    shards[2].unlink()
    gone = run("results", "week")
    assert gone.returncode == 1 and "b.jsonl, c.jsonl are not here" in gone.stderr, gone.stderr
    assert "`tbatch-tui fetch ID --input`" in gone.stderr
    fetched = run("fetch", "week", "--input")
    assert fetched.returncode == 0 and len(fetched.stdout.splitlines()) == 3, fetched.stderr
    assert run("export", "week", "-o", "after.jsonl").returncode == 0
    assert (tmp_path / "after.jsonl").read_bytes() == (tmp_path / "before.jsonl").read_bytes()
    again = run("fetch", "week", "--input")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", ""), "nothing is missing"


def test_only_what_was_not_sent_is_sent_again(run: Run, sandbox: Sandbox, tmp_path: Path, shards: list[Path]) -> None:
    alone = run("submit", str(shards[0]), *SOON)
    assert alone.returncode == 0
    sandbox.plan_fault("status", CREATE, method="POST", first=1, last=1, status=402, body="{}")
    files = [str(file) for file in shards[1:]]
    assert run("submit", *files, "--group", "week", *SOON).returncode == 1
    assert len(sandbox.jobs) == 2
    again = run("submit", *files, "--group", "week", *SOON)
    assert again.returncode == 0, again.stderr
    assert "1 of 2 parts was not sent before" in again.stderr and len(sandbox.jobs) == 3
    asked = b"".join(sandbox.file_bytes(job["input_file_id"]) for job in sandbox.jobs)
    assert sorted(json.loads(line)["custom_id"] for line in asked.splitlines()) == [f"r-{n}" for n in range(9)]
    assert parts_left(tmp_path) == 1


def test_a_few_requests_of_all_files_go_first(run: Run, sandbox: Sandbox, shards: list[Path]) -> None:
    sandbox.plan_fault("status", CREATE, method="POST", first=1, last=1, status=402, body="{}")
    files = [str(file) for file in shards]
    held = run("submit", *files, "--group", "my week", "--first", "3", *SOON)
    assert held.returncode == 4 and f"{files[2]} --group 'my week' --rest` sends them" in held.stderr, held.stderr
    alone = run("submit", files[1], *SOON)
    assert alone.returncode == 1 and "already submitted this exact file" in alone.stderr, "the rest may run yet"
    again = run("submit", *files, "--group", "my week", *SOON)
    assert again.returncode == 0 and "1 of 4 parts was not sent before" in again.stderr, again.stderr
    done = run("submit", *files, "--group", "my week", "--rest", "--wait", *SOON)
    assert done.returncode == 0, done.stderr
    asked = [sandbox.file_bytes(job["input_file_id"]).splitlines() for job in sandbox.jobs]
    assert sorted(map(len, asked)) == [2, 2, 2, 3]


@pytest.mark.usefixtures("shards")
def test_a_submit_that_was_killed_goes_on_and_sends_each_file_once(run: Run, start: Start, sandbox: Sandbox) -> None:
    sandbox.plan_fault("delay", CREATE, method="POST", seconds=60, after=True)
    arguments = ("submit", "shards/*.jsonl", "--group", "week", *SOON)
    first = start(*arguments)
    asyncio.run(until(lambda: len(sandbox.jobs) == 3))  # what may never have been sent is waited for a minute
    first.kill()
    first.wait()
    sandbox.clear_faults()
    again = run(*arguments)
    assert again.returncode == 0 and "continuing with it" in again.stderr, again.stderr
    asked = b"".join(sandbox.file_bytes(job["input_file_id"]) for job in sandbox.jobs)
    assert sorted(json.loads(line)["custom_id"] for line in asked.splitlines()) == [f"r-{n}" for n in range(9)]


@pytest.mark.usefixtures("shards")
def test_the_budget_counts_all_files_together(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    """Each file alone is within it."""
    folder = tmp_path / "config" / "tbatch-tui"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[budget]\njob = 0.002\n")
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    refused = run("submit", "shards/*.jsonl", "--group", "week", *SOON, env=env)
    assert refused.returncode == 1 and "--over-budget" in refused.stderr, refused.stderr
    assert not sandbox.jobs and parts_left(tmp_path) == 0
    within = run("submit", "shards/a.jsonl", "--group", "one", *SOON, env=env)
    assert within.returncode == 0, within.stderr


def test_a_retry_of_the_group_is_not_written_to_our_folder(run: Run, tmp_path: Path) -> None:
    files = [write(tmp_path / f"{number}.jsonl", number, 1, tokens=1) for number in range(2)]
    assert run("submit", *map(str, files), "--group", "week", "--wait", *SOON).returncode == 4
    done = run("retry", "week", "--only", "cut-short", "--max-tokens", "500")
    assert done.returncode == 0, done.stderr
    written = tmp_path / "batch-results" / "week.retry1.jsonl"
    assert [json.loads(line)["custom_id"] for line in written.read_text().splitlines()] == ["r-0", "r-1"]


def test_nothing_is_sent_of_files_that_cannot_be_one_group(
    run: Run, sandbox: Sandbox, tmp_path: Path, shards: list[Path]
) -> None:
    files = [str(file) for file in shards]
    nameless = run("submit", *files)
    assert nameless.returncode == 2 and "--group NAME" in nameless.stderr
    none = run("submit", "shards/*.json", "--group", "week")
    assert none.returncode == 2 and "No file matches shards/*.json" in none.stderr
    assert run("submit", *files, "no.jsonl", "--group", "week").returncode == 2
    twice = write(tmp_path / "twice.jsonl", 5, 1)
    doubled = run("submit", *files, str(twice), "--group", "week")
    assert doubled.returncode == 1 and f"{twice}:1:" in doubled.stderr and "(r-5)" in doubled.stderr, doubled.stderr
    assert "(first used in b.jsonl, line 2)" in doubled.stderr
    assert "1 error in the 4 files together" in doubled.stderr
    assert not (tmp_path / "data" / "parts").exists(), "nothing is copied before it can be sent"
    faulty = tmp_path / "faulty.jsonl"
    faulty.write_text('{"custom_id": 7}\n')
    refused = run("submit", *files, str(faulty), "--group", "week")
    assert refused.returncode == 1 and f"{faulty}:1:" in refused.stderr
    dear = run("submit", *files, "--group", "week", "--stages", "3,rest")
    assert dear.returncode == 2 and "3 parts" in dear.stderr
    assert not sandbox.jobs and not sandbox.count("POST", "/v1/files")
