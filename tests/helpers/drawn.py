"""What is on the screen of an app under test, and whether a terminal could trip over it."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from textual.app import App

from tbatch_tui.tui import theme
from tbatch_tui.tui.keys import bindings as keys

if TYPE_CHECKING:
    from textual.binding import BindingType


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
    """The lines as they would be written."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def screen_text(app: App[Any]) -> str:
    return "\n".join(line.rstrip() for line in screen_lines(app))


def is_harmless(text: str) -> bool:
    """No control, no override, no surrogate, nothing that is drawn on no cell but a mark on a letter."""
    return all(unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") for c in text) and not any(
        c in text for c in "\u200b\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
    )


def check_screen(app: App[Any]) -> None:
    """Every line is harmless and exactly as wide as the terminal."""
    width = app.size.width
    for line in screen_lines(app):
        assert is_harmless(line), repr(line)
        assert cell_len(line) == width, (cell_len(line), line)


SNAPSHOTS = Path(__file__).parents[1] / "tui" / "snapshots"


def same_as_before(drawn: str, name: str) -> None:
    """Compared with a small file; `TBATCH_SNAPSHOTS=write pytest …` writes it anew."""
    path = SNAPSHOTS / name
    if os.environ.get("TBATCH_SNAPSHOTS") == "write":
        path.write_text(drawn, encoding="utf-8")
    assert drawn == path.read_text(encoding="utf-8")
