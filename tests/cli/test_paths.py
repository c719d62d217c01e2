"""Paths that the system refuses to look at: a sentence that names them, whatever the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.cli.dispatch import main
from tests.conftest import write_chat

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

LONG = "a" * 300
"""Longer than a name can be: to look at it is an error, as in a folder that cannot be searched."""


@pytest.mark.parametrize(
    "arguments",
    [
        ("submit", f"{LONG}.jsonl"),
        ("submit", f"{LONG}.jsonl", "b.jsonl", "--group", "shards"),
        ("edit", f"{LONG}.jsonl", "--model", "m/x"),
        ("edit", "chat.jsonl", "--model", "m/x", "-o", LONG),
        ("make", f"{LONG}.csv", "-m", "m/x", "-p", "x"),
        ("make", "table.csv", "-m", "m/x", "-p", "x", "-o", f"{LONG}.jsonl"),
        ("results", f"./{LONG}.jsonl"),
        ("export", "answers.jsonl", "-o", f"{LONG}.csv"),
        ("doctor", "--output-dir", LONG),
    ],
    ids=" ".join,
)
def test_a_name_that_is_too_long(arguments: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    write_chat(tmp_path / "chat.jsonl", ["a", "b"])
    (tmp_path / "table.csv").write_text("a\n1\n")
    (tmp_path / "answers.jsonl").write_text('{"custom_id": "a", "response": {"status_code": 200, "body": {}}}\n')
    ended = run(*arguments)
    assert ended.returncode in (1, 2)
    assert "Traceback" not in ended.stderr
    assert LONG in ended.stdout + ended.stderr, "what cannot be looked at is named"


def test_what_is_no_result_file_is_told_from_a_job(run: Run, tmp_path: Path) -> None:
    write_chat(tmp_path / "chat.jsonl", ["a", "b"])
    assert "chat.jsonl holds no results, and no job is called so" in run("results", "chat.jsonl").stderr
    assert "./gone.jsonl does not exist" in run("values", "./gone.jsonl").stderr
    assert "There is no job 'gone'" in run("export", "gone").stderr
    assert f"{tmp_path} is not a file, and no job is called so" in run("results", str(tmp_path)).stderr


@pytest.mark.parametrize("arguments", [[], ["--demo"], ["ls"], ["submit", "/a.jsonl"]], ids=" ".join)
def test_a_working_folder_that_was_deleted(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main(arguments) == 2
    assert "the current folder has been deleted" in capsys.readouterr().err
