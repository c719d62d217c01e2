"""A folder: one row per file, in the order of their paths. Hidden files and folders are left out."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from tbatch_tui.engine.audio.limits import AUDIO_SUFFIXES, recording_fault
from tbatch_tui.engine.audio.object_store import SCHEME, Recording, object_address
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.rights import rights_of
from tbatch_tui.engine.tables.readers.encoding import encoding_of
from tbatch_tui.engine.tables.readers.source import CELL_MAX, Cells, TableRows, TableSource, file_hash, read_failed
from tbatch_tui.text.format import size as size_words
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from tbatch_tui.engine.tables.problems import RowProblems

RECORDINGS = "recordings"
"""The format of a folder of recordings, as a recipe has it."""


class FolderSource(TableSource):
    """The files of a folder and of the folders in it: path (relative, with slashes), name, text."""

    format = "folder"
    id_column = "path"

    def __init__(self, path: Path, *, encoding: str | None = None) -> None:
        super().__init__(path if path.name not in ("", "..") else path.resolve())
        self.columns = ("path", "name", "text")
        self.encoding = encoding
        self._encoding = encoding_of(b"", encoding)
        try:
            self._paths = sorted(_files(self.path))
        except OSError as error:
            raise read_failed(self.path, error) from error

    @property
    def base(self) -> Path:
        """The folder itself."""
        return self.path

    @property
    def stem(self) -> str:
        """The name of the folder, whole."""
        return self.path.name or "folder"

    @property
    def is_of_recordings(self) -> bool:
        """Whether most of its files are recordings, by their names."""
        return 2 * sum(name.lower().endswith(AUDIO_SUFFIXES) for name in self._paths) > len(self._paths)

    def rights(self) -> int:
        """Return the rights that the folder and all files have in common."""
        return rights_of(self.path, *(self.path / path for path in self._paths))

    def rows(self, needed: Collection[str], problems: RowProblems) -> TableRows:
        """Return a row for each file; the text only where it is needed."""
        return TableRows(self.columns, self._rows("text" in needed, problems))

    def _rows(self, has_text: bool, problems: RowProblems) -> Iterator[Cells]:
        digest = hashlib.sha256()
        for number, path in enumerate(self._paths, start=1):
            data = self._read(path, digest, has_text)
            name = os.fsencode(path).decode("utf-8", "replace")
            if name != path:
                problems.add(number, "path", "the name of the file is not UTF-8")
                yield ()
                continue
            text: str | None = ""
            if has_text:
                text = self._decode(data, number, path, problems)
            yield () if text is None else (path, path.rpartition("/")[2], text)
        self.sha256 = digest.hexdigest()

    def _read(self, path: str, digest: hashlib._Hash, is_kept: bool) -> bytes:
        """Hash a file with its name, and return its bytes where they are needed: a cell's worth, and some more."""
        kept = b""
        try:
            with (self.path / path).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                digest.update(os.fsencode(path) + b"\0%d\0" % size)
                while piece := file.read(1 << 20):
                    digest.update(piece)
                    if is_kept and len(kept) <= CELL_MAX:
                        kept += piece
        except OSError as error:
            raise read_failed(self.path / path, error) from error
        return kept

    def _decode(self, data: bytes, number: int, path: str, problems: RowProblems) -> str | None:
        if len(data) > CELL_MAX:
            problems.add(number, "text", f"{path} has more than {CELL_MAX >> 20} MB")
            return None
        try:
            return data.decode(self._encoding)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            words = "UTF-8" if self.encoding is None else self.encoding
            hint = "; --encoding names another one" if self.encoding is None else ""
            problems.add(number, "text", f"line {line:,} of {path} is not {words}{hint}")
            return None


