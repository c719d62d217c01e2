"""Header, footer, rules and progress: one line each, right at every width."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest
from rich.cells import cell_len
from textual.screen import Screen
from textual.widgets import Input

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys import keymap
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.header_line import HeaderLine, Segment
from tbatch_tui.tui.widgets.key_bar import KeyBar
from tbatch_tui.tui.widgets.progress_line import ProgressLine
from tests.helpers.drawn import Bare, check_screen, screen_lines, screen_text

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.tui.render.styled import StyledText

STATUS: list[Segment] = [
    "Acme / evals",
    "214 done",
    ("2 running", "$status-active"),
    ("1 needs you", "$status-attention"),
    "↻ 0:22",
]


def plain(text: StyledText) -> str:
    """The text without its styles."""
    return "".join(part for part, _ in text)


def header(subject: str, width: int) -> str:
    line = HeaderLine("Jobs", subject)
    line.set_status(*STATUS)
    return plain(line.styled_text(width))


def test_a_narrow_header_drops_the_least_important_first() -> None:
    assert header("", 110).endswith("Acme / evals · 214 done · 2 running · 1 needs you · ↻ 0:22 ")
    assert header("", 60).startswith(" Jobs ") and header("", 60).endswith(
        "… · 214 done · 2 running · 1 needs you · ↻ 0:22 "
    )
    assert header("evals/reviews-march.jsonl", 60).startswith(" Jobs   evals/reviews-march.jsonl ")
    assert header("evals/reviews-march.jsonl", 60).endswith("… · 1 needs you · ↻ 0:22 ")
    long = header("evals/a-folder-of-a-long-name/reviews-march.jsonl", 80)
    assert long.startswith(" Jobs   evals/a-folder-of-a-long-name/revie") and long.endswith("… · 1 needs you · ↻ 0:22 ")
    assert header("evals/reviews-march.jsonl", 200).startswith(" Jobs   evals/reviews-march.jsonl ")


@pytest.mark.parametrize("width", range(10, 130))
def test_the_header_is_never_too_wide(width: int) -> None:
    for subject in ("", "short", "日本語" * 40):
        assert cell_len(header(subject, width)) <= max(width, 8)


def test_progress_shows_amount_speed_and_time_left() -> None:
    line = ProgressLine()
    line.show(15_400_000, 24_100_000, rate=3_100_000)
    assert plain(line.styled_text(80)).startswith(" ━━━━━━━━━")
    assert plain(line.styled_text(80)).endswith(" 63 %  15.4 MB of 24.1 MB · 3.1 MB/s · 3 s left")
    assert "━" not in plain(line.styled_text(50))
    line.show(12_000, None, unit="lines")
    assert plain(line.styled_text(80)).strip() == "12,000 lines"
    line.show(5, 10, rate=1, label="Checking", unit="lines")
    assert plain(line.styled_text(80)).startswith(" Checking  ━")
    assert "5 of 10 lines · 1/s · 5 s left" in plain(line.styled_text(80))


def test_a_rule_is_as_wide_as_the_line() -> None:
    assert plain(Divider().styled_text(20)) == "─" * 20
    assert plain(Divider("line 4,812").styled_text(30)) == "── line 4,812 " + "─" * 16
    assert cell_len(plain(Divider("日本語" * 20).styled_text(30))) == 30


class KeyScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.NEW,
        keys.CANCEL,
        keys.DOWNLOAD,
        keys.RESULTS,
        keys.FILTER,
        keys.REFRESH,
        keys.BACK,
    ]

    def __init__(self) -> None:
        super().__init__()
        self.pressed: list[str] = []
        self.states: dict[str, bool | None] = {"results": None, "download": False}

    def compose(self) -> ComposeResult:
        yield Input()
        yield KeyBar()

    def on_mount(self) -> None:
        self.set_focus(None)

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        return self.states.get(action, True)

    def action_new_batch(self) -> None:
        self.pressed.append("n")

    def action_results(self) -> None:
        self.pressed.append("o")


class KeyApp(Bare):
    AUTO_FOCUS = None

    def on_mount(self) -> None:
        self.push_screen(KeyScreen())

    def bar(self) -> str:
        return screen_lines(self)[-1].rstrip()


async def test_the_bar_stays_and_greys_what_is_not_possible() -> None:
    app = KeyApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        bar = app.bar()
        assert bar.startswith(" n New  c Cancel  d Download  o Results  / Filter  esc Back  ? Keys   ")
        assert app.bar().endswith("^p")
        screen = app.screen
        assert isinstance(screen, KeyScreen)
        screen.states = {}
        screen.refresh_bindings()
        await pilot.pause()
        assert app.bar() == bar, "a key that becomes possible stays in its place"
        screen.query_one(KeyBar).relabel("list.filter", "Search [/no]")
        await pilot.pause()
        assert "/ Search [/no]" in app.bar()
        screen.query_one(Input).focus()
        await pilot.pause()
        assert "New" not in app.bar()


async def test_the_bar_follows_the_keymap() -> None:
    app = KeyApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.set_keymap(keymap.resolve_keymap({"jobs.new": "ctrl+b", "help.keys": "f1"})[0])
        await pilot.pause()
        assert app.bar().startswith(" ^b New  c Cancel") and "f1 Keys" in app.bar()


@pytest.mark.parametrize("width", [60, 40, 20, 12])
async def test_keys_that_do_not_fit_are_dropped_but_help_stays(width: int) -> None:
    app = KeyApp()
    async with app.run_test(size=(width, 20)) as pilot:
        await pilot.pause()
        assert "? Keys" in app.bar()
        check_screen(app)


async def test_a_click_presses_the_key_unless_it_is_disabled() -> None:
    app = KeyApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, KeyScreen)
        for word in ("New", "Results"):
            await pilot.click(KeyBar, offset=(app.bar().index(word), 0))
            await pilot.pause()
        assert screen.pressed == ["n"]
        await pilot.hover(KeyBar, offset=(app.bar().index("New"), 0))
        assert str(screen.query_one(KeyBar).tooltip) == keys.NEW.tooltip


async def test_lines_are_painted_again_when_they_change() -> None:
    class Lines(Bare):
        def compose(self) -> ComposeResult:
            yield HeaderLine("Jobs")
            yield Divider()
            yield ProgressLine()

    app = Lines()
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(HeaderLine).show("reviews", [("214 done", ""), None])
        app.query_one(Divider).set_title("line 7")
        app.query_one(ProgressLine).show(1, 2)
        await pilot.pause()
        text = screen_text(app)
        assert "reviews" in text and "214 done" in text and "── line 7 ──" in text and "50 %" in text
