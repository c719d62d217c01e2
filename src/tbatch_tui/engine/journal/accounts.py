"""Whose history it is: one account per organisation and project of a server; the key itself is never written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.account import Account

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

_SELECT = """
    SELECT a.id, a.base_url, a.organization, a.project, a.title, k.key_tail
    FROM accounts a LEFT JOIN account_keys k ON k.account_id = a.id AND k.key_tail = :tail
"""


def account_at_start(db: sqlite3.Connection, base_url: str, key_tail: str, now: float) -> Account:
    """The account whose history is shown before the server has said whose key it is.

    The one that this key's tail was last seen with; else the last one used with this server, so that a wrong or
    new key leaves the history readable; else a new one.
    """
    row = db.execute(
        _SELECT + "WHERE k.base_url = :url AND k.key_tail = :tail", {"url": base_url, "tail": key_tail}
    ).fetchone()
    if row is None:
        row = db.execute(
            _SELECT + "WHERE a.base_url = :url ORDER BY a.used_at DESC LIMIT 1",
            {"url": base_url, "tail": key_tail},
        ).fetchone()
    if row is None:
        return _insert(db, base_url, key_tail, now)
    return _account(row, key_tail)


def account_of_key(
    db: sqlite3.Connection,
    base_url: str,
    key_tail: str,
    organization: str | None,
    project: str | None,
    title: str,
    now: float,
    is_free: Callable[[int], bool],
) -> Account:
    """The account the server names for this key; without an organisation, the one of the key's tail.

    A bare account that another app is at work on stays as it is: what that app has in hand must not be taken up by
    a second one under another name.
    """
    tail_row = db.execute(
        _SELECT + "WHERE k.base_url = :url AND k.key_tail = :tail", {"url": base_url, "tail": key_tail}
    ).fetchone()
    if organization is None:
        return _account(tail_row, key_tail) if tail_row is not None else _insert(db, base_url, key_tail, now)
    row = db.execute(
        _SELECT + "WHERE a.base_url = :url AND a.organization IS :org AND a.project IS :project",
        {"url": base_url, "tail": key_tail, "org": organization, "project": project},
    ).fetchone()
    unnamed = tail_row is not None and tail_row["organization"] is None
    if unnamed and row is not None and not is_free(tail_row["id"]):
        return _account(tail_row, key_tail)
    if row is None:
        # First word from this organisation: what was kept under the bare key is its history.
        account = _account(tail_row, key_tail) if unnamed else _insert(db, base_url, key_tail, now)
    else:
        account = _account(row, key_tail)
        if unnamed:
            _merge(db, tail_row["id"], account.id)
    db.execute(
        "UPDATE accounts SET organization = ?, project = ?, title = ?, used_at = ? WHERE id = ?",
        (organization, project, title, now, account.id),
    )
    db.execute("INSERT OR REPLACE INTO account_keys VALUES (?, ?, ?)", (base_url, key_tail, account.id))
    return Account(account.id, base_url, key_tail, organization, project, title)


def _insert(db: sqlite3.Connection, base_url: str, key_tail: str, now: float) -> Account:
    cursor = db.execute("INSERT INTO accounts (base_url, used_at) VALUES (?, ?)", (base_url, now))
    assert cursor.lastrowid is not None
    db.execute("INSERT OR REPLACE INTO account_keys VALUES (?, ?, ?)", (base_url, key_tail, cursor.lastrowid))
    return Account(cursor.lastrowid, base_url, key_tail)


def _merge(db: sqlite3.Connection, source: int, target: int) -> None:
    if source == target:
        return
    # Of two rows for one job, the one that was submitted here stays: it has the label, the path and the download.
    twins = (
        "SELECT mine.key FROM records mine JOIN records theirs ON theirs.key = mine.key AND theirs.account_id = ? "
        "WHERE mine.account_id = ? AND mine.submission_id IS NOT NULL AND theirs.submission_id IS NULL"
    )
    for (key,) in db.execute(twins, (target, source)).fetchall():
        for table, column in (("transfers", "job_id"), ("tallies", "job_id"), ("points", "key"), ("records", "key")):
            db.execute(f"DELETE FROM {table} WHERE account_id = ? AND {column} = ?", (target, key))
    db.execute(  # of one job there is one history
        "DELETE FROM points WHERE account_id = ? AND key IN (SELECT key FROM points WHERE account_id = ?)",
        (source, target),
    )
    tables = ("records", "transfers", "tallies", "points", "submissions", "retries", "account_keys")
    for table in tables:
        db.execute(f"UPDATE OR IGNORE {table} SET account_id = ? WHERE account_id = ?", (target, source))
    for table in tables:
        db.execute(f"DELETE FROM {table} WHERE account_id = ?", (source,))
    db.execute("DELETE FROM accounts WHERE id = ?", (source,))


def _account(row: sqlite3.Row, key_tail: str) -> Account:
    return Account(
        id=row["id"],
        base_url=row["base_url"],
        key_tail=key_tail,
        organization=row["organization"],
        project=row["project"],
        title=row["title"],
    )
