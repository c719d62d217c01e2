"""A cache of indexes on disk, one file for each job, so that results that were read once open at once.

A cached index is used only while the result files are unchanged and its checksum is right; otherwise it is built again.
The size of the folder is limited: the indexes that were not used for the longest time are deleted first.
"""

from __future__ import annotations

import os
import sys
import zlib
from array import array
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Self

import msgspec

from tbatch_tui.engine.domain.counts import RequestCounts
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.local_files.file_stamp import FileStamp
from tbatch_tui.engine.local_files.filenames import safe_name
from tbatch_tui.engine.local_files.rights import PRIVATE
from tbatch_tui.engine.results.index.columns import Column, TextColumn
from tbatch_tui.engine.results.index.index import ResultIndex
from tbatch_tui.engine.results.index.join import ExtraRow, Join
from tbatch_tui.engine.results.index.staleness import is_as_submitted
from tbatch_tui.engine.results.outcomes import RowIssue
from tbatch_tui.engine.results.sources import Source, Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_MAGIC = b"tbatch-tui index 3\n"
"""First bytes of each file. A new number makes every cached index be built again.

A change of the rules by which answers are classified or judged needs one: the outcomes are stored.
"""
_CRC_SIZE, _LENGTH_SIZE = 4, 8
"""Bytes of the checksum, and of the length of the header."""
_LIMIT = 1 << 30
"""Bytes of the whole folder: room for the parts of a large group."""
_ISSUES = tuple(RowIssue)
"""Issues are stored by their position here."""


class IndexCache:
    """A folder of stored indexes. Its methods do not raise: an index that cannot be stored or read is built again."""

    def __init__(self, folder: Path, *, limit: int = _LIMIT) -> None:
        self._folder = folder
        self._limit = limit

    def path(self, job_id: str) -> Path:
        """Return the file of a job's index."""
        return self._folder / f"{safe_name(job_id, 100)}.index"

    def load(self, job_id: str, index: ResultIndex) -> bool:
        """Restore an index from its file; return False if there is none, or the result files have changed since."""
        path = self.path(job_id)
        try:
            with path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    return False
                checksum, data = file.read(_CRC_SIZE), file.read()
            if int.from_bytes(checksum, "little") != zlib.crc32(data):
                return False
            stored = _restore(index, memoryview(data))
            os.utime(path)  # used now: `_trim` deletes by this time
            if index.file_stamps != stored:  # else its input file is hashed each time
                self.save(job_id, index)
        except (OSError, ValueError, TypeError, LookupError):
            return False
        return index.is_built

    def save(self, job_id: str, index: ResultIndex) -> None:
        """Store a built index, unless a file of it could not be read or it takes more than a quarter of the folder."""
        if index.read_errors:
            return
        parts = [*_encode(index)]
        if sum(map(len, parts)) > self._limit // 4:
            return
        checksum = 0
        for part in parts:
            checksum = zlib.crc32(part, checksum)
        with suppress(LocalFileError, OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic_write(self.path(job_id), replace=True, rights=PRIVATE) as file:
                file.write(_MAGIC + checksum.to_bytes(_CRC_SIZE, "little"))
                for part in parts:
                    file.write(part)
            self._trim()

    def _trim(self) -> None:
        """Delete the indexes that were not used for the longest time, until the folder is within its limit."""
        files = [(stat.st_mtime_ns, stat.st_size, path) for path in self._folder.iterdir() if (stat := path.stat())]
        excess = sum(size for _, size, _ in files) - self._limit
        for _, size, path in sorted(files):
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size


class CachedIndex(ResultIndex):
    """An index that is restored from a cache, or built and stored there."""

    def __init__(self, sources: Sources, cache: IndexCache, job_id: str) -> None:
        super().__init__(sources)
        self._cache = cache
        self._job_id = job_id

    def build(
        self,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], object] = lambda _done, _total: None,
    ) -> RequestCounts:
        """Restore the index from the cache, or read the files and store it. Raises OperationCancelledError."""
        if self._cache.load(self._job_id, self) and self.counts is not None:
            return self.counts
        counts = super().build(cancelled=cancelled, progress=progress)
        self._cache.save(self._job_id, self)
        return counts


class _Header(msgspec.Struct):
    """What is not in columns, and the length of each column in bytes."""

    machine: list[int | str]
    files: list[list[int] | None]
    sha256: str | None
    input_changed: bool
    changed_results: list[int]
    counts: dict[str, int | bool] = msgspec.field(name="sum")
    columns: list[int]
    answer_schema: str = ""


_MACHINE: list[int | str] = [sys.byteorder, *(array(code).itemsize for code in "HIiQd")]
"""Byte order and item sizes: arrays are stored as they are in memory, which another machine cannot read."""


