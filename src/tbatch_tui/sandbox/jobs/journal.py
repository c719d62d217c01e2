"""What survives a restart: every change of a file or a job as a line of `journal.jsonl`. The last line of each counts.

Appending costs the same however many jobs there are. A start reads all lines and writes the file again without the
outdated ones. A last line that a crash cut short is skipped.
"""

from __future__ import annotations

import os
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
    """The journal of one sandbox. Without a path nothing is stored."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def load(self) -> list[JournalEntry]:
        """Return the last state of each file and job, oldest first, and open the journal for writing."""
        if self._path is None:
            return []
        latest: dict[str, JournalEntry] = {}
        for entry in self._read_entries(self._path):
            latest[entry.id] = entry
        compacted = self._path.with_name(self._path.name + ".new")
        with compacted.open("wb") as file:
            file.writelines(_encode(entry) + b"\n" for entry in latest.values())
        compacted.replace(self._path)
        self._file = self._path.open("ab")
        return list(latest.values())

    def write(self, entry: JournalEntry) -> None:
        """Write a change at once: a sandbox can be killed at any time."""
        if self._file is not None:
            self._file.write(_encode(entry) + b"\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @staticmethod
    def _read_entries(path: Path) -> Iterator[JournalEntry]:
        if not os.path.exists(path):
            return
        with path.open("rb") as file:
            for line in file:
                try:
                    yield _decode(line)
                except msgspec.DecodeError:
                    continue  # cut short by a crash
