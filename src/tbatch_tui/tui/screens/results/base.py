"""What every part of the Results screen looks at: what was read, which rows of it are shown, and the two lists."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.screens.base import BaseScreen
from tbatch_tui.tui.screens.results.reader import ResultsSession
from tbatch_tui.tui.screens.results.rows import MARKED, ResultRows
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.results import ErrorGroup, Row
    from tbatch_tui.tui.bridge import Bridge


class BaseResults(BaseScreen):
    """Base of the parts, each of which is mixed into the screen."""

    def __init__(self, engine: BatchEngine, bridge: Bridge, key: str) -> None:
        super().__init__()
        self.engine = engine
        self.bridge = bridge
        self.key = key
        self.reader = ResultsSession()
        self.kind, self.sought = "all", ""
        """The kind of row that is shown, and the text they hold."""
        self.cause: ErrorGroup | None = None
        """The cause whose rows alone are shown."""
        self.story_of: Row | None = None
        """The row that is shown beside the list."""
        self.causes: list[ErrorGroup] | None = None
        """Errors by cause; None until they are asked for."""
        self.exported: tuple[int, int] | None = None
        """Rows written, and of how many, while an export is under way."""

    @property
    def table(self) -> RecordTable[Row]:
        return self.query_one("#rows", RecordTable)

    @property
    def groups(self) -> RecordTable[ErrorGroup]:
        return self.query_one("#groups", RecordTable)

    @property
    def by_cause(self) -> bool:
        """Whether errors are shown by cause, instead of row by row."""
        return self.has_class("-by-cause")

    @property
    def job(self) -> JobRecord | None:
        """The record whose results these are."""
        return self.engine.record(self.key)

    @property
    def outcome_filter_text(self) -> str:
        """What kind of row is shown; no words where it is all of them."""
        kind = self.cause.message if self.cause is not None else self.kind
        return kind if kind != "all" else ""

    @property
    def shown_text(self) -> str:
        """What the rows that are shown have in common; no words where they are all."""
        return fmt.join(self.outcome_filter_text, f"“{self.sought}”" if self.sought else "")

    def marked_rows(self) -> Sequence[int]:
        """The rows that are marked, in order."""
        return array("I", sorted(int(key) for key in self.table.marked))

    def shown_rows(self) -> tuple[str, Sequence[int]]:
        """What the rows that are shown, or marked, have in common, and which they are; no words where they are all."""
        rows = self.table.source
        if marked := self.marked_rows():
            return MARKED, marked
        words = self.shown_text
        if not words or not isinstance(rows, ResultRows):
            return "", range(len(rows))
        return words, array("I", (rows.number(at) for at in range(len(rows))))
