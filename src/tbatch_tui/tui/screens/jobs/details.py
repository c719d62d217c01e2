"""The foot of the Jobs list: explains the row under the cursor, so that most questions need no other screen."""

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
    from tbatch_tui.engine.progress.history import JobHistory
    from tbatch_tui.tui.render.styled import StyledText

_SETTLED = 0.15
"""Seconds the cursor stays on a row before its history is read: none is read while one only passes by."""


_AGAIN = 20.0
"""Seconds between two looks at the clock."""


class JobDetails(Static):
    """Three lines below the list; on a wide terminal a column beside it, with the steps of the job."""

    DEFAULT_CSS = """
    JobDetails { height: 4; padding: 0 2; border-top: solid $rule; color: $foreground; }
    """

    def __init__(self, engine: BatchEngine, *, id: str | None = None) -> None:
        """`engine` is asked how the job has gone."""
        super().__init__(id=id, markup=False)
        self._engine = engine
        self._read: tuple[str, JobHistory] | None = None
        """The key of the job whose history was read last, and that."""
        self._asked: object = None
        """Where the job stood whose history was asked for last."""
        self._record: JobRecord | None = None

    def on_mount(self) -> None:
        self.set_interval(_AGAIN, self.show_again)

    def show_again(self) -> None:
        """A job that changes nothing grows older all the same."""
        if self._record is not None and self._record.is_active and self.screen.is_current:
            self.show(self._record, self._engine.now())

    def show(self, record: JobRecord | None, now: float) -> None:
        """Explain this record; nothing without one."""
        self._record = record
        self.display = record is not None
        if record is None:
            return
        self._ask(record)
        history = self._read[1] if self._read is not None and self._read[0] == record.key else None
        is_wide = self.screen.has_class("-wide")
        width = max(1, self.app.size.width - 4)
        lines = details_lines(record, now, None if is_wide else width)
        if history is not None and (pace := self._pace(record, history, now)):
            lines[1] = pace
        if is_wide:
            from tbatch_tui.engine.progress.history import JobHistory
            from tbatch_tui.tui.render.timeline import timeline_steps

            first, second, third = lines
            name, *facts = first
            told = [step.styled_text(now, short=True) for step in timeline_steps(record, now, history or JobHistory())]
            blocks = [[name], one_per_line(facts), [], second, [], *told, [], third]
            self.update(Content("\n").join(styled_content(pieces) for pieces in blocks), layout=False)
        else:
            fitted = (fit_styled(pieces, width, fill="") for pieces in lines)
            self.update(Content("\n").join(styled_content(pieces) for pieces in fitted), layout=False)

    def _pace(self, record: JobRecord, history: JobHistory, now: float) -> StyledText:
        # After the first frame: what a launch does not show it need not load.
        from tbatch_tui.tui.render.pace import format_pace, is_running

        return format_pace(record, history, self._engine.listed_at, now) if is_running(record) else []

    def _ask(self, record: JobRecord) -> None:
        """Read the history of a job that goes on, unless that was done for where it stands."""
        state = _state(record)
        if not record.is_active or record.job is None or state == self._asked:
            return
        self._asked = state
        self.set_timer(_SETTLED, lambda: self._read_history(record) if self._asked == state else None)

    @work(group="history", exclusive=True, exit_on_error=False)
    async def _read_history(self, record: JobRecord) -> None:
        if self._engine.record(record.key) is None:
            self._asked = None  # the engine has not read its history yet: asked again once it has
            return
        self._read = (record.key, await self._engine.history(record.key))
        if self._record is not None and self._record.key == record.key:  # the cursor may have gone on
            self.show(self._record, self._engine.now())


def _state(record: JobRecord) -> object:
    return (record.key, record.status, record.job.progress if record.job is not None else None)
