"""Facts under each other: names in a quiet column, values beside them, wrapped in their own column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tbatch_tui.tui.text import fit
from tbatch_tui.tui.widgets.job_foot import pieces_content
from tbatch_tui.tui.widgets.one_line import Pieces

NAMES = 12
"""Cells of the column of names."""

Fact = tuple[str, Pieces]
"""A name, which may be empty, and what stands beside it."""


class FactList(Widget):
    """`Requests    12,000`"""

    DEFAULT_CSS = """
    FactList { width: 1fr; height: auto; padding: 0 2; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts: list[Fact] = []

    def show(self, facts: Iterable[Fact]) -> None:
        """These facts instead. Their text has passed the gate."""
        facts = list(facts)
        if facts != self._facts:
            self._facts = facts
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, sum(1 for _ in self._lines(width)))

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> Iterator[Content]:
        for name, pieces in self._facts:
            wrapped = pieces_content(pieces).wrap(max(8, width - NAMES)) if pieces else [Content()]
            for index, line in enumerate(wrapped):
                title = fit(name if index == 0 else "", NAMES)
                yield Content.assemble((title, "$status-quiet"), line)
