"""The row or the cause under the cursor, in full, beside the list."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work

from tbatch_tui.tui.screens.results.reading.error_groups import group_blocks
from tbatch_tui.tui.screens.results.reading.record_blocks import RecordBlocks, raw_blocks, record_blocks
from tbatch_tui.tui.widgets.reader.view import RecordView

if TYPE_CHECKING:
    from tbatch_tui.engine.results import ErrorGroup, ResultIndex, Row


class RecordPane(RecordView):
    """Reads a row from the result files in a thread and shows it, as a conversation or as JSON."""

    def __init__(self) -> None:
        super().__init__(id="record")
        self.is_raw = False
        """Whether rows are shown as the JSON of both files."""
        self.is_unfolded = False
        """Whether reasoning is shown in full."""
        self.starts_at_hit = False
        """Whether the next row is scrolled to its first hit."""
        self._row_number: int | None = None

    @work(group="record", exclusive=True, exit_on_error=False)
    async def show_row(self, index: ResultIndex, row: Row, query: str) -> None:
        """Show a row, with its answer in view. If it is the same row again, the scroll position stays."""
        is_same = self._row_number == row.number
        self._row_number = row.number
        is_raw, is_unfolded = self.is_raw, self.is_unfolded

        def read() -> RecordBlocks:
            record = index.record(row.number)
            if is_raw:
                return RecordBlocks(raw_blocks(record))
            return record_blocks(record, unfolded=is_unfolded, query=query)

        blocks, answer = await asyncio.to_thread(read)
        self.show(blocks, keep_scroll=is_same, query=query, start=None if is_same else answer)
        if self.starts_at_hit:
            self.starts_at_hit = False
            await self.go_to_hit(1)

    @work(group="record", exclusive=True, exit_on_error=False)
    async def show_group(self, index: ResultIndex, group: ErrorGroup) -> None:
        """Show a cause of errors, with its first row as a sample."""
        blocks = group_blocks(group, await asyncio.to_thread(index.record, group.first_row))
        self._row_number = None
        self.show(blocks)

    def forget_row(self) -> None:
        """Stop reading, and begin at the top with the next row, whichever it is."""
        self.workers.cancel_group(self, "record")
        self._row_number = None

    def clear(self) -> None:
        """Show nothing."""
        self.forget_row()
        self.show([])
