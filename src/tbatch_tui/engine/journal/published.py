"""The records as the rest of the app last saw them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.record import FamilyMember, JobRecord
from tbatch_tui.engine.events import Event, JobsEnded, RecordsChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_COMPARED = 500
"""More records than this are announced without comparing them with those before: that would hold the event loop."""
_PIECE = 2_000
"""Records that `publish_many` announces before the event loop has its turn: some 10 ms of work for who listens."""
Renamed = tuple[tuple[str, str], ...]
"""Old and new key of records that took their job's id."""


class OpenedRecords:
    """Records of result files that were opened by their path: as long as the engine is open, and in no list."""

    def __init__(self) -> None:
        self._records: dict[str, JobRecord] = {}

    def get(self, key: str) -> JobRecord | None:
        """Return the record of this key."""
        return self._records.get(key)

    def put(self, record: JobRecord) -> None:
        """Add a record, or take it for the one of its key."""
        self._records[record.key] = record

    def family(self, key: str) -> list[FamilyMember]:
        """Return a record as a family of its own; nothing where the key is of none."""
        record = self.get(key)
        return [FamilyMember(record, 1)] if record is not None else []

    def judge_by(self, key: str, schema: str) -> bool:
        """Let a schema judge the answers of a record; False where the key is of none."""
        if (record := self.get(key)) is not None:
            self.put(replace(record, answer_schema=schema))
        return record is not None


class PublishedRecords:
    """Announces the records that differ from what was announced before, and lets callers wait on one of them."""

    def __init__(self, emit: Callable[[Event], object]) -> None:
        self._emit = emit
        self._records: dict[str, JobRecord] = {}
        self.opened = OpenedRecords()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def by_key(self) -> Mapping[str, JobRecord]:
        """The records as last announced, in no order. `publish` changes this mapping, `replace` begins another."""
        return self._records

    def get(self, key: str) -> JobRecord | None:
        """Return a record, also by the key it had before it took its job's id."""
        record = self._records.get(key) or self.opened.get(key)
        kind, _, number = key.partition(":")
        if record is not None or kind != "submission" or not number.isdecimal():
            return record
        return next((r for r in self._records.values() if r.submission and r.submission.id == int(number)), None)

    def replace(self, records: Iterable[JobRecord]) -> None:
        """Take these for what was announced, without announcing anything."""
        self._records = {record.key: record for record in records}

    def publish(self, changed: Iterable[JobRecord], renamed: Renamed = ()) -> None:
        """Announce those of these records that are different."""
        self._announce_ended(self._take_over(changed, renamed))

    async def publish_many(self, changed: Sequence[JobRecord]) -> None:
        """Do the same in pieces, between which the event loop has its turn. JobsEnded is emitted once for all.

        What was announced of a record meanwhile is later news, and stays; so is all that `replace` begins.
        """
        if len(changed) <= _PIECE:
            self.publish(changed)
            return
        records, before = self._records, dict(self._records)
        ended: list[JobRecord] = []
        for start in range(0, len(changed), _PIECE):
            if start:
                await asyncio.sleep(0)
            if self._records is not records:
                break
            piece = changed[start : start + _PIECE]
            ended += self._take_over(each for each in piece if records.get(each.key) is before.get(each.key))
        self._announce_ended(ended)

    def _take_over(self, changed: Iterable[JobRecord], renamed: Renamed = ()) -> tuple[JobRecord, ...]:
        """Announce those of these records that are different, and return those that have ended."""
        changed = tuple(changed)
        before = {record.key: was for record in changed if (was := self._records.get(record.key)) is not None}
        for old, new in renamed:
            if (was := self._records.pop(old, None)) is not None:
                before[new] = was  # a submission was under way: an adopted job may have ended by now
        fresh = changed
        if len(changed) < _COMPARED:
            fresh = tuple(record for record in changed if self._records.get(record.key) != record)
        self._records.update((record.key, record) for record in fresh)
        return self._announce(RecordsChanged(fresh, renamed=renamed), before) if fresh or renamed else ()

    def publish_removed(self, keys: Iterable[str]) -> None:
        """Announce that records were taken out of the list."""
        removed = tuple(key for key in keys if self._records.pop(key, None) is not None)
        if removed:
            self._announce(RecordsChanged((), removed=removed), {})

    def publish_difference(self, changed: tuple[JobRecord, ...], before: Mapping[str, JobRecord]) -> None:
        """Announce what `replace` has changed: these records, and the removal of those that were there `before`."""
        removed = tuple(key for key in before if key not in self._records)
        if changed or removed:
            self._announce_ended(self._announce(RecordsChanged(changed, removed=removed), before))

    def _announce(self, event: RecordsChanged, before: Mapping[str, JobRecord]) -> tuple[JobRecord, ...]:
        """Emit the event, wake up who waits, and return those of its records that ran `before` and have ended."""
        self._emit(event)
        self._wake()
        return tuple(
            record
            for record in event.changed
            if not record.is_active and record.job is not None and (was := before.get(record.key)) and was.is_active
        )

    def _announce_ended(self, records: Sequence[JobRecord]) -> None:
        if records:
            self._emit(JobsEnded(tuple(records)))

    def _wake(self) -> None:
        """Let who waits for a record look at it."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait_until(self, key: str, predicate: Callable[[JobRecord], bool]) -> JobRecord:
        """Wait until the predicate holds for a record, which is followed when it takes its job's id."""
        while True:
            record = self.get(key)
            if record is not None and predicate(record):
                return record
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future
