"""The Compare screen: the sum, the matrix, the pairs, both answers, and the way to the rows."""

from __future__ import annotations

import hashlib
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.domain.transfer import Transfer, TransferState
from tbatch_tui.engine.journal.journal import Journal
from tbatch_tui.engine.results import Outcome
from tbatch_tui.tui.dialogs.choose import ChoiceDialog
from tbatch_tui.tui.screens.compare.both import differing_words
from tbatch_tui.tui.screens.compare.screen import CompareScreen
from tbatch_tui.tui.screens.results.exporting.dialog import ExportDialog
from tbatch_tui.tui.screens.results.screen import ResultsScreen
from tbatch_tui.tui.screens.values.screen import ValuesScreen
from tbatch_tui.tui.widgets.checkbox_list import Checkbox
from tests.conftest import until
from tests.helpers.app_host import ALL_SIZES, make_app
from tests.helpers.drawn import check_screen, missing_words, painted, resize, same_as_before, screen_opened, screen_text
from tests.helpers.hostile_text import NASTY
from tests.helpers.keyboard import type_at_once
from tests.helpers.result_rows import answer_row, request_row, write_rows
from tests.tui.screens.test_results import JOB, NOW, Host, press, save_job, wait_until_idle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from textual.pilot import Pilot

    from tbatch_tui.tui.app import TbatchApp
    from tbatch_tui.tui.messages import OpenCompare, OpenResults

SECOND = replace(JOB, id="41c0aaaa-0000-4000-8000-000000000000", output_file_id="o2", created_at=NOW + 60)
LABELS = ["good", "good", "bad", "mixed"]


class CompareHost(Host):
    """An app that goes from Results to Compare, and notes which rows are to be shown."""

    opened: OpenResults | None = None

    def on_open_compare(self, message: OpenCompare) -> None:
        self.push_screen(CompareScreen(self.engine, self.bridge, message))

    def on_open_results(self, message: OpenResults) -> None:
        self.opened = message


def answers(count: int, shift: int, texts: list[str] | None = None) -> list[Any]:
    return [
        answer_row(
            f"row-{n + 1:04}",
            json.dumps({"label": LABELS[(n + (n % 5 == 0) * shift) % 4], "why": f"reason {n + shift}"})
            if texts is None
            else texts[n],
        )
        for n in range(count)
    ]


def save_two(folder: Path, first: list[Any], second: list[Any]) -> None:
    """Write two jobs over the same requests, and a table of which they were made, with a gold column."""
    ids = dict.fromkeys(row["custom_id"] for row in [*first, *second])
    requests = [request_row(custom_id) for custom_id in ids]
    save_job(folder, requests=requests, output=first, errors=None)
    table = folder / "reviews.csv"
    table.write_text("review,gold\n" + "".join(f"Review {n},{LABELS[n % 4]}\n" for n in range(len(ids))))
    sha256 = hashlib.sha256(table.read_bytes()).hexdigest()
    recipe = (
        'version = 1\nmodel = "m/chat"\nprompt = "{{ review }}"\n[source]\n'
        f'path = "reviews.csv"\nsha256 = "{sha256}"\nformat = "csv"\nrows = {len(ids)}\n'
    )
    journal = Journal(folder / "data" / "history.db")
    account = journal.accounts.at_start("together", "", NOW).id
    journal.recipes.note(
        hashlib.sha256((folder / "safety-eval.jsonl").read_bytes()).hexdigest(), recipe, folder / "r.recipe.toml"
    )
    journal.jobs.apply(account, [SECOND], NOW, lambda _: False)
    journal.records.annotate(account, SECOND.id, "smaller-model", "")
    path = write_rows(folder / "second.jsonl", second)
    transfer = Transfer(FileKind.OUTPUT, "f2", TransferState.FETCHED, path, rows=len(second))
    journal.transfers.save(account, SECOND.id, transfer)
    journal.close()


@asynccontextmanager
async def open_compare(
    folder: Path, *chosen: str, size: tuple[int, int] = (120, 30)
) -> AsyncIterator[tuple[CompareHost, Pilot[object], CompareScreen]]:
    """Open Results, go on to Compare, and choose with these keys what to compare with."""
    async with open_host(folder, size) as (host, pilot):
        await pilot.press("C")
        await screen_opened(host, ChoiceDialog)
        await pilot.press(*chosen, "enter")
        await until(lambda: isinstance(host.screen, CompareScreen) and host.screen.session.found is not None)
        await wait_until_idle(host, pilot)
        assert isinstance(host.screen, CompareScreen)
        yield host, pilot, host.screen


