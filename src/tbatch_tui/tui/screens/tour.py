"""The tour: a hint on each screen, shown once, until it is hidden or the person goes to another screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tbatch_tui.tui.keys.actions import screen_actions
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.widgets.hint_line import HintLine

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from textual.screen import Screen

    from tbatch_tui.engine.engine import BatchEngine


class Hint(NamedTuple):
    """The hint of a screen. Its parts name an action each, and are left out while that is not possible."""

    intro: str
    parts: tuple[tuple[str, str, str], ...]
    """The id of an action, what is said of it, and the same in a narrow terminal."""

    def texts(self, possible: Collection[str] | None = None) -> tuple[str, str]:
        """Return the hint and its short form, with the actions that are possible; all of them for None."""
        parts = [part for part in self.parts if possible is None or part[0] in possible]
        long, short = (", ".join(part[index] for part in parts) for index in (1, 2))
        return " ".join(filter(None, (self.intro, f"{long}." if long else ""))), f"{short}." if short else self.intro


HINTS: dict[str, Hint] = {
    "Jobs": Hint(
        "Every job of your key: running ones first, then what needs attention.",
        (
            ("jobs.new", "{jobs.new} picks a file", "{jobs.new} picks a file"),
            ("go.on", "{go.on} opens a job", "{go.on} opens a job"),
        ),
    ),
    "Pick": Hint(
        "Choose a file. Nothing is sent yet.",
        (
            ("go.on", "{go.on} selects it", "{go.on} selects"),
            ("list.mark", "{list.mark} marks several", "{list.mark} marks"),
            ("list.filter", "{list.filter} types or pastes a path", "{list.filter} types a path"),
        ),
    ),
    "Compose": Hint(
        "A request for each row of the table.",
        (
            ("compose.next-row", "{compose.next-row} shows that of the next row", "{compose.next-row} next row"),
            ("go.on", "{go.on} outside the texts writes and checks them", "{go.on} writes them"),
        ),
    ),
    "Check": Hint(
        "Every line is read here; nothing is sent.",
        (
            ("check.fix", "{check.fix} fixes what can be fixed", "{check.fix} fix"),
            ("go.on", "{go.on} continues", "{go.on} continue"),
        ),
    ),
    "Check of files": Hint(
        "Every line of every file is read here; nothing is sent.",
        (
            ("go.on", "{go.on} opens the check of one", "{go.on} opens one"),
            ("check.create", "{check.create} continues with all", "{check.create} continues"),
        ),
    ),
    "Create": Hint(
        "Last look before submitting; this costs money.",
        (("go.on", "{go.on} submits it exactly once, even if the answer is lost", "{go.on} submits it, exactly once"),),
    ),
    "Job": Hint(
        "Everything about this job, live.",
        (
            ("job.results", "{job.results} opens the results", "{job.results} results"),
            ("job.page", "{job.page} opens a file in the pager", "{job.page} open a file"),
            ("results.raw", "{results.raw} shows the server's JSON", "{results.raw} JSON"),
        ),
    ),
    "Results": Hint(
        "Each request with its answer.",
        (
            ("list.next-filter", "{list.next-filter} filters by outcome", "{list.next-filter} filter"),
            ("list.filter", "{list.filter} searches", "{list.filter} search"),
            ("job.retry", "{job.retry} retries what failed", "{job.retry} retry"),
            ("results.export", "{results.export} exports", "{results.export} export"),
        ),
    ),
    "Values": Hint(
        "",
        (
            ("go.on", "{go.on} shows the rows of a value", "{go.on} shows its rows"),
            ("values.by", "{values.by} breaks a field down by another one", "{values.by} by another field"),
        ),
    ),
    "Compare": Hint(
        "",
        (
            ("go.on", "{go.on} shows the rows of a cell", "{go.on} shows its rows"),
            ("list.next-filter", "{list.next-filter} lists other pairs", "{list.next-filter} other pairs"),
        ),
    ),
    "Files": Hint(
        "Files on the server for your key. You are asked before anything is deleted.",
        (("list.mark", "{list.mark} selects", "{list.mark} selects; you are asked first"),),
    ),
    "Models": Hint(
        "Prices are those in a batch; the rest is from your own jobs.",
        (
            ("list.filter", "{list.filter} filters", "{list.filter} filter"),
            ("list.sort", "{list.sort} sorts", "{list.sort} sort"),
        ),
    ),
    "Spend": Hint(
        "What verified results of a month cost.",
        (
            ("spend.by", "{spend.by} breaks it down by label, day or endpoint", "{spend.by} by label, day …"),
            ("spend.earlier", "{spend.earlier} shows the month before", "{spend.earlier} month before"),
        ),
    ),
}
LINES: dict[str, tuple[str, str]] = {name: hint.texts() for name, hint in HINTS.items()}
"""The hint of each screen with all its parts, and a shorter one for narrow terminals. Keys are named by their ids."""


def memory_name(screen: Screen[Any]) -> str | None:
    """Return the name under which the app remembers that a screen's hint was shown; None if it has no hint."""
    name = _hint_name(screen)
    return f"tour.{name}" if name in LINES else None


def _hint_name(screen: Screen[Any]) -> str:
    """Return which hint a screen has: that of its name, unless it has one of its own."""
    return getattr(screen, "HINT", "") or getattr(screen, "NAME", "")


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
    """Put the hint above the keys of this screen. It names only what is possible, now and later."""
    if screen.query(HintLine) or not screen.is_attached:
        return
    screen.mount(HintLine(lambda: _texts(screen), fill_keys("{tour.hide}")))


def _texts(screen: Screen[Any]) -> tuple[str, str]:
    possible = {action.id for action in screen_actions(screen) if action.enabled}
    text, short = HINTS[_hint_name(screen)].texts(possible)
    return fill_keys(text), fill_keys(short)


def hide(screen: Screen[Any]) -> None:
    """Remove the hint of this screen."""
    screen.query(HintLine).remove()
