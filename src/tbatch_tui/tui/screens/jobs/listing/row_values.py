"""What a row of the list is sorted and searched by: a job, or a group of jobs as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.groups.group_record import GroupRecord
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.job import request_count
from tbatch_tui.tui.render.status import record_style

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Row: TypeAlias = JobRecord | GroupRecord
"""What has a line of its own in the list."""


def _took(record: JobRecord) -> float | None:
    job = record.job
    if job is None or job.completed_at is None or job.created_at is None:
        return None
    return job.completed_at - job.created_at


def _model(name: str | None) -> str | None:
    return fmt.short_model(name).lower() if name else None


_OF_JOB: Mapping[str, Callable[[JobRecord], Any]] = {
    "name": lambda record: record.name.lower(),
    "kind": lambda record: record.endpoint,
    "model": lambda record: _model(record.job.model if record.job is not None else None),
    "requests": request_count,
    "progress": lambda record: record.job.progress if record.job is not None else None,
    "took": _took,
}
_OF_GROUP: Mapping[str, Callable[[GroupRecord], Any]] = {
    "name": lambda group: group.name.lower(),
    "kind": lambda group: group.parts[0].endpoint,
    "model": lambda group: _model(group.model),
    "requests": lambda group: group.requests,
    "progress": lambda group: group.progress,
    "took": lambda group: group.finished_in(),
}
SORTABLE = frozenset(_OF_JOB)
"""The columns that the list can be sorted by; None, a value that is not known, stands last, whichever way round."""


def sort_value(column: str, row: Row) -> Any:
    """Return what a sort by a column compares."""
    return _OF_JOB[column](row) if isinstance(row, JobRecord) else _OF_GROUP[column](row)


def searchable_text(row: Row) -> str:
    """Return what a search searches, in lower case: of a group also what is searched in its parts."""
    if isinstance(row, GroupRecord):
        return "\n".join((row.name, row.key, *(searchable_text(part) for part in row.parts))).lower()
    model = row.job.model if row.job is not None else None
    parts = (row.name, row.key, row.status, row.note, row.input_name, model or "")
    return "\n".join((*parts, record_style(row).word)).lower()
