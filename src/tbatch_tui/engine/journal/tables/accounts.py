"""Accounts: one for each organisation and project of a server. The API key itself is never written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.account import Account

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from tbatch_tui.engine.journal.database import Database

_SELECT = """
    SELECT a.id, a.base_url, a.organization, a.project, a.title, k.key_tail
    FROM accounts a LEFT JOIN account_keys k ON k.account_id = a.id AND k.key_tail = :tail
"""


class AccountTable:
    """Which account a key belongs to, as far as the server has said it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def at_start(self, base_url: str, key_tail: str, now: float) -> Account:
        """Return the account whose history is shown before the server has said whose key it is.

        It is the one that this key's tail was last seen with; else the last one used with this server, so that a
        wrong or new key leaves the history readable; else a new one.
        """
        with self._db.transaction():
            row = self._with_key(base_url, key_tail)
            if row is None:
                row = self._db.execute(
                    _SELECT + "WHERE a.base_url = :url ORDER BY a.used_at DESC LIMIT 1",
                    {"url": base_url, "tail": key_tail},
                ).fetchone()
            if row is None:
                return self._insert(base_url, key_tail, now)
            return _row_to_account(row, key_tail)

    def confirm(
        self,
        base_url: str,
        key_tail: str,
        organization: str | None,
        project: str | None,
        title: str,
        now: float,
        is_free: Callable[[int], bool] = lambda _: True,
    ) -> Account:
        """Return the account that the server names for this key, and store that the key belongs to it.

        Without an organisation it is the account of the key's tail. What was stored under the bare key moves to the
        organisation's account, unless another app works on it: what that app has in hand must not be taken up by a
        second one under another name.

        Args:
            is_free: Whether no other app works on the account of this id.
        """
        with self._db.transaction():
            self._db.forget_cache()
            tail_row = self._with_key(base_url, key_tail)
            if organization is None:
                if tail_row is None:
                    return self._insert(base_url, key_tail, now)
                return _row_to_account(tail_row, key_tail)
            row = self._db.execute(
                _SELECT + "WHERE a.base_url = :url AND a.organization IS :org AND a.project IS :project",
                {"url": base_url, "tail": key_tail, "org": organization, "project": project},
            ).fetchone()
            bare = tail_row if tail_row is not None and tail_row["organization"] is None else None
            if bare is not None and row is not None and not is_free(bare["id"]):
                return _row_to_account(bare, key_tail)
            if row is not None:
                account = _row_to_account(row, key_tail)
                if bare is not None:
                    self._merge(bare["id"], account.id)
            elif bare is not None:  # the organisation is new here: what was stored under the bare key is its history
                account = _row_to_account(bare, key_tail)
            else:
                account = self._insert(base_url, key_tail, now)
            self._db.execute(
                "UPDATE accounts SET organization = ?, project = ?, title = ?, used_at = ? WHERE id = ?",
                (organization, project, title, now, account.id),
            )
            self._db.execute("INSERT OR REPLACE INTO account_keys VALUES (?, ?, ?)", (base_url, key_tail, account.id))
            return Account(account.id, base_url, key_tail, organization, project, title)

    def has_key(self, account_id: int, base_url: str, key_tail: str) -> bool:
        """Return whether this key was seen with this account.

        Without that, the account is only the last one that was used with the server.
        """
        row = self._db.execute(
            "SELECT 1 FROM account_keys WHERE base_url = ? AND key_tail = ? AND account_id = ?",
            (base_url, key_tail, account_id),
        ).fetchone()
        return row is not None

    def _with_key(self, base_url: str, key_tail: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(
            _SELECT + "WHERE k.base_url = :url AND k.key_tail = :tail", {"url": base_url, "tail": key_tail}
        ).fetchone()
        return row

    def _insert(self, base_url: str, key_tail: str, now: float) -> Account:
        cursor = self._db.execute("INSERT INTO accounts (base_url, used_at) VALUES (?, ?)", (base_url, now))
        assert cursor.lastrowid is not None
        self._db.execute("INSERT OR REPLACE INTO account_keys VALUES (?, ?, ?)", (base_url, key_tail, cursor.lastrowid))
        return Account(cursor.lastrowid, base_url, key_tail)

    def _merge(self, source: int, target: int) -> None:
        if source == target:
            return
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
        tables = ("records", "transfers", "tallies", "points", "groups", "submissions", "retries", "account_keys")
        for table in tables:
            self._db.execute(f"UPDATE OR IGNORE {table} SET account_id = ? WHERE account_id = ?", (target, source))
        for table in tables:
            self._db.execute(f"DELETE FROM {table} WHERE account_id = ?", (source,))
        self._db.execute("DELETE FROM accounts WHERE id = ?", (source,))


def _row_to_account(row: sqlite3.Row, key_tail: str) -> Account:
    return Account(
        id=row["id"],
        base_url=row["base_url"],
        key_tail=key_tail,
        organization=row["organization"],
        project=row["project"],
        title=row["title"],
    )
