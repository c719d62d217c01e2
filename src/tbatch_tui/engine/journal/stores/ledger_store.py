"""The history as money is counted: every record, also those taken out of the list. `JobStore` has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.tried import TryCost
    from tbatch_tui.engine.journal.journal import Journal
    from tbatch_tui.engine.journal.journal_thread import JournalThread


class Ledger(NamedTuple):
    """All that was ever submitted or listed in an account."""

    records: list[JobRecord]
    retries: frozenset[str]
    """The keys of those that asked requests again."""
    tries: list[TryCost]


class LedgerStore:
    """Reads the ledger. Methods raise JournalError while the history cannot be used."""

    def __init__(self, thread: JournalThread) -> None:
        self._thread = thread

    @property
    def _journal(self) -> Journal:
        return self._thread.journal

    async def read(self) -> Ledger:
        """Return the ledger as the journal has it now, with what other processes wrote."""
        return await self._thread.run(self._read)

    def _read(self) -> Ledger:
        account_id = self._thread.account_id
        records = self._journal.records.all(account_id, even_removed=True)
        retries = self._journal.lineage.retry_keys(account_id)
        return Ledger(records, retries, self._journal.tries.costs_of_all(account_id))
