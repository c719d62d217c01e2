"""What result files were like when they were read, by size and time: tells whether they are others by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.local_files.file_stamp import FileStamp, read_stamp
from tbatch_tui.engine.results.sources import Source, Sources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tbatch_tui.engine.domain.counts import JobCounts

_RULES = "1"
"""Of counting: what was counted under other rules is counted again."""
_NONE, _NOT_ASKED = "-", "!"
"""No such file; and, before a stamp, an input file that is not the one that was submitted."""


def format_stamps(stamps: Mapping[Source, FileStamp], *, input_changed: bool) -> str:
    """As text, to be kept."""
    parts = [_spelled(stamps.get(source)) for source in Source]
    if input_changed:
        parts[Source.INPUT] = _NOT_ASKED + parts[Source.INPUT]
    return " ".join((_RULES, *parts))


def is_stale(tally: JobCounts, sources: Sources) -> bool:
    """Whether the files are to be counted again. Looks at the disk.

    A file that is gone, and an input file that was changed after it was counted, take nothing from what was counted.
    """
    rules, *parts = tally.stamps.split(" ")
    if rules != _RULES or len(parts) != len(Source):
        return True
    for source, then in zip(Source, parts, strict=True):
        path = sources.path(source)
        now = read_stamp(path) if path is not None else None
        if now is None or (source is Source.INPUT and then[:1] not in (_NONE, _NOT_ASKED)):
            continue
        if _spelled(now) != then.removeprefix(_NOT_ASKED):
            return True
    return False


def _spelled(stamp: FileStamp | None) -> str:
    return f"{stamp.size}:{stamp.mtime_ns}" if stamp is not None else _NONE
