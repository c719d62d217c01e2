"""The rows and columns of the Jobs list, what stands in a cell, and what an empty list says."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.groups.group_record import GroupRecord
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import fill_keys, key_display
from tbatch_tui.tui.render.job import (
    format_duration,
    format_transfer,
    has_bar,
    name_cell,
    progress_cell,
    request_count,
    time_left,
)
from tbatch_tui.tui.render.status import record_style
from tbatch_tui.tui.sanitize import ELLIPSIS
from tbatch_tui.tui.widgets.table.columns import MEASURED, Column, Need, cells_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tbatch_tui.engine.domain.account import ConnectionHealth
    from tbatch_tui.engine.domain.record import JobRecord, Rank
    from tbatch_tui.engine.events import TransferProgress
    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.screens.jobs.listing.list_model import JobListModel

_BAR_WIDTH = 20
"""Cells that a running job needs: a bar of 14, and `100 %`."""
_PARTS_WIDTH = len(" · 17 of 24")
_FIRST_TEXT_WIDTH, _TEXT_WIDTH = 26, 40
"""Cells that an error or the like has before all columns are there, and then; the details show all of it."""
_SHORTER = len(" short")
"""Cells by which a sum of requests can be shortened without losing a number."""
_LOOKED_THROUGH = 4
"""How often rows are found by looking through the keys."""
UNKNOWN = "Asking for the list of jobs …"
"""Until the server's list came: nobody knows yet whether there are any."""
EMPTY = "No jobs yet.\n\nPress {jobs.new} to pick a file: it is checked line by line before anything is sent."
UNREACHED = (
    "No jobs in the history on this machine; the server's list is not known yet.\n\n"
    "{jobs.refresh} tries again; {jobs.new} picks a file: it is checked line by line before anything is sent."
)
NO_KEY = (
    "There is no API key yet.\n\n"
    "1  Get one: api.together.ai → Settings → API keys.\n"
    "2  Set it:  export TOGETHER_API_KEY=…  or run tg login\n"
    "3  Restart tbatch-tui.\n\n"
    "Without one, files can still be checked ({jobs.new}), and the demo shows everything on a private "
    "sandbox: press {jobs.try-demo} to try it, or run tbatch-tui --demo. Nothing leaves this machine."
)


class JobRow(NamedTuple):
    """A row of the list: a job, a group, or a part of a group that is open."""

    record: JobRecord
    """The job; of a group the part whose status tells most."""
    transfer: TransferProgress | None = None
    """Its upload or download, while one is in progress."""
    section: Rank | None = None
    """The section of the list that it is shown in."""
    group: GroupRecord | None = None
    """All parts, where the row is a group."""
    is_open: bool = False
    """Whether the parts of the group are shown below it."""
    is_below: bool = False
    """Whether it is a part that is shown below its group."""


class JobRows:
    """The rows that are shown. Each is made when it is drawn: of 10,000 that is some forty."""

    def __init__(self, keys: list[str], model: JobListModel, transfers: Mapping[str, TransferProgress]) -> None:
        """`keys` are the records of the model that are shown, in order; model and mapping may change while they are."""
        self._keys = keys
        self._model = model
        self._transfers = transfers
        self._indices: dict[str, int] | None = None
        """By key; made once it is asked for often: for the cursor alone, looking through the keys is quicker."""
        self._found = 0

    def __len__(self) -> int:
        return len(self._keys)

    def row(self, index: int) -> JobRow:
        """Return the row at an index."""
        key, model = self._keys[index], self._model
        row, section = model.rows.get(key), model.section_of(key)
        if isinstance(row, GroupRecord):
            return JobRow(row.most_telling, None, section, row, key in model.opened)
        return JobRow(model.records[key], self._transfers.get(key), section, is_below=row is None)

    def key(self, index: int) -> str:
        """Return the key of the row at an index."""
        return self._keys[index]

    def find(self, key: str) -> int | None:
        """Return the index of the row with this key; None if it is not shown."""
        if self._indices is None and self._found < _LOOKED_THROUGH:
            self._found += 1
            with suppress(ValueError):
                return self._keys.index(key)
            return None
        if self._indices is None:
            self._indices = {key: index for index, key in enumerate(self._keys)}
        return self._indices.get(key)


