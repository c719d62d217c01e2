"""Which columns the list of results has, and by which its rows are sorted: what the person chose, and the defaults."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.answers.order import (
    COST,
    FIELD,
    FILE_ORDER,
    FINISH,
    IN_MEMORY,
    LENGTH,
    LINE,
    PROMPT_TOKENS,
    SECONDS,
    TOKENS,
    RowOrder,
    SortedRows,
    column_values,
    cost_values,
    memory_values,
    read_columns,
    sort_rows,
)
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.screens.results.listing.columns import ANSWER, AUDIO_COLUMNS, CHAT_COLUMNS, TITLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tbatch_tui.engine.answers.columns import ValueColumn
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.engine.results import ResultIndex

_GREATEST_FIRST = frozenset({TOKENS, PROMPT_TOKENS, SECONDS, COST, LENGTH})
"""Columns whose greatest values one looks for."""
_READ = frozenset({LENGTH, FINISH, ANSWER})
"""Columns whose values are read from the answers, beside the fields of the JSON."""


class Arrangement:
    """The columns and the order of a list. Columns are called as in `TITLES`, and `field:NAME`."""

    def __init__(self, *, audio: bool = False) -> None:
        """Begin with the default columns, in the order of the file."""
        self.names: tuple[str, ...] = AUDIO_COLUMNS if audio else CHAT_COLUMNS
        self.order = FILE_ORDER
        self._is_audio = audio

    def set_audio(self) -> None:
        """Take the columns of recordings, unless others were chosen: that answers have a duration is seen late."""
        self._is_audio = True
        if self.names == CHAT_COLUMNS:
            self.names = AUDIO_COLUMNS

    @property
    def memory_name(self) -> str:
        """Under which the chosen columns are remembered."""
        return f"results.columns.{'audio' if self._is_audio else 'chat'}"

    @property
    def text(self) -> str:
        """`by Tokens, descending`; empty in the order of the file."""
        if self.order == FILE_ORDER:
            return ""
        return f"by {title_of(self.order.column)}{', descending' if self.order.descending else ''}"

    @property
    def memory(self) -> str:
        """The chosen columns, to be remembered."""
        return json.dumps(self.names)

    def recall(self, memory: str | None) -> bool:
        """Take the columns that were remembered; return whether there were any."""
        try:
            names: Any = json.loads(memory or "")
        except ValueError:
            return False
        if not isinstance(names, list):
            return False
        known = [name for name in names if name in TITLES or (isinstance(name, str) and name.startswith(FIELD))]
        self.names = tuple(known) or self.names
        return bool(known)

    def sort_by(self, column: str) -> None:
        """Sort by a column, or the other way round if the rows are sorted by it already."""
        if column == self.order.column:
            self.order = RowOrder(column, not self.order.descending)
        else:
            self.order = RowOrder(column, column in _GREATEST_FIRST)

    def next_sort(self, shown: Sequence[str]) -> None:
        """Sort by the column after the one that the rows are sorted by; after the last, in the order of the file."""
        columns = [name for name in dict.fromkeys((LINE, *shown)) if name in TITLES or name.startswith(FIELD)]
        place = columns.index(self.order.column) if self.order.column in columns else -1
        self.order = FILE_ORDER
        if place + 1 < len(columns):
            self.sort_by(columns[place + 1])

    def columns_to_read(self, searched: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the columns whose values have to be read from the answers."""
        wanted = (*self.names, *searched)
        shown = [name for name in wanted if name in _READ - {ANSWER} or name.startswith(FIELD)]
        sorted_by = self.order.column
        more = [sorted_by] if sorted_by in _READ or sorted_by.startswith(FIELD) else []
        return tuple(dict.fromkeys([*shown, *more]))


def title_of(column: str) -> str:
    """Return what a column is called on the screen."""
    return TITLES.get(column) or line(column.removeprefix(FIELD))


def arrange(
    index: ResultIndex,
    order: RowOrder,
    names: Sequence[str],
    known: Mapping[str, ValueColumn],
    prices: PriceList | None,
    model: str | None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> tuple[dict[str, ValueColumn], SortedRows | None]:
    """Return the values of columns and the order of the rows; None for that of the index. Run it in a thread.

    Raises LocalFileError, and OperationCancelledError when `cancelled()`.

    Args:
        index: The results, built.
        order: What the rows are sorted by.
        names: The columns whose values are read from the answers.
        known: Those that are read already.
        prices: Those in force, for the order by cost.
        model: The job's, for rows that name none.
        cancelled: Ends it early.
        progress: Called with the rows read and the rows in all.
    """
    missing = [name for name in names if name not in known]
    values = {name: known[name] for name in names if name in known}
    values |= read_columns(index, missing, cancelled=cancelled, progress=progress)
    if order == FILE_ORDER:
        return values, None
    compared: Sequence[Any] | None = None
    unknown: Any = None
    if order.column in IN_MEMORY:
        compared, unknown = memory_values(index, order.column)
    elif order.column == COST:
        compared = cost_values(index, prices, model) if prices is not None else None
    elif order.column in values:
        compared = column_values(values[order.column], cancelled)
    if compared is None:
        return values, None
    rows = sort_rows(compared, unknown=unknown, descending=order.descending, cancelled=cancelled)
    return values, SortedRows(rows)
