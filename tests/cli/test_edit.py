"""`edit` as it is run: the copy's path on standard output, and its recipe in the history."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

NOBODY: dict[str, Any] = {"TOGETHER_API_KEY": None, "TOGETHER_BASE_URL": "http://127.0.0.1:1/v1"}


def request(number: int) -> dict[str, Any]:
    message = {"role": "user", "content": f"Question {number}"}
    return {"custom_id": f"q{number}", "body": {"model": "m", "messages": [message], "seed": 1}}


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(request(number)) + "\n" for number in range(1, 6)))
    return path


def bodies_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line)["body"] for line in path.read_text().splitlines()]


def test_every_change_at_once(run: Run, questions: Path, tmp_path: Path) -> None:
    (tmp_path / "s.md").write_text("Be brief.")
    changes = ("-m", "x/y", "-s", "@s.md", "--set", "temperature=0", "--set", "stop=END", "--drop", "seed")
    done = run("edit", questions.name, *changes, "--max-tokens", "9", "--rows", "2-4", env=NOBODY)
    assert (done.returncode, done.stdout) == (0, "questions.edited.jsonl\n"), done.stderr
    assert "3 lines of 5 · 3 changed" in done.stderr
    assert bodies_in(tmp_path / "questions.edited.jsonl") == [
        {
            "model": "x/y",
            "messages": [{"role": "system", "content": "Be brief."}, *request(number)["body"]["messages"]],
            "temperature": 0,
            "stop": "END",
            "max_tokens": 9,
        }
        for number in (2, 3, 4)
    ]
    assert run("edit", questions.name, "--drop", "seed").stdout == "questions.edited2.jsonl\n"
    taken = run("edit", questions.name, "-m", "x", "-o", "questions.edited.jsonl")
    assert (taken.returncode, taken.stdout) == (2, "")
    assert run("edit", questions.name, "-m", "x", "-o", "questions.edited.jsonl", "--force").returncode == 0
    assert {body["model"] for body in bodies_in(tmp_path / "questions.edited.jsonl")} == {"x"}


def test_a_sample_names_its_seed(run: Run, questions: Path, tmp_path: Path) -> None:
    done = run("edit", questions.name, "--sample", "2", "-o", "a.jsonl")
    assert done.returncode == 0
    seed = done.stderr.partition("--seed ")[2].split()[0]
    assert run("edit", questions.name, "--sample", "2", "--seed", seed, "-o", "b.jsonl").returncode == 0
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    lines = questions.read_bytes().splitlines(keepends=True)
    assert set((tmp_path / "a.jsonl").read_bytes().splitlines(keepends=True)) < set(lines)


def test_the_preview_writes_nothing(run: Run, questions: Path, tmp_path: Path) -> None:
    done = run("edit", questions.name, "-m", "x", "--preview", "2")
    assert done.returncode == 0
    assert [json.loads(line)["body"]["model"] for line in done.stdout.splitlines()] == ["x", "x"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["questions.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "Nothing to change"),
        (("--set", "temperature"), 2, "has no value"),
        (("--set", "model=x"), 2, "Use -m MODEL"),
        (("--set", "api_key=x"), 2, "An API key does not belong"),
        (("--drop", "messages"), 2, "cannot be without messages"),
        (("--drop", "seed", "--set", "seed=2"), 2, "set and dropped"),
        (("--max-tokens", "3", "--set", "max_tokens=4"), 2, "given twice"),
        (("--seed", "3", "-m", "x"), 2, "--seed is that of --sample"),
        (("--rows", "x"), 2, "not a range"),
        (("-m", " "), 2, "no name"),
        (("-s", "@gone.md"), 2, "cannot be read"),
        (("--rows", "9-"), 1, "No line of questions.jsonl is left"),
        (("-m", "x", "-o", "questions.jsonl", "--force"), 2, "the file itself"),
        (("-m", "x", "-o", "."), 2, "is a folder"),
    ],
)
def test_what_makes_no_sense(
    run: Run, questions: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    before = questions.read_bytes()
    done = run("edit", questions.name, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert questions.read_bytes() == before
    assert not list(tmp_path.glob("*.edited*"))


def test_faulty_lines_are_named_by_file_and_line(run: Run, questions: Path) -> None:
    audio = {"custom_id": "a", "method": "FILE", "body": {"model": "m", "file": "https://x.org/a.mp3"}}
    with questions.open("a") as file:
        file.write(json.dumps(audio) + "\n{oops\n")
    done = run("edit", questions.name, "-s", "Be brief.")
    assert (done.returncode, done.stdout) == (1, "")
    assert "questions.jsonl:6: a transcription has no system prompt" in done.stderr
    assert "questions.jsonl:7: not JSON" in done.stderr
    assert "Nothing was written" in done.stderr


def test_the_recipe_goes_with_the_copy(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\nx\ny\n")
    assert run("make", "t.csv", "-m", "m", "-p", "{{ a }}", env=NOBODY).returncode == 0
    assert run("edit", "t.jsonl", "-m", "other", env=NOBODY).returncode == 0
    with closing(sqlite3.connect(tmp_path / "data" / "history.db")) as database:
        assert database.execute("SELECT count(*), count(DISTINCT recipe) FROM recipes").fetchone() == (2, 1)


def test_a_key_in_the_request_is_refused(run: Run, questions: Path) -> None:
    done = run("edit", questions.name, "-s", "secret-key-of-mine", env={"TOGETHER_API_KEY": "secret-key-of-mine"})
    assert done.returncode == 1
    assert "The API key is in the request" in done.stderr
    assert "secret-key-of-mine" not in done.stderr


def test_a_folder_is_a_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in (".", "..", "/", "sub"):
        done = run("edit", name, "-m", "x")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"{name} is a folder. Choose the JSONL file inside it.\n"
