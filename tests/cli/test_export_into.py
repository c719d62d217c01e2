"""`export --into`: from a table to a batch and back, by the commands alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import CHAT_MODEL

if TYPE_CHECKING:
    from tests.cli.conftest import Run

SOON = ("--poll-interval", "0.2")
NO_KEY: dict[str, Any] = {"TOGETHER_API_KEY": None}
MODEL = ("-m", CHAT_MODEL, "--max-tokens", "2000")


def write_reviews(path: Path, rows: int = 6) -> bytes:
    lines = [f'r{n};"Good; ""review"" {n}";{"de" if n % 3 else "en"}\r\n' for n in range(rows)]
    path.write_bytes("".join(["\ufeffid;review;lang\r\n", *lines]).encode())
    return path.read_bytes()


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file, delimiter=";", strict=True))


def test_the_whole_way_from_a_table_to_the_same_table_with_answers(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "reviews.csv"
    before = write_reviews(source)
    made = run("make", source.name, *MODEL, "-p", "{{ review }}", "--id", "id", "--where", "lang=de", env=NO_KEY)
    assert made.returncode == 0, made.stderr
    submitted = run("submit", made.stdout.strip(), "--wait", *SOON)
    assert submitted.returncode == 0, submitted.stderr
    job_id = submitted.stdout.split()[0]
    done = run("export", job_id, "--into", "reviews.csv", env=NO_KEY)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "batch-results" / f"reviews-{job_id[:8]}.joined.csv"
    assert done.stdout == f"{out}\n"
    assert "6 rows: 4 ok, 2 not asked." in done.stderr
    assert source.read_bytes() == before
    written = out.read_bytes().split(b"\r\n")
    for line, new in zip(before.split(b"\r\n")[:-1], written, strict=False):
        assert new.startswith(line + b";")
    rows = read(out)
    assert [row["outcome"] for row in rows] == ["not asked", "ok", "ok", "not asked", "ok", "ok"]
    assert all(bool(row["answer"]) is (row["outcome"] == "ok") for row in rows)

    again = run("export", job_id, "--into", "reviews.csv", "--json", env=NO_KEY)
    second = out.with_name(f"reviews-{job_id[:8]}_2.joined.csv")
    assert json.loads(again.stdout) == {"path": str(second), "rows": 6, "outcomes": {"ok": 4, "not asked": 2}}
    assert second.read_bytes() == out.read_bytes()

    taken = run("export", job_id, "--into", "reviews.csv", "-o", str(second), env=NO_KEY)
    assert (taken.returncode, taken.stdout) == (2, "")
    assert run("export", job_id, "--into", "reviews.csv", "-o", str(second), "--force", env=NO_KEY).returncode == 0
    own = run("export", job_id, "--into", "reviews.csv", "-o", "reviews.csv", "--force", env=NO_KEY)
    assert (own.returncode, own.stdout, source.read_bytes()) == (2, "", before)
    for options in (("--format", "csv"), ("--filter", "ok"), ("--columns", "answer")):
        assert run("export", job_id, "--into", "reviews.csv", *options, env=NO_KEY).returncode == 2
    assert run("export", job_id, "--into", "nowhere.csv", env=NO_KEY).returncode == 2

    source.write_bytes(before.replace(b"r1;", b"r9;"))
    changed = run("export", job_id, "--into", "reviews.csv", env=NO_KEY)
    assert changed.returncode == 0, changed.stderr
    assert "reviews.csv has changed since the requests were made" in changed.stderr
    assert "3 rows new, or left out back then: r0, r9, r3." in changed.stderr
    assert "1 row gone since then: r1." in changed.stderr


def test_what_cannot_be_joined_is_refused(run: Run, chat_file: Path, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    write_reviews(source)
    out = run("make", source.name, *MODEL, "-p", "{{ review }}", env=NO_KEY).stdout.strip()
    job_id = run("submit", out, "--wait", *SOON).stdout.split()[0]
    source.write_bytes(source.read_bytes() + b"r7;x;y\r\n")
    done = run("export", job_id, "--into", source.name, env=NO_KEY)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "has changed since the requests were made" in done.stderr
    plain = run("submit", str(chat_file), "--wait", *SOON).stdout.split()[0]
    done = run("export", plain, "--into", source.name, env=NO_KEY)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "is not known" in done.stderr


def test_a_retry_and_the_rest_of_a_group_are_in_it(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    write_reviews(source, 20)
    schema = ("--schema", "label: enum[a,b]", "--once")
    out = run("make", source.name, *MODEL, "-p", "{{ lang }}{{ id }}", *schema, env=NO_KEY).stdout.strip()
    with Sandbox(speed=40, failure_rate=0.5) as box:
        env: dict[str, str | None] = {"TOGETHER_API_KEY": box.key, "TOGETHER_BASE_URL": box.base_url}
        job_id = run("submit", out, "--wait", *SOON, env=env).stdout.split()[0]
        first = run("export", job_id, "--into", source.name, "-o", "first.csv", env=env)
        retried = run("retry", job_id, "--submit", "--wait", *SOON, env=env)
        retry_id = retried.stdout.split()[0]
        last = run("export", retry_id, "--into", source.name, "-o", "last.csv", env=env)
    assert (first.returncode, last.returncode) == (0, 0), last.stderr
    errors = [sum(row["outcome"] == "error" for row in read(tmp_path / name)) for name in ("first.csv", "last.csv")]
    assert errors[0] > errors[1]
    assert len(read(tmp_path / "last.csv")) == 20


def test_the_parts_of_a_file_are_joined_under_its_name(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    write_reviews(source, 12)
    out = run("make", source.name, *MODEL, "-p", "{{ review }}", env=NO_KEY).stdout.strip()
    done = run("submit", out, "--wait", "--first", "3", *SOON)
    assert done.returncode == 0, done.stderr
    joined = run("export", "t", "--into", source.name, "-o", "o.csv", env=NO_KEY)
    assert joined.returncode == 0, joined.stderr
    assert "12 rows: 12 ok." in joined.stderr
    assert all(row["answer"] for row in read(tmp_path / "o.csv"))
    exported = run("export", "t", "-o", "all.jsonl", env=NO_KEY)  # so are the answers without their table
    assert exported.returncode == 0 and "12 in = 12 ok + 0 missing" in exported.stderr, exported.stderr
    ids = [json.loads(line)["custom_id"] for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert ids == [f"row-{n:04d}" for n in range(1, 13)]


def test_the_parts_of_a_group_are_one_source_and_its_retry_counts_in_its_table(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    write_reviews(source, 12)
    out = run("make", source.name, *MODEL, "-p", "{{ review }}", env=NO_KEY).stdout.strip()
    with Sandbox(speed=40, failure_rate=0.5) as box:
        env: dict[str, str | None] = {"TOGETHER_API_KEY": box.key, "TOGETHER_BASE_URL": box.base_url}
        run("submit", out, "--wait", "--first", "3", *SOON, env=env)
        if len(box.jobs) == 1:  # one of the three failed, and the rest waits
            run("submit", out, "--rest", "--wait", *SOON, env=env)
        assert len(box.jobs) == 2
        before = run("export", "t", "--into", source.name, "-o", "before.csv", env=env)
        retried = run("retry", "t", "--submit", "--wait", *SOON, env=env)
        assert (before.returncode, len(box.jobs)) == (0, 3), retried.stderr
        run("export", "t", "--into", source.name, "-o", "after.csv", env=env)
        judged = run("make", "job:t", *MODEL, "-p", "{{ answer }}", "--empty", "skip", "-o", "judge.jsonl", env=env)
        assert judged.returncode == 0, judged.stderr
        judge_id = run("submit", "judge.jsonl", "--wait", *SOON, env=env).stdout.split()[0]
        done = run("export", judge_id, "--into", "job:t", "-o", "judged.csv", env=env)
        assert done.returncode == 0, done.stderr
    first, last = ([row["outcome"] for row in read(tmp_path / name)] for name in ("before.csv", "after.csv"))
    assert first.count("ok") < last.count("ok") and len(last) == 12
    with (tmp_path / "judged.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["custom_id"] for row in rows] == [f"row-{n:04d}" for n in range(1, 13)]
    assert [row["outcome"] for row in rows] == first, "as the parts were answered: a retry changes no source"
    assert all((row["outcome_2"] == "not asked") is (not row["answer"]) for row in rows)


def test_the_results_of_a_job_that_was_asked_about_come_back_as_csv(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("One.\nTwo.\n")
    first = run("make", "t.txt", *MODEL, "-p", "{{ text }}", env=NO_KEY).stdout.strip()
    job_id = run("submit", first, "--wait", *SOON).stdout.split()[0]
    made = run("make", f"job:{job_id}", *MODEL, "-p", "Judge: {{ answer }}", "-o", "judge.jsonl", env=NO_KEY)
    assert made.returncode == 0, made.stderr
    judge_id = run("submit", "judge.jsonl", "--wait", *SOON).stdout.split()[0]
    done = run("export", judge_id, "--into", f"job:{job_id}", env=NO_KEY)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).name == f"job-{job_id[:8]}-{judge_id[:8]}.joined.csv"
    with Path(done.stdout.strip()).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["custom_id"], row["outcome_2"]) for row in rows] == [("row-0001", "ok"), ("row-0002", "ok")]
    assert all(row["answer"] and row["answer_2"] for row in rows)


def test_a_table_that_has_grown_is_asked_for_what_is_new(run: Run, tmp_path: Path) -> None:
    """`make --new`, a second job, and the answers of both in the table."""
    source = tmp_path / "reviews.csv"
    write_reviews(source, 3)
    made = run("make", source.name, *MODEL, "-p", "{{ review }}", "-o", "a.jsonl", env=NO_KEY)
    assert run("submit", "a.jsonl", "--wait", *SOON).returncode == 0, made.stderr
    again = run("make", "--recipe", "a.recipe.toml", "--new", "-o", "b.jsonl", env=NO_KEY)
    assert (again.returncode, again.stdout) == (1, "")
    assert "Nothing is new in reviews.csv: 3 rows asked before got a good answer" in again.stderr
    write_reviews(source, 5)
    again = run("make", "--recipe", "a.recipe.toml", "--new", "-o", "b.jsonl", env=NO_KEY)
    assert (again.returncode, again.stdout) == (0, "b.jsonl\n"), again.stderr
    assert "5 rows · 2 requests" in again.stderr
    assert "3 rows left out: they have a good answer already" in again.stderr
    assert "Not asked again: about 24 prompt tokens saved" in again.stderr
    assert len((tmp_path / "b.jsonl").read_text().splitlines()) == 2
    submitted = run("submit", "b.jsonl", "--wait", *SOON)
    assert submitted.returncode == 0, submitted.stderr
    done = run("export", submitted.stdout.split()[0], "--into", "reviews.csv", "-o", "o.csv", env=NO_KEY)
    assert done.returncode == 0, done.stderr
    assert "5 rows: 5 ok." in done.stderr
    assert all(row["answer"] for row in read(tmp_path / "o.csv"))
