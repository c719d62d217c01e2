"""The line at the top of a screen: its name, what it is about, and at the right how things stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from tbatch_tui.tui.sanitize import ELLIPSIS, fit, line
from tbatch_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tbatch_tui.tui.render.styled import StyledText

Segment = str | tuple[str, str]
"""One of the things said at the right: text, or text and its style."""

BETWEEN = " · "
SUBJECT_KEPT = 18
"""Cells of the subject that stay in any case; of a wide line it is half of the room."""


class HeaderLine(OneLine):
    """` Jobs   subject …            214 done · 2 running · ↻ 0:22 `

    First comes the name, then the subject as far as half of the room, then the segments from the right: the leftmost
    go first, with `…` in their place. Write the most wanted last.
    """

    DEFAULT_CSS = """
    HeaderLine { dock: top; color: $foreground; }
    """

    def __init__(self, title: str, subject: str = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._title = title
        self._subject = subject
        self._segments: tuple[tuple[str, str], ...] = ()

    def show(self, subject: str, status: Iterable[Segment | None] = ()) -> None:
        """Subject and status at once."""
        self._subject = subject
        self.set_status(*status)

    def set_status(self, *segments: Segment | None) -> None:
        """What stands at the right; empty ones are left out."""
        pairs = ((s, "") if isinstance(s, str) else s for s in segments if s)
        self._segments = tuple((line(text), style or "$status-quiet") for text, style in pairs if text)
        self.refresh_if_changed()

    def styled_text(self, width: int) -> StyledText:
        title = f" {self._title}"
        subject = line(self._subject[: width * 8])
        room = width - cell_len(title) - 1
        wanted = min(cell_len(subject), max(SUBJECT_KEPT, room // 2)) + 3 if subject else 0
        status = self._status(room - wanted - 2)
        taken = sum(cell_len(text) for text, _ in status)
        left = room - taken - (2 if status else 0)
        said: StyledText = [(title, "bold $accent-text")]
        if subject and left > 5:
            said.append(("   " + fit(subject, left - 3, keep="start"), ""))
        else:
            said.append((" " * max(0, left), ""))
        return [*said, ("  " if status else "", ""), *status, (" ", "")]

    def _status(self, room: int) -> StyledText:
        """As many segments as there is room for, from the right; `…` stands for the rest."""
        shown: StyledText = []
        left = room
        for index, (text, style) in enumerate(reversed(self._segments)):
            between = len(BETWEEN) if shown else 0
            more = index < len(self._segments) - 1
            if cell_len(text) + between + (len(BETWEEN) + 1 if more else 0) > left:
                rest = left - between
                if not shown and rest > 3:
                    return [(fit(text, rest).rstrip(), style)]
                return [(ELLIPSIS + BETWEEN, "$status-quiet"), *shown] if shown else []
            shown = [(text, style), *([(BETWEEN, "$rule")] if shown else []), *shown]
            left -= cell_len(text) + between
        return shown
