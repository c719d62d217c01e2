"""From one row of the table to another, in the request pane of Compose."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, ClassVar

from textual.screen import Screen

from tbatch_tui.tui.keys import bindings as keys

if TYPE_CHECKING:
    from textual.binding import BindingType

    from tbatch_tui.tui.screens.compose.session import ComposeSession


class ComposeRows(Screen[None]):
    """The actions that show another row. Mixed into the Compose screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        keys.NEXT_ROW,
        keys.PREVIOUS_ROW,
        keys.NEXT_PROBLEM,
        keys.PREVIOUS_PROBLEM,
        keys.LONGEST_ROW,
        keys.RANDOM_ROW,
    ]

    session: ComposeSession

    def row_changed(self) -> None:
        """Show the row that the session is at now."""
        raise NotImplementedError

    def go_to(self, row: int) -> None:
        """Show another row."""
        self.session.row = row
        self.row_changed()

    @property
    def _rows(self) -> int | None:
        profile = self.session.profile
        return profile.rows if profile is not None and profile.is_whole else None

    def action_go_to_row(self, by: int) -> None:
        """Show the next row, or the one before."""
        row, rows = self.session.row + by, self._rows
        if row >= 1 and (rows is None or row <= rows):
            self.go_to(row)

    def action_go_to_problem(self, by: int) -> None:
        """Show the next row with a problem, or the one before."""
        summary = self.session.summary
        row = None if summary is None else summary.next_problem(self.session.row, by)
        if row is not None:
            self.go_to(row)

    def action_go_to_longest(self) -> None:
        """Show the row with the longest request."""
        summary = self.session.summary
        if summary is not None and summary.longest_row:
            self.go_to(summary.longest_row)

    def action_go_to_random(self) -> None:
        """Show a row drawn at random."""
        if rows := self._rows:
            self.go_to(random.randint(1, rows))

    def has_row(self, action: str) -> bool:
        """Return whether there is a row that this action can show."""
        summary = self.session.summary
        match action:
            case "go_to_row":
                return self.session.preview is not None
            case "go_to_problem":
                return summary is not None and bool(summary.problem_rows)
            case "go_to_longest":
                return summary is not None and summary.longest_row > 0
        return bool(self._rows)