@asynccontextmanager
async def open_host(folder: Path, size: tuple[int, int]) -> AsyncIterator[tuple[CompareHost, Pilot[object]]]:
    """Open Results."""
    host = CompareHost(folder)
    async with host.engine:
        await host.engine.records()
        async with host.run_test(size=size) as pilot:
            await wait_until_idle(host, pilot)
            yield host, pilot


async def test_compare_at_every_size(tmp_path: Path) -> None:
    save_two(tmp_path, answers(24, 0), answers(22, 1))
    async with open_compare(tmp_path, size=ALL_SIZES[-1]) as (host, pilot, screen):
        await press(host, pilot, "tab")
        for state in ("jobs", "gold"):
            if state == "gold":
                await pilot.press("b")
                await screen_opened(host, ChoiceDialog)
                await pilot.press("j", "j", "enter")
                await until(lambda: screen.session.found is not None and screen.session.found.is_gold)
                await wait_until_idle(host, pilot)
            texts = []
            for size in ALL_SIZES:
                await resize(host, pilot, size)
                await wait_until_idle(host, pilot)
                await painted(host)
                check_screen(host)
                texts.append(screen_text(host))
                same_as_before(screen_text(host) + "\n", f"size-compare-{state}-{size[0]}x{size[1]}.txt")
            for narrow, wide in pairwise(texts):
                assert missing_words(narrow, wide) == []


async def test_the_numbers_and_the_way_to_the_rows(tmp_path: Path) -> None:
    save_two(tmp_path, answers(24, 0), answers(22, 1))
    async with open_compare(tmp_path) as (host, pilot, screen):
        found = screen.session.found
        assert found is not None
        assert (found.field, found.pairs, len(found.only_first)) == ("label", 22, 2)
        assert f"22 pairs · {found.same} the same" in screen_text(host)
        assert f"{found.differ} differ · 2 only first" in screen_text(host)
        table = screen.pairs
        assert table is not None
        assert table.row_count == found.differ
        await press(host, pilot, "enter")
        assert host.opened is not None
        assert host.opened.selection is not None
        assert host.opened.selection.title == "label = good · smaller-model = good"
        rows = host.opened.selection.rows
        assert rows
        assert all(screen.session.first.outcome(row) is Outcome.OK for row in rows)  # type: ignore[union-attr]
        kinds = []
        for _ in range(4):
            await press(host, pilot, "f")
            kinds.append((screen._kind, table.row_count))
        assert kinds == [("same", found.same), ("all", 22), ("only first", 2), ("differ", found.differ)]
        await press(host, pilot, "tab", "enter")
        assert list(host.opened.selection.rows) == [found.first_rows[found.places()[0]]]
        await press(host, pilot, "escape")
        assert host.went_back == 1


async def test_a_gold_column_has_scores(tmp_path: Path) -> None:
    save_two(tmp_path, answers(24, 0), answers(22, 1))
    async with open_compare(tmp_path, "j", "j") as (host, _, screen):
        found = screen.session.found
        assert found is not None
        assert found.is_gold
        assert (found.agreement, screen.session.other_name) == (1, "gold")
        for word in ("precision", "recall", "F1", "1.00", "24 pairs · 24 the same"):
            assert word in screen_text(host)


async def test_another_field_is_compared_also_with_gold(tmp_path: Path) -> None:
    save_two(tmp_path, answers(24, 0), answers(22, 1))
    async with open_compare(tmp_path, size=(60, 20)) as (host, pilot, screen):
        await pilot.press("full_stop")
        await screen_opened(host, ChoiceDialog)
        assert isinstance(host.screen, ChoiceDialog)
        assert [option.answer for option in host.screen._options] == ["label", "why", "answer", "finish_reason"]
        await pilot.press("j", "enter")
        await until(lambda: screen.session.found is not None and screen.session.found.field == "why")
        await wait_until_idle(host, pilot)
        assert screen.session.found is not None
        assert screen.session.found.same == 0
        await pilot.press("b")
        await screen_opened(host, ChoiceDialog)
        await pilot.press("j", "j", "enter")
        await until(lambda: screen.session.found is not None and screen.session.found.is_gold)
        assert screen.session.found.field == "why"  # the field stays
        await wait_until_idle(host, pilot)
        assert "precision" in screen_text(host)  # before the labels, as there is not room for all
        await press(host, pilot, "enter")
        assert host.opened is not None
        assert host.opened.selection is not None
        assert host.opened.selection.title.startswith("why = ")


async def test_leaving_the_question_leaves_the_screen(tmp_path: Path) -> None:
    save_two(tmp_path, answers(4, 0), answers(4, 1))
    host = CompareHost(tmp_path)
    async with host.engine:
        await host.engine.records()
        async with host.run_test(size=(80, 24)) as pilot:
            await wait_until_idle(host, pilot)
            await pilot.press("C")
            await screen_opened(host, ChoiceDialog)
            await pilot.press("escape")
            await until(lambda: host.went_back == 1)