class RecordingsSource(FolderSource):
    """The recordings of a folder: path, name, and the address that each has in a store. Other files are left out."""

    format = RECORDINGS

    def __init__(self, path: Path, store: str = "", *, is_read: bool = True, skips_empty: bool = False) -> None:
        """List the recordings. Raises LocalFileError.

        Args:
            path: The folder.
            store: `s3://bucket/prefix`; it does not matter where the requests are known already.
            is_read: False takes dots for the hashes of the recordings: to look at the requests before that is needed.
            skips_empty: Whether an empty file is a row without an address, not a problem.
        """
        self._is_read = is_read
        self._skips_empty = skips_empty
        super().__init__(path)
        self.columns = ("path", "name", "url")
        self._store = store or SCHEME
        self._paths = [name for name in self._paths if name.lower().endswith(AUDIO_SUFFIXES)]
        self._hashes: dict[str, tuple[tuple[int, int], str]] = {}

    @property
    def size(self) -> int:
        """Bytes of all recordings. Raises LocalFileError."""
        return sum(self._stamp(name)[0] for name in self._paths)

    @property
    def count(self) -> int:
        """How many recordings there are."""
        return len(self._paths)

    def recordings(
        self, problems: RowProblems, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[int, Recording]]:
        """Yield the recordings with the numbers of their rows; each is read. Those that cannot be sent are problems.

        Raises LocalFileError and OperationCancelledError.
        """
        for number, name in enumerate(self._paths, start=1):
            if cancelled():
                raise OperationCancelledError("Reading the recordings was stopped")
            size = self._stamp(name)[0]
            if os.fsencode(name).decode("utf-8", "replace") != name:
                problems.add(number, "path", "the name of the file is not UTF-8")
            elif not size and self._skips_empty:
                continue
            elif fault := recording_fault(self.path / name, size):
                problems.add(number, "path", f"{name}: {fault}")
            else:
                yield number, Recording(self.path / name, name, size, self._hash(name))

    def rows(self, needed: Collection[str], problems: RowProblems) -> TableRows:  # noqa: ARG002 - all are at hand
        """Return a row for each recording."""
        return TableRows(self.columns, self._recording_rows(problems))

    def _recording_rows(self, problems: RowProblems) -> Iterator[Cells]:
        digest, last = hashlib.sha256(), 0
        for number, one in self.recordings(problems):
            yield from map(self._without_recording, self._paths[last : number - 1])
            last = number
            digest.update(os.fsencode(one.name) + b"\0%d\0" % one.size + one.sha256.encode())
            address = object_address(self._store, one.name, one.sha256)
            yield (one.name, one.name.rpartition("/")[2], address)
        yield from map(self._without_recording, self._paths[last:])
        self.sha256 = digest.hexdigest()

    def _without_recording(self, name: str) -> Cells:
        """Return the row of a file that cannot be sent: nothing where that is a problem."""
        is_left_out = self._skips_empty and not self._stamp(name)[0]
        return (name, name.rpartition("/")[2], "") if is_left_out else ()

    def _stamp(self, name: str) -> tuple[int, int]:
        try:
            status = (self.path / name).stat()
        except OSError as error:
            raise read_failed(self.path / name, error) from error
        return status.st_size, status.st_mtime_ns

    def _hash(self, name: str) -> str:
        """Return the hash of a recording, which is read again only if it has changed."""
        if not self._is_read:
            return "·" * 64
        stamp = self._stamp(name)
        known = self._hashes.get(name)
        if known is None or known[0] != stamp:
            try:
                known = self._hashes[name] = stamp, file_hash(self.path / name)
            except OSError as error:
                raise read_failed(self.path / name, error) from error
        return known[1]


def recordings_in(
    source: FolderSource, store: str, *, is_read: bool = True, skips_empty: bool = False
) -> RecordingsSource:
    """Return a folder as the source of its recordings.

    Raises LocalFileError where it has none, or where there is no store that the server could fetch them from.

    Args:
        source: The folder.
        store: `s3://bucket/prefix`; empty for no such place.
        is_read: As `RecordingsSource` takes it.
        skips_empty: As `RecordingsSource` takes it.
    """
    recordings = RecordingsSource(source.path, store, is_read=is_read, skips_empty=skips_empty)
    if not recordings.count:
        raise LocalFileError(
            f"There are no recordings in {source.name}", f"Together takes {', '.join(AUDIO_SUFFIXES)}."
        )
    if not store:
        raise LocalFileError(
            f"Together fetches recordings from a public URL, and {source.name} has "
            f"{plural(recordings.count, 'local file')} ({size_words(recordings.size)})",
            'Set [audio] store = "s3://bucket/prefix" in config.toml to have them uploaded (needs the extra s3), or '
            "put them on a web server yourself and list their URLs.",
        )
    return recordings


def _files(folder: Path) -> Iterator[str]:
    """Yield the paths of the regular files, relative to the folder. Links to folders are not followed."""
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{prefix}{entry.name}/")
                elif entry.is_file():
                    yield prefix + entry.name
