"""Facts under each other: names in a quiet column, values beside them, wrapped in their own column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from tbatch_tui.tui.render.styled import StyledText, styled_content
from tbatch_tui.tui.sanitize import fit
from tbatch_tui.tui.widgets.reader.selection import DrawnSelection, selected_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textual.geometry import Size
    from textual.selection import Selection

NAMES = 12
"""Cells of the column of names."""

Fact = tuple[str, StyledText]
"""A name, which may be empty, and what stands beside it."""


class FactList(Widget):
    """`Requests    12,000`"""

    DEFAULT_CSS = """
    FactList { width: 1fr; height: auto; padding: 0 2; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts: list[Fact] = []
        self._at_width: tuple[int, list[Fact]] = (-1, [])
        self._wrapped_lines: list[Content] = []
        self._drawn: list[DrawnSelection] = []

    def show(self, facts: Iterable[Fact]) -> None:
        """These facts instead. Their text has passed the gate."""
        facts = list(facts)
        if facts != self._facts:
            before = self._wrapped(self.content_size.width)
            self._facts = facts
            self.display = bool(facts)
            # A clock that goes on changes a word, not a height: then nothing is laid out anew.
            self.refresh(layout=len(self._wrapped(self.content_size.width)) != len(before))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, len(self._wrapped(width)))

    def render(self) -> Content:
        return Content("\n").join(self._wrapped(self.content_size.width))

    def _wrapped(self, width: int) -> list[Content]:
        """The lines at this width; they are asked for several times between two changes."""
        if self._at_width != (width, self._facts):
            self._at_width = (width, self._facts)
            self._wrapped_lines = list(self._lines(width))
        return self._wrapped_lines

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        self._wrapped(self.content_size.width)
        return selected_text(self._drawn, selection), "\n"

    def _lines(self, width: int) -> Iterator[Content]:
        self._drawn = []
        for name, pieces in self._facts:
            whole = styled_content(pieces)
            wrapped = whole.wrap(max(8, width - NAMES)) if pieces else [Content()]
            place = 0
            for index, line in enumerate(wrapped):
                title = fit(name if index == 0 else "", NAMES)
                place = max(place, whole.plain.find(line.plain, place)) + len(line.plain)
                rest = whole.plain[place:]
                joint = rest[: len(rest) - len(rest.lstrip())] if index < len(wrapped) - 1 else "\n"
                self._drawn.append(DrawnSelection(title + line.plain, 0 if title.strip() else NAMES, joint))
                yield Content.assemble((title, "$status-quiet"), line)
