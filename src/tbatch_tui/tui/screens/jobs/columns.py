"""The rows and columns of the Jobs list, and what stands in a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import JobStatus
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.job import format_duration, format_transfer, name_cell, progress_cell, request_count
from tbatch_tui.tui.render.status import record_style
from tbatch_tui.tui.widgets.table.columns import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.events import TransferProgress
    from tbatch_tui.tui.render.styled import StyledText

_KINDS: dict[str, str] = {
    Endpoint.CHAT: "chat",
    Endpoint.TRANSCRIPTION: "transcribe",
    Endpoint.TRANSLATION: "translate",
}
_TOOK = 10
"""Cells of a time: `~18 m left`."""
_TELLING = 3.0
"""Percent of progress below which the pace says nothing of the end."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A row of the list: the record, and the bytes that move for it."""

    record: JobRecord
    moved: TransferProgress | None = None


class JobRows:
    """The rows that are shown, made when they are drawn: of 10,000 that is some forty."""

    def __init__(
        self, keys: list[str], records: Mapping[str, JobRecord], moved: Mapping[str, TransferProgress]
    ) -> None:
        self._keys = keys
        self._records = records
        self._moved = moved
        self._places: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def row(self, index: int) -> JobRow:
        key = self._keys[index]
        return JobRow(self._records[key], self._moved.get(key))

    def key(self, index: int) -> str:
        return self._keys[index]

    def find(self, key: str) -> int | None:
        if self._places is None:
            self._places = {key: index for index, key in enumerate(self._keys)}
        return self._places.get(key)


def job_columns(now: Callable[[], float], cost: Callable[[JobRecord], str]) -> list[Column[JobRow]]:
    """The columns of the Jobs list; those of low priority go first when it is narrow."""
    return [
        Column("status", "Status", render=_status_cell, width=14, priority=9, pinned=True),
        Column(
            "name",
            "Name",
            draw=lambda row, width: name_cell(row.record, width),
            weight=2,
            min=14,
            max=48,
            priority=8,
            pinned=True,
        ),
        Column("kind", "Kind", render=_kind_cell, width=10, priority=1, style="$status-quiet"),
        Column("model", "Model", render=_model_cell, weight=1, min=12, max=30, priority=3),
        Column(
            "requests",
            "Requests",
            render=lambda row: fmt.count(request_count(row.record)),
            width=8,
            align="right",
            priority=4,
        ),
        Column("progress", "Progress", draw=_progress_cell, weight=3, min=20, max=52, priority=7),
        Column(
            "took", "Took", render=lambda row: _time_cell(row.record, now()), width=_TOOK, align="right", priority=2
        ),
        Column("cost", "Cost", render=lambda row: cost(row.record), width=8, align="right", priority=2),
        Column(
            "age",
            "Submitted",
            render=lambda row: fmt.age(row.record.created_at, now()),
            width=10,
            align="right",
            priority=5,
        ),
    ]


def _kind_cell(row: JobRow) -> str:
    endpoint = row.record.endpoint or ""
    return _KINDS.get(endpoint, endpoint.rsplit("/", 1)[-1])


def _time_cell(record: JobRecord, now: float) -> str:
    """How long it took; while it runs `~18 m left`, or `~2 h 14 m`, as far as its pace until now tells that."""
    job = record.job
    if job is None or job.status != JobStatus.IN_PROGRESS or job.created_at is None or job.progress < _TELLING:
        return format_duration(record, now)
    left = max(0.0, now - job.created_at) * (100 - job.progress) / job.progress
    said = f"~{fmt.duration(left)} left" if job.progress < 100 else "ending"
    return said if len(said) <= _TOOK else said.removesuffix(" left")


def _status_cell(row: JobRow) -> StyledText:
    look = record_style(row.record)
    return [(f"{look.glyph} {look.word}", look.colour)]


def _model_cell(row: JobRow) -> str:
    return fmt.short_model(row.record.job.model if row.record.job is not None else None)


def _progress_cell(row: JobRow, width: int) -> StyledText:
    moved = row.moved
    if moved is None or not moved.total:
        return progress_cell(row.record, width)
    return format_transfer(moved, max(4, min(12, width - 22)))
