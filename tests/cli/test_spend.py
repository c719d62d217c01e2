"""`spend` and `models`: what a job that ran cost, by what, and what the history says of its model."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import CHAT_MODEL, write_chat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Run

Env = dict[str, "str | None"]
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


# -- the budget ----------------------------------------------------------------------------------------


@pytest.fixture
def budget(tmp_path: Path) -> Callable[[str], Env]:
    """Return what writes a budget into config.toml, and returns the environment that finds it."""

    def write(text: str) -> Env:
        folder = tmp_path / "config" / "tbatch-tui"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.toml").write_text(f"[budget]\n{text}\n")
        return {"XDG_CONFIG_HOME": str(tmp_path / "config")}

    return write


def test_submit_above_the_budget_exits_with_1(
    run: Run, sandbox: Sandbox, tmp_path: Path, budget: Callable[[str], Env]
) -> None:
    write_chat(tmp_path / "work.jsonl", [f"Question {number}?" for number in range(12)])
    tight = budget("job = 0.0001")
    for options in ((), ("--first", "2")):
        refused = run("submit", "work.jsonl", *options, *SOON, env=tight)
        assert refused.returncode == 1, refused.stderr
        assert "the budget for a job is $0.0001" in refused.stderr and "Use --over-budget" in refused.stderr
    assert sandbox.count("POST", "/v1/batches") == 0
    sent = run("submit", "work.jsonl", "--over-budget", *SOON, env=tight)
    assert sent.returncode == 0, sent.stderr
    (tmp_path / "other.jsonl").write_text((tmp_path / "work.jsonl").read_text().replace('request-1"', 'request-one"'))
    roomy = run("submit", "other.jsonl", "--wait", *SOON, env=budget("month = 50"))
    assert roomy.returncode == 0, roomy.stderr
    assert "of $50.00 is left in" in roomy.stderr and "is out" in roomy.stderr, "what was sent before is out"


def test_a_retry_is_held_to_the_budget_too(run: Run, tmp_path: Path, budget: Callable[[str], Env]) -> None:
    write_chat(tmp_path / "work.jsonl", ["Hello"] * 9)
    with Sandbox(speed=40, failure_rate=0.5) as box:
        env: Env = {"TOGETHER_API_KEY": box.key, "TOGETHER_BASE_URL": box.base_url}
        assert run("submit", "work.jsonl", "--wait", *SOON, env=env).returncode == 4
        tight = {**env, **budget("job = 0.0000001")}
        refused = run("retry", "work", "--submit", *SOON, env=tight)
        assert refused.returncode == 1 and "Use --over-budget" in refused.stderr, refused.stderr
        assert len(box.jobs) == 1
        sent = run("retry", "work", "--submit", "--over-budget", *SOON, env=tight)
        assert sent.returncode == 0 and len(box.jobs) == 2, sent.stderr


def test_the_rest_of_a_file_is_held_to_the_budget_too(run: Run, tmp_path: Path, budget: Callable[[str], Env]) -> None:
    write_chat(tmp_path / "work.jsonl", ["Hello"] * 12)
    with Sandbox(speed=40, failure_rate=1.0) as box:
        env: Env = {"TOGETHER_API_KEY": box.key, "TOGETHER_BASE_URL": box.base_url}
        first = run("submit", "work.jsonl", "--first", "2", *SOON, env=env)
        assert first.returncode == 4, first.stderr
        tight = {**env, **budget("job = 0.0000001")}
        for command in (("submit", "work.jsonl", "--rest"), ("continue", "work")):
            refused = run(*command, *SOON, env=tight)
            assert refused.returncode == 1 and "Use --over-budget" in refused.stderr
        assert len(box.jobs) == 1
        sent = run("submit", "work.jsonl", "--rest", "--over-budget", *SOON, env=tight)
        assert sent.returncode == 0 and len(box.jobs) == 2, sent.stderr
