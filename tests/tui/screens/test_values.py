"""The Values screen: fields, counts, one field by another, patterns, and the way to the rows."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.tui.dialogs.choose import ChoiceDialog
from tbatch_tui.tui.messages import ResultSelection
from tbatch_tui.tui.screens.values.dialogs import PatternDialog
from tbatch_tui.tui.screens.values.lines import places_of, value_lines
from tbatch_tui.tui.screens.values.screen import ValuesScreen
from tbatch_tui.tui.screens.values.session import parse_patterns
from tests.conftest import until
from tests.helpers.app_host import ALL_SIZES
from tests.helpers.drawn import check_screen, missing_words, painted, resize, same_as_before, screen_opened, screen_text
from tests.helpers.hostile_text import NASTY
from tests.helpers.result_rows import answer_row, request_row
from tests.tui.screens.test_results import JOB, Host, open_results, press, save_job, wait_until_idle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest
    from textual.pilot import Pilot

    from tbatch_tui.tui.messages import OpenResults, OpenValues

SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"enum": ["good", "bad", "mixed"]},
        "score": {"type": "number"},
        "why": {"type": "string"},
    },
    "required": ["label", "score"],
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}


class ValuesHost(Host):
    """An app that goes from Results to Values, and notes which rows are to be shown."""

    opened: OpenResults | None = None

    def on_open_values(self, message: OpenValues) -> None:
        self.push_screen(ValuesScreen(self.engine, self.bridge, message))

    def on_open_results(self, message: OpenResults) -> None:
        self.opened = message


def reviews(count: int = 40) -> tuple[list[Any], list[Any]]:
    """Return requests and answers: three labels, scores from 0 to 1, and one answer that is not as asked."""
    requests, output = [], []
    for number in range(count):
        request = request_row(f"row-{number + 1:04}")
        request["body"]["response_format"] = FORMAT
        requests.append(request)
        label = "ugly" if number == 7 else ["good", "good", "bad", "mixed"][number % 4]
        answer = {"label": label, "score": number % 11 / 10, "why": f"Because of reason {number % 5}"}
        output.append(answer_row(f"row-{number + 1:04}", json.dumps(answer), tokens=10 + number))
    return requests, output


def note_recipe(folder: Path, count: int = 40) -> None:
    """Write a table, and in the history that the requests were made of it."""
    table = folder / "reviews.csv"
    table.write_text("review,stars\n" + "".join(f"Review {n},{n % 3 + 1}\n" for n in range(count)))
    sha256 = hashlib.sha256(table.read_bytes()).hexdigest()
    recipe = (
        'version = 1\nmodel = "m/chat"\nprompt = "{{ review }}"\n[source]\n'
        f'path = "reviews.csv"\nsha256 = "{sha256}"\nformat = "csv"\nrows = {count}\n'
    )
    journal = Journal(folder / "data" / "history.db")
    inputs = hashlib.sha256((folder / "safety-eval.jsonl").read_bytes()).hexdigest()
    journal.recipes.note(inputs, recipe, folder / "reviews.recipe.toml")
    journal.close()


@asynccontextmanager
async def open_values(
    folder: Path, size: tuple[int, int] = (120, 30)
) -> AsyncIterator[tuple[ValuesHost, Pilot[object], ValuesScreen]]:
    """Open Results, and go on to Values."""
    host = ValuesHost(folder)
    async with host.engine:
        await host.engine.records()
        async with host.run_test(size=size) as pilot:
            await wait_until_idle(host, pilot)
            await press(host, pilot, "V")
            await screen_opened(host, ValuesScreen)
            await wait_until_idle(host, pilot)
            assert isinstance(host.screen, ValuesScreen)
            yield host, pilot, host.screen


def save_reviews(folder: Path) -> None:
    requests, output = reviews()
    save_job(folder, requests=requests, output=output, errors=None)
    note_recipe(folder)


async def test_values_at_every_size(tmp_path: Path) -> None:
    save_reviews(tmp_path)
    async with open_values(tmp_path, ALL_SIZES[-1]) as (host, pilot, screen):
        for state in ("text", "number", "crossed"):
            if state == "number":
                await press(host, pilot, "h", "j", "l")
            elif state == "crossed":
                await pilot.press("b")
                await screen_opened(host, ChoiceDialog)
                await press(host, pilot, "G", "enter")
                await until(lambda: screen.session.by is not None)
            texts = []
            for size in ALL_SIZES:
                await resize(host, pilot, size)
                await wait_until_idle(host, pilot)
                await painted(host)
                check_screen(host)
                texts.append(screen_text(host))
                same_as_before(screen_text(host) + "\n", f"size-values-{state}-{size[0]}x{size[1]}.txt")
            for narrow, wide in pairwise(texts):
                assert [word for word in missing_words(narrow, wide) if word.strip("▏▎▍▌▋▊▉█")] == []


async def test_from_a_value_to_its_rows(tmp_path: Path) -> None:
    save_reviews(tmp_path)
    async with open_values(tmp_path) as (host, pilot, screen):
        assert "39 of 40 counted: ok" in screen_text(host)
        await press(host, pilot, "j", "enter")  # good, then bad
        assert host.opened is not None
        assert host.opened.selection == ResultSelection("label = bad", list(range(2, 40, 4)))
        await press(host, pilot, "G", "enter")
        assert host.opened.selection is not None
        assert (host.opened.selection.title, list(host.opened.selection.rows)) == ("invalid", [7])
        await press(host, pilot, "left", "j", "right", "enter")  # the first bin of the scores
        assert host.opened.selection.rows == [0, 11, 22, 33]
        await press(host, pilot, "escape")
        assert host.went_back == 1
        assert screen.check_action("by", ()) is True


async def test_each_row_is_in_one_line(tmp_path: Path) -> None:
    save_reviews(tmp_path)
    async with open_values(tmp_path) as (_, _, screen):
        for name, column in screen.session.columns().items():
            line = next(line for line in screen.session.fields() if line.values.name == name)
            lines = value_lines(line.values, 0)
            places = [place for one in lines for place in places_of(one, column)]
            assert sorted(places) == list(range(39))
            assert [len(places_of(one, column)) for one in lines] == [one.count for one in lines]


async def test_by_a_column_of_the_source(tmp_path: Path) -> None:
    save_reviews(tmp_path)
    async with open_values(tmp_path) as (host, pilot, screen):
        await pilot.press("b")
        await screen_opened(host, ChoiceDialog)
        assert "column of the source table" in screen_text(host)
        await press(host, pilot, "G", "enter")
        await until(lambda: screen.session.by is not None and screen.grid.row_count > 0)
        await wait_until_idle(host, pilot)
        assert "label by stars" in screen_text(host)
        await press(host, pilot, "l", "enter")
        assert host.opened is not None
        assert host.opened.selection is not None
        assert host.opened.selection.title == "label = good · stars = 2"
        assert all(row % 3 == 1 and row % 4 < 2 for row in host.opened.selection.rows)
        await press(host, pilot, "h", "h")
        assert screen.fields.has_focus
        await press(host, pilot, "x")
        [path] = (tmp_path / "results").glob("safety-eval-8f3a12c4.label-by-stars.values*.csv")
        rows = list(csv.reader(path.read_text().splitlines()))
        assert rows[0] == ["label by stars", "1", "2", "3"]
        assert sum(int(cell) for row in rows[1:] for cell in row[1:]) == 39
        await press(host, pilot, "escape")
        assert screen.session.by is None


async def test_the_source_may_be_gone(tmp_path: Path) -> None:
    save_reviews(tmp_path)
    (tmp_path / "reviews.csv").unlink()
    async with open_values(tmp_path) as (host, pilot, _):
        await pilot.press("b")
        await screen_opened(host, ChoiceDialog)
        assert "Columns of the source table are not here" in screen_text(host)
        await press(host, pilot, "escape")


async def test_a_pattern_takes_fields_out(tmp_path: Path) -> None:
    save_reviews(tmp_path)
    async with open_values(tmp_path) as (host, pilot, screen):
        await press(host, pilot, "h", "j", "j")
        await pilot.press("semicolon")
        await screen_opened(host, PatternDialog)
        host.screen.query_one("TextInput").value = r"reason (?P<reason>\d)"  # type: ignore[attr-defined]
        await press(host, pilot, "enter")
        await until(lambda: "reason" in screen.session.columns())
        await wait_until_idle(host, pilot)
        assert "reason" in screen_text(host)
        column = screen.session.columns()["reason"]
        assert (column.filled, sorted(column.labels)) == (39, ["0", "1", "2", "3", "4"])
        await pilot.press("semicolon")
        await screen_opened(host, PatternDialog)
        host.screen.query_one("TextInput").value = "("  # type: ignore[attr-defined]
        await press(host, pilot, "enter")
        await until(lambda: any("not a regular expression" in message.title for message in host.bridge.log))
        assert "reason" in screen.session.columns()
    async with open_values(tmp_path) as (host, pilot, screen):  # it is kept with the job
        assert screen.session.columns()["reason"].filled == 39
        await press(host, pilot, "h", "j", "j")
        await pilot.press("semicolon")
        await screen_opened(host, PatternDialog)
        assert host.screen.query_one("TextInput").value == r"reason (?P<reason>\d)"  # type: ignore[attr-defined]
        host.screen.query_one("TextInput").value = ""  # type: ignore[attr-defined]
        await press(host, pilot, "enter")
        await until(lambda: "reason" not in screen.session.columns())
        await wait_until_idle(host, pilot)
    async with open_values(tmp_path) as (host, pilot, screen):
        assert "reason" not in screen.session.columns()


def test_kept_patterns_that_cannot_be_read_are_none() -> None:
    assert parse_patterns('{"why": "(?P<a>x)", "label": 3}') == {"why": "(?P<a>x)"}
    for text in (None, "", "[1]", "{"):
        assert parse_patterns(text) == {}


async def test_rows_that_are_listed_are_counted(tmp_path: Path) -> None:
    save_job(tmp_path)
    async with open_results(tmp_path) as (host, pilot):
        assert "V" in screen_text(host)
        await press(host, pilot, "space", "V")
    host = ValuesHost(tmp_path)
    async with host.engine:
        await host.engine.records()
        async with host.run_test(size=(120, 30)) as pilot:
            await wait_until_idle(host, pilot)
            await press(host, pilot, "space", "j", "space", "V")
            await screen_opened(host, ValuesScreen)
            await wait_until_idle(host, pilot)
            assert "marked" in screen_text(host)
            assert "2 of 5 counted" in screen_text(host)
            await press(host, pilot, "x")
            assert list((tmp_path / "results").glob("*.values.csv"))


async def test_hostile_answers_stay_in_their_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [answer_row(f"case-{n}", json.dumps({text: text, "x": [text]})) for n, text in enumerate(NASTY, start=1)]
    save_job(tmp_path, requests=None, output=rows, errors=None)
    async with open_values(tmp_path, (80, 24)) as (host, pilot, screen):
        for _ in range(len(screen.fields.source)):
            await pilot.press("h", "j")
            check_screen(host)
        await pilot.press("b")
        await screen_opened(host, ChoiceDialog)
        check_screen(host)
        await press(host, pilot, "enter")
        await wait_until_idle(host, pilot)
        check_screen(host)
        assert JOB.id

    def fail(*_: object, **__: object) -> None:
        raise LocalFileError("output.jsonl has changed since it was read", "Open the results again.")

    monkeypatch.setattr("tbatch_tui.tui.screens.values.session.read_table", fail)
    async with asyncio.timeout(30), open_values(tmp_path, (80, 24)) as (host, _, _):
        assert "has changed since it was read" in screen_text(host)
