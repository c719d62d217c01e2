"""Which recordings of a job can be deleted from the store: those that were uploaded here and that no job needs.

A job needs what it may still read, until it has ended, and what a retry would ask again: the recordings of rows without
a good answer, unless the person has acknowledged them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.audio.object_store import store_of
from tbatch_tui.engine.audio.signed_copy import addresses_in
from tbatch_tui.engine.domain.submission import parse_slices
from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.local_files.file_slices import InputPlace
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.results.index.family import family_index
from tbatch_tui.engine.results.outcomes import Outcome
from tbatch_tui.engine.threads import run_cancellable
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from tbatch_tui.engine.domain.record import FamilyMember, JobRecord
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.options import AudioStore, EngineOptions
    from tbatch_tui.engine.results.index.index import ResultIndex

_NAMED = 3
"""Jobs that are named."""


class Unneeded(NamedTuple):
    """Recordings of jobs in the store of the settings."""

    sizes: dict[str, int]
    """The size in bytes of each that can be deleted, by its address."""
    needed: int
    """How many were uploaded here, but are still needed."""
    needed_by: tuple[str, ...]
    """The names of the jobs that need them."""
    others: int
    """How many were there before, or were uploaded elsewhere: these always stay."""

    @property
    def size(self) -> int:
        """Bytes of those that can be deleted."""
        return sum(self.sizes.values())

    @property
    def kept_words(self) -> list[str]:
        """Which recordings stay, and why, as sentences."""
        sentences = []
        if self.needed:
            names = ", ".join(self.needed_by[:_NAMED]) + (" and others" if len(self.needed_by) > _NAMED else "")
            sentences.append(f"{_stay(self.needed)}: needed by jobs that have not ended, or for a retry ({names})")
        if self.others:
            sentences.append(f"{_stay(self.others)}: not uploaded from here, or deleted already")
        return sentences


class UploadedRecordings:
    """The recordings that were uploaded for the jobs of an open engine."""

    def __init__(self, store: JobStore, open_index: Callable[[JobRecord], ResultIndex], options: EngineOptions) -> None:
        """Take the history, the function to the results of a job, and the settings."""
        self._store = store
        self._open_index = open_index
        self._settings = options.audio_store

    async def unneeded(self, records: Sequence[JobRecord]) -> Unneeded:
        """Return which recordings of these jobs, and of their retries, can be deleted. Nothing is asked of the store.

        Raises BatchError where that cannot be known: no store is set, a job has not ended or is not downloaded, or its
        input file has changed.
        """
        settings = self._required()
        families = await self._store.recordings.families()
        uploaded = await self._store.recordings.sizes(settings.endpoint, settings.address)
        keys = {record.key for record in records}
        return await run_cancellable(_unneeded, families, keys, uploaded, settings.address, self._open_index)

    async def delete(
        self, addresses: Sequence[str], progress: Callable[[int, int], object] = lambda _done, _total: None
    ) -> int:
        """Delete recordings from the store, and return how many. What was deleted is noted if it is stopped, too.

        Raises BatchError where the store cannot be used.

        Args:
            addresses: As `unneeded` returned them.
            progress: Called with how many are deleted and how many there are, from a thread.
        """
        settings = self._required()
        gone, total = list[str](), len(addresses)

        def count(addresses: Sequence[str]) -> None:
            gone.extend(addresses)
            progress(len(gone), total)

        def remove(cancelled: Callable[[], bool]) -> None:
            store_of(settings).delete(addresses, cancelled=cancelled, deleted=count)

        try:
            await run_cancellable(remove)
        finally:
            await self._store.recordings.forget(settings.endpoint, gone)
        return len(gone)

    def _required(self) -> AudioStore:
        if self._settings is None:
            store_of(None)  # raises
        assert self._settings is not None
        return self._settings


def _stay(number: int) -> str:
    return f"{plural(number, 'recording')} {'stays' if number == 1 else 'stay'}"


def _unneeded(
    families: Sequence[Sequence[FamilyMember]],
    keys: Collection[str],
    uploaded: dict[str, int],
    store: str,
    open_index: Callable[[JobRecord], ResultIndex],
    *,
    cancelled: Callable[[], bool],
) -> Unneeded:
    own = [family for family in families if any(member.record.key in keys for member in family)]
    asked: set[str] = set()
    for family in own:
        for member in family:
            _require_downloaded(member.record)
            asked.update(_require_addresses(member.record))
    asked = {address for address in asked if address.startswith(f"{store}/")}
    ours = {address: uploaded[address] for address in asked if address in uploaded}
    ran = {m.record.submission.sha256 for family in families for m in family if m.record.job and m.record.submission}
    needed: set[str] = set()
    needed_by: list[str] = []
    for family in families if ours else ():
        if by_it := ours.keys() & set(_needed(family, ran, open_index, cancelled)):
            needed |= by_it
            needed_by.append(family[0].record.name)
    kept = {address: size for address, size in ours.items() if address not in needed}
    return Unneeded(kept, len(needed), tuple(needed_by), len(asked) - len(ours))


def _require_downloaded(record: JobRecord) -> None:
    if record.is_active or record.is_waiting:
        raise BatchError(f"{record.name} has not ended", "Its recordings can be deleted once it has.")
    if record.has_result_files and not record.has_results_here:
        raise BatchError(f"The results of {record.name} are not downloaded", f"{NextStep.FETCH} downloads them.")


def _needed(
    family: Sequence[FamilyMember],
    ran: Collection[str],
    open_index: Callable[[JobRecord], ResultIndex],
    cancelled: Callable[[], bool],
) -> Iterable[str]:
    """Yield the addresses that the jobs of a family may still read, or that a retry of them would."""
    finished: list[FamilyMember] = []
    for member in family:
        record = member.record
        if record.is_active or record.is_waiting:
            yield from _require_addresses(record)
        elif record.job is None:
            submission = record.submission
            if submission is not None and submission.sha256 not in ran and not record.is_acknowledged:
                yield from _addresses(record) or ()
        elif record.has_result_files and not record.has_results_here:
            yield from _addresses(record) or ()
        else:
            finished.append(member)
    if all(member.record.is_acknowledged or _has_all_answers(member.record) for member in finished):
        return
    index = family_index(finished, open_index)
    try:
        if index is not None:
            index.build(cancelled=cancelled)
    except OperationCancelledError:
        raise
    except BatchError:  # without the input file of the original, rows of a retry are not known to be of it
        index = None
    if index is None:
        for member in finished:
            if not member.record.is_acknowledged:
                yield from _addresses(member.record) or ()
        return
    for number in range(len(index.requests)):
        location = index.request_location(number)
        if location is not None and index.outcome(number) is not Outcome.OK:
            yield from addresses_in([index.read_bytes(location)])


def _has_all_answers(record: JobRecord) -> bool:
    """Return whether it was counted that each request of a job has a good answer."""
    return record.counts is not None and record.counts.ok == record.counts.requests


def _require_addresses(record: JobRecord) -> set[str]:
    addresses = _addresses(record)
    if addresses is None:
        raise BatchError(
            f"Which recordings {record.name} reads is not known: its input file is not here, or has changed",
            "Put it back, or fetch it; nothing was deleted.",
        )
    return addresses


def _addresses(record: JobRecord) -> set[str] | None:
    """Return the addresses in the input file of a record; None if it is not here as it was submitted."""
    submission, group = record.submission, record.group
    places = []
    if submission is not None:
        places.append((InputPlace(submission.path, parse_slices(submission.slices)), submission.sha256))
    if group is not None:  # a part that is gone reads nothing that its file does not name
        places.append((InputPlace(group.path), group.sha256))
    for place, sha256 in places:
        with suppress(OSError):
            if place.read().sha256 == sha256:
                with place.open() as (file, _):
                    return set(addresses_in(file))
    return None
