"""What an ID on the command line means: a job, or all parts of a file as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.cli.exit_codes import NoSuchJobError
from tbatch_tui.engine.groups.group_record import GroupRecord, format_provisional, group_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.results.index.index import ResultIndex

_SHORTEST_ID_PREFIX = 4
"""Characters from which the beginning of an id stands for it."""


def find_target(records: Sequence[JobRecord], text: str) -> JobRecord | GroupRecord:
    """Return the job with this id, the beginning of it, label or name; or the group of this name.

    A group is meant by its name before its parts are, which have the same label. Raises NoSuchJobError if there is
    none, or several: a label may look like the beginning of another job's id.
    """
    groups = [
        each for each in group_records(records) if isinstance(each, GroupRecord) and text in (each.key, each.name)
    ]
    of_groups = {part.key for group in groups for part in group.parts}
    has_id = any(text == record.key for record in records)
    is_prefix = len(text) >= _SHORTEST_ID_PREFIX and not has_id  # a whole id is not the beginning of a longer one
    jobs = [
        record
        for record in records
        if text in (record.key, record.name)
        or (text == record.label and record.key not in of_groups)
        or (is_prefix and record.key.startswith(text))
    ]
    matches: list[JobRecord | GroupRecord] = [*groups, *jobs]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise NoSuchJobError(f"There is no job {text!r}", "tbatch-tui ls shows them.")
    ids = ", ".join(match.key for match in matches[:5])
    more = f" and {len(matches) - 5} more" if len(matches) > 5 else ""
    raise NoSuchJobError(f"{len(matches)} jobs are called {text!r}", f"Use the id of one: {ids}{more}.")


def find_targets(records: Sequence[JobRecord], texts: Sequence[str]) -> list[JobRecord | GroupRecord]:
    """Return what each text means, everything once. Raises NoSuchJobError."""
    return list({match.key: match for match in (find_target(records, text) for text in texts)}.values())


def jobs_of(targets: Iterable[JobRecord | GroupRecord]) -> list[JobRecord]:
    """Return the jobs, and of each group its parts, every job once."""
    found: dict[str, JobRecord] = {}
    for target in targets:
        for record in target.parts if isinstance(target, GroupRecord) else (target,):
            found[record.key] = record
    return list(found.values())


async def open_group(engine: BatchEngine, group: GroupRecord) -> ResultIndex | None:
    """Return the index over the results of all parts that are here, not built yet; None where none is.

    Retries are not in it.
    """
    from tbatch_tui.engine.results.index.family import merged_index

    members = await engine.family(group.parts[0].key)
    return merged_index([member for member in members if member.record.group is not None], engine.results)


def provisional_note(group: GroupRecord) -> str:
    """Return what is printed while results of parts are still to come; empty once all are here."""
    parts = format_provisional(group)
    return f"{group.name}: provisional, the results of {parts} are here." if parts else ""
