"""From the rows of Results to what the answers are, and to how they compare with others."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from tbatch_tui.tui.messages import OpenCompare, OpenValues, ResultSelection

if TYPE_CHECKING:
    from textual.message import Message

    from tbatch_tui.tui.screens.results.screen import ResultsScreen


def answers_message(screen: ResultsScreen, where: str) -> Message:
    """Return the message that goes to Values or Compare with the answers that are ok.

    To Values, with a filter, a search or marks, with those rows.
    """
    index, family = screen.session.index, screen.family
    if where == "compare":
        return OpenCompare(family.key, index, merged=family.is_merged)
    label, rows = screen.browser.chosen_rows()
    if len(rows) and rows[-1] >= len(index.requests):
        rows = rows[: bisect_left(rows, len(index.requests))]
    chosen = ResultSelection(label, rows) if label else None
    return OpenValues(family.key, index, rows=chosen, merged=family.is_merged)
