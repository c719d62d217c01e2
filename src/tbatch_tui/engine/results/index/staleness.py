"""Whether files have changed: since they were submitted or downloaded, and since the rows in them were counted.

The stored counts of a job are out of date by the sizes and times of its files when they were counted.
"""

from __future__ import annotations

import hashlib
import os
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from tbatch_tui.engine.results.sources import Source, Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from io import FileIO

    from tbatch_tui.engine.domain.counts import JobCounts
    from tbatch_tui.engine.local_files.file_slices import InputPlace
    from tbatch_tui.engine.local_files.file_stamp import FileStamp
    from tbatch_tui.engine.results.sources import Download

_PIECE = 1 << 20
"""Bytes of the input file that are hashed at a time."""
_RULES = "3"
"""Version of the counting. Counts of another version are made again, where the result files are still here."""
_NO_FILE = "-"
_CHANGED = "!"
"""Written before the stamp of an input file that is not the one that was submitted."""


def format_stamps(stamps: Mapping[Source, FileStamp], *, input_changed: bool, answer_schema: str = "") -> str:
    """Return the stamps of the files as text, to be stored with the counts.

    Args:
        stamps: By file, its size and time.
        input_changed: Whether the input file is not the one that was submitted.
        answer_schema: By which answers were judged, where their requests ask for nothing.
    """
    parts = [_format_stamp(stamps.get(source)) for source in Source]
    if input_changed:
        parts[Source.INPUT] = _CHANGED + parts[Source.INPUT]
    return " ".join((_rules(answer_schema), *parts))


def is_stale(counts: JobCounts, sources: Sources) -> bool:
    """Return whether the files of a job have to be counted again. Reads the sizes and times of the files.

    A file that is gone does not make counts stale, nor does an input file that changed after the count: they are
    still the counts of what the job was asked.
    """
    rules, *parts = counts.stamps.split(" ")
    if len(parts) != len(Source):
        return True
    if rules != _rules(sources.answer_schema):
        return all(os.path.exists(path) for path in (sources.output, sources.errors) if path is not None)
    for source, counted in zip(Source, parts, strict=True):
        stamp = sources.stamp(source)
        if stamp is None or (source is Source.INPUT and counted[:1] not in (_NO_FILE, _CHANGED)):
            continue
        if _format_stamp(stamp) != counted.removeprefix(_CHANGED):
            return True
    return False


def is_older_count(counts: JobCounts, stamps: str) -> bool:
    """Return whether counts are by other rules, and of the same output and error file as `stamps`."""
    if counts.stamps.split(" ")[0] == stamps.split(" ")[0]:
        return False
    return counts.stamps.split(" ")[1 + Source.OUTPUT :] == stamps.split(" ")[1 + Source.OUTPUT :]


def _rules(answer_schema: str) -> str:
    """Return the version of the counting, and which schema it went by."""
    return f"{_RULES}:{sha256(answer_schema.encode()).hexdigest()[:16]}" if answer_schema else _RULES


def _format_stamp(stamp: FileStamp | None) -> str:
    return f"{stamp.size}:{stamp.mtime_ns}" if stamp is not None else _NO_FILE


def stamp_if_changed(place: InputPlace, submitted: str, on_piece: Callable[[bytes], object]) -> FileStamp | None:
    """Return the stamp of an input file that can be read and is not the one that was submitted; else None.

    Args:
        place: Where its bytes are.
        submitted: The SHA-256 of the file that was submitted.
        on_piece: Called with each piece. It may raise, to stop.
    """
    hasher = hashlib.sha256()
    try:
        with place.open() as (file, stamp):
            while piece := file.read(_PIECE):
                on_piece(piece)
                hasher.update(piece)
    except OSError:
        return None  # whoever reads its lines names the reason
    return stamp if hasher.hexdigest() != submitted else None


def is_as_submitted(place: InputPlace, submitted: str) -> bool:
    """Return whether an input file can be read and is the one that was submitted. Arguments as above."""
    try:
        with place.open() as (file, _):
            return hashlib.file_digest(cast("FileIO", file), "sha256").hexdigest() == submitted
    except OSError:
        return False


class DownloadCheck:
    """Whether a result file is what was downloaded, found out while it is read.

    One that was last written before its download was over is: it need not be hashed.
    """

    def __init__(self, download: Download | None, stamp: FileStamp) -> None:
        self._download = download
        is_certain = download is None or download.is_surely(stamp)
        self._hasher = None if is_certain else hashlib.sha256()

    def wrap(self, on_piece: Callable[[bytes], object]) -> Callable[[bytes], object]:
        """Return what has to be called with each piece of the file, and calls `on_piece`."""
        if (hasher := self._hasher) is None:
            return on_piece

        def call(piece: bytes) -> None:
            on_piece(piece)
            hasher.update(piece)

        return call

    @property
    def has_changed(self) -> bool:
        """Whether it is another file, once it is read."""
        return (
            self._hasher is not None
            and self._download is not None
            and self._hasher.hexdigest() != self._download.sha256
        )
