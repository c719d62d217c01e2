"""Accounts: one for each organisation and project of a server. The API key itself is never written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.account import Account
from tbatch_tui.engine.server_address import canonical_server, is_loopback

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from tbatch_tui.engine.journal.database import Database

ASKS_FOR = 72 * 3_600.0
"""Seconds after which a job that was made elsewhere does not ask for attention any more."""
_SELECT = """
    SELECT a.id, a.base_url, a.organization, a.project, a.title, k.key_tail
    FROM accounts a LEFT JOIN account_keys k ON k.account_id = a.id AND k.key_tail = :tail
"""


class AccountTable:
    """Which account a key belongs to, as far as the server has said it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def at_start(self, base_url: str, key_tail: str, now: float, profile: str = "") -> Account:
        """Return the account whose history is shown before the server has said whose key it is.

        It is the one that this key's tail was last seen with; else the last one used with this server, so that a
        wrong or new key leaves the history readable; else a new one. With a profile it is not just any account of the
        server, but the last one that was used with this profile.

        Args:
            profile: What stands for the profile in `account_keys`; empty without one.
        """
        server = canonical_server(base_url)

        def known() -> list[sqlite3.Row]:
            others = self._with_key(server, profile) if profile else self._of_server(server, key_tail)
            return self._with_key(server, key_tail) or others

        if not (rows := known()):  # else nothing is written: a history that is locked can be read
            with self._db.transaction():
                if not (rows := known()):
                    return self._insert(server, key_tail, now)
        return _row_to_account(rows[0], server, key_tail)

    def confirm(
        self,
        base_url: str,
        key_tail: str,
        organization: str | None,
        project: str | None,
        title: str,
        now: float,
        is_free: Callable[[int], bool] = lambda _: True,
        profile: str = "",
    ) -> Account:
        """Return the account that the server names for this key, and store that the key belongs to it.

        Without an organisation it is the account of the key's tail. What was stored under the bare key, or under
        another spelling of the server's address, moves to the organisation's account, unless another app works on it:
        what that app has in hand must not be taken up by a second one under another name.

        Args:
            is_free: Whether no other app works on the account of this id.
            profile: As for `at_start`.
        """
        server = canonical_server(base_url)
        with self._db.transaction():
            self._db.forget_cache()
            rows = self._rows_of_one(server, key_tail, organization, project)
            if not rows:
                account = self._insert(server, key_tail, now)
            else:
                row = self._join(rows, is_free)
                account = _row_to_account(row, server, key_tail)
                if row["organization"] is None and rows[0]["organization"] is not None:
                    return account  # another app works on it: it gets its name when that has ended
            self._respell(account.id, server)
            if profile:
                self._db.execute("INSERT OR REPLACE INTO account_keys VALUES (?, ?, ?)", (server, profile, account.id))
            if organization is None:
                return account
            self._db.execute(
                "UPDATE accounts SET organization = ?, project = ?, title = ?, used_at = ? WHERE id = ?",
                (organization, project, title, now, account.id),
            )
            self._quieten(account.id, now)
            self._db.execute("INSERT OR REPLACE INTO account_keys VALUES (?, ?, ?)", (server, key_tail, account.id))
            return Account(account.id, server, key_tail, organization, project, title)

    def quieten(self, account_id: int, now: float) -> None:
        """Let jobs that were made elsewhere and are old by now ask for no attention any more.

        Old is what was there before this account was first used here, and what is older than `ASKS_FOR`.
        """
        with self._db.transaction():
            self._quieten(account_id, now)

    def _quieten(self, account_id: int, now: float) -> None:
        self._db.execute(
            "UPDATE accounts SET quiet_before = MAX(quiet_before, ?) WHERE id = ?", (now - ASKS_FOR, account_id)
        )
        self._db.execute(
            "UPDATE records SET rank = '2-done' WHERE account_id = ? AND rank = '1-attention' "
            "AND submission_id IS NULL AND sort_at < (SELECT quiet_before FROM accounts WHERE id = ?)",
            (account_id, account_id),
        )

    def get(self, account_id: int, base_url: str, key_tail: str) -> Account:
        """Return an account by its number, as that of a key."""
        row = self._db.execute(_SELECT + "WHERE a.id = :id", {"tail": key_tail, "id": account_id}).fetchone()
        return _row_to_account(row, canonical_server(base_url), key_tail)

    def ids(self) -> list[int]:
        """Return the numbers of all accounts."""
        return [int(row["id"]) for row in self._db.execute("SELECT id FROM accounts ORDER BY id")]

    def has_key(self, account_id: int, base_url: str, key_tail: str) -> bool:
        """Return whether this key was seen with this account.

        Without that, the account is only the last one that was used with the server.
        """
        rows = self._with_key(canonical_server(base_url), key_tail)
        return any(row["id"] == account_id for row in rows)

    def siblings(self, account_id: int) -> list[int]:
        """Return the ids of all accounts of this one's organisation and project, on whatever server; itself too.

        One server may be reached by several addresses, so what ran on one counts on the others. A server on this
        machine is none of them: whatever it calls its organisation, it is for trying things out.
        """
        rows = self._db.execute(
            "SELECT b.id, b.base_url FROM accounts a JOIN accounts b ON b.organization = a.organization "
            "AND b.project IS a.project WHERE a.id = ?",
            (account_id,),
        ).fetchall()
        others = {row["id"] for row in rows if not is_loopback(row["base_url"])}
        return sorted(others) if account_id in others else [account_id]

    def _of_server(self, server: str, key_tail: str) -> list[sqlite3.Row]:
        """Return the accounts of a server in any spelling, the one that was used last first."""
        rows = self._db.execute(_SELECT + "ORDER BY a.used_at DESC, a.id", {"tail": key_tail}).fetchall()
        unique = {row["id"]: row for row in rows if canonical_server(row["base_url"]) == server}
        return list(unique.values())

    def _with_key(self, server: str, key_tail: str) -> list[sqlite3.Row]:
        """Return the accounts that this key was seen with, the one that was used last first."""
        return [row for row in self._of_server(server, key_tail) if row["key_tail"] is not None]

    def _rows_of_one(
        self, server: str, key_tail: str, organization: str | None, project: str | None
    ) -> list[sqlite3.Row]:
        """Return the accounts that are one account, those that bear its organisation first."""
        of_key = self._with_key(server, key_tail)
        bare = [row for row in of_key if row["organization"] is None]
        if organization is None:
            return bare if of_key[:1] == bare[:1] else of_key[:1]
        same = (organization, project)
        named = [row for row in self._of_server(server, key_tail) if (row["organization"], row["project"]) == same]
        return named + bare

    def _join(self, rows: Sequence[sqlite3.Row], is_free: Callable[[int], bool]) -> sqlite3.Row:
        """Merge accounts that are one into the first of them, and return it.

        If another app works on one of the others, it is that one: with two apps on two accounts, both would work on
        what is the same. A bare key's account is left alone then.
        """
        busy = [row for row in rows[1:] if not is_free(row["id"])]
        target = busy[0] if busy else rows[0]
        if target["organization"] is None and rows[0]["organization"] is not None:
            return target
        for row in rows:
            if row is not target and row not in busy and (row is not rows[0] or is_free(row["id"])):
                self._merge(row["id"], target["id"])
        return target

    def _respell(self, account_id: int, server: str) -> None:
        """Give an account and its keys the canonical address: an earlier version stored each spelling as a server."""
        self._db.execute("UPDATE accounts SET base_url = ? WHERE id = ?", (server, account_id))
        self._db.execute("UPDATE OR REPLACE account_keys SET base_url = ? WHERE account_id = ?", (server, account_id))

    def _insert(self, server: str, key_tail: str, now: float) -> Account:
        cursor = self._db.execute(  # never the number of one that was merged: an app may still write under it
            "INSERT INTO accounts (id, base_url, used_at, quiet_before) SELECT MAX(id) + 1, ?, ?, ? FROM "
            "(SELECT id FROM accounts UNION ALL SELECT id FROM merged_accounts)",
            (server, now, now),
        )
        assert cursor.lastrowid is not None
        self._db.execute("INSERT OR REPLACE INTO account_keys VALUES (?, ?, ?)", (server, key_tail, cursor.lastrowid))
        return Account(cursor.lastrowid, server, key_tail)

    def _merge(self, source: int, target: int) -> None:
        if source == target:
            return
        self._db.execute(  # the first use is that of the older one
            "UPDATE accounts SET quiet_before = MIN(quiet_before, (SELECT quiet_before FROM accounts WHERE id = ?)) "
            "WHERE id = ?",
            (source, target),
        )
        # Of two rows for one job, the one that was submitted here stays: it has the label, the path and the download.
        twins = (
            "SELECT mine.key FROM records mine JOIN records theirs ON theirs.key = mine.key AND theirs.account_id = ? "
            "WHERE mine.account_id = ? AND mine.submission_id IS NOT NULL AND theirs.submission_id IS NULL"
        )
        columns = (("transfers", "job_id"), ("tallies", "job_id"), ("points", "key"), ("records", "key"))
        for (key,) in self._db.execute(twins, (target, source)).fetchall():
            for table, column in columns:
                self._db.execute(f"DELETE FROM {table} WHERE account_id = ? AND {column} = ?", (target, key))
        self._db.execute(  # a job has one history
            "DELETE FROM points WHERE account_id = ? AND key IN (SELECT key FROM points WHERE account_id = ?)",
            (source, target),
        )
        tables = (
            "records",
            "transfers",
            "tallies",
            "points",
            "groups",
            "submissions",
            "retries",
            "account_keys",
            "merged_accounts",
            "tries",
        )
        for table in tables:
            self._db.execute(f"UPDATE OR IGNORE {table} SET account_id = ? WHERE account_id = ?", (target, source))
        for table in tables:
            self._db.execute(f"DELETE FROM {table} WHERE account_id = ?", (source,))
        self._db.execute("DELETE FROM accounts WHERE id = ?", (source,))
        self._db.execute("INSERT INTO merged_accounts VALUES (?, ?)", (source, target))


def _row_to_account(row: sqlite3.Row, server: str, key_tail: str) -> Account:
    return Account(
        id=row["id"],
        base_url=server,
        key_tail=key_tail,
        organization=row["organization"],
        project=row["project"],
        title=row["title"],
    )
