"""Whether the stored counts of a job are out of date, by the sizes and times of its files when they were counted."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from tbatch_tui.engine.local_files.file_stamp import FileStamp, read_stamp
from tbatch_tui.engine.results.sources import Source, Sources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tbatch_tui.engine.domain.counts import JobCounts

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
        return all(path.exists() for path in (sources.output, sources.errors) if path is not None)
    for source, counted in zip(Source, parts, strict=True):
        path = sources.path(source)
        stamp = read_stamp(path) if path is not None else None
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
