"""The demo's table: what its past jobs asked is what `make` writes, and their answers go back into it."""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.demo import DemoServer
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.groups.group_record import GroupRecord, group_records
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.engine.pricing.spending.spend import SpendBy
from tbatch_tui.engine.results.outcomes import Outcome
from tbatch_tui.engine.tables.make import make_input
from tbatch_tui.engine.tables.readers.open_source import open_source
from tbatch_tui.engine.tables.recipe_file import parse_recipe, read_recipe
from tbatch_tui.sandbox.demo.review_table import (
    MODEL,
    ROWS,
    RUNS,
    recipe_text,
    review_requests,
    review_rows,
    write_review_table,
)
from tbatch_tui.sandbox.demo.samples import encode_line
from tests.conftest import until

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord


@pytest.mark.parametrize("model", [MODEL, *RUNS.values()])
def test_a_past_job_asked_what_make_writes(tmp_path: Path, model: str) -> None:
    write_review_table(tmp_path)
    made = make_input(
        parse_recipe(recipe_text(model)), open_source(str(tmp_path / "reviews.csv")), tmp_path / "o.jsonl"
    )
    assert made.path.read_bytes() == b"".join(map(encode_line, review_requests(model)))
    assert (made.rows, made.requests) == (ROWS, ROWS)


def test_the_table_and_its_recipe(tmp_path: Path) -> None:
    write_review_table(tmp_path)
    with (tmp_path / "reviews.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == ROWS and len({row["id"] for row in rows}) == ROWS
    assert Counter(row["label"] for row in rows).keys() == {"positive", "negative", "mixed"}
    assert all(row["text"].strip() and "{" not in row["text"] and row["stars"] in "12345" for row in rows)
    assert list(review_rows()) == list(review_rows())
    recipe = read_recipe(tmp_path / "reviews.recipe.toml")
    assert recipe.source is not None and recipe.source.path == "reviews.csv" and recipe.model == MODEL


def has_counts_of_input(record: JobRecord) -> bool:
    """Return whether it was counted again since its input file is known."""
    return record.counts is not None and record.counts.has_input


async def test_the_history_of_the_demo_has_two_runs_over_it(tmp_path: Path) -> None:
    server = DemoServer(tmp_path)
    try:
        options = server.options_from(EngineOptions(data_dir=tmp_path, output_dir=tmp_path, poll_interval=0.1))
        engine = BatchEngine(options)
        engine.set_base_url(server.start())
        async with engine:
            await server.add_past_jobs(engine)
            await server.add_past_jobs(engine)  # the second time there is nothing to do
            found = {record.input_name: record for record in await engine.records() if record.submission is not None}
            assert found.keys() == RUNS.keys()
            answers: dict[str, list[str]] = {}
            for name, record in found.items():
                recipe = await engine.recipes.recipe_of(record)
                assert recipe is not None and RUNS[name] in recipe.text and recipe.path is not None
                source = parse_recipe(recipe.text).source
                assert source is not None and (recipe.path.parent / source.path).samefile(
                    server.samples / "reviews.csv"
                )
                index = engine.results(record)
                index.build()
                counted = Counter(index.outcome(number) for number in range(len(index)))
                assert len(index) == ROWS and counted[Outcome.MISSING] == 0
                assert 2 <= counted[Outcome.INVALID] <= 20 and 3 <= counted[Outcome.CUT_SHORT] <= 25
                assert 1 <= counted[Outcome.ERROR] <= 15
                answers[name] = [repr(index.record(number).answers) for number in range(len(index))]
                counts = (await engine.wait_until(record.key, has_counts_of_input)).counts
                assert counts is not None and counts.needs_attention
            gold = [row.label for row in review_rows()]
            for labels in answers.values():
                right = sum(
                    f'"label":"{label}"' in answer.replace('": "', '":"')
                    for label, answer in zip(gold, labels, strict=True)
                )
                assert 0.7 * ROWS < right < 0.95 * ROWS
            assert len(set(map(tuple, answers.values()))) == 2

            await server.add_older_results(engine)
            await server.add_older_results(engine)
            here = [record.key for record in await engine.records() if record.transfers]
            await until(lambda: all((record := engine.record(key)) and record.counts for key in here))
            [group] = [each for each in group_records(await engine.records()) if isinstance(each, GroupRecord)]
            assert (group.name, group.requests, group.states) == ("reviews-october", 900, {"Completed": 3})
            assert not group.is_provisional and group.outcomes["missing"] == 0 and 800 < group.outcomes["ok"] < 900
            spending = await engine.prices.spending()
            months = [spending.month(month, SpendBy.MODEL) for month in spending.months()]
            assert sum(month.unknown_jobs for month in months) < 8 and sum(month.total for month in months) > 0.2
    finally:
        server.stop()
