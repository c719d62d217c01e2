"""The reading pane and its wrapping: any text of any size, nothing lost and nothing that freezes."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.widgets.reader import view
from tbatch_tui.tui.widgets.reader.view import RecordView
from tbatch_tui.tui.widgets.reader.wrap import Block, WrappedText, fold
from tests.conftest import until
from tests.helpers.drawn import Bare, check_screen, screen_lines, screen_text
from tests.helpers.hostile_text import NASTY

if TYPE_CHECKING:
    from textual.app import ComposeResult


@given(st.text(max_size=200).map(line), st.integers(2, 30))
def test_folding_loses_only_the_spaces_it_breaks_at(text: str, width: int) -> None:
    folded = fold(text, width)
    assert all(cell_len(part) <= width for part in folded)
    assert "".join(folded).replace(" ", "") == text.replace(" ", "")


def test_folding_breaks_at_spaces_and_keeps_the_indent() -> None:
    assert fold("the quick brown fox", 10) == ["the quick", "brown fox"]
    assert fold("    indented-word-that-is-long", 12) == ["    indented", "-word-that-i", "s-long"]
    assert fold("日本語テキスト", 5) == ["日本", "語テ", "キス", "ト"]
    assert fold("", 5) == [""]


@given(st.lists(st.text(max_size=80) | st.sampled_from(NASTY), max_size=4), st.integers(1, 50), st.integers(0, 60))
def test_every_wrapped_line_fits(texts: list[str], width: int, indent: int) -> None:
    blocks = [Block(text, indent=indent) for text in texts]
    for wrapped in itertools.islice(WrappedText(blocks, width), 2_000):
        assert sum(cell_len(text) for text, _ in wrapped.parts) <= max(width, 2)


def test_a_lead_stands_before_the_first_line_only() -> None:
    block = Block("what it does, at length", indent=8, lead=[("n", "bold")])
    drawn = ["".join(text for text, _ in wrapped.parts) for wrapped in WrappedText([block], 22)]
    assert drawn == ["n       what it does,", "        at length"]


class ViewApp(Bare):
    def __init__(self, *blocks: Block) -> None:
        super().__init__()
        self.blocks = blocks

    def compose(self) -> ComposeResult:
        yield RecordView(*self.blocks)

    @property
    def view(self) -> RecordView:
        return self.query_one(RecordView)


@pytest.mark.parametrize("unit", ["x", "word ", "日本", "e\u0301 \x1b]0;t\x07"])
async def test_five_megabytes_on_one_line_open_at_once(unit: str) -> None:
    text = unit * (5_000_000 // len(unit))
    app = ViewApp()
    async with app.run_test(size=(80, 24)) as pilot:
        started = time.process_time()
        app.view.show_text(text)
        assert time.process_time() - started < 1.0  # laying out all of it takes several seconds
        await pilot.pause()
        check_screen(app)
        started = time.process_time()
        app.view.action_cursor_bottom()
        assert time.process_time() - started < 1.0  # laying out all of it takes several seconds
        assert "MB more below" in app.view.render_line(app.view.size.height - 1).text
        app.view.action_cursor_up()
        assert not app.view.is_complete


def top(app: ViewApp) -> str:
    return screen_lines(app)[0][:40].strip()


def bottom(app: ViewApp) -> str:
    return screen_lines(app)[-1][:40].strip()


async def test_all_of_a_long_text_can_be_reached() -> None:
    app = ViewApp(Block("\n".join(f"line {number}" for number in range(30_000))))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("pagedown", "j", "j", "k")
        assert top(app) == "line 20"
        await pilot.press("G")
        async with asyncio.timeout(20):
            while not app.view.is_complete:
                await pilot.pause()
        await pilot.pause()
        assert bottom(app) == "line 29999"
        await pilot.press("g")
        assert top(app) == "line 0"
        await pilot.press("G", "pageup", "k")
        assert bottom(app) == "line 29979"


@pytest.mark.parametrize("budget", [view.BUDGET, 0.00002], ids=["at once", "a machine that is busy"])
async def test_another_width_shows_the_same_place(budget: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the text above it cannot be wrapped between two keys."""
    app = ViewApp(*(Block(" ".join(f"{block}.{word}" for word in range(2_000))) for block in range(5)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.view.scroll_to(y=500, animate=False)
        await pilot.pause()
        word = top(app).split()[0]
        monkeypatch.setattr(view, "BUDGET", budget)
        for width in (140, 60, 80):
            await pilot.resize_terminal(width, 24)
            await until(lambda: app.view.outer_size.width == width)  # noqa: B023 - it is awaited here
            await until(lambda: word in " ".join(screen_lines(app)[:5]))
            await pilot.pause()
            assert word in " ".join(screen_lines(app)[:5])
            check_screen(app)


async def test_another_text_is_read_from_its_top() -> None:
    app = ViewApp(Block("old\n" * 100))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("G")
        app.view.show([Block("user", "bold $accent-text"), Block("[/bad] is text", indent=2)])
        await pilot.pause()
        assert screen_text(app).splitlines()[:2] == [" user", "   [/bad] is text"]
