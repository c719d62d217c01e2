"""The recordings that were uploaded to a store, and the jobs that may still read them. `JobStore` has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tbatch_tui.engine.domain.record import FamilyMember
    from tbatch_tui.engine.journal.journal import Journal
    from tbatch_tui.engine.journal.journal_thread import JournalThread

_AUDIO = tuple(endpoint.value for endpoint in Endpoint if endpoint.is_audio)


class RecordingStore:
    """Reads and forgets uploads of recordings. Methods raise JournalError while the history cannot be used."""

    def __init__(self, thread: JournalThread) -> None:
        self._thread = thread

    @property
    def _journal(self) -> Journal:
        return self._thread.journal

    async def sizes(self, endpoint: str, store: str) -> dict[str, int]:
        """Return the size in bytes of each object that was uploaded to a store from here, by its address."""
        return await self._thread.run(lambda: self._journal.recording_uploads.sizes(endpoint, store))

    async def forget(self, endpoint: str, addresses: Iterable[str]) -> None:
        """Durably forget objects that were deleted."""
        gone = list(addresses)
        await self._thread.run_until_written(lambda: self._journal.recording_uploads.forget(endpoint, gone))

    async def families(self) -> list[list[FamilyMember]]:
        """Return the audio jobs of all accounts of this data folder, each original with its retries."""
        return await self._thread.run(self._families)

    def _families(self) -> list[list[FamilyMember]]:
        families: list[list[FamilyMember]] = []
        for account_id in self._journal.accounts.ids():
            seen: set[str] = set()
            for record in self._journal.records.all(account_id):
                if record.endpoint in _AUDIO and record.key not in seen:
                    family = self._journal.lineage.family(account_id, record.key)
                    seen.update(member.record.key for member in family)
                    families.append(family)
        return families
