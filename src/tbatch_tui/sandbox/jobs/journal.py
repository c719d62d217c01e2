"""What outlives a restart: every change of a file or a job as a line of `journal.jsonl`, the last line counting.

Appending costs the same however many jobs there are; a start reads all lines and writes the file anew without the
outdated ones. A last line that a crash cut short is passed over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import msgspec

from tbatch_tui.sandbox.jobs.records import ClockTime, ServedJob, StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JournalEntry = StoredFile | ServedJob | ClockTime
_decode = msgspec.json.Decoder(JournalEntry).decode
_encode = msgspec.json.Encoder().encode


class SandboxJournal:
    """The changes of one sandbox; without a path, they are forgotten."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def load(self) -> list[JournalEntry]:
        """Everything as it was last, oldest first; from now on `note` adds to it."""
        if self._path is None:
            return []
        latest: dict[str, JournalEntry] = {}
        for record in self._read_entries(self._path):
            latest[record.id] = record
        anew = self._path.with_name(self._path.name + ".new")
        with anew.open("wb") as file:
            file.writelines(_encode(record) + b"\n" for record in latest.values())
        anew.replace(self._path)
        self._file = self._path.open("ab")
        return list(latest.values())

    def write(self, record: JournalEntry) -> None:
        """Keep a change, at once: a sandbox may be killed any time."""
        if self._file is not None:
            self._file.write(_encode(record) + b"\n")
            self._file.flush()

    def close(self) -> None:
        """Nothing more to note."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @staticmethod
    def _read_entries(path: Path) -> Iterator[JournalEntry]:
        if not path.exists():
            return
        with path.open("rb") as file:
            for line in file:
                try:
                    yield _decode(line)
                except msgspec.DecodeError:
                    continue  # cut short by a crash
