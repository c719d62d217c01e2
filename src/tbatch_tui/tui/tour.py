"""A short line on each screen, the first time one is on it; gone for good when it is hidden or the screen is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from tbatch_tui.tui import keys
from tbatch_tui.tui.widgets.tour_line import TourLine

if TYPE_CHECKING:
    from textual.app import App

LINES: dict[str, tuple[str, str]] = {
    "Jobs": (
        "Every job of your key: running ones on top, then what needs you. n submits a file, ⏎ opens a job.",
        "n submits a file, ⏎ opens a job.",
    ),
    "Pick": (
        "Choose a JSONL file: move and ⏎, or / to type or paste a path. Nothing is sent yet.",
        "⏎ takes a file, / types a path.",
    ),
    "Check": (
        "Every line was read here, nothing was sent. x mends what can be mended; ⏎ goes on when nothing is faulty.",
        "x mends, ⏎ goes on. Nothing was sent.",
    ),
    "Create": (
        "One look, one key: ⏎ submits it exactly once, even if the answer is lost. It is billed from here on.",
        "⏎ submits it, exactly once.",
    ),
    "Job": (
        "All that is known of this job, live. o reads the results, p pages a file, v shows the server's JSON.",
        "o results, p page a file, v JSON.",
    ),
    "Results": (
        "What was asked beside what came back. f shows one kind of row, / searches, R asks again, x exports.",
        "f kinds, / search, R retry, x export.",
    ),
    "Files": (
        "What lies on the server for your key. space marks; nothing is deleted without a word you type.",
        "space marks; nothing goes unasked.",
    ),
}
"""What is said of each screen, and in short where there is little room."""
assert all("[" not in text for pair in LINES.values() for text in pair)


def place_of(screen: Screen[Any]) -> str | None:
    """The name under which the line of a screen is remembered; None where there is none."""
    name = getattr(screen, "NAME", None)
    return f"tour.{name}" if name in LINES else None


def show(app: App[Any], screen: Screen[Any]) -> None:
    """Put the line above the keys of this screen."""
    if screen.query(TourLine) or not screen.is_attached:
        return
    words, short = LINES[getattr(screen, "NAME", "")]
    binding = next((a.binding for a in screen.active_bindings.values() if a.binding.id == keys.HIDE_TOUR.id), None)
    screen.mount(TourLine(words, short, app.get_key_display(binding or keys.HIDE_TOUR)))


def hide(screen: Screen[Any], unless: Screen[Any] | None = None) -> None:
    """Take the line away, unless it is this screen's."""
    if screen is not unless:
        screen.query(TourLine).remove()
