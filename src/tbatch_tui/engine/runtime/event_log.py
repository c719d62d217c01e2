"""The log in the data folder: what happened and when, never a request, an answer or a key.

A thread of its own writes it, and begins a new file at 1 MB. Nothing here is imported until the engine opens: the
first frame does not pay for it.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.engine.events import ConnectionChanged, Event, FileDeleted, Notice, RecordsChanged, ResultsDownloaded
from tbatch_tui.engine.redaction import redact
from tbatch_tui.text.escape import escape_for_file

if TYPE_CHECKING:
    from io import TextIOWrapper
    from logging.handlers import QueueListener

NAME = "tbatch-tui.log"
_SIZE, _OLD_FILES = 1_000_000, 3
"""Bytes of a log file at most, and how many old ones stay."""
_RECORDS_LISTED = 20
"""Up to so many records of one event are written one by one; of more, only their number."""
_FORMAT = "%(asctime)s %(process)d %(levelname)s %(message)s"


class EventLog:
    """Writes events and the warnings of libraries, from `open` to `close`. A log that fails disturbs nothing else."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._logger = logging.Logger("tbatch-tui", logging.INFO)
        self._listener: QueueListener | None = None
        self._last_health = ""

    def open(self) -> None:
        """Open the file. For a thread: it imports and touches the disk."""
        from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
        from queue import SimpleQueue

        class Redacting(QueueHandler):
            def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
                has_traceback = bool(record.exc_info)
                record = super().prepare(record)  # message and traceback as one text
                text = escape_for_file(redact(str(record.msg)))
                # A foreign text that is quoted in it must not look like a line of the log.
                record.msg = record.message = text.replace("\n", "\n    " if has_traceback else "\\n")
                return record

        class Private(RotatingFileHandler):
            def _open(self) -> TextIOWrapper:
                handle = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                return os.fdopen(handle, "a", encoding="utf-8", errors="replace")

            def emit(self, record: logging.LogRecord) -> None:
                try:
                    path = Path(self.baseFilename)
                    handle = self.stream.fileno() if self.stream is not None else None
                    if handle is None or not os.path.exists(path) or path.stat().st_ino != os.fstat(handle).st_ino:
                        # Another app on this folder has begun a new file, or a person removed this one.
                        self.close()
                        self.stream = self._open()
                    super().emit(record)
                except OSError:
                    pass

            def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
                """Drop the error: a full disk is reported elsewhere, and standard error is the screen."""

        try:
            file = Private(self._path, maxBytes=_SIZE, backupCount=_OLD_FILES, encoding="utf-8")
        except OSError:
            return
        file.setFormatter(logging.Formatter(_FORMAT))
        queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
        self._listener = QueueListener(queue, file)
        handler = Redacting(queue)
        handler.setLevel(logging.INFO)
        self._logger.addHandler(handler)
        others = Redacting(queue)
        others.setLevel(logging.WARNING)
        logging.getLogger().addHandler(others)
        self._handlers = (handler, others, file)
        self._listener.start()

    def close(self) -> None:
        """Write out what is pending, and close the file. For a thread."""
        if self._listener is None:
            return
        handler, others, file = self._handlers
        self._logger.removeHandler(handler)
        logging.getLogger().removeHandler(others)
        self._listener.stop()
        self._listener = None
        for each in (handler, others, file):
            each.close()

    def record(self, event: Event) -> None:
        """Write an event in one line, if it is worth one."""
        if self._listener is None:
            return
        match event:
            case Notice(title, hint, severity):
                level = {"error": logging.ERROR, "warning": logging.WARNING}.get(severity, logging.INFO)
                self._logger.log(level, "%s. %s", title, hint)
            case ConnectionChanged(health):
                text = f"connection: {health.state} {health.title}"
                if text != self._last_health:
                    self._last_health = text
                    self._logger.info("%s", text)
            case ResultsDownloaded(record):
                self._logger.info("%s: every result file is here", record.key)
            case FileDeleted(file_id, _, _, is_gone):
                self._logger.info("file %s %s on the server", file_id, "deleted" if is_gone else "not deleted")
            case RecordsChanged(changed, removed, renamed):
                for old, new in renamed:
                    self._logger.info("%s is job %s", old, new)
                for each in changed if len(changed) <= _RECORDS_LISTED else ():
                    files = " ".join(f"{t.kind}={t.state}" for t in each.transfers)
                    self._logger.info("%s: %s %s", each.key, each.status, files)
                if len(changed) > _RECORDS_LISTED or removed:
                    self._logger.info("%d records changed, %d left", len(changed), len(removed))
            case _:
                pass
