"""Every widget and dialog with every hostile string: no crash, nothing outside its cell, no control character."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.content import Content

from tbatch_tui.tui.dialogs.confirm import Confirm
from tbatch_tui.tui.dialogs.text_dialog import TextDialog
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.screens.jobs.dialogs.label import EditLabel
from tbatch_tui.tui.widgets.button import FlatButton
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.header_line import HeaderLine
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.progress_line import ProgressLine
from tbatch_tui.tui.widgets.reader.view import RecordView
from tbatch_tui.tui.widgets.reader.wrap import Block
from tbatch_tui.tui.widgets.table.columns import Column
from tbatch_tui.tui.widgets.table.table import RecordTable
from tests.helpers.drawn import Bare, check_screen
from tests.helpers.hostile_text import NASTY

if TYPE_CHECKING:
    from textual.app import ComposeResult

COLUMNS = [
    Column[str]("str", "[/bad]", lambda text: text, min=6),
    Column[str]("pieces", "\x1b[2J", lambda text: [(text, "bold"), (text, "$status-failed")], min=6, align="right"),
    Column[str]("text", "\u202eevil", lambda text: Text(text, "bold"), min=6),
    Column[str]("content", "日本", lambda text: Content(text), min=6, keep="end"),
    Column[str]("center", "\x9b", draw=lambda text, _width: text * 2, width=9, align="center", keep="end"),
]


class AllWidgets(Bare):
    def compose(self) -> ComposeResult:
        yield HeaderLine("Jobs")
        yield RecordTable[str](COLUMNS)
        yield RecordView()
        yield Divider()
        yield ProgressLine()
        yield FlatButton("x")
        yield FilterLine()
        yield KeyBar()


async def test_widgets() -> None:
    app = AllWidgets()
    async with app.run_test(size=(80, 40)) as pilot:
        table = app.query_one(RecordTable)
        table.set_rows([(text, text) for text in NASTY])
        for text in NASTY:
            app.query_one(HeaderLine).show(text, [text, (text, "$status-ok"), "done"])
            table.move_cursor(key=text)
            app.query_one(RecordView).show([Block(text, "bold", indent=2, lead=[(text, "")])])
            app.query_one(Divider).set_title(text)
            app.query_one(ProgressLine).show(1, 2, label=line(text)[:20])
            app.query_one(FlatButton).set_label(text[:30])
            app.query_one(FilterLine).open(text)
            app.query_one(KeyBar).relabel("help.keys", text)
            await pilot.pause()
            check_screen(app)
        table.set_rows([])
        for start in range(0, len(NASTY), 6):
            table.set_empty(lines_content("\n".join(NASTY[start : start + 6])))
            await pilot.pause()
            check_screen(app)


async def test_pasted_text_is_made_safe() -> None:
    app = AllWidgets()
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(FilterLine).open()
        app.query_one(FilterLine)._input.post_message(events.Paste("\x1b]52;c;eA==\x07\u202e[/bad]\nsecond"))
        await pilot.pause()
        assert app.query_one(FilterLine).text == "␛]52;c;eA==␇�[/bad]"
        check_screen(app)


async def test_dialogs() -> None:
    app = Bare()
    async with app.run_test(size=(60, 20)) as pilot:
        for start in range(0, len(NASTY), 6):
            one, two, three, four, five, six = (NASTY[(start + index) % len(NASTY)] for index in range(6))
            for dialog in (
                Confirm(one, two, yes=three[:20], no=four[:10]),
                EditLabel(five, six),
                TextDialog(six, five),
            ):
                app.push_screen(dialog)
                await pilot.pause()
                check_screen(app)
                app.pop_screen()
