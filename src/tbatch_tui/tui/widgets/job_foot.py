"""The foot of the Jobs list: explains the row under the cursor, so that most questions need no other screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.widgets import Static

from tbatch_tui.engine.model import JobRecord
from tbatch_tui.tui.text import fit_pieces
from tbatch_tui.tui.widgets.job_words import Pieces, foot_lines

if TYPE_CHECKING:
    from tbatch_tui.engine.history import History

_SETTLED = 0.15
"""Seconds the cursor stays on a row before its history is read: none is read while one only passes by."""


class JobFoot(Static):
    """Three lines below the list; on a wide terminal a column beside it, with the steps of the job."""

    DEFAULT_CSS = """
    JobFoot { height: 4; padding: 0 2; border-top: solid $rule; color: $foreground; }
    """

    def __init__(
        self,
        *,
        history_of: Callable[[str], Awaitable[History]] | None = None,
        seen_at: Callable[[], float | None] = lambda: None,
        id: str | None = None,
    ) -> None:
        """`history_of` reads how a job has gone, by its key; `seen_at` is when the server's list last came."""
        super().__init__(id=id, markup=False)
        self._history_of = history_of
        self._seen_at = seen_at
        self._read: tuple[object, History] | None = None
        """The history that was read, and of what: key, status and progress."""
        self._asked: object = None

    def show(self, record: JobRecord | None, now: float) -> None:
        """Explain this record; nothing without one."""
        self.display = record is not None
        if record is None:
            return
        self._ask(record, now)
        history = self._read[1] if self._read is not None and self._read[0] == _state(record) else None
        lines = foot_lines(record, now)
        if history is not None and (pace := self._pace(record, history, now)):
            lines[1] = pace
        if self.screen.has_class("-wide"):
            from tbatch_tui.tui.widgets.job_steps import steps

            first, second, third = lines
            name, *facts = first
            told = [step.pieces(now, short=True) for step in (steps(record, now, history) if history else ())]
            told = told or [step.pieces(now, short=True) for step in steps(record, now)]
            blocks = [[name], facts_below(facts), [], second, [], *told, [], third]
            self.update(Content("\n").join(pieces_content(pieces) for pieces in blocks), layout=False)
        else:
            width = max(1, self.app.size.width - 4)
            fitted = (fit_pieces(pieces, width, fill="") for pieces in lines)
            self.update(Content("\n").join(pieces_content(pieces) for pieces in fitted), layout=False)

    def _pace(self, record: JobRecord, history: History, now: float) -> Pieces:
        # After the first frame: what a launch does not show it need not load.
        from tbatch_tui.tui.widgets.pace_words import foot_pieces, is_running

        return foot_pieces(record, history, self._seen_at(), now) if is_running(record) else []

    def _ask(self, record: JobRecord, now: float) -> None:
        """Read the history of a job that goes on, unless that was done for where it stands."""
        state = _state(record)
        if self._history_of is None or not record.is_active or record.job is None or state == self._asked:
            return
        self._asked = state
        self.set_timer(_SETTLED, lambda: self._read_history(record, now) if self._asked == state else None)

    @work(group="history", exclusive=True, exit_on_error=False)
    async def _read_history(self, record: JobRecord, now: float) -> None:
        assert self._history_of is not None
        state = _state(record)
        history = await self._history_of(record.key)
        self._read = (state, history)
        if self._asked == state:
            self.show(record, now)


def _state(record: JobRecord) -> object:
    return (record.key, record.status, record.job.progress if record.job is not None else None)


def facts_below(facts: Pieces) -> Pieces:
    """` · one · two` as a line each."""
    return [
        (text.removeprefix(" · ") + ("\n" if n < len(facts) - 1 else ""), style)
        for n, (text, style) in enumerate(facts)
    ]


def pieces_content(pieces: Pieces) -> Content:
    """Text with a style each as one Content. The text has passed the gate where the pieces were made."""
    return Content.assemble(*((text, style) if style else text for text, style in pieces))
