"""The line at the top of a screen: its name, its subject, and at the right the status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from tbatch_tui.tui.sanitize import ELLIPSIS, fit, line
from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tbatch_tui.tui.render.styled import StyledText

Segment = str | tuple[str, str]
"""A part of the status: text, or text and its style."""

SEPARATOR = " · "
LONGEST_BADGE = 20
"""Cells of a badge at most."""
MIN_SUBJECT = 18
"""Cells the subject has in any case. On a wide line it may have half of the room."""


class HeaderLine(OneLine):
    """` Jobs   subject …            214 done · 2 running · ↻ 0:22 `

    First the name has its room, then the subject up to half of what is left, then the status segments from the right:
    where room is short the leftmost are dropped, with `…` in their place. So put the most important one last.
    """

    DEFAULT_CSS = """
    HeaderLine { dock: top; color: $foreground; }
    """

    def __init__(
        self,
        title: str,
        subject: str = "",
        *,
        badge: Callable[[], tuple[str, str] | None] = lambda: None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`badge` returns a word that stands right after the title, with its style; None for none."""
        super().__init__(id=id, classes=classes)
        self._title = title
        self._badge = badge
        self._subject = subject
        self._segments: tuple[tuple[str, str], ...] = ()

    def show(self, subject: str, status: Iterable[Segment | None] = ()) -> None:
        """Set subject and status at once."""
        self._subject = subject
        self.set_status(*status)

    def set_status(self, *segments: Segment | None) -> None:
        """Set what stands at the right; empty segments are left out."""
        pairs = ((s, "") if isinstance(s, str) else s for s in segments if s)
        self._segments = tuple((line(text), style or "$status-quiet") for text, style in pairs if text)
        self.refresh_if_changed()

    def styled_text(self, width: int) -> StyledText:
        """Show name, subject and as much of the status as fits."""
        title = f" {self._title}"
        badge = self._badge_text()
        subject = line(self._subject[: width * 8])
        room = width - cell_len(title) - sum(cell_len(text) for text, _ in badge) - 1
        reserved = min(cell_len(subject), max(MIN_SUBJECT, room // 2)) + 3 if subject else 0
        status = self._status(room - reserved - 2)
        taken = sum(cell_len(text) for text, _ in status)
        left = room - taken - (2 if status else 0)
        text: StyledText = [(title, "bold $accent-text"), *badge]
        if subject and left > 5:
            text.append(("   " + fit(subject, left - 3, keep="start"), ""))
        else:
            text.append((" " * max(0, left), ""))
        return [*text, ("  " if status else "", ""), *status, (" ", "")]

    def _badge_text(self) -> StyledText:
        if (badge := self._badge()) is None:
            return []
        word, style = badge
        word = line(word)
        return [("  ", ""), (f" {fit(word, min(cell_len(word), LONGEST_BADGE))} ", style)]

    def _status(self, room: int) -> StyledText:
        """Return as many segments as there is room for, from the right, with `…` for the rest."""
        shown: StyledText = []
        left = room
        for index, (text, style) in enumerate(reversed(self._segments)):
            between = len(SEPARATOR) if shown else 0
            more = index < len(self._segments) - 1
            if cell_len(text) + between + (len(SEPARATOR) + 1 if more else 0) > left:
                rest = left - between
                if not shown and rest > 3:
                    return [(fit(text, rest).rstrip(), style)]
                return [(ELLIPSIS + SEPARATOR, "$status-quiet"), *shown] if shown else []
            shown = [(text, style), *([(SEPARATOR, "$rule")] if shown else []), *shown]
            left -= cell_len(text) + between
        return shown
