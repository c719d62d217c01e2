"""The jobs that asked the requests of one input file, as one index: the original, its parts, and their retries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.results.index.index import ResultIndex
from tbatch_tui.engine.results.index.merged import MergedIndex, MergedMember
from tbatch_tui.engine.results.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    # Where each job asked a part of the file, the whole file comes first, as a member without results.
    sources = Sources(input=group.path, input_sha256=group.sha256) if group is not None else Sources()
    whole = [MergedMember("", group.path.name, ResultIndex(sources))] if group is not None else []
    jobs = [
        MergedMember(record.key, f"{record.name} ({record.key[:8]})", open_index(record), record.group is not None)
        for record in records
    ]
    return MergedIndex([*whole, *jobs])


def family_index(members: Sequence[FamilyMember], open_index: Callable[[JobRecord], ResultIndex]) -> ResultIndex | None:
    """Return an index, not built yet, over all that came back for an input file; None as `merged_index`.

    One job alone is read without its input file too, if that is gone.
    """
    records = family_with_results(members)
    if len(records) == 1 and group_of_family(members) is None:
        return open_index(records[0])
    return merged_index(members, open_index)
