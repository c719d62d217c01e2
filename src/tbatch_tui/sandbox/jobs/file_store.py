"""The file store: what the API returns of each file in memory, and each body on disk, named by the file's id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.sandbox.jobs.records import StoredFile
from tbatch_tui.sandbox.jobs.result_files import BodyWriter, WrittenBody
from tbatch_tui.sandbox.jobs.validation import BAD_LINES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tbatch_tui.sandbox.clock import Clock
    from tbatch_tui.sandbox.ids import Ids
    from tbatch_tui.sandbox.jobs.journal import SandboxJournal

MAX_BYTES = 100 * 2**20
"""Bytes that an input file may have: 100 MB (documentation), read as MiB."""


class FileStore:
    """All files of the sandbox."""

    def __init__(self, folder: Path, ids: Ids, clock: Clock, journal: SandboxJournal) -> None:
        self._folder = folder
        self._ids = ids
        self._clock = clock
        self._journal = journal
        self._files: dict[str, StoredFile] = {}
        self._by_checksum: dict[str, StoredFile] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def start_upload(self, filename: str, purpose: str, file_type: str, checksum: str | None) -> StoredFile:
        """Add an upload that is to come. The API shows it after `set_body`."""
        file = StoredFile(
            self._ids.file(self._files), filename, purpose, file_type, self._clock.now(), claimed=checksum
        )
        self._files[file.id] = file
        return file

    def add_result_file(self, file_id: str, filename: str, made_by: str, created_at: float) -> StoredFile:
        """Add a result file. The API shows it at once; its body is written when it is needed."""
        file = StoredFile(file_id, filename, "batch-api", "jsonl", created_at, ready=True, made_by=made_by)
        self._files[file.id] = file
        self._journal.write(file)
        return file

    def new_id(self) -> str:
        """Return an id for a file that is to be added."""
        return self._ids.file(self._files)

    def writer(self, file: StoredFile) -> BodyWriter:
        """Return a writer for the body of an upload."""
        return BodyWriter(self.body_path(file))

    def set_body(self, file: StoredFile, written: WrittenBody) -> None:
        """Record that the body of a file has been written."""
        file.size, file.sha256, file.lines = written.size, written.sha256, written.lines
        self._journal.write(file)

    def complete_upload(self, file: StoredFile) -> None:
        """Complete an upload: from now on uploading the same bytes again is a conflict."""
        file.ready = True
        if file.sha256 is not None:
            self._by_checksum.setdefault(file.sha256, file)
        self._journal.write(file)

    def set_refused(self, file_id: str, error: str | None) -> None:
        """Record why a job on a file failed in VALIDATING, if because of its lines: from then on its report has it."""
        file = self._files.get(file_id)
        if file is not None and error is not None and error.startswith(BAD_LINES):
            file.refused = error
            self._journal.write(file)

    def restore(self, file: StoredFile) -> None:
        """Add a file that the journal holds."""
        self._files[file.id] = file
        if file.made_by is None and file.ready and file.sha256 is not None and not file.deleted:
            self._by_checksum.setdefault(file.sha256, file)

    def find_by_checksum(self, checksum: str) -> StoredFile | None:
        """Return a completed upload with this SHA-256."""
        return self._by_checksum.get(checksum.lower())

    def find(self, file_id: str) -> StoredFile | None:
        """Return a file that the API shows."""
        file = self._files.get(file_id)
        return file if file is not None and file.is_shown else None

    def find_upload(self, file_id: str) -> StoredFile | None:
        """Return an upload that is not complete yet."""
        file = self._files.get(file_id)
        return file if file is not None and not file.ready else None

    def find_any(self, file_id: str) -> StoredFile | None:
        """Return a file, even if it was deleted or is not complete."""
        return self._files.get(file_id)

    def body_path(self, file: StoredFile) -> Path:
        """Return the path of a file's bytes."""
        return self._folder / file.id

    def delete(self, file: StoredFile) -> None:
        """Delete a file for clients. The body stays on disk: a job may have to read its input again."""
        file.deleted = True
        if file.sha256 is not None and self._by_checksum.get(file.sha256) is file:
            del self._by_checksum[file.sha256]
        self._journal.write(file)

    def __iter__(self) -> Iterator[StoredFile]:
        """Yield the files that the API shows, oldest first."""
        return (file for file in self._files.values() if file.is_shown)
