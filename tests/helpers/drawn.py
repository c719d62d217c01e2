"""What is on the screen of an app under test, whether it is safe for a terminal, and when it is painted."""

from __future__ import annotations

import asyncio
import difflib
import os
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from textual.app import App
from textual.geometry import Size
from textual.widget import Widget

from tbatch_tui.tui import theme
from tbatch_tui.tui.keys import bindings as keys
from tests.conftest import until

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.pilot import Pilot
    from textual.screen import Screen


class Bare(App[object]):
    """An app with our themes and global keys, and nothing else."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.GLOBAL]

    def __init__(self) -> None:
        super().__init__()
        for ours in theme.THEMES:
            self.register_theme(ours)
        self.theme = theme.DEFAULT

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme.variables_for(self.current_theme)


def screen_lines(app: App[Any]) -> list[str]:
    """Return the lines as the terminal would show them."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def screen_text(app: App[Any]) -> str:
    return "\n".join(line.rstrip() for line in screen_lines(app))


_VISIBLE_FORMATS = frozenset(
    map(chr, [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD])
)  # fmt: skip
"""Characters of the category Cf that are seen: signs over or under numbers, in Arabic, Syriac and Kaithi."""


def is_harmless(text: str) -> bool:
    """Whether a text has no control, surrogate, line separator or format character; combining marks are allowed.

    By category, so that it does not know the gate's table: tags, joiners, bidi and shorthand controls are all Cf.
    """
    return all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in set(text) - _VISIBLE_FORMATS)


def check_screen(app: App[Any]) -> None:
    """Check that every line is safe and exactly as wide as the terminal."""
    width = app.size.width
    for line in screen_lines(app):
        assert is_harmless(line), repr(line)
        assert cell_len(line) == width, (cell_len(line), line)


def is_painted(app: App[Any]) -> bool:
    """Whether the screen is up to date: no message is queued, and nothing is left to lay out or to paint."""
    screen = app.screen
    widgets = list(screen.walk_children(Widget, with_self=True))
    return (
        app._resize_event is None
        and screen._compositor.size == app.size
        and not any(node.message_queue_size for node in (app, *widgets))
        and not any(w._layout_required or w._repaint_required or w._scroll_required for w in widgets if is_displayed(w))
        and not screen._dirty_widgets
        and not screen._callbacks
    )


def is_displayed(widget: Widget) -> bool:
    """Whether a widget has a place on the screen: one that is hidden, or in one that is, is never painted."""
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))


async def painted(app: App[Any], what: str = "the screen is painted") -> None:
    """Wait until the screen is painted, and still is a moment later.

    `Pilot.pause` ends when this process uses no CPU for a moment, which on a busy machine is too early.
    """
    for _ in range(2):
        await until(lambda: is_painted(app), what=what)
        await asyncio.sleep(0.03)


async def screen_opened(app: App[Any], kind: type[Screen[Any]]) -> None:
    """Wait until a screen of this kind is the one that is shown, and is painted: at first it has no widgets yet."""
    await until(lambda: isinstance(app.screen, kind) and is_painted(app), what=f"{kind.__name__} is shown")


async def resize(app: App[Any], pilot: Pilot[Any], size: tuple[int, int]) -> None:
    """Resize the terminal, and wait until the screen is painted in its new size."""
    await pilot.resize_terminal(*size)
    await until(lambda: app.size == Size(*size), what=f"the app has the size {size}")
    await painted(app, f"the screen is painted at {size}")


SNAPSHOTS = Path(__file__).parents[1] / "tui" / "snapshots"


def snapshot(name: str) -> str:
    """Return a text snapshot; empty while there is none."""
    path = SNAPSHOTS / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def same_as_before(drawn: str, name: str) -> None:
    """Compare with a snapshot; `TBATCH_SNAPSHOTS=write pytest …` writes it again."""
    path = SNAPSHOTS / name
    if os.environ.get("TBATCH_SNAPSHOTS") == "write":
        path.write_text(drawn, encoding="utf-8")
    before = snapshot(name)
    changed = difflib.unified_diff(before.splitlines(), drawn.splitlines(), name, "drawn", lineterm="")
    assert drawn == before, "\n".join(changed)


def shows_no_less(narrow: str, wide: str) -> bool:
    """Whether all that a narrower terminal shows of a text stands in what a wider one shows of it, in that order.

    What was cut with an ellipsis counts by its pieces. Bars and rules are as long as there is room.
    """
    place = 0
    for piece in _words(narrow):
        found = wide.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def _words(text: str) -> list[str]:
    """Return the pieces of a text between ellipses, bars, dots and wide gaps."""
    return [piece.strip() for piece in re.split(r"…|[━─╸▏▌]+| {2,}| · ", text) if piece.strip()]


def missing_words(narrow: str, wide: str) -> list[str]:
    """Return the words of a smaller screen that a larger one does not show.

    What was cut with an ellipsis counts by its pieces; bars, rules and the sign for more columns do not count.
    """
    words = re.split(r"[\s…│─━╸▌▏▁-█╭╮╰╯›]+", narrow)
    return [word for word in (word.strip("(),;:.") for word in words) if word not in wide]
