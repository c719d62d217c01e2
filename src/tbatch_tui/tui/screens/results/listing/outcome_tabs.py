"""The sum above the list, whose summands are tabs: `2,000 in = 1,968 ok + 12 cut short + 17 errors + 3 missing`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.counts import counts_style
from tbatch_tui.tui.render.outcome import EXTRA, FILTERS
from tbatch_tui.tui.render.status import ATTENTION, QUIET

if TYPE_CHECKING:
    from textual import events
    from textual.geometry import Size

    from tbatch_tui.engine.domain.counts import RequestCounts

ALL = "all"


class OutcomeTab(NamedTuple):
    """A kind of rows, and what stands before it and for it."""

    kind: str
    """A key of `FILTERS`."""
    glue: str
    text: str
    style: str
    is_possible: bool = True
    """Whether it has rows."""


class OutcomeTabs(Widget):
    """Each kind of rows with its number, which must add up. A click on one shows its rows; those without are greyed."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    OutcomeTabs { height: auto; max-height: 3; padding: 0 1; pointer: default; }
    """

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, kind: str) -> None:
            """`kind` is a key of `FILTERS`."""
            super().__init__()
            self.kind = kind

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self._tabs: list[OutcomeTab] = []
        self._shown: object = None
        self._current = ALL
        self.display = False

    def show(self, counts: RequestCounts | None, current: str, share: float, *, selected: bool = False) -> None:
        """Show these counts; before there are any, hide the tabs.

        Args:
            counts: Of all rows, or of those that were selected.
            current: The kind of rows that is listed; empty if it is none of them.
            share: Percent of the requests that may be cut short or invalid.
            selected: Whether the counts are of some rows that were selected.
        """
        shown = (counts, current, share, selected)
        if shown == self._shown:
            return
        height = self._height(self.content_size.width)
        self._shown, self._current = shown, current
        self._tabs = outcome_tabs(counts, share, selected=selected) if counts is not None else []
        self.display = bool(self._tabs)
        self.refresh(layout=self._height(self.content_size.width) != height)

    def get_content_height(self, _container: Size, _viewport: Size, width: int) -> int:
        """Take as many lines as the tabs need."""
        return self._height(width)

    def _height(self, width: int) -> int:
        return max(1, len(tab_lines(self._tabs, width)))

    def render_line(self, y: int) -> Strip:
        """Render a line of tabs."""
        width, base = self.content_size.width, self.rich_style
        segments: list[Segment] = []
        lines = tab_lines(self._tabs, width)
        for tab in lines[y] if y < len(lines) else ():
            look = "dim" if not tab.is_possible else "reverse bold" if tab.kind == self._current else ""
            style = self.app.stylesheet.parse_style(f"{tab.style} {look}".strip()).rich_style
            glue = self.app.stylesheet.parse_style(QUIET).rich_style
            segments += [Segment(tab.glue, base + glue), Segment(tab.text, base + style)]
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Show the rows of the tab that was clicked."""
        offset = event.get_content_offset(self)
        lines = tab_lines(self._tabs, self.content_size.width)
        if offset is None or offset.y >= len(lines):
            return
        event.stop()
        end = 0
        for tab in lines[offset.y]:
            start, end = end + len(tab.glue), end + len(tab.glue) + len(tab.text)
            if start <= offset.x < end and tab.is_possible:
                self.post_message(self.Chosen(tab.kind))


def outcome_tabs(counts: RequestCounts, share: float, *, selected: bool = False) -> list[OutcomeTab]:
    """Return the sum as tabs; what has no rows stands greyed behind it, except for `missing`, which is never left out.

    After the sum comes what is not in it, such as `2 duplicates`.
    """
    style = counts_style(counts, share)
    unusable = ATTENTION if counts.exceeds(share) else ""
    returned = counts.requests - counts.missing
    if selected:
        total = fmt.plural(counts.requests, "row")
    elif counts.has_input:
        total = f"{counts.requests:,} in"
    else:
        total = f"{returned:,} of {counts.requests:,} returned" if counts.missing else f"{returned:,} returned"
    numbers = {
        "ok": (counts.ok, f"{counts.ok:,} ok", style),
        "cut short": (counts.cut_short, f"{counts.cut_short:,} cut short", unusable),
        "invalid": (counts.invalid, f"{counts.invalid:,} invalid", unusable),
        "errors": (counts.errors, fmt.plural(counts.errors, "error"), ATTENTION),
        "missing": (counts.missing, f"{counts.missing:,} missing", ATTENTION if counts.missing else QUIET),
    }
    whole = counts.has_input and not selected
    summands = [
        (kind, text, look, number > 0)
        for kind, (number, text, look) in numbers.items()
        if (kind == "missing" and whole) or (number and (kind != "missing" or counts.has_input))
    ]
    if not any(number for number, _, _ in numbers.values()):
        summands.insert(0, ("ok", "0 ok", QUIET, False))
    tabs = [OutcomeTab(ALL, "", total, style)]
    for place, (kind, text, look, is_possible) in enumerate(summands):
        tabs.append(OutcomeTab(kind, " + " if place else " = ", text, look, is_possible))
    extra = fmt.join(
        fmt.plural(counts.unknown, "unknown id") if counts.has_input and counts.unknown else "",
        fmt.plural(counts.duplicates, "duplicate") if counts.duplicates else "",
        f"{counts.unreadable:,} unreadable" if counts.unreadable else "",
    )
    if extra:
        tabs.append(OutcomeTab(EXTRA, " · ", extra, ATTENTION))
    empty = [kind for kind in FILTERS if kind in numbers and kind not in {tab.kind for tab in tabs}]
    tabs += [OutcomeTab(kind, "   " if not place else "  ", kind, QUIET, False) for place, kind in enumerate(empty)]
    return tabs


def tab_lines(tabs: list[OutcomeTab], width: int) -> list[list[OutcomeTab]]:
    """Return the tabs in lines of so many cells. Those without rows take no line of their own."""
    lines: list[list[OutcomeTab]] = [[]]
    taken = 0
    for tab in tabs:
        cells = len(tab.glue) + len(tab.text)
        if lines[-1] and taken + cells > width:
            if not tab.is_possible and tab.text == tab.kind:
                break
            tab = tab._replace(glue=tab.glue.lstrip())
            cells, taken = len(tab.glue) + len(tab.text), 0
            lines.append([])
        lines[-1].append(tab)
        taken += cells
    return lines if lines[0] else []
