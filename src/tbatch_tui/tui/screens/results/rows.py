"""The rows of the Results list: asked of the index line by line as they are drawn, however many there are."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from tbatch_tui.engine.results import Outcome, ResultIndex, Row
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.outcome import outcome_style
from tbatch_tui.tui.render.status import ATTENTION, FAILED, QUIET
from tbatch_tui.tui.widgets.table.columns import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.tui.render.styled import StyledText

MARKED = "marked"
"""What rows have in common that a person marked."""


class ResultRows:
    """All rows of an index, or those that were chosen. A row's key is its number."""

    def __init__(self, index: ResultIndex, chosen: Sequence[int] | None = None) -> None:
        self._index = index
        self._chosen = chosen
        self._count = len(index) if chosen is None else len(chosen)

    def __len__(self) -> int:
        return self._count

    def row(self, index: int) -> Row:
        return self._index.row(self.number(index))

    def key(self, index: int) -> str:
        return str(self.number(index))

    def find(self, key: str) -> int | None:
        """Where a row is shown; None when it is not."""
        number = int(key)
        if self._chosen is None:
            return number if number < self._count else None
        at = bisect_left(self._chosen, number)
        return at if at < self._count and self._chosen[at] == number else None

    def number(self, index: int) -> int:
        """The row of the index that is shown there."""
        return index if self._chosen is None else self._chosen[index]


def columns() -> list[Column[Row]]:
    """Line, custom_id, outcome, tokens, and the first words of the answer."""
    return [
        Column("line", "Line", render=lambda row: fmt.count(row.line), width=6, align="right", priority=2, style=QUIET),
        Column("custom_id", "custom_id", render=lambda row: row.custom_id, min=8, max=28, priority=8),
        Column("outcome", "Outcome", render=_outcome, width=12, priority=9),
        Column("tokens", "Tokens", render=_tokens, width=7, align="right", priority=1),
        Column("answer", "Answer", render=_answer, weight=4, min=14, priority=7),
    ]


def _outcome(row: Row) -> StyledText:
    look = outcome_style(row.outcome)
    return [(f"{look.glyph} {look.word}", look.colour)]


def _tokens(row: Row) -> str:
    """Tokens of the answer; of audio, how long it is."""
    return fmt.duration(row.seconds) if row.tokens is None else fmt.count(row.tokens)


def _answer(row: Row) -> StyledText:
    """The answer's first words; the message of an error stands where the answer would. `#2`: of the second job."""
    odd: StyledText = [(f"#{row.attempt}  ", QUIET)] if row.attempt is not None and row.attempt > 1 else []
    odd += [(f"{row.issue.value}  ", ATTENTION)] if row.issue is not None else []
    if row.outcome in (Outcome.ERROR, Outcome.UNREADABLE):
        return [*odd, (row.preview, FAILED)]
    if row.preview:
        return [*odd, (row.preview, "")]
    return [*odd, ("(empty)" if row.outcome in (Outcome.OK, Outcome.CUT_SHORT) else fmt.MISSING, QUIET)]
