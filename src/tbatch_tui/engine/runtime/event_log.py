"""The log in the data folder: what happened and when, never what was asked or answered, and no key.

Written by a thread of its own, turned over at 1 MB. Nothing here is imported until the engine starts: the first
frame does not pay for it.
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
_SIZE, _KEPT = 1_000_000, 3
_LISTED = 20
"""Records of one announcement that are written one by one; of more, their number."""
_FORMAT = "%(asctime)s %(process)d %(levelname)s %(message)s"


class EventLog:
    """Open from `open` to `close`; what is said before and after is not kept. A log that fails keeps nothing up."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._logger = logging.Logger("tbatch-tui", logging.INFO)
        self._listener: QueueListener | None = None
        self._said = ""

    def open(self) -> None:
        """Open the file, for a thread: it imports and touches the disk. Warnings of libraries go here too."""
        from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
        from queue import SimpleQueue

        class Redacting(QueueHandler):
            def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
                has_traceback = bool(record.exc_info)
                record = super().prepare(record)  # message and traceback as one text
                said = escape_for_file(redact(str(record.msg)))
                # What is quoted in it must not pass for a line of the log.
                record.msg = record.message = said.replace("\n", "\n    " if has_traceback else "\\n")
                return record

        class Private(RotatingFileHandler):
            def _open(self) -> TextIOWrapper:
                handle = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                return os.fdopen(handle, "a", encoding="utf-8", errors="replace")

            def emit(self, record: logging.LogRecord) -> None:
                try:
                    now = Path(self.baseFilename)
                    open_one = self.stream.fileno() if self.stream is not None else None
                    if open_one is None or not now.exists() or now.stat().st_ino != os.fstat(open_one).st_ino:
                        # Another app on this folder has turned it over, or a person removed it.
                        self.close()
                        self.stream = self._open()
                    super().emit(record)
                except OSError:
                    pass

            def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
                """A full disk is said elsewhere; standard error is the screen."""

        try:
            file = Private(self._path, maxBytes=_SIZE, backupCount=_KEPT, encoding="utf-8")
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
        """Write out what was said, for a thread."""
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
        """Write what the engine announced, in a line."""
        if self._listener is None:
            return
        match event:
            case Notice(title, hint, severity):
                level = {"error": logging.ERROR, "warning": logging.WARNING}.get(severity, logging.INFO)
                self._logger.log(level, "%s. %s", title, hint)
            case ConnectionChanged(health):
                said = f"connection: {health.state} {health.title}"
                if said != self._said:
                    self._said = said
                    self._logger.info("%s", said)
            case ResultsDownloaded(record):
                self._logger.info("%s: every result file is here", record.key)
            case FileDeleted(file_id, _, _, is_gone):
                self._logger.info("file %s %s on the server", file_id, "deleted" if is_gone else "not deleted")
            case RecordsChanged(changed, removed, renamed):
                for old, new in renamed:
                    self._logger.info("%s is job %s", old, new)
                for each in changed if len(changed) <= _LISTED else ():
                    files = " ".join(f"{t.kind}={t.state}" for t in each.transfers)
                    self._logger.info("%s: %s %s", each.key, each.status, files)
                if len(changed) > _LISTED or removed:
                    self._logger.info("%d records changed, %d left", len(changed), len(removed))
            case _:
                pass
