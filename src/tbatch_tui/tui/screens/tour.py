"""A short line on each screen, the first time one is on it; gone for good when it is hidden or the screen is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.widgets.hint_line import HintLine

if TYPE_CHECKING:
    from textual.screen import Screen

LINES: dict[str, tuple[str, str]] = {
    "Jobs": (
        "Every job of your key: running ones on top, then what needs you. "
        "{jobs.new} submits a file, {go.on} opens a job.",
        "{jobs.new} submits a file, {go.on} opens a job.",
    ),
    "Pick": (
        "Choose a JSONL file: move and {go.on}, or {list.filter} to type or paste a path. Nothing is sent yet.",
        "{go.on} takes a file, {list.filter} types a path.",
    ),
    "Check": (
        "Every line was read here, nothing was sent. "
        "{check.fix} mends what can be mended; {go.on} goes on when nothing is faulty.",
        "{check.fix} mends, {go.on} goes on. Nothing was sent.",
    ),
    "Create": (
        "One look, one key: {go.on} submits it exactly once, even if the answer is lost. It is billed from here on.",
        "{go.on} submits it, exactly once.",
    ),
    "Job": (
        "All that is known of this job, live. "
        "{job.results} reads the results, {job.page} pages a file, {results.raw} shows the server's JSON.",
        "{job.results} results, {job.page} page a file, {results.raw} JSON.",
    ),
    "Results": (
        "What was asked beside what came back. {list.next-filter} shows one kind of row, {list.filter} searches, "
        "{job.retry} asks again, {results.export} exports.",
        "{list.next-filter} kinds, {list.filter} search, {job.retry} retry, {results.export} export.",
    ),
    "Files": (
        "What lies on the server for your key. {list.mark} marks; nothing is deleted without a word you type.",
        "{list.mark} marks; nothing goes unasked.",
    ),
}
"""What is said of each screen, and in short where there is little room; a key stands in it by its id."""
assert all("[" not in text for pair in LINES.values() for text in pair)


def context_of(screen: Screen[Any]) -> str | None:
    """The name under which the line of a screen is remembered; None where there is none."""
    name = getattr(screen, "NAME", None)
    return f"tour.{name}" if name in LINES else None


def show(screen: Screen[Any]) -> None:
    """Put the line above the keys of this screen."""
    if screen.query(HintLine) or not screen.is_attached:
        return
    words, short = (fill_keys(text) for text in LINES[getattr(screen, "NAME", "")])
    screen.mount(HintLine(words, short, fill_keys("{tour.hide}")))


def hide(screen: Screen[Any], unless: Screen[Any] | None = None) -> None:
    """Take the line away, unless it is this screen's."""
    if screen is not unless:
        screen.query(HintLine).remove()
