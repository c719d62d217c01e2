"""Brings what the engine announces to the list of jobs: into the list model, and from there to the table."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import deque
from typing import TYPE_CHECKING

from tbatch_tui.engine.events import RecordsChanged, TransferProgress
from tbatch_tui.tui.sanitize import lines_content
from tbatch_tui.tui.screens.jobs.listing.columns import JobRow, JobRows, empty_text
from tbatch_tui.tui.screens.jobs.listing.list_model import SORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.screen import Screen

    from tbatch_tui.engine.domain.record import JobRecord, Rank
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.screens.jobs.listing.list_model import JobListModel
    from tbatch_tui.tui.widgets.table.table import RecordTable

READING = 10.0
"""Seconds after a key, a click or a turn of the wheel in which a person may be reading the list."""
_PIECE = 250
"""Records taken over before the screen has its turn again."""


def _group(row: JobRow) -> Rank | None:
    return row.section


class JobFeed:
    """The way of a record from the engine to its row.

    A row is updated by itself: nothing is rebuilt on a tick, so cursor, scroll, marks and filter stay.
    """

    def __init__(
        self,
        screen: Screen[None],
        engine: BatchEngine,
        model: JobListModel,
        table: RecordTable[JobRow],
        changed: Callable[[], None],
    ) -> None:
        """Create a feed; the table stays empty until `arrange`.

        Args:
            screen: Runs the workers, which end with it.
            model: The records, with those in it that were read before the first frame.
            changed: Called after records have changed, to update what surrounds the table.
        """
        self.rows = JobRows([], model, {})
        """The rows that the table shows."""
        self.transfers: dict[str, TransferProgress] = {}
        """By the key of the record, the upload or download that is in progress."""
        self._screen = screen
        self._engine = engine
        self._model = model
        self._table = table
        self._changed = changed
        self._first_keys = tuple(model.records)
        self._cursor_goal: str | None = None
        self._waiting: deque[Sequence[JobRecord]] = deque()
        """Many records, as they were announced, in pieces that one worker takes over."""

    def arrange(self) -> None:
        """Filter and sort again; the table keeps cursor, scroll and marks."""
        model, table = self._model, self._table
        self.refresh_empty_text()
        # Rules separate the ranks: active, needing attention, done. In another order the ranks are mixed.
        table.set_group(_group if model.sort == SORTS[0] else None)
        self.rows = JobRows(model.shown(), model, self.transfers)
        table.set_source(self.rows)
        table.mark_sorted(model.sorted_column[0], descending=model.sorted_column[1])
        if self._cursor_goal is not None and table.move_cursor(key=model.row_key(self._cursor_goal)):
            self._cursor_goal = None

    @property
    def is_read(self) -> bool:
        """Whether a person may be reading the list: rows that change their group stay where they are meanwhile."""
        touched_at: float | None = getattr(self._screen.app, "touched_at", None)
        return self._screen.is_current and touched_at is not None and time.monotonic() - touched_at < READING

    def release(self) -> None:
        """Let rows that have changed their group go there, now that the person has moved on."""
        if self._model.release():
            self.arrange()

    def release_unread(self) -> None:
        """Do that if nobody has touched anything for a while, so that no row stands in the wrong section for long."""
        if not self.is_read:
            self.release()

    def refresh_empty_text(self) -> None:
        """Update what the table says when it has no rows."""
        self._table.set_empty(lines_content(empty_text(self._model, self._engine.health)))

    def count_hidden(self, keys: Iterable[str]) -> int:
        """Return how many of these records or rows the filter or the search hides."""
        model = self._model
        return sum(self.rows.find(model.row_key(key)) is None for key in keys) if model.is_narrowed else 0

    def move_cursor_to(self, key: str) -> None:
        """Put the cursor on a record, with the first `arrange` that shows it."""
        self._cursor_goal = key

    def apply(self, event: RecordsChanged) -> None:
        """Take over what has changed, been renamed or been removed; many records in a worker, in pieces."""
        model, table = self._model, self._table
        model.holds = self.is_read
        renamed = dict(event.renamed)
        new_cursor_key = renamed.get(table.cursor_key or "")
        for key in (*event.removed, *renamed):
            model.drop(key)
        if many := len(event.changed) > _PIECE:
            is_under_way = bool(self._waiting)
            self._waiting += _in_pieces(event.changed)
            if not is_under_way:
                self._screen.run_worker(
                    self._take_over(self._waiting), group="records", exit_on_error=False, description="many records"
                )
        moved = [] if many else [model.put(record) for record in event.changed]
        if model.place_groups() or any(moved) or event.removed or event.renamed:
            self.arrange()
            if new_cursor_key is not None:
                table.move_cursor(key=new_cursor_key)
        elif not many:
            table.set_source(self.rows)
        if table.marked and (event.removed or renamed):
            table.mark(renamed.get(key, key) for key in table.marked.difference(event.removed))
        self._changed()

    def apply_transfer(self, event: TransferProgress) -> None:
        """Take over how far an upload or download is, or that it ended."""
        if event.ended:
            self.transfers.pop(event.key, None)
        else:
            self.transfers[event.key] = event
        if event.key in self._model.records:
            self._table.set_source(self.rows)

    async def load_all(self, records: Sequence[JobRecord]) -> None:
        """Take over the whole history, and drop what the first frame showed and the history no longer has."""
        await self._take_over(_in_pieces(records))
        latest = {key: self._engine.record(key) for key in self._first_keys}
        if gone := [key for key, record in latest.items() if record is None or record.key != key]:
            self.apply(RecordsChanged((), removed=tuple(gone)))

    async def _take_over(self, waiting: deque[Sequence[JobRecord]]) -> None:
        """Put many records into the list, in pieces, so that the screen stays responsive; also those that join them."""
        pieces: list[Sequence[JobRecord]] = []
        while waiting:
            pieces.append(waiting[0])
            self._model.holds = self.is_read
            for record in waiting[0]:
                # As it is now: it may have changed, or gone, while those before it were taken over.
                if (latest := self._engine.record(record.key)) is not None:
                    self._model.put(latest)
            if len(pieces) == 1 and not self.rows:
                self.arrange()  # an empty list shows the first of them at once
            await asyncio.sleep(0)
            waiting.popleft()
        self.arrange()
        self._changed()
        for piece in pieces:
            self._model.prepare_search(self._model.row_key(record.key) for record in piece)
            await asyncio.sleep(0)
        gc.freeze()  # the history stays: the garbage collector need not go through it again


def _in_pieces(records: Sequence[JobRecord]) -> deque[Sequence[JobRecord]]:
    return deque(records[start : start + _PIECE] for start in range(0, len(records), _PIECE))