def _encode(index: ResultIndex) -> Iterator[bytes]:
    """Yield an index as bytes: the length of the header, the header, the columns."""
    counts = index.counts
    assert counts is not None
    columns = [bytes(column) for column in _columns(index.join, _OtherColumns.of(index.join))]
    stamps = (index.file_stamps.get(source) for source in Source)
    header = _Header(
        machine=_MACHINE,
        files=[list(stamp) if stamp is not None else None for stamp in stamps],
        sha256=index.sources.input_sha256,
        input_changed=index.input_changed,
        changed_results=[*index.changed_results],
        counts=asdict(counts),
        columns=[len(column) for column in columns],
        answer_schema=index.sources.answer_schema,
    )
    encoded = msgspec.json.encode(header)
    yield len(encoded).to_bytes(_LENGTH_SIZE, "little") + encoded
    yield from columns


def _restore(index: ResultIndex, data: memoryview) -> dict[Source, FileStamp]:
    """Restore an index; return the stamps that were stored. Raises ValueError for other files or another machine."""
    at = _LENGTH_SIZE + int.from_bytes(data[:_LENGTH_SIZE], "little")
    header = msgspec.json.decode(data[_LENGTH_SIZE:at], type=_Header)
    stamps = {
        source: FileStamp(*stamp) for source, stamp in zip(Source, header.files, strict=True) if stamp is not None
    }
    is_same = header.machine == _MACHINE and header.answer_schema == index.sources.answer_schema
    present = _read_stamps(index.sources)
    if not is_same or header.sha256 != index.sources.input_sha256:
        raise ValueError("of another job, judged by another schema, or of another machine")
    if stamps != present and (header.input_changed or not _has_moved(index.sources, stamps, present)):
        raise ValueError("of other files")
    counts = msgspec.convert(header.counts, RequestCounts)
    join, others = Join(has_input=counts.has_input), _OtherColumns()
    for column, length in zip(_columns(join, others), header.columns, strict=True):
        del column[:]
        if isinstance(column, bytearray):
            column += data[at : at + length]
        else:
            column.frombytes(data[at : at + length])
        at += length
    others.add_to(join)
    changed = tuple(map(Source, header.changed_results))
    index.restore(join, counts, present, input_changed=header.input_changed, changed_results=changed)
    return stamps


def _has_moved(sources: Sources, stored: Mapping[Source, FileStamp], present: Mapping[Source, FileStamp]) -> bool:
    """Return whether only the input file is another one, which has the same bytes: its copy was removed since."""
    place, submitted = sources.place(Source.INPUT), sources.input_sha256
    if place is None or not place.slices or submitted is None or stored.keys() != present.keys():
        return False
    is_only_input = all(stored[source] == present[source] for source in stored if source is not Source.INPUT)
    return is_only_input and is_as_submitted(place, submitted)


class _OtherColumns:
    """What a join holds outside of columns (names of models, reasons, extra rows), as columns."""

    def __init__(self) -> None:
        self.model_names = TextColumn()
        self.reason_names = TextColumn()
        self.responses = array("I")
        self.issues = bytearray()
        self.ids = TextColumn()

    @classmethod
    def of(cls, join: Join) -> Self:
        others = cls()
        for model in join.responses.model_names:
            others.model_names.append(model.encode("utf-8", "surrogatepass"))
        for reason in join.responses.reason_names:
            others.reason_names.append(reason.encode("utf-8", "surrogatepass"))
        for extra in join.extras:
            others.responses.append(extra.response)
            others.issues.append(_ISSUES.index(extra.issue))
            others.ids.append(extra.custom_id.encode("utf-8", "surrogatepass"))
        return others

    def add_to(self, join: Join) -> None:
        for number in range(len(self.model_names)):
            join.responses.model_names.number(_text(self.model_names, number))
        for number in range(len(self.reason_names)):
            join.responses.reason_names.number(_text(self.reason_names, number))
        for number, response in enumerate(self.responses):
            join.extras.append(ExtraRow(response, _ISSUES[self.issues[number]], _text(self.ids, number)))

    def columns(self) -> list[Column]:
        names = (*self.model_names.columns(), *self.reason_names.columns())
        return [*names, self.responses, self.issues, *self.ids.columns()]


def _columns(join: Join, others: _OtherColumns) -> list[Column]:
    """Return all columns in the order in which they are stored."""
    return [*join.requests.columns(), *join.responses.columns(), *others.columns()]


def _text(texts: TextColumn, number: int) -> str:
    return texts[number].decode("utf-8", "surrogatepass")


def _read_stamps(sources: Sources) -> dict[Source, FileStamp]:
    """Return the present size and time of each file that exists."""
    stamps: dict[Source, FileStamp] = {}
    for source in Source:
        if (stamp := sources.stamp(source)) is not None:
            stamps[source] = stamp
    return stamps
