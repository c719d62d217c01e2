"""Open the database: file modes, numbered migrations, and what happens to a damaged file.

The migrations run in one transaction, after a copy of the file was made. A damaged file is moved aside.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 10.0
"""Seconds to wait for another app that has the history locked."""
_ASKED_AGAIN_AFTER = 0.02
"""Seconds between two tries of the statement that SQLite does not wait for by itself."""

_MIGRATIONS = (
    """
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY,
        base_url TEXT NOT NULL,
        organization TEXT,
        project TEXT,
        title TEXT NOT NULL DEFAULT '',
        used_at REAL NOT NULL
    );
    CREATE TABLE account_keys (
        base_url TEXT NOT NULL,
        key_tail TEXT NOT NULL,
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        PRIMARY KEY (base_url, key_tail)
    );
    CREATE TABLE submissions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        path BLOB NOT NULL,
        size INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        label TEXT NOT NULL,
        requests INTEGER NOT NULL,
        created_at REAL NOT NULL,
        state TEXT NOT NULL,
        file_id TEXT,
        known_ids TEXT NOT NULL DEFAULT '',
        job_id TEXT,
        error TEXT,
        hint TEXT,
        warning TEXT,
        uncertain_since REAL
    );
    CREATE INDEX submissions_by_state ON submissions (account_id, state);
    CREATE UNIQUE INDEX submissions_by_job ON submissions (account_id, job_id) WHERE job_id IS NOT NULL;
    CREATE INDEX submissions_by_sha ON submissions (account_id, sha256);
    CREATE TABLE records (
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        key TEXT NOT NULL,
        rank TEXT NOT NULL,
        sort_at REAL NOT NULL,
        label TEXT NOT NULL DEFAULT '',
        note TEXT NOT NULL DEFAULT '',
        input_name TEXT NOT NULL DEFAULT '',
        requests INTEGER,
        submission_id INTEGER REFERENCES submissions(id),
        first_seen_at REAL NOT NULL,
        status TEXT,
        progress REAL,
        model TEXT,
        endpoint TEXT,
        input_file_id TEXT,
        file_size INTEGER,
        created_at REAL,
        completed_at REAL,
        deadline REAL,
        output_file_id TEXT,
        error_file_id TEXT,
        error TEXT,
        PRIMARY KEY (account_id, key)
    ) WITHOUT ROWID;
    CREATE INDEX records_in_order ON records (account_id, rank, sort_at DESC);
    CREATE INDEX records_by_submission ON records (submission_id) WHERE submission_id IS NOT NULL;
    CREATE INDEX records_by_input ON records (account_id, input_file_id) WHERE input_file_id IS NOT NULL;
    CREATE TABLE transfers (
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        job_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        file_id TEXT NOT NULL,
        state TEXT NOT NULL,
        path BLOB,
        size INTEGER,
        rows INTEGER,
        sha256 TEXT,
        etag TEXT,
        message TEXT,
        updated_at REAL NOT NULL,
        PRIMARY KEY (account_id, job_id, kind)
    ) WITHOUT ROWID;
    CREATE INDEX transfers_by_state ON transfers (account_id, state);
    CREATE TABLE recents (path BLOB PRIMARY KEY, used_at REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE remembered (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    "ALTER TABLE submissions ADD COLUMN estimate TEXT",
    """
    CREATE TABLE points (
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        key TEXT NOT NULL,
        number INTEGER NOT NULL,
        at REAL NOT NULL,
        status TEXT NOT NULL,
        progress REAL NOT NULL,
        known_at REAL,
        pause REAL NOT NULL,
        PRIMARY KEY (account_id, key, number)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE tallies (
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        job_id TEXT NOT NULL,
        requests INTEGER NOT NULL,
        answered INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        missing INTEGER NOT NULL,
        cut_short INTEGER NOT NULL,
        unknown INTEGER NOT NULL,
        duplicates INTEGER NOT NULL,
        odd INTEGER NOT NULL,
        has_input INTEGER NOT NULL,
        spent TEXT NOT NULL,
        stamps TEXT NOT NULL,
        PRIMARY KEY (account_id, job_id)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE submissions ADD COLUMN parent TEXT;
    CREATE INDEX submissions_by_parent ON submissions (account_id, parent) WHERE parent IS NOT NULL;
    CREATE TABLE retries (
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        path BLOB NOT NULL,
        sha256 TEXT NOT NULL,
        parent TEXT NOT NULL,
        PRIMARY KEY (account_id, path)
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE records ADD COLUMN removed_at REAL",
    """
    CREATE TABLE groups (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        path BLOB NOT NULL,
        size INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        requests INTEGER NOT NULL,
        parts INTEGER NOT NULL,
        first INTEGER NOT NULL,
        goes_on INTEGER NOT NULL,
        created_at REAL NOT NULL
    );
    ALTER TABLE submissions ADD COLUMN group_id INTEGER REFERENCES groups(id);
    ALTER TABLE submissions ADD COLUMN part INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX submissions_by_group ON submissions (group_id) WHERE group_id IS NOT NULL;
    """,
    """
    ALTER TABLE submissions ADD COLUMN create_sent_at REAL;
    ALTER TABLE submissions ADD COLUMN create_sent_server_at REAL;
    ALTER TABLE submissions ADD COLUMN repeated_at REAL;
    ALTER TABLE submissions ADD COLUMN redirected_to TEXT;
    CREATE INDEX submissions_by_repeat ON submissions (account_id) WHERE repeated_at IS NOT NULL;
    UPDATE submissions SET create_sent_at = created_at WHERE state IN ('creating', 'uncertain', 'held');
    """,
    """
    ALTER TABLE submissions ADD COLUMN output_dir BLOB;
    ALTER TABLE transfers ADD COLUMN folder BLOB;
    """,
    """
    ALTER TABLE records ADD COLUMN acknowledged TEXT NOT NULL DEFAULT '';
    ALTER TABLE accounts ADD COLUMN quiet_before REAL NOT NULL DEFAULT 0;
    UPDATE accounts SET quiet_before = COALESCE(
        (SELECT MIN(first_seen_at) FROM records WHERE account_id = accounts.id), used_at
    );
    UPDATE records SET rank = '2-done' WHERE rank = '1-attention' AND submission_id IS NULL
        AND sort_at < (SELECT quiet_before FROM accounts WHERE id = records.account_id);
    """,
    """
    ALTER TABLE tallies ADD COLUMN invalid INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE tallies ADD COLUMN attention_share REAL NOT NULL DEFAULT 5;
    """,
    "ALTER TABLE submissions ADD COLUMN owner TEXT",
    """
    CREATE TABLE recipes (
        sha256 TEXT PRIMARY KEY,
        recipe TEXT NOT NULL,
        path BLOB NOT NULL
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE records ADD COLUMN answer_schema TEXT NOT NULL DEFAULT ''",
    """
    CREATE TABLE merged_accounts (
        id INTEGER PRIMARY KEY,
        account_id INTEGER NOT NULL REFERENCES accounts(id)
    );
    """,
    """
    CREATE TABLE tries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        fingerprint TEXT NOT NULL,
        custom_id TEXT NOT NULL,
        path BLOB,
        line INTEGER,
        endpoint TEXT NOT NULL,
        model TEXT NOT NULL,
        request TEXT NOT NULL,
        sent_at REAL NOT NULL,
        outcome TEXT NOT NULL,
        answer TEXT,
        response TEXT,
        reason TEXT NOT NULL,
        prompt_tokens INTEGER,
        completion_tokens INTEGER,
        audio_seconds REAL,
        seconds REAL,
        cost REAL,
        most REAL
    );
    CREATE INDEX tries_by_line ON tries (account_id, fingerprint);
    CREATE INDEX tries_by_time ON tries (account_id, sent_at);
    """,
    "ALTER TABLE records ADD COLUMN annotated_at REAL",
    """
    ALTER TABLE groups ADD COLUMN name TEXT NOT NULL DEFAULT '';
    ALTER TABLE groups ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE groups ADD COLUMN stages TEXT NOT NULL DEFAULT '';
    ALTER TABLE groups ADD COLUMN share REAL NOT NULL DEFAULT 100;
    ALTER TABLE groups ADD COLUMN at_once INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE groups ADD COLUMN approved INTEGER NOT NULL DEFAULT 0;
    """,
    """
    CREATE TABLE group_files (
        group_id INTEGER NOT NULL REFERENCES groups(id),
        number INTEGER NOT NULL,
        path BLOB NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, requests INTEGER NOT NULL,
        first_part INTEGER NOT NULL, last_part INTEGER NOT NULL,
        PRIMARY KEY (group_id, number)
    );
    CREATE INDEX group_files_by_bytes ON group_files (sha256);
    """,
)


def open_database(path: Path) -> tuple[sqlite3.Connection, Path | None]:
    """Open and migrate the database. Also return where a damaged file was moved to; None if there was none.

    Raises:
        LocalFileError: The folder cannot be written, or the file is of a newer version of the app.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(path)
    except OSError as error:
        raise LocalFileError(
            f"The history cannot be kept in {path.parent}: {error.strerror}",
            "Nothing was sent. Give another folder with --data-dir.",
        ) from error
    try:
        return _connect(path), None
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise LocalFileError(
                f"The history {path} cannot be opened: {error}",
                "Nothing was sent. Fix this, or use another folder with --data-dir.",
            ) from error
        return _set_aside(path)
    except OSError as error:
        raise LocalFileError(
            f"The history {path} cannot be copied before it is changed: {error.strerror}",
            "Nothing was changed. Fix this, or use another folder with --data-dir.",
        ) from error


def _set_aside(path: Path) -> tuple[sqlite3.Connection, Path]:
    target = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    for suffix in (
        "-wal",
        "-shm",
        "",
    ):  # the file itself last: killed in between, it is still damaged at the next start
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(target.with_name(target.name + suffix))
    suspicion_marker(path).unlink(missing_ok=True)
    _make_private(path)
    return _connect(path), target


def suspicion_marker(path: Path) -> Path:
    """Return the path of the marker file that is there after SQLite met with damage while the history was in use.

    The next start then reads the whole history.
    """
    return path.with_name(f"{path.name}.suspect")


def _make_private(path: Path) -> None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(handle).st_mode & 0o077:
            with suppress(OSError):  # a file system without modes, or another person's file
                os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def _connect(path: Path) -> sqlite3.Connection:
    if suspicion_marker(path).exists():
        _check_integrity(path)
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")  # an intent must survive a power cut, not only a crash
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    connection.row_factory = sqlite3.Row
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log. SQLite's own patience does not cover this statement: of two first starts at
    once, one would be refused although there is nothing to wait for but the other's switch."""
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
        time.sleep(_ASKED_AGAIN_AFTER)


def _check_integrity(path: Path) -> None:
    """Read the whole file. Raises sqlite3.DatabaseError if it is damaged anywhere."""
    connection = sqlite3.connect(path, timeout=_PATIENCE)
    try:
        result = connection.execute("PRAGMA integrity_check(1)").fetchone()
    finally:
        connection.close()
    if result != ("ok",):
        raise sqlite3.DatabaseError(f"damaged: {result}")
    suspicion_marker(path).unlink()


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(_MIGRATIONS):
        raise LocalFileError(
            f"The history {path} was written by a newer version of tbatch-tui",
            "Nothing was changed. Update tbatch-tui, or give another folder with --data-dir.",
        )
    if version == len(_MIGRATIONS):
        return
    if version:
        _back_up(connection, path, version)
    # Another app may be migrating the same file: the lock is taken first, the version read again under it.
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
            for statement in script.split(";"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    copy = path.with_name(f"{path.name}.before-{version + 1}")
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
    target = sqlite3.connect(copy)
    try:
        connection.backup(target)
    finally:
        target.close()
