"""Answers that are not what was asked for, and result files that were changed, as the commands tell them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import write_chat

if TYPE_CHECKING:
    from tests.cli.conftest import Run

SOON = ("--poll-interval", "0.2")
REASON = "the answer does not match the pattern"


@pytest.fixture
def job_id(run: Run, tmp_path: Path) -> str:
    """A job of three requests; the second asks for a text that nobody would write."""
    source = write_chat(tmp_path / "asked.jsonl", ["Hello"] * 3)
    lines = [json.loads(line) for line in source.read_text().splitlines()]
    lines[1]["body"]["response_format"] = {"type": "regex", "pattern": "never-[0-9]{40}"}
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run("submit", str(source), "--wait", *SOON)
    assert done.returncode == 4, done.stderr
    assert "1 of 3 requests have an answer that doesn't match the request" in done.stderr
    return done.stdout.split()[0]


def test_invalid_answers_are_listed_asked_again_and_exported(run: Run, tmp_path: Path, job_id: str) -> None:
    printed = run("results", job_id, "--filter", "invalid", "--json")
    [row] = map(json.loads, printed.stdout.splitlines())
    assert (row["custom_id"], row["outcome"], row["reason"]) == ("request-2", "invalid", REASON)
    assert printed.returncode == 0 and "3 in = 2 ok + 1 invalid" in printed.stderr
    listed = run("results", job_id)
    assert [REASON in line for line in listed.stdout.splitlines()] == [False, False, True, False]
    assert "was changed" not in listed.stderr

    refused = run("retry", job_id)
    assert refused.returncode == 1 and "Left out: 1 invalid (--only invalid)." in refused.stderr
    again = run("retry", job_id, "--only", "invalid")
    assert again.returncode == 0 and "Included: 1 invalid." in again.stderr
    assert Path(again.stdout.strip()).read_text() == (tmp_path / "asked.jsonl").read_text().splitlines(True)[1]

    table = Path(run("export", job_id, "--filter", "invalid", "--format", "csv").stdout.strip())
    [cells] = csv.DictReader(io.StringIO(table.read_text()))
    assert (cells["custom_id"], cells["outcome"], cells["error"]) == ("request-2", "invalid", REASON)


def test_a_result_file_that_was_changed_is_read_as_it_is_and_that_is_said(
    run: Run, tmp_path: Path, job_id: str
) -> None:
    output = next((tmp_path / "batch-results").glob("asked-*.output.jsonl"))
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    for row in rows:
        [choice] = row["response"]["body"]["choices"]
        choice["message"]["content"] = f"<think>hm hm</think>never-{'1' * 40}"
    output.write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = f"{output.name} was changed after it was downloaded: it is read as it is."

    printed = run("results", job_id)
    assert printed.returncode == 0 and said in printed.stderr and said not in printed.stdout
    assert "3 in = 3 ok" in printed.stderr and printed.stdout.count("never-1") == 3
    for options in ((), ("--reasoning",), ("--merged",)):
        done = run("export", job_id, "--format", "csv", *options)
        assert done.returncode == 0 and said in done.stderr
        table = [*csv.DictReader(io.StringIO(Path(done.stdout.strip()).read_text()))]
        assert {row["answer"] for row in table} == {f"never-{'1' * 40}"}
        assert {row.get("reasoning") for row in table} == ({"hm hm"} if options == ("--reasoning",) else {None})


def test_results_are_searched_as_on_the_screen(run: Run, job_id: str) -> None:
    for text, ids in (("id:request-2", ["request-2"]), ("error:pattern", ["request-2"]), ("prompt:goodbye", [])):
        printed = run("results", job_id, "--search", text, "--json")
        assert [json.loads(line)["custom_id"] for line in printed.stdout.splitlines()] == ids
        assert printed.returncode == 0 and f"{len(ids)} hit" in printed.stderr and "3 in = " in printed.stderr
    assert run("results", job_id, "--search", "id:").returncode == 1
