"""Every read and write of the history. Synchronous, for one thread at a time: the controller gives it its own.

Each public method is one transaction. Methods that change a record return it as it now stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.journal import accounts
from tbatch_tui.engine.journal.groups import GroupTable
from tbatch_tui.engine.journal.mapping import blob_to_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tbatch_tui.engine.domain.account import Account


class Journal(GroupTable):
    """The whole history: its rooms, whose it is, and small memories."""

    def account_at_start(self, base_url: str, key_tail: str, now: float) -> Account:
        with self._writing():
            return accounts.account_at_start(self._db, base_url, key_tail, now)

    def account_of_key(
        self,
        base_url: str,
        key_tail: str,
        organization: str | None,
        project: str | None,
        title: str,
        now: float,
        is_free: Callable[[int], bool] = lambda _: True,
    ) -> Account:
        """The account of this key. `is_free` says of an account whether no other app is at work on it."""
        with self._writing():
            self._jobs.clear()
            return accounts.account_of_key(self._db, base_url, key_tail, organization, project, title, now, is_free)

    def knows_key(self, account_id: int, base_url: str, key_tail: str) -> bool:
        """Whether this key was seen with this account, rather than the account being the last one used here."""
        row = self._db.execute(
            "SELECT 1 FROM account_keys WHERE base_url = ? AND key_tail = ? AND account_id = ?",
            (base_url, key_tail, account_id),
        ).fetchone()
        return row is not None

    def recents(self, limit: int) -> list[Path]:
        """Input files used lately, newest first."""
        rows = self._db.execute("SELECT path FROM recents ORDER BY used_at DESC LIMIT ?", (limit,))
        return [path for row in rows if (path := blob_to_path(row[0])) is not None]

    def remember(self, name: str, value: str) -> None:
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO remembered VALUES (?, ?)", (name, value))

    def recall(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM remembered WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row is not None else None
