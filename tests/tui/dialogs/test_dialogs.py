"""Dialogs: typed answers, focus on the safe one, escape is no, and all of it on a small screen too."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from textual.widgets._toast import Toast

from tbatch_tui.tui import theme
from tbatch_tui.tui.dialogs.confirm import Confirm
from tbatch_tui.tui.dialogs.keys_help import KeysHelp
from tbatch_tui.tui.dialogs.text_dialog import TextDialog
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys import keymap
from tbatch_tui.tui.screens.jobs.dialogs.label import EditLabel
from tbatch_tui.tui.widgets.filter_line import FilterLine
from tbatch_tui.tui.widgets.table.table import RecordTable
from tbatch_tui.tui.widgets.text_input import TextInput
from tests.conftest import until
from tests.helpers.drawn import Bare, check_screen, resize, screen_text
from tests.tui.widgets.test_table import COLUMNS, Item, items

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.screen import ModalScreen

SIZES = [(60, 20), (80, 24), (140, 40)]
UNANSWERED = object()


class Asking(Bare):
    """Asks one question and keeps the answer."""

    answer: object = UNANSWERED

    def ask(self, dialog: ModalScreen[Any]) -> None:
        def answered(answer: object) -> None:
            self.answer = answer

        self.push_screen(dialog, answered)


def confirm() -> Confirm:
    return Confirm("Cancel reviews-march?", "What is finished is billed.", yes="Cancel the job", no="Keep it running")


@pytest.mark.parametrize(
    ("pressed", "answer"),
    [
        (["y"], True),
        (["n"], False),
        (["escape"], False),
        (["enter"], False),
        (["space"], False),
        (["left", "enter"], True),
        (["tab", "enter"], True),
        (["right", "right", "enter"], False),
    ],
)
async def test_confirm(pressed: list[str], answer: bool) -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask(confirm())
        await pilot.pause()
        assert "y Cancel the job" in screen_text(app) and "[ n Keep it running ]" in screen_text(app)
        await pilot.press(*pressed)
        await pilot.pause()
        assert app.answer is answer


async def test_confirm_by_mouse_and_as_remapped() -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        app.set_keymap(keymap.resolve_keymap({"answer.yes": "f2"})[0])
        app.ask(confirm())
        await pilot.pause()
        assert "f2 Cancel the job" in screen_text(app)
        await pilot.press("y")
        assert app.answer is UNANSWERED
        await pilot.click("#yes")
        await pilot.pause()
        assert app.answer is True


@pytest.mark.parametrize(
    ("pressed", "answer"),
    [
        (["!", "enter"], ("label!", "note")),
        (["home", "!", "enter"], ("!label", "note")),
        (["tab", "end", "?", "enter"], ("label", "note?")),
        (["enter"], None),
        (["x", "escape"], None),
        (["ctrl+u", "enter"], ("", "note")),
    ],
)
async def test_edit_label(pressed: list[str], answer: tuple[str, str] | None) -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask(EditLabel("label", "note"))
        await pilot.pause()
        await pilot.press(*pressed)
        await pilot.pause()
        assert app.answer == answer


@pytest.mark.parametrize("size", SIZES)
async def test_help_shows_the_keys_as_remapped_and_scrolls(size: tuple[int, int]) -> None:
    class Helped(Asking):
        BINDINGS: ClassVar[list[BindingType]] = [
            keys.NEW,
            keys.CANCEL,
            keys.FILTER,
            keys.SORT,
            keys.LABEL,
            keys.COPY_RECORD,
        ]

        def compose(self) -> ComposeResult:
            yield RecordTable[Item](COLUMNS)

        def on_mount(self) -> None:
            self.query_one(RecordTable).set_rows(items(3))

        def action_show_keys(self) -> None:
            self.ask(KeysHelp(self.screen, "Jobs"))

        def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
            return action != "next_sort"

    app = Helped()
    async with app.run_test(size=size) as pilot:
        app.set_keymap(keymap.resolve_keymap({"job.cancel": "ctrl+k"})[0])
        await pilot.press("question_mark")
        await pilot.pause()
        seen = screen_text(app)
        check_screen(app)
        assert "Keys of Jobs" in seen and "esc Close" in seen
        for _ in range(4):
            await pilot.press("pagedown")
            seen += screen_text(app)
        for words in (
            "^k",
            "Cancel the job (asks first)",
            "j ↓",
            "One row down",
            "Y ",
            "Copy record",
            "? ",
            "Quit;",
        ):
            assert words in seen, words
        texts = ("Cancel the job", "Copy record as JSON")
        help_lines = [line for line in seen.splitlines() for text in texts if text in line]
        places = {
            line.index("Cancel the job" if "Cancel the job" in line else "Copy record as JSON") for line in help_lines
        }
        assert len(help_lines) >= 2 and len(places) == 1, "what the keys do stands under each other"
        assert "Sort by the next column" in seen, "what is not possible is described too"
        await pilot.press("q")
        await pilot.pause()
        assert app.answer is None


@pytest.mark.parametrize("size", SIZES)
async def test_a_message_of_any_length_can_be_read(size: tuple[int, int]) -> None:
    app = Asking()
    async with app.run_test(size=size) as pilot:
        app.ask(TextDialog("The server said", "\n".join(f"line {number}" for number in range(200))))
        await pilot.pause()
        check_screen(app)
        assert "The server said" in screen_text(app) and "esc Close" in screen_text(app)
        await pilot.press("G")
        assert "line 199" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert app.answer is None


class Filtered(Bare):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[object] = []

    def compose(self) -> ComposeResult:
        yield RecordTable[Item](COLUMNS)
        yield FilterLine()

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        self.events.append(event.text)

    def on_filter_line_closed(self, event: FilterLine.Closed) -> None:
        self.events.append(event.keep)
        self.query_one(RecordTable).focus()


async def test_the_filter_line() -> None:
    app = Filtered()
    async with app.run_test(size=(80, 24)) as pilot:
        line = app.query_one(FilterLine)
        assert not line.display
        line.open()
        await pilot.press("a", "slash", "j")
        assert app.events == ["a", "a/", "a/j"] and "/ a/j" in screen_text(app)
        assert app.screen.active_bindings["enter"].binding.id == "filter.keep"
        assert "n" not in app.screen.active_bindings and "slash" not in app.screen.active_bindings
        await pilot.press("enter")
        await pilot.pause()
        assert app.events[3:] == [True] and not line.display
        line.open("a/j")
        await pilot.press("b")
        await pilot.press("escape")
        await pilot.pause()
        assert app.events[4:] == ["a/jb", False] and line.text == ""
        line.open()
        await pilot.press("x")
        await pilot.click(RecordTable)
        await pilot.pause()
        assert app.events[6:] == ["x", True]


@pytest.mark.parametrize("size", SIZES)
async def test_a_toast_leaves_the_keys_of_a_dialog_free(size: tuple[int, int]) -> None:
    class Toasting(Asking):
        CSS_PATH = Path(theme.__file__).with_name("app.tcss")

    app = Toasting()
    async with app.run_test(size=size, notifications=True) as pilot:
        app.ask(Confirm("Cancel reviews-march?", "Rows come back. " * 60, yes="Cancel the job", no="Keep it running"))
        app.notify("1,980 ok · 17 err · 3 missing", title="reviews-february: results downloaded", timeout=60)
        await pilot.pause()
        await pilot.pause()
        assert "results downloaded" in screen_text(app)
        assert "y Cancel the job" in screen_text(app) and "[ n Keep it running ]" in screen_text(app)
        assert app.screen.query_one(Toast).region.bottom < app.screen.query_one("#yes").region.y


@pytest.mark.parametrize("text", ["a" * 30, "日本語" * 10, "short"])
async def test_an_input_marks_the_side_where_its_text_continues(text: str) -> None:
    class Inputs(Bare):
        def compose(self) -> ComposeResult:
            yield TextInput(text, id="value")
            yield TextInput(placeholder=text, id="placeholder")
            yield TextInput(id="elsewhere")

    app = Inputs()
    async with app.run_test(size=(20, 5)) as pilot:
        app.query_one("#elsewhere").focus()
        await pilot.pause()
        first, second, *_ = screen_text(app).splitlines()
        is_cut = text != "short"
        assert first.endswith("…") is is_cut or first.startswith("…") is is_cut
        assert second.endswith("…") is is_cut
        app.query_one("#value").focus()
        await pilot.press("end")
        await until(lambda: screen_text(app).startswith("…") is is_cut)
        await pilot.press("home")
        await until(lambda: screen_text(app).splitlines()[0].endswith("…") is is_cut)
        check_screen(app)


async def test_a_dialog_keeps_what_was_typed_while_the_terminal_changes() -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        app.ask(EditLabel("reviews", ""))
        await pilot.pause()
        await pilot.press("tab", *"日本語", "x")
        for size in [*SIZES, (200, 60), (60, 20)]:
            await resize(app, pilot, size)
            check_screen(app)
            assert "日本語x" in screen_text(app) and "esc Cancel" in screen_text(app), size
        await pilot.press("y", "enter")
        await until(lambda: app.answer is not UNANSWERED)
        assert "日本語xy" in str(app.answer) and "reviews" in str(app.answer)


async def test_a_resize_before_a_dialog_is_whole_is_no_fault() -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)):
        for ticks in range(0, 12, 2):
            for dialog in (TextDialog("A title", "A text"), KeysHelp(app.screen)):
                mounting = app.push_screen(dialog)
                for _ in range(ticks):
                    await asyncio.sleep(0)
                dialog.on_resize()
                await mounting
                await app.pop_screen()