async def test_hostile_answers_stay_on_their_side(tmp_path: Path) -> None:
    texts = [*NASTY]
    save_two(tmp_path, answers(len(texts), 0, texts), answers(len(texts), 0, texts[::-1]))
    async with open_compare(tmp_path, size=(80, 24)) as (host, pilot, screen):
        assert screen.pairs is not None
        screen.pairs.focus()
        for _ in range(min(12, screen.pairs.row_count)):
            await press(host, pilot, "j")
            check_screen(host)


def test_one_side_without_an_answer_is_no_difference() -> None:
    assert [len(side) for side in differing_words("", "a b")] == [1, 1]
    first, second = differing_words("x" * 30_000, "x y")
    assert len("".join(piece.text for piece in first)) == 20_001
    assert second[-1].text.endswith("y")


async def settled(app: TbatchApp, pilot: Pilot[Any]) -> None:
    """Wait until every key of a burst has been dealt with."""
    await until(lambda: not app._waiting and app._awaited is None)
    await pilot.pause()


async def test_two_marked_jobs_are_compared_and_a_burst_opens_one_screen(tmp_path: Path) -> None:
    save_two(tmp_path, answers(24, 0), answers(22, 1))
    app = make_app(tmp_path, None)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(lambda: app.jobs.table.row_count == 2)
        await pilot.press("g", "C")
        assert app.jobs.disabled_reason("answers").startswith("Mark two jobs")
        await pilot.press("a")
        type_at_once(app, "CCfb")
        await until(lambda: isinstance(app.screen, CompareScreen | ChoiceDialog))
        compared = [screen for screen in app.screen_stack if isinstance(screen, CompareScreen)]
        assert len(compared) == 1
        await until(lambda: compared[0].session.found is not None)
        assert compared[0].session.key == JOB.id  # the older one first
        await settled(app, pilot)
        while len(app.screen_stack) > 1:
            await app.pop_screen()
        await pilot.press("escape")
        app.jobs.go_to(JOB.id)
        await pilot.press("o")
        await until(lambda: isinstance(app.screen, ResultsScreen) and app.screen.session.index.is_built)
        await pilot.pause()
        type_at_once(app, "VVx;V")
        await until(lambda: sum(isinstance(screen, ValuesScreen) for screen in app.screen_stack) == 1)
        await until(lambda: isinstance(app.screen_stack[2], ValuesScreen) and app.screen_stack[2].field is not None)
        await settled(app, pilot)
        assert sum(isinstance(screen, ValuesScreen) for screen in app.screen_stack) == 1


async def test_a_report_holds_the_comparison_and_the_gold_column_that_were_chosen(tmp_path: Path) -> None:
    save_two(tmp_path, answers(24, 0), answers(22, 1))
    async with open_host(tmp_path, (80, 24)) as (host, pilot):

        async def open_dialog() -> ExportDialog:
            await pilot.press("x")
            await screen_opened(host, ExportDialog)
            await pilot.pause()
            assert isinstance(host.screen, ExportDialog)
            return host.screen

        dialog = await open_dialog()
        assert "compare with" not in screen_text(host), "it is for a report alone"
        dialog.query_one("#html", Checkbox).action_tick()
        await pilot.pause()
        other, gold = dialog.query_one("#other", Checkbox), dialog.query_one("#gold", Checkbox)
        for box, key in ((other, "escape"), (other, "enter"), (gold, "enter")):
            box.focus()
            await pilot.press("space")
            await screen_opened(host, ChoiceDialog)
            await pilot.pause()
            check_screen(host)
            assert ("gold" in screen_text(host)) == (box is gold) and ("smaller-model" in screen_text(host)) != (
                box is gold
            )
            await pilot.press(*["down"] * (box is gold), key)
            await until(lambda: host.screen is dialog)
            await pilot.pause()
            assert box.on == (key == "enter")
        await resize(host, pilot, (80, 40))
        text = screen_text(host)
        assert "[x] compare with smaller-model · job" in text and "[x] compare with gold · column of the table" in text
        await pilot.press("enter")
        await wait_until_idle(host, pilot)
        page = (tmp_path / "results" / "safety-eval-8f3a12c4.html").read_text(encoding="utf-8")
        assert "label: safety-eval and smaller-model" in page and "label: safety-eval and gold" in page
        assert "precision" in page
        await open_dialog()
        assert "[x] compare with smaller-model" in screen_text(host), "it is offered again"
        await pilot.press("escape")
