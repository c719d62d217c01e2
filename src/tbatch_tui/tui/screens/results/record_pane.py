"""The record beside the list of results: read as a person reads it, or raw; with the hits of a search one by one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work

from tbatch_tui.tui.screens.results.base import BaseResults
from tbatch_tui.tui.screens.results.error_groups import group_blocks
from tbatch_tui.tui.screens.results.record_blocks import raw_blocks, record_blocks
from tbatch_tui.tui.widgets.reader.view import RecordView

if TYPE_CHECKING:
    from tbatch_tui.engine.results import ErrorGroup, Row
    from tbatch_tui.tui.widgets.reader.wrap import Block


class RecordPane(BaseResults):
    """Shows the row, or the cause, under the cursor."""

    raw = unfolded = False
    to_hit = False
    """The record that is shown next begins at its first hit."""

    @work(group="record", exclusive=True, exit_on_error=False)
    async def read_record(self, row: Row) -> None:
        """Show the row under the cursor beside the list."""
        index = self.reader.index
        stay = self.story_of is not None and self.story_of.number == row.number
        self.story_of = row
        raw, unfolded, sought = self.raw, self.unfolded, self.sought

        def read() -> list[Block]:
            record = index.record(row.number)
            return raw_blocks(record) if raw else record_blocks(record, unfolded=unfolded, sought=sought)

        blocks = await asyncio.to_thread(read)
        if index is self.reader.index and not self.by_cause:
            view = self.query_one(RecordView)
            view.show(blocks, stay=stay, sought=sought)
            if self.to_hit:
                self.to_hit = False
                await view.go_to_hit(1)

    @work(group="record", exclusive=True, exit_on_error=False)
    async def read_group(self, group: ErrorGroup) -> None:
        """Show a cause, with its first row, beside the list of causes."""
        index = self.reader.index
        blocks = group_blocks(group, await asyncio.to_thread(index.record, group.first_row))
        if index is self.reader.index and self.by_cause:
            self.story_of = None
            self.query_one(RecordView).show(blocks)

    def go_to_record(self) -> None:
        self.add_class("-reading")
        self.query_one(RecordView).focus()

    def show_again(self) -> None:
        """Read what stands beside the list once more: it is to be shown in another way."""
        group, row = self.groups.cursor_row, self.table.cursor_row
        if self.by_cause and group is not None:
            self.read_group(group)
        elif not self.by_cause and row is not None:
            self.read_record(row)

    def action_raw(self) -> None:
        """The record as JSON, or as it is read; in a narrow terminal it takes the list's place."""
        self.raw = not self.raw
        self.show_again()
        if self.raw and self.has_class("-narrow") and not self.has_class("-reading"):
            self.go_to_record()

    def action_reasoning(self) -> None:
        """Unfold or fold what the model thought."""
        self.unfolded = not self.unfolded
        self.raw = False
        self.show_again()

    @work(group="hit", exclusive=True, exit_on_error=False)
    async def action_hit(self, by: int) -> None:
        """To the next hit in the record, and when there is no more of them, to the next row."""
        view, table = self.query_one(RecordView), self.table
        if (view.display and await view.go_to_hit(by)) or table.cursor_index is None:
            return
        index = table.cursor_index + by
        if 0 <= index < table.row_count:
            self.to_hit = True
            table.move_cursor(index=index)
