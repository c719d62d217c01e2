"""A text of several lines in the form: Tab completes the name of a column, Escape leaves it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.message import Message

from tbatch_tui.engine.tables.template import column_expression
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.widgets.writing.lines_area import LinesArea

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType

_OPEN_TAG = re.compile(r"\{\{[-+]?[ ]?([^{}|]*)$")
"""The name of a column that is being typed, before the cursor."""


class TemplateArea(LinesArea):
    """A template to write in."""

    BINDINGS: ClassVar[list[BindingType]] = [keys.COMPLETE, keys.EDIT_TEXT]

    class EditorRequested(Message):
        """The text is to be opened in the person's editor."""

        def __init__(self, area: TemplateArea) -> None:
            super().__init__()
            self.area = area

    def __init__(self, *, placeholder: str, id: str, completes: bool = False) -> None:
        """Make an empty text.

        Args:
            placeholder: What is shown while it is empty.
            id: Of the widget.
            completes: Whether Tab completes columns in it.
        """
        super().__init__(placeholder=placeholder, id=id)
        self.columns: Sequence[str] = ()
        """The names that are completed."""
        self._completes = completes
        self._offer: _Offer | None = None

    def insert_column(self, name: str) -> None:
        """Put `{{ name }}` at the cursor."""
        self.insert(f"{{{{ {column_expression(name)} }}}}")

    def action_edit_text(self) -> None:
        """Ask for the person's editor."""
        self.post_message(self.EditorRequested(self))

    def action_complete(self) -> None:
        """Complete the name before the cursor, again for the next one; elsewhere, go to the next field."""
        if not self._completes or not self._complete():
            self.screen.focus_next()

    def _complete(self) -> bool:
        row, column = self.cursor_location
        text = self.document.get_line(row)
        before, after = text[:column], text[column:]
        offer = self._offer
        if offer is None or not offer.text or before[offer.start :] != offer.text:
            if (match := _OPEN_TAG.search(before)) is None:
                return False
            typed = match[1].casefold()
            names = [name for name in self.columns if name.casefold().startswith(typed)]
            is_closed = re.match(r"\s*[-+]?\}\}|\s*\|", after) is not None
            offer = _Offer(match.start(1), "", names, "" if is_closed else " }}")
        if not offer.names:
            return False
        put = column_expression(offer.names[0]) + offer.closing
        self.replace(put, (row, offer.start), (row, column), maintain_selection_offset=False)
        is_only = len(offer.names) == 1
        self._offer = None if is_only else offer._replace(text=put, names=[*offer.names[1:], offer.names[0]])
        return True


class _Offer(NamedTuple):
    """What Tab has put before the cursor, and what it puts there next."""

    start: int
    text: str
    names: list[str]
    closing: str
    """What follows the name: the end of the tag, unless that is there already."""
