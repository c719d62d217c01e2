"""The file store: what the API tells of each file, in memory; each body on disk, under the file's id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.sandbox.jobs.records import StoredFile
from tbatch_tui.sandbox.jobs.result_files import BodyWriter, WrittenBody

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tbatch_tui.sandbox.clock import Clock
    from tbatch_tui.sandbox.ids import Ids
    from tbatch_tui.sandbox.jobs.journal import SandboxJournal

MAX_BYTES = 100 * 2**20
"""An input file's limit: 100 MB, read generously (documentation)."""


class FileStore:
    """Every file of the sandbox."""

    def __init__(self, folder: Path, ids: Ids, clock: Clock, journal: SandboxJournal) -> None:
        self._folder = folder
        self._ids = ids
        self._clock = clock
        self._journal = journal
        self._files: dict[str, StoredFile] = {}
        self._by_checksum: dict[str, StoredFile] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def start_upload(self, filename: str, purpose: str, file_type: str, checksum: str | None) -> StoredFile:
        """An upload to come: it has an id, but nobody sees it before `complete`."""
        file = StoredFile(
            self._ids.file(self._files), filename, purpose, file_type, self._clock.now(), claimed=checksum
        )
        self._files[file.id] = file
        return file

    def add_result_file(self, file_id: str, filename: str, made_by: str, created_at: float) -> StoredFile:
        """A result file: the API shows it at once, its body is written when it is needed."""
        file = StoredFile(file_id, filename, "batch-api", "jsonl", created_at, ready=True, made_by=made_by)
        self._files[file.id] = file
        self._journal.write(file)
        return file

    def new_id(self) -> str:
        """An id for a file that is yet to be promised."""
        return self._ids.file(self._files)

    def writer(self, file: StoredFile) -> BodyWriter:
        """Where the body of an upload goes."""
        return BodyWriter(self.body_path(file))

    def set_body(self, file: StoredFile, written: WrittenBody) -> None:
        """The body is there, whole."""
        file.size, file.sha256 = written.size, written.sha256
        if file.ready:
            self._journal.write(file)

    def complete_upload(self, file: StoredFile) -> None:
        """An upload is done: from now on the API shows it, and the same bytes again are a conflict."""
        file.ready = True
        if file.sha256 is not None:
            self._by_checksum.setdefault(file.sha256, file)
        self._journal.write(file)

    def restore(self, file: StoredFile) -> None:
        """A file as the journal has it."""
        self._files[file.id] = file
        if file.made_by is None and file.sha256 is not None and not file.deleted:
            self._by_checksum.setdefault(file.sha256, file)

    def find_by_checksum(self, checksum: str) -> StoredFile | None:
        """A finished upload of the same bytes."""
        return self._by_checksum.get(checksum.lower())

    def find(self, file_id: str) -> StoredFile | None:
        """A file that the API shows."""
        file = self._files.get(file_id)
        return file if file is not None and file.ready and not file.deleted else None

    def find_upload(self, file_id: str) -> StoredFile | None:
        """An upload that is not complete yet."""
        file = self._files.get(file_id)
        return file if file is not None and not file.ready else None

    def find_any(self, file_id: str) -> StoredFile | None:
        """A file, also one that was deleted."""
        return self._files.get(file_id)

    def body_path(self, file: StoredFile) -> Path:
        """Where the bytes are."""
        return self._folder / file.id

    def delete(self, file: StoredFile) -> None:
        """Make a file unknown. A body stays on disk: a job may yet have to read its input again."""
        file.deleted = True
        if file.sha256 is not None and self._by_checksum.get(file.sha256) is file:
            del self._by_checksum[file.sha256]
        self._journal.write(file)

    def __iter__(self) -> Iterator[StoredFile]:
        """Every file that the API shows, oldest first."""
        return (file for file in self._files.values() if file.ready and not file.deleted)
