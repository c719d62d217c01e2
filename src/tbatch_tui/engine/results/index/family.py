"""The jobs that asked the requests of one input file, as one index: the original, its parts, and their retries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import parse_slices
from tbatch_tui.engine.local_files.file_slices import CopiedSlice
from tbatch_tui.engine.results.index.index import ResultIndex
from tbatch_tui.engine.results.index.merged import MergedIndex, MergedMember
from tbatch_tui.engine.results.sources import Sources, sources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tbatch_tui.engine.domain.record import FamilyMember, JobRecord
    from tbatch_tui.engine.domain.submission import JobGroup


def group_of_family(members: Sequence[FamilyMember]) -> JobGroup | None:
    """Return the input file of a family, where it was submitted as several jobs."""
    return next((member.record.group for member in members if member.record.group is not None), None)


def family_with_results(members: Sequence[FamilyMember]) -> list[JobRecord]:
    """Return the records with files on this machine, the original first; none without the original's files."""
    records = [member.record for member in members if any(transfer.path for transfer in member.record.transfers)]
    has_original = bool(records) and (group_of_family(members) is not None or records[0].key == members[0].record.key)
    return records if has_original else []


def merged_index(members: Sequence[FamilyMember], open_index: Callable[[JobRecord], ResultIndex]) -> MergedIndex | None:
    """Return an index, not built yet, in which each request has its last good answer.

    None if the original's files are not on this machine.

    Args:
        members: The family, the original first.
        open_index: Returns the index over the files of one job.
    """
    records = family_with_results(members)
    if not records:
        return None
    group = group_of_family(members)
    if group is None:
        return MergedIndex([MergedMember(record.key, _name(record), open_index(record)) for record in records])
    # Each job asked a part of the file: that comes first, as a member without results. Parts without any follow too,
    # under no key: what they asked is known, and they have to be read again once they have some.
    every = [member.record for member in members if member.record.group is not None]
    every.sort(key=_part)
    whole = MergedMember("", group.path.name, ResultIndex(sources_of_group(group, every)))
    keys = {record.key for record in records}
    parts = []
    for record in every:
        numbers = group.numbers_of(_part(record))
        if record.key in keys:
            parts.append(MergedMember(record.key, _name(record), open_index(record), True, numbers))
        else:
            parts.append(MergedMember("", _name(record), ResultIndex(sources_of(record)), True, numbers))
    retries = [MergedMember(record.key, _name(record), open_index(record)) for record in records if not record.group]
    return MergedIndex([whole, *parts, *retries])


def _part(record: JobRecord) -> int:
    return record.submission.part or 0 if record.submission is not None else 0


def sources_of_group(group: JobGroup, parts: Iterable[JobRecord]) -> Sources:
    """Return the input file of a group. That of several files is its parts, and their slices of those files.

    Args:
        group: The group.
        parts: The records of its parts that are known, in any order.
    """
    slices: list[CopiedSlice] = []
    for part in parts:
        if (submission := part.submission) is None:
            continue
        offset = 0
        for each in parse_slices(submission.slices):
            slices.append(CopiedSlice(each, submission.path, offset))
            offset += each.size
    if all(each.slice.path == group.path for each in slices):
        return Sources(input=group.path, input_sha256=group.sha256)
    slices.sort(key=lambda each: each.slice.at)
    is_all = sum(each.slice.size for each in slices) == group.size  # else blank lines, or parts, are left out
    return Sources(input=group.path, input_sha256=group.sha256 if is_all else None, input_slices=tuple(slices))


def _name(record: JobRecord) -> str:
    return f"{record.name} ({record.key[:8]})"


def family_index(members: Sequence[FamilyMember], open_index: Callable[[JobRecord], ResultIndex]) -> ResultIndex | None:
    """Return an index, not built yet, over all that came back for an input file; None as `merged_index`.

    One job alone is read without its input file too, if that is gone.
    """
    records = family_with_results(members)
    if len(records) == 1 and group_of_family(members) is None:
        return open_index(records[0])
    return merged_index(members, open_index)
