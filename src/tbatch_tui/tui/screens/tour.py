"""The tour: a hint on each screen, shown once, until it is hidden or the person goes to another screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.widgets.hint_line import HintLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.screen import Screen

    from tbatch_tui.engine.engine import BatchEngine

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
"""The hint of each screen, and a shorter one for narrow terminals. Keys are named by the ids of their bindings."""
assert all("[" not in text for pair in LINES.values() for text in pair)


def memory_name(screen: Screen[Any]) -> str | None:
    """Return the name under which the app remembers that a screen's hint was shown; None if it has no hint."""
    name = getattr(screen, "NAME", None)
    return f"tour.{name}" if name in LINES else None


async def show_once(engine: BatchEngine, screen: Screen[Any], stack: Sequence[Screen[Any]]) -> None:
    """Show the hint of a screen if it never was, and hide the hints of the other screens of the stack."""
    name = memory_name(screen)
    if name is None:
        return
    for other in stack:
        if other is not screen:
            hide(other)
    if await engine.recall(name) is None:
        await engine.remember(name, "seen")
        screen.call_later(show, screen)  # by the screen itself: it may not be composed yet


def show(screen: Screen[Any]) -> None:
    """Put the hint above the keys of this screen."""
    if screen.query(HintLine) or not screen.is_attached:
        return
    text, short_text = (fill_keys(text) for text in LINES[getattr(screen, "NAME", "")])
    screen.mount(HintLine(text, short_text, fill_keys("{tour.hide}")))


def hide(screen: Screen[Any]) -> None:
    """Remove the hint of this screen."""
    screen.query(HintLine).remove()
