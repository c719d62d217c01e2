"""A form with its buttons right below it: it scrolls only where they would not be seen otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.layouts.vertical import VerticalLayout

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.layout import ArrangeResult, Layout
    from textual.widget import Widget


class _ShrinkFirst(VerticalLayout):
    name = "shrink-first"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """Place the children as ever; where they need too many lines, shrink the first and move up the others."""
        placements = super().arrange(parent, children, size, greedy)
        if not placements:
            return placements
        first, *others = placements
        excess = min(first.region.height, max(0, placements[-1].region.bottom - size.height))
        if not excess:
            return placements
        shrunk = first._replace(region=first.region.shrink((0, 0, excess, 0)))
        return [shrunk, *(each._replace(region=each.region.translate((0, -excess))) for each in others)]


_LAYOUT = _ShrinkFirst()


class FormPage(Vertical):
    """Children from top to bottom; the first one gives up the lines that the others would lack."""

    DEFAULT_CSS = """
    FormPage { height: 1fr; }
    FormPage > * { height: auto; }
    """

    @property
    def layout(self) -> Layout:
        """How the children are laid out."""
        return _LAYOUT
