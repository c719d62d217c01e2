"""Open the database: file modes, migrations, and what happens to a damaged file.

The migrations run in one transaction, after a copy of the file was made. A damaged file is moved aside.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.journal import migration_scripts

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 10.0
"""Seconds to wait for another app that has the history locked."""
_ASKED_AGAIN_AFTER = 0.02
"""Seconds between two tries of the statement that SQLite does not wait for by itself."""


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
        if os.path.exists(part):
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
    if os.path.exists(suspicion_marker(path)):
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
    if version > len(migration_scripts.MIGRATIONS):
        raise LocalFileError(
            f"The history {path} was written by a newer version of tbatch-tui",
            "Nothing was changed. Update tbatch-tui, or give another folder with --data-dir.",
        )
    if version == len(migration_scripts.MIGRATIONS):
        return
    if version:
        _back_up(connection, path, version)
    # Another app may be migrating the same file: the lock is taken first, the version read again under it.
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        for number, script in enumerate(migration_scripts.MIGRATIONS[version:], start=version + 1):
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
