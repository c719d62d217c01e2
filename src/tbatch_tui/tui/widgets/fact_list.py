"""Facts below each other: names in a quiet column, values beside them, wrapped in a column of their own."""

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

NAME_WIDTH = 12
"""Cells of the column of names."""

Fact = tuple[str, StyledText]
"""A name, which may be empty, and its value."""


class FactList(Widget):
    """Facts, a line or more each: `Requests    12,000`."""

    DEFAULT_CSS = """
    FactList { width: 1fr; height: auto; padding: 0 2; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts: list[Fact] = []
        self._at_width: tuple[int, list[Fact]] = (-1, [])
        self._wrapped_lines: list[Content] = []
        self._selectable_lines: list[DrawnSelection] = []

    def show(self, facts: Iterable[Fact]) -> None:
        """Show these facts, whose text is sanitized already."""
        facts = list(facts)
        if facts != self._facts:
            before = self._wrapped(self.content_size.width)
            self._facts = facts
            self.display = bool(facts)
            # A clock that ticks changes a word, not the height: then nothing needs a new layout.
            self.refresh(layout=len(self._wrapped(self.content_size.width)) != len(before))

    def get_content_height(self, _container: Size, _viewport: Size, width: int) -> int:
        """Take as many lines as the facts do at this width."""
        return max(1, len(self._wrapped(width)))

    def render(self) -> Content:
        """Render all lines."""
        return Content("\n").join(self._wrapped(self.content_size.width))

    def _wrapped(self, width: int) -> list[Content]:
        """Return the lines at this width, from a cache: Textual asks several times between two changes."""
        if self._at_width != (width, self._facts):
            self._at_width = (width, self._facts)
            self._wrapped_lines = list(self._lines(width))
        return self._wrapped_lines

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text without the line breaks of the wrapping."""
        self._wrapped(self.content_size.width)
        return selected_text(self._selectable_lines, selection), "\n"

    def _lines(self, width: int) -> Iterator[Content]:
        self._selectable_lines = []
        for name, value in self._facts:
            whole = styled_content(value)
            wrapped = whole.wrap(max(8, width - NAME_WIDTH)) if value else [Content()]
            offset = 0
            for index, line in enumerate(wrapped):
                title = fit(name if index == 0 else "", NAME_WIDTH)
                offset = max(offset, whole.plain.find(line.plain, offset)) + len(line.plain)
                rest = whole.plain[offset:]
                separator = rest[: len(rest) - len(rest.lstrip())] if index < len(wrapped) - 1 else "\n"
                self._selectable_lines.append(
                    DrawnSelection(title + line.plain, 0 if title.strip() else NAME_WIDTH, separator)
                )
                yield Content.assemble((title, "$status-quiet"), line)