def job_columns(now: Callable[[], float], cost: Callable[[JobRecord | GroupRecord], str]) -> list[Column[JobRow]]:
    """Return the columns of the Jobs list; those of low priority are the first to go where it is narrow.

    Args:
        now: The clock, for times that are still running.
        cost: Returns the text of the Cost column.
    """
    return [
        Column("status", "Status", render=_status_cell, min=13, priority=9, base=True, pinned=True),
        Column(
            "name",
            "Name",
            draw=_name_cell,
            min=14,
            max=40,
            priority=8,
            keep="middle",
            base=True,
            pinned=True,
        ),
        Column("model", "Model", render=_model_cell, min=16, priority=3, keep="middle"),
        Column(
            "requests",
            "Requests",
            render=lambda row: fmt.count(row.group.requests if row.group else request_count(row.record)),
            align="right",
            priority=4,
        ),
        Column(
            "progress",
            "Progress",
            draw=_progress_cell,
            min=20,
            priority=7,
            base=True,
            measure=_progress_needed,
        ),
        Column("took", "Time", render=lambda row: _time_cell(row, now()), align="right", priority=2),
        Column("cost", "Cost", render=lambda row: cost(row.group or row.record), align="right", priority=2),
        Column(
            "age",
            "Created",
            render=lambda row: fmt.age((row.group or row.record).created_at, now()),
            align="right",
            priority=5,
        ),
    ]


def empty_text(model: JobListModel, health: ConnectionHealth) -> str:
    """Return what an empty list says: how to show what is hidden, or how to begin."""
    if model.records:
        kind = {"active": "active job", "attention": "job that needs attention", "done": "job that is done"}
        what = kind.get(model.filter, "job")
        what += f" matches “{model.text}”" if model.text else " is here now"
        hidden = f"all {len(model.records):,}" if len(model.records) > 1 else "the one there is"
        return f"No {what}.\n\nPress {key_display(keys.BACK)} to show {hidden} again."
    match health.state:
        case HealthState.NO_KEY:
            return fill_keys(NO_KEY)
        case HealthState.STARTING:
            return UNKNOWN
        case HealthState.OK:
            return fill_keys(EMPTY)
    return fill_keys(UNREACHED)


def _name_cell(row: JobRow, width: int) -> str:
    if row.group is None and not row.is_below:
        return name_cell(row.record, width)
    from tbatch_tui.tui.render.group import group_name_cell, part_name_cell  # most lists have no group

    if row.group is not None:
        return group_name_cell(row.group, width, is_open=row.is_open)
    return part_name_cell(row.record.part_words, width)


def _time_cell(row: JobRow, now: float) -> str:
    """Return how long a job took; while it runs `~18 m left`, if it goes on at its pace so far."""
    if row.group is not None:
        from tbatch_tui.tui.render.group import group_time_cell

        return group_time_cell(row.group, now)
    left = time_left(row.record, now)
    if left is None:
        return format_duration(row.record, now)
    return f"~{fmt.duration(left)} left" if left else "ending"


def _status_cell(row: JobRow) -> StyledText:
    look = record_style(row.record)
    return [(f"{look.glyph} {look.word}", look.colour)]


def _model_cell(row: JobRow) -> str:
    if row.group is not None:
        return fmt.short_model(row.group.model)
    return fmt.short_model(row.record.job.model if row.record.job is not None else None)


def _progress_cell(row: JobRow, width: int) -> StyledText:
    if row.group is not None:
        from tbatch_tui.tui.render.group import group_progress_cell

        return group_progress_cell(row.group, width)
    transfer = row.transfer
    if transfer is None or not transfer.total:
        return progress_cell(row.record, width)
    return format_transfer(transfer, max(4, min(12, width - 22)))


def _progress_needed(row: JobRow) -> Need:
    """Return what the progress of a job needs: a sum is never cut, a bar or an error may be."""
    if row.group is not None and row.group.is_active:
        return Need(_BAR_WIDTH + _PARTS_WIDTH, _BAR_WIDTH)
    if row.group is None and row.transfer is None and has_bar(row.record):
        return Need(_BAR_WIDTH, _BAR_WIDTH)
    whole = cells_of(_progress_cell(row, MEASURED))
    if row.group is not None and row.group.is_provisional:  # soon another text, and columns never shrink
        return Need(whole, min(whole, _FIRST_TEXT_WIDTH))
    has_sum = row.group.has_counts if row.group is not None else row.record.counts is not None
    if not has_sum or row.transfer is not None:
        return Need(min(whole, _TEXT_WIDTH), min(whole, _FIRST_TEXT_WIDTH))
    shorter = _progress_cell(row, whole - _SHORTER)
    return Need(whole, whole if any(ELLIPSIS in text for text, _ in shorter) else cells_of(shorter))
