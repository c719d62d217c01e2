"""A folder: one row per file, in the order of their paths. Hidden files and folders are left out."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from tbatch_tui.engine.local_files.rights import rights_of
from tbatch_tui.engine.tables.readers.encoding import encoding_of
from tbatch_tui.engine.tables.readers.source import CELL_MAX, Cells, TableRows, TableSource, read_failed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tbatch_tui.engine.tables.problems import RowProblems


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
                text = self._decode(data, number, problems)
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

    def _decode(self, data: bytes, number: int, problems: RowProblems) -> str | None:
        if len(data) > CELL_MAX:
            problems.add(number, "text", f"the file has more than {CELL_MAX >> 20} MB")
            return None
        try:
            return data.decode(self._encoding)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            words = "UTF-8" if self.encoding is None else self.encoding
            hint = "; --encoding names another one" if self.encoding is None else ""
            problems.add(number, "text", f"line {line:,} of the file is not {words}{hint}")
            return None


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
