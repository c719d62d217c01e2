"""Screens on which text can be selected: a drag that begins in a record stays in that record."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.screen import Screen
from textual.scroll_view import ScrollView

from tbatch_tui.tui import textual_private
from tbatch_tui.tui.keys import bindings as keys

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.geometry import Offset
    from textual.selection import Selection
    from textual.widget import Widget

Result = TypeVar("Result")


class DragSelectable(ScrollView, inherit_bindings=False):
    """A widget that keeps a drag that begins in it, and knows which character is on which cell."""

    def offset_at(self, x: int, y: int) -> Offset:
        """Return character and line at a cell of the region that scrolls."""
        raise NotImplementedError

    async def read_selection(self, selection: Selection) -> str:
        """Return the selected text. That may take a while, but does not hold the event loop."""
        raise NotImplementedError


class SelectableScreen(Screen[Result]):
    """Base of screens and dialogs.

    Textual takes a drag that leaves a widget to mean all of the rest of it, which in a record may be a megabyte. Here a
    drag that began in a `DragSelectable` ends at its border, however far the mouse goes. Textual also takes the right
    half of a wide character for the next character.
    """

    BINDINGS: ClassVar[list[BindingType]] = [keys.COPY_SELECTED]

    def get_widget_and_offset_at(self, x: int, y: int) -> tuple[Widget | None, Offset | None]:
        """Return widget and character at a cell of the screen; during a drag, those nearest in its widget."""
        widget: Widget | None = textual_private.drag_start_widget(self)
        if not isinstance(widget, DragSelectable):
            widget, offset = super().get_widget_and_offset_at(x, y)
            if not isinstance(widget, DragSelectable) or offset is None:
                return widget, offset
        region = widget.scrollable_content_region
        x, y = max(min(x, region.right - 1), region.x), max(min(y, region.bottom - 1), region.y)
        return widget, widget.offset_at(x - region.x, y - region.y)

    async def read_selected(self) -> str:
        """Return all selected text of the screen."""
        texts: list[str] = []
        for widget, selection in list(self.selections.items()):
            if isinstance(widget, DragSelectable) and widget.is_attached:
                texts.append(f"{await widget.read_selection(selection)}\n")
            elif widget.is_attached and (text_and_end := widget.get_selection(selection)) is not None:
                texts += text_and_end
        return "".join(texts).rstrip("\n")

    def follow_drag(self) -> None:
        """Select also what was scrolled under the dragging mouse, although the mouse did not move."""
        pointer = textual_private.drag_pointer(self)
        if pointer is None:
            return
        widget, offset = self.get_widget_and_offset_at(*pointer)
        if isinstance(widget, DragSelectable):
            textual_private.extend_selection(self, widget, offset)
