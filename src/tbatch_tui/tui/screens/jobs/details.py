"""The details below the Jobs list: they explain the row under the cursor, so that few need the Job screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.widgets import Static

from tbatch_tui.tui.render.job import details_lines
from tbatch_tui.tui.render.styled import one_per_line, styled_content
from tbatch_tui.tui.sanitize import fit_styled

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.groups.group_record import GroupRecord
    from tbatch_tui.engine.progress.history import JobHistory
    from tbatch_tui.tui.render.styled import StyledText

_CURSOR_REST = 0.15
"""Seconds that the cursor stays on a row before its history is read: none is read for rows that it passes."""
_REFRESH_INTERVAL = 20.0
"""Seconds between two updates of the times."""


WIDTH = 42
"""Cells of the column beside the list."""


class JobDetails(Static):
    """Three lines below the list; where that leaves every column whole, a column beside it with the job's timeline."""

    DEFAULT_CSS = """
    JobDetails { height: 4; padding: 0 2; border-top: solid $rule; color: $foreground; }
    """

    def __init__(self, engine: BatchEngine, *, id: str | None = None) -> None:
        """`engine` is asked for the history of the job."""
        super().__init__(id=id, markup=False)
        self._engine = engine
        self._history: tuple[str, JobHistory] | None = None
        """The history that was read last, with the key of its record."""
        self._requested_state: object = None
        """The state of the job whose history was asked for last."""
        self._record: JobRecord | None = None

    def on_mount(self) -> None:
        """Keep the times up to date."""
        self.set_interval(_REFRESH_INTERVAL, self.show_again)

    def show_again(self) -> None:
        """Update the times of a job that still runs, though nothing else of it has changed."""
        if self._record is not None and self._record.is_active and self.screen.is_current:
            self.show(self._record, self._engine.now())

    def show_group(self, group: GroupRecord, now: float, cost: str) -> None:
        """Explain a group, which cost so much so far."""
        from tbatch_tui.tui.render.group import group_details

        self._record, self.display = None, True
        is_wide = self.screen.has_class("-side")
        width = max(1, self.app.size.width - 4)
        lines = group_details(group, now, cost, is_wide=is_wide)
        if is_wide:
            blocks = [one_per_line(lines[0]), [], *lines[1:]]
            self.update(Content("\n").join(styled_content(pieces) for pieces in blocks), layout=False)
        else:
            fitted = (fit_styled(pieces, width, fill="") for pieces in lines)
            self.update(Content("\n").join(styled_content(pieces) for pieces in fitted), layout=False)

    def show(self, record: JobRecord | None, now: float) -> None:
        """Explain this record; hide without one."""
        self._record = record
        self.display = record is not None
        if record is None:
            return
        self._request_history(record)
        history = self._history[1] if self._history is not None and self._history[0] == record.key else None
        is_wide = self.screen.has_class("-side")
        width = max(1, self.app.size.width - 4)
        lines = details_lines(record, now, None if is_wide else width)
        if history is not None and (pace := self._pace(record, history, now)):
            lines[1] = pace
        if is_wide:
            from tbatch_tui.engine.progress.history import JobHistory
            from tbatch_tui.tui.render.timeline import timeline_steps

            first, second, third = lines
            name, *facts = first
            timeline = [
                step.styled_text(now, short=True) for step in timeline_steps(record, now, history or JobHistory())
            ]
            blocks = [[name], one_per_line(facts), [], second, [], *timeline, [], third]
            self.update(Content("\n").join(styled_content(pieces) for pieces in blocks), layout=False)
        else:
            fitted = (fit_styled(pieces, width, fill="") for pieces in lines)
            self.update(Content("\n").join(styled_content(pieces) for pieces in fitted), layout=False)

    def _pace(self, record: JobRecord, history: JobHistory, now: float) -> StyledText:
        # Imported when needed: a launch does not load what the first frame does not show.
        from tbatch_tui.tui.render.pace import format_pace, is_running

        return format_pace(record, history, self._engine.listed_at, now) if is_running(record) else []

    def _request_history(self, record: JobRecord) -> None:
        """Read the history of a job that still runs, unless that was done since its last change."""
        state = _state(record)
        if not record.is_active or record.job is None or state == self._requested_state:
            return
        self._requested_state = state
        self.set_timer(_CURSOR_REST, lambda: self._read_history(record) if self._requested_state == state else None)

    @work(group="history", exclusive=True, exit_on_error=False)
    async def _read_history(self, record: JobRecord) -> None:
        if self._engine.record(record.key) is None:
            self._requested_state = None  # the engine has not read the journal yet: try again once it has
            return
        self._history = (record.key, await self._engine.history(record.key))
        if self._record is not None and self._record.key == record.key:  # the cursor may have moved on
            self.show(self._record, self._engine.now())


def _state(record: JobRecord) -> object:
    """Return what has to change before the history is read again."""
    return (record.key, record.status, record.job.progress if record.job is not None else None)
