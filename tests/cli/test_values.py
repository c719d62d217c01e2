"""`values` and `compare`: what answers are, and where they differ, without a key."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tbatch_tui.cli.dispatch import main
from tests.conftest import CHAT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.cli.conftest import Run

Call: TypeAlias = "Callable[..., tuple[int, str, str]]"
SOON = ("--poll-interval", "0.2")
NO_KEY: dict[str, Any] = {"TOGETHER_API_KEY": None}
SCHEMA = "label: enum[good,bad], score: number"


@pytest.fixture
def job(run: Run, tmp_path: Path) -> str:
    """Return the id of a job over a table with a gold column whose answers are JSON."""
    with (tmp_path / "reviews.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "review", "stars", "gold"])
        for number in range(8):
            writer.writerow([f"r{number}", f"Review {number}", number % 2 + 1, ["good", "bad", ""][number % 3]])
    made = run(
        "make", "reviews.csv", "-m", CHAT_MODEL, "--max-tokens", "2000", "-p", "{{ review }}", "--id", "id",
        "--schema", SCHEMA, env=NO_KEY,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    submitted = run("submit", made.stdout.strip(), "--wait", *SOON)
    assert submitted.returncode in (0, 4), submitted.stderr
    return submitted.stdout.split()[0]


@pytest.fixture
def call(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Return what runs a command without a key, in this process: it returns status, output and messages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOGETHER_API_KEY", raising=False)
    monkeypatch.setenv("TOGETHER_BASE_URL", sandbox.base_url)

    def call_command(command: str, *arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([command, "--data-dir", str(tmp_path / "data"), *arguments])
        return status, *capsys.readouterr()

    return call_command


def test_values_and_compare_of_a_job(call: Call, job: str) -> None:
    rows = [json.loads(line) for line in call("results", job, "--json")[1].splitlines()]
    answers = {
        row["custom_id"]: json.loads(row["response"]["body"]["choices"][0]["message"]["content"])
        for row in rows
        if row["outcome"] == "ok"
    }
    status, told, message = call("values", job, "--json")
    assert status == 0, message
    data = json.loads(told)
    assert data["rows"] == data["outcomes"]["ok"] == len(answers)
    assert [*data["outcomes"]] == ["ok", "cut short", "invalid", "error", "missing"]
    assert sum(data["outcomes"].values()) == 8
    assert [*data["fields"]] == ["label", "score"]
    label, score = data["fields"]["label"], data["fields"]["score"]
    labels = [answer["label"] for answer in answers.values()]
    assert dict(label["values"]) == {value: labels.count(value) for value in labels}
    assert score["min"] == min(answer["score"] for answer in answers.values())

    by = json.loads(call("values", job, "--field", "label", "--by", "stars", "--json")[1])
    crossed = by["by"]["fields"]["label"]
    assert sum(count for row in crossed.values() for count in row.values()) == len(answers)
    assert {star for row in crossed.values() for star in row} == {"1", "2"}
    for options in ((), ("--by", "stars"), ("--by", "label"), ("--filter", "all"), ("--filter", "errors")):
        status, shown, _ = call("values", job, *options)
        assert status == 0
        assert shown.startswith("FIELD\tVALUE\t")
    lines = call("values", job, "--field", "label")[1].splitlines()
    assert {line.split("\t")[1] for line in lines[1:]} == set(labels)

    gold = {f"r{number}": ["good", "bad", ""][number % 3] for number in range(8)}
    against = json.loads(call("compare", job, "--gold", "gold", "--json")[1])
    right = sum(answers[key]["label"] == value for key, value in gold.items() if value and key in answers)
    assert (against["field"], against["same"]) == ("label", right)
    assert against["pairs"] + against["only_second"] == sum(map(bool, gold.values()))
    assert set(against["labels"]) <= {"good", "bad"}
    itself = json.loads(call("compare", job, job, "--json")[1])
    assert itself["pairs"] == itself["same"] == len(answers)
    assert itself["agreement"] == itself["interval"][1] == 1
    _, shown, _ = call("compare", job, "--gold", "gold")
    assert shown.startswith(f"label: {against['pairs']} pairs · {right} the same")
    assert "PRECISION" in shown
    assert "correlation" in call("compare", job, job, "--field", "score")[1]

    for wrong in (
        ("values", job, "--field", "nothing"), ("values", job, "--by", "nothing"), ("compare", job),
        ("compare", job, job, "--gold", "gold"), ("compare", job, "--gold", "nothing"), ("values", "nobody"),
        ("compare", job, "nobody"), ("compare", job, job, "--field", "tokens"),
    ):  # fmt: skip
        status, output, message = call(*wrong)
        assert (status, output, bool(message.strip())) == (2, "", True), wrong


def test_a_result_file_is_read_by_its_path(call: Call, job: str, tmp_path: Path) -> None:
    told = call("values", job, "--json")[1]
    (output,) = (tmp_path / "batch-results").glob("*.output.jsonl")
    copied = tmp_path / "copy.jsonl"
    copied.write_bytes(output.read_bytes())
    status, data, message = call("values", "copy.jsonl", "--json")
    assert (status, json.loads(data)["fields"]) == (0, json.loads(told)["fields"])
    assert "The questions are from" in message
    assert "reviews.jsonl, which has the ids of these answers." in message
    rows = [json.loads(line) for line in call("results", "copy.jsonl", "--json")[1].splitlines()]
    assert not any("job" in row for row in rows)
    assert all(row["request"] for row in rows)
    compared = json.loads(call("compare", job, "copy.jsonl", "--json")[1])
    assert (compared["agreement"], compared["pairs"]) == (1, json.loads(told)["rows"])
    status, path, message = call("export", "copy.jsonl", "--format", "csv")
    assert (status, path.strip()) == (0, str(tmp_path / "batch-results" / "copy.csv")), message
    assert call("export", "copy.jsonl", "--into", "reviews.csv")[0] == 0
    assert call("retry", "copy.jsonl")[0] == 1  # nothing failed

    (tmp_path / "requests.jsonl").write_bytes((tmp_path / "reviews.jsonl").read_bytes())
    (tmp_path / "reviews.jsonl").unlink()
    assert "2 files" not in call("results", "copy.jsonl")[2]
    assert "reviews.csv holds no results, and no job is called so" in call("results", "reviews.csv")[2]


def test_a_report_has_the_gold_column_and_an_export_what_a_search_finds(call: Call, job: str, tmp_path: Path) -> None:
    compared = json.loads(call("compare", job, "--gold", "gold", "--json")[1])
    status, _, message = call("export", job, "-o", "report.html", "--gold", "gold", "--search", "label: good")
    assert status == 0, message
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h2>label: reviews and gold</h2>" in page
    assert f"{compared['pairs']} pairs" in page
    assert "precision" in page
    found = call("results", job, "--search", "label: good", "--json")[1].splitlines()
    path = Path(call("export", job, "--search", "label: good", "--format", "jsonl")[1].strip())
    written = path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) | {"job": job} for line in written] == [json.loads(line) for line in found]
    assert 0 < len(found) < 8
    assert f"{len(found)} hit" in call("export", job, "--search", "label: good")[2]

    assert call("export", job, "--format", "html", "--gold", "nothing")[0] == 2
    assert "--gold is for an HTML report" in call("export", job, "--format", "csv", "--gold", "gold")[2]
    assert "leave --search out" in call("export", job, "--into", "reviews.csv", "--search", "x")[2]
    assert "leave --reasoning out" in call("export", job, "--into", "reviews.csv", "--reasoning")[2]
