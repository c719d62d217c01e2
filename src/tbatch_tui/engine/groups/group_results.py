"""The results of a job, or of all parts of a file, as one index over the files that are here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.groups.group_record import GroupRecord, group_records
from tbatch_tui.engine.results.index.family import sources_of_group
from tbatch_tui.engine.results.index.index import ResultIndex
from tbatch_tui.engine.results.index.merged import MergedIndex, MergedMember
from tbatch_tui.engine.results.sources import sources_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tbatch_tui.engine.domain.record import JobRecord


def results_of(target: JobRecord | GroupRecord) -> tuple[str, ResultIndex]:
    """Return the key and the results, not built yet. Of a group, all parts are to be here.

    Raises BatchError where they are not.
    """
    parts = target.parts if isinstance(target, GroupRecord) else (target,)
    lacking = [part for part in parts if not any(transfer.path for transfer in part.transfers)]
    if isinstance(target, GroupRecord) and len(target.parts) < target.group.parts and not lacking:
        raise BatchError(f"Parts of {target.name} are not in the history", "Use the id of one of the others.")
    if lacking:
        part = lacking[0]
        raise BatchError(f"The results of {part.name} are not here", f"tbatch-tui fetch {part.key} downloads them.")
    if not isinstance(target, GroupRecord):
        return target.key, ResultIndex(sources_of(target))
    group = target.group
    whole = MergedMember("", group.path.name, ResultIndex(sources_of_group(group, parts)))
    jobs = [
        MergedMember(part.key, part.name, ResultIndex(sources_of(part)), True, group.numbers_of(number))
        for number, part in enumerate(parts, start=1)
    ]
    return target.key, MergedIndex([whole, *jobs])


def results_by_key(records: Iterable[JobRecord], key: str) -> tuple[str, ResultIndex]:
    """Return the results of the job, or of the group, with this key. Raises BatchError."""
    every = list(records)
    target = next((each for each in (*every, *group_records(every)) if each.key == key), None)
    if target is None:
        raise BatchError(f"The job {key} is not in the history", "The answers that the table was made of are unknown.")
    return results_of(target)
