"""Completion of the ids and labels of jobs, with labels that somebody else may have chosen."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.cli.commands.job_names import job_names
from tbatch_tui.cli.parser import SHELLS
from tbatch_tui.engine.journal.job_names import read_job_names
from tbatch_tui.engine.journal.migrations import open_database

if TYPE_CHECKING:
    from pathlib import Path

NASTY = ["$(touch injected)", "`touch injected`", "a; touch injected", "'quoted' \"twice\"", "two words", "*"]
UNSAFE = ["bell\x07", "two\nlines", "\x1b[2J", "turned\u202eround", "--yes", "x" * 300]
INSERT = "INSERT INTO records (account_id, key, rank, sort_at, label, first_seen_at) VALUES (1, ?, 'a', ?, ?, 0)"

SUBMISSION = """
    INSERT INTO submissions
    (account_id, path, size, sha256, endpoint, label, requests, created_at, state, group_id, part)
    VALUES (1, x'00', 1, '', 'chat', '', 1, 0, 'done', ?, ?)
"""
GROUP = """
    INSERT INTO groups (account_id, path, size, sha256, requests, parts, first, goes_on, created_at, name)
    VALUES (1, ?, 1, '', 2, 2, 0, 0, 0, ?)
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A history with one job per label; the last is the latest."""
    folder = tmp_path / "data"
    db, _ = open_database(folder / "history.db")
    with closing(db), db:
        db.execute("INSERT INTO accounts (id, base_url, used_at) VALUES (1, 'http://127.0.0.1', 0)")
        for number, label in enumerate(["plain", *NASTY, *UNSAFE]):
            db.execute(
                INSERT,
                (f"job-{number:03}", number, label),
            )
    return folder


def test_ids_and_labels_are_offered_the_latest_first_and_nothing_that_a_terminal_obeys(data_dir: Path) -> None:
    names = job_names(data_dir)
    ids = [name for name in names if name.startswith("job-")]
    assert len(ids) == 1 + len(NASTY) + len(UNSAFE)
    assert ids == sorted(ids, reverse=True)
    assert set(names) - set(ids) == {"plain", *NASTY}


def test_a_removed_job_is_not_offered_and_an_unsent_one_by_its_label_alone(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "history.db")) as db, db:
        db.execute("UPDATE records SET removed_at = 1 WHERE key = 'job-000'")
        db.execute("UPDATE records SET key = 'submission:7' WHERE key = 'job-001'")
    names = job_names(data_dir)
    assert not {"job-000", "plain", "submission:7"} & set(names)
    assert NASTY[0] in names


def test_a_group_is_offered_by_its_name_once(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "history.db")) as db, db:
        for name in ("shards", ""):
            group = db.execute(GROUP, (b"/data/notes.jsonl", name)).lastrowid
            for part in (1, 2):
                key = f"{name or 'file'}-{part}"
                submission = db.execute(SUBMISSION, (group, part)).lastrowid
                db.execute(INSERT, (key, 50, ""))
                db.execute("UPDATE records SET submission_id = ? WHERE key = ?", (submission, key))
    names = job_names(data_dir)
    assert names.count("shards") == names.count("notes") == 1
    assert {"shards-1", "shards-2", "file-1", "file-2"} <= set(names)


@pytest.mark.parametrize("content", [None, b"", b"not a database" * 100])
def test_a_history_that_is_missing_or_damaged_offers_nothing_and_is_left_alone(
    content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "a folder?#" / "history.db"
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    assert read_job_names(path, 10) == []
    assert [p.name for p in path.parent.iterdir()] == ([] if content is None else ["history.db"])
    assert content is None or path.read_bytes() == content


def environment(tmp_path: Path, data_dir: Path) -> dict[str, str]:
    """Return an environment with `tbatch-tui` on the PATH and a config.toml that names the data folder."""
    config = tmp_path / "config" / "tbatch-tui" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    profiles = "".join(f'[profiles.{name}]\nkey_env = "KEY"\n' for name in ("work", "home", "web-2"))
    config.write_text(f'data_dir = "{data_dir}"\n{profiles}')
    program = tmp_path / "bin" / "tbatch-tui"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tbatch_tui "$@"\n')
    program.chmod(0o755)
    return os.environ | {
        "XDG_CONFIG_HOME": str(config.parent.parent),
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
    }


def complete_in_bash(*words: str, tmp_path: Path, data_dir: Path) -> list[str]:
    """Return what bash offers for the last word of `tbatch-tui get …`, one per line as it would insert it."""
    program = (
        'eval "$(tbatch-tui completion bash)"\n'
        'COMP_WORDS=(tbatch-tui get "$@"); COMP_CWORD=$(($# + 1))\n'
        '_shtab_tbatch_tui\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", program, "bash", *words],
        env=environment(tmp_path, data_dir),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_offers_jobs_quoted_and_runs_nothing_of_a_label(tmp_path: Path, data_dir: Path) -> None:
    assert complete_in_bash("job-00", tmp_path=tmp_path, data_dir=data_dir) == [
        f"job-{number:03}" for number in range(9, -1, -1)
    ]
    offered = complete_in_bash("", tmp_path=tmp_path, data_dir=data_dir)
    assert "plain" in offered
    script = "".join(f"printf '%s\\n' {word}\n" for word in offered)  # what a shell makes of them when they are run
    run = subprocess.run(["bash", "--norc", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert set(NASTY) <= set(run.stdout.splitlines())
    assert not (tmp_path / "injected").exists()
    assert complete_in_bash("--profile", "w", tmp_path=tmp_path, data_dir=data_dir) == ["work", "web-2"]
    assert complete_in_bash("two\\ w", tmp_path=tmp_path, data_dir=data_dir) == ["two\\ words"]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_asks_for_jobs_where_an_id_belongs(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tbatch_tui", "completion", shell], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "tbatch-tui completion --jobs" in done.stdout
    assert "tbatch-tui completion --profiles" in done.stdout
    assert "failure-rate" in done.stdout  # an option of the sandbox


def test_without_a_shell_its_names_are_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tbatch_tui", "completion"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "bash, zsh, fish" in done.stderr


def test_the_names_of_10_000_jobs_come_quickly(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    db, _ = open_database(folder / "history.db")
    with closing(db), db:
        db.execute("INSERT INTO accounts (id, base_url, used_at) VALUES (1, 'http://127.0.0.1', 0)")
        db.executemany(
            INSERT,
            [(f"job-{number:05}", number, f"label {number}") for number in range(10_000)],
        )
    env = environment(tmp_path, folder)
    times = []
    for _ in range(5):  # CPU time, as the other core may be busy with another test
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "tbatch_tui", "completion", "--jobs"],
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert "label 9999" in done.stdout.splitlines()
    assert min(times) < 0.15
