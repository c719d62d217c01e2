"""`spend` and `models`: what a job that ran cost, by what, and what the history says of its model."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from tests.conftest import CHAT_MODEL, write_chat

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

SOON = ("--poll-interval", "0.2")


def test_a_job_that_ran_is_in_the_sum_and_in_the_history_of_its_model(run: Run, tmp_path: Path) -> None:
    write_chat(tmp_path / "work.jsonl", ["What is a batch?", "Why?", "How?"])
    submitted = run("submit", "work.jsonl", "--label", "=work", "--wait", *SOON)
    assert submitted.returncode == 0, submitted.stderr
    job = json.loads(run("get", submitted.stdout.split()[0], "--json").stdout)
    cost = (job["tally"]["prompt_tokens"] + job["tally"]["completion_tokens"]) * 0.44 / 1_000_000

    spent = run("spend", "--json")
    answer = json.loads(spent.stdout)
    assert answer["month"] == job["completed_at"][:7]
    assert answer["total"] == pytest.approx(cost, rel=1e-9)
    [entry] = answer["by"]
    assert (entry["name"], entry["jobs"], answer["unknown_jobs"]) == (CHAT_MODEL, 1, 0)
    assert entry["total"] == answer["total"]
    assert "bill is Together's" in answer["note"]

    shown = run("spend", "--by", "label")
    assert "=work" in shown.stdout and "bill is Together's" in shown.stderr
    assert run("spend", "--by", "label", "-o", "spend.csv").stdout.strip() == "spend.csv"
    with (tmp_path / "spend.csv").open(encoding="utf-8") as file:
        [row] = csv.DictReader(file)
    assert row["label"] == "'=work"
    assert float(row["usd"]) == pytest.approx(cost, rel=1e-9)
    assert run("spend", "-o", "spend.csv").returncode != 0, "nothing is overwritten"

    [model] = json.loads(run("models", "3.3-70b", "--json").stdout)
    assert (model["name"], model["input"], model["discount"], model["status"]) == (CHAT_MODEL, 0.44, 50.0, "supported")
    assert model["history"]["jobs"] == 1
    assert model["history"]["tokens_per_row"] == pytest.approx(cost / 0.44 * 1_000_000 / 3)
    offline = run("models", "llama", env={"TOGETHER_API_KEY": None})
    assert CHAT_MODEL in offline.stdout and "catalogue of" in offline.stderr and offline.returncode == 0


def test_a_month_that_is_none_is_refused_and_an_empty_one_is_told(run: Run) -> None:
    refused = run("spend", "--month", "2026-13")
    assert refused.returncode == 2 and "not a month" in refused.stderr
    empty = json.loads(run("spend", "--month", "2020-01", "--json").stdout)
    assert (empty["month"], empty["total"], empty["by"], empty["unknown_jobs"]) == ("2020-01", 0.0, [], 0)
