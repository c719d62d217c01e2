"""The first choice of an export: back into the table that the job was made of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tbatch_tui.engine.results import ExportFormat
from tbatch_tui.engine.tables.history import note_recipe
from tbatch_tui.engine.tables.make import make_input
from tbatch_tui.engine.tables.readers.open_source import open_source
from tbatch_tui.engine.tables.recipe import Recipe, RowChoice
from tbatch_tui.tui.screens.results.exporting.choice import ExportPreferences
from tbatch_tui.tui.screens.results.exporting.dialog import ExportDialog
from tbatch_tui.tui.widgets.checkbox_list import Checkbox
from tbatch_tui.tui.widgets.text_input import TextInput
from tests.helpers.drawn import check_screen, screen_opened, screen_text
from tests.helpers.result_rows import answer_row, error_row
from tests.tui.screens.test_results import SIZES, open_results, press, save_job, wait_until_idle


def save_made_job(folder: Path, name: str = "reviews.csv") -> Path:
    """Make a file of a table, and save a job of it with two answers and an error; return the table."""
    source = folder / name
    source.write_text("review;n\nGood.;1\nBad.;2\nOdd.;3\nLeft out.;4\n")
    recipe = Recipe(model="m", prompt="{{ review }}", rows=RowChoice(last=3))
    made = make_input(recipe, open_source(str(source)), folder / "made.jsonl")
    note_recipe(folder / "data", made.sha256, made.recipe_text, made.recipe_path)
    requests = [line.encode() for line in made.path.read_text().splitlines()]
    assert len(requests) == 3
    output = [answer_row("row-0003", "three"), answer_row("row-0001", "one")]
    save_job(folder, requests=requests, output=output, errors=[error_row("row-0002", "Overloaded")])
    return source


@pytest.mark.parametrize("size", SIZES)
async def test_the_first_choice_writes_the_table_with_the_answers(size: tuple[int, int], tmp_path: Path) -> None:
    save_made_job(tmp_path)
    async with open_results(tmp_path, size) as (host, pilot):
        await pilot.press("x")
        await screen_opened(host, ExportDialog)
        await pilot.pause()
        check_screen(host)
        text = screen_text(host)
        assert "(•) into reviews.csv" in text
        assert "All rows; retries and parts count as one." in text
        assert "all 3 rows" not in text
        await press(host, pilot, "enter")
        await wait_until_idle(host, pilot)
        assert "Wrote 4 rows" in " ".join(f"{toast.title} {toast.message}" for toast in host._notifications)
    written = (tmp_path / "results" / "reviews-8f3a12c4.joined.csv").read_text()
    assert written == (
        "review;n;answer;outcome;error\nGood.;1;one;ok;\nBad.;2;;error;Overloaded\nOdd.;3;three;ok;\n"
        "Left out.;4;;not asked;\n"
    )


async def test_the_other_choices_are_as_ever(tmp_path: Path) -> None:
    save_made_job(tmp_path)
    async with open_results(tmp_path, (80, 24)) as (host, pilot):
        await pilot.press("x")
        await screen_opened(host, ExportDialog)
        await pilot.pause()
        await pilot.press("down", "space")
        await pilot.pause()
        assert "all 3 rows" in screen_text(host)
        await press(host, pilot, "enter")
    (merged,) = (tmp_path / "results").iterdir()
    assert merged.name == "safety-eval-8f3a12c4.merged.jsonl"
    assert len([json.loads(line) for line in merged.read_text().splitlines()]) == 3


async def test_a_table_that_is_gone_or_has_changed_is_not_written(tmp_path: Path) -> None:
    source = save_made_job(tmp_path)
    source.write_text(source.read_text() + "New.;5\n")
    async with open_results(tmp_path, (80, 24)) as (host, pilot):
        await pilot.press("x")
        await screen_opened(host, ExportDialog)
        await pilot.pause()
        await press(host, pilot, "enter")
        toasts = " ".join(f"{toast.title} {toast.message}" for toast in host._notifications)
        assert "has changed since the requests were made" in toasts
        assert not list((tmp_path / "results").glob("*"))
        source.unlink()
        await pilot.press("x")
        await screen_opened(host, ExportDialog)
        await pilot.pause()
        text = screen_text(host)
        assert "( ) into reviews.csv · is not where it was: say where" in text and "(•) Merged JSONL" in text
        await pilot.press("space", "enter")
        assert "Enter where the table is now." in screen_text(host)
        moved = tmp_path / "elsewhere"
        moved.mkdir()
        (moved / "renamed.csv").write_text("review;n\nGood.;1\nBad.;2\nOdd.;3\nLeft out.;4\n")
        host.screen.query_one("#table", TextInput).value = str(moved / "renamed.csv")
        await pilot.pause()
        assert host.screen.query_one("#path", TextInput).value.endswith("renamed-8f3a12c4.joined.csv")
        await press(host, pilot, "enter")
        await wait_until_idle(host, pilot)
    (joined,) = (tmp_path / "results").iterdir()
    assert joined.name == "renamed-8f3a12c4.joined.csv" and len(joined.read_text().splitlines()) == 5


async def test_what_was_chosen_for_a_job_is_offered_again(tmp_path: Path) -> None:
    save_made_job(tmp_path)
    other = tmp_path / "elsewhere"
    other.mkdir()
    async with open_results(tmp_path, (80, 30)) as (host, pilot):
        await pilot.press("x")
        await screen_opened(host, ExportDialog)
        await pilot.pause()
        host.screen.query_one("#html", Checkbox).action_tick()
        host.screen.query_one("#reasoning", Checkbox).action_tick()
        await pilot.pause()
        host.screen.query_one("#path", TextInput).value = str(other / "mine.html")
        await press(host, pilot, "enter")
        await wait_until_idle(host, pilot)
        page = (other / "mine.html").read_text(encoding="utf-8")
        assert "<h3>answer</h3>" in page and "3 in = 2 ok + 1 error + 0 missing" in page
        await pilot.press("x")
        await screen_opened(host, ExportDialog)
        await pilot.pause()
        text = screen_text(host)
        assert "(•) HTML report" in text and "[x] with reasoning" in text
        assert Path(host.screen.query_one("#path", TextInput).value) == other / "safety-eval-8f3a12c4.html"


@pytest.mark.parametrize("text", [None, "", "{}", "[]", "[1]", '{"format": "csv"}', "7", "\x00"])
def test_what_cannot_be_read_of_it_is_no_choice(text: str | None) -> None:
    assert ExportPreferences.read(text) is None


def test_columns_that_are_no_more_are_left_out(tmp_path: Path) -> None:
    kept = ExportPreferences(ExportFormat.CSV, ("answer", "line"), True, tmp_path, "job-1", "stars")
    assert ExportPreferences.read(kept.as_text()) == kept
    assert ExportPreferences.read(kept.as_text().replace("line", "prose")) == replace(kept, columns=("answer",))
    assert ExportPreferences.read(kept.as_text().replace("csv", "fax")) is None
