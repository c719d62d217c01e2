"""Indexes kept on disk beside the history, so that results that were read once open at once: one file a job.

What is kept is believed only while the files are what they were, and its checksum holds; else it is made anew. The
folder is bounded: what was not looked at for the longest time goes first.
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
from tbatch_tui.engine.local_files.file_stamp import FileStamp, read_stamp
from tbatch_tui.engine.local_files.filenames import safe_name
from tbatch_tui.engine.results.index.columns import Column, TextColumn
from tbatch_tui.engine.results.index.index import ResultIndex
from tbatch_tui.engine.results.index.join import ExtraRow, Join
from tbatch_tui.engine.results.outcomes import RowIssue
from tbatch_tui.engine.results.sources import Source, Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_MAGIC = b"tbatch-tui index 1\n"
"""With another number what was kept under other rules is made anew."""
_CHECKED, _LENGTH = 4, 8
_LIMIT = 512 << 20
"""Bytes of all that is kept."""
_ODDITIES = tuple(RowIssue)


class IndexCache:
    """The folder where indexes are kept. Nothing here raises: what cannot be kept is made anew."""

    def __init__(self, folder: Path, *, limit: int = _LIMIT) -> None:
        self._folder = folder
        self._limit = limit

    def path(self, job_id: str) -> Path:
        return self._folder / f"{safe_name(job_id, 100)}.index"

    def load(self, job_id: str, index: ResultIndex) -> bool:
        """Fill an index that is not built yet from what is kept; False when that is not of these files."""
        path = self.path(job_id)
        try:
            with path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    return False
                checked, data = file.read(_CHECKED), file.read()
            if int.from_bytes(checked, "little") != zlib.crc32(data):
                return False
            _fill(index, memoryview(data))
            os.utime(path)
        except (OSError, ValueError, TypeError, LookupError):
            return False
        return index.is_built

    def save(self, job_id: str, index: ResultIndex) -> None:
        """Keep an index that is built."""
        if index.absent:
            return
        parts = [*_spelled(index)]
        if sum(map(len, parts)) > self._limit // 4:
            return
        checked = 0
        for part in parts:
            checked = zlib.crc32(part, checked)
        with suppress(LocalFileError, OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic_write(self.path(job_id), replace=True, private=True) as file:
                file.write(_MAGIC + checked.to_bytes(_CHECKED, "little"))
                for part in parts:
                    file.write(part)
            self._trim()

    def _trim(self) -> None:
        """Let go of what was not looked at for the longest time."""
        kept = [(stat.st_mtime_ns, stat.st_size, path) for path in self._folder.iterdir() if (stat := path.stat())]
        over = sum(size for _, size, _ in kept) - self._limit
        for _, size, path in sorted(kept):
            if over <= 0:
                return
            path.unlink(missing_ok=True)
            over -= size


class CachedIndex(ResultIndex):
    """An index that is taken from the shelf, or built and put there."""

    def __init__(self, sources: Sources, shelf: IndexCache, job_id: str) -> None:
        super().__init__(sources)
        self._shelf = shelf
        self._job_id = job_id

    def build(
        self,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], object] = lambda done, total: None,
    ) -> RequestCounts:
        if self._shelf.load(self._job_id, self) and self.reconciliation is not None:
            return self.reconciliation
        found = super().build(cancelled=cancelled, progress=progress)
        self._shelf.save(self._job_id, self)
        return found


class _Head(msgspec.Struct):
    """What is not in columns, and how long the columns are."""

    machine: list[int | str]
    files: list[list[int] | None]
    sha256: str | None
    input_changed: bool
    sum: dict[str, int | bool]
    columns: list[int]


_MACHINE: list[int | str] = [sys.byteorder, *(array(code).itemsize for code in "HIiQd")]


def _spelled(index: ResultIndex) -> Iterator[bytes]:
    """An index as bytes: the length of the head, the head, the columns."""
    found = index.reconciliation
    assert found is not None
    columns = [bytes(column) for column in _columns(index.join, _Rest.of(index.join))]
    stamps = (index.stamps.get(source) for source in Source)
    head = _Head(
        machine=_MACHINE,
        files=[list(stamp) if stamp is not None else None for stamp in stamps],
        sha256=index.sources.input_sha256,
        input_changed=index.input_changed,
        sum=asdict(found),
        columns=[len(column) for column in columns],
    )
    head.sum["odd"] = head.sum.pop("unreadable")
    spelled = msgspec.json.encode(head)
    yield len(spelled).to_bytes(_LENGTH, "little") + spelled
    yield from columns


def _fill(index: ResultIndex, data: memoryview) -> None:
    """Raises ValueError where what is kept is not of these files, or was kept on another machine."""
    at = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    head = msgspec.json.decode(data[_LENGTH:at], type=_Head)
    stamps = {source: FileStamp(*stamp) for source, stamp in zip(Source, head.files, strict=True) if stamp is not None}
    if head.machine != _MACHINE or head.sha256 != index.sources.input_sha256 or stamps != _stamps(index.sources):
        raise ValueError("of other files, or of another machine")
    head.sum["unreadable"] = head.sum.pop("odd", 0)
    found = msgspec.convert(head.sum, RequestCounts)
    join, rest = Join(has_input=found.has_input), _Rest()
    for column, length in zip(_columns(join, rest), head.columns, strict=True):
        del column[:]
        if isinstance(column, bytearray):
            column += data[at : at + length]
        else:
            column.frombytes(data[at : at + length])
        at += length
    rest.give(join)
    index.restore(join, found, stamps, input_changed=head.input_changed)


class _Rest:
    """What a join holds that is no column, as columns."""

    def __init__(self) -> None:
        self.models = TextColumn()
        self.replies = array("I")
        self.oddities = bytearray()
        self.ids = TextColumn()

    @classmethod
    def of(cls, join: Join) -> Self:
        rest = cls()
        for model in join.replies.models:
            rest.models.append(model.encode("utf-8", "surrogatepass"))
        for extra in join.extras:
            rest.replies.append(extra.reply)
            rest.oddities.append(_ODDITIES.index(extra.issue))
            rest.ids.append(extra.custom_id.encode("utf-8", "surrogatepass"))
        return rest

    def give(self, join: Join) -> None:
        for number in range(len(self.models)):
            join.replies.models.number(_text(self.models, number))
        for number, reply in enumerate(self.replies):
            join.extras.append(ExtraRow(reply, _ODDITIES[self.oddities[number]], _text(self.ids, number)))

    def columns(self) -> list[Column]:
        return [*self.models.columns(), self.replies, self.oddities, *self.ids.columns()]


def _columns(join: Join, rest: _Rest) -> list[Column]:
    return [*join.requests.columns(), *join.replies.columns(), *rest.columns()]


def _text(texts: TextColumn, number: int) -> str:
    return texts[number].decode("utf-8", "surrogatepass")


def _stamps(sources: Sources) -> dict[Source, FileStamp]:
    """What the files are like now."""
    found: dict[Source, FileStamp] = {}
    for source in Source:
        path = sources.path(source)
        if path is not None and (stamp := read_stamp(path)) is not None:
            found[source] = stamp
    return found
