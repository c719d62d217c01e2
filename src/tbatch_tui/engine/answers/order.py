"""The order of the rows of an index by one of their columns, numbers as numbers. Equal rows stay in the file's order.

Nothing here holds the interpreter for long: rows are sorted in pieces that are merged, so that a screen goes on
meanwhile.
"""

from __future__ import annotations

import heapq
import math
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, overload

from tbatch_tui.engine.answers.columns import FieldType
from tbatch_tui.engine.answers.fields import find_fields
from tbatch_tui.engine.answers.table import read_table
from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.pricing.prices import cost
from tbatch_tui.engine.results.index.columns import UNKNOWN_COUNT
from tbatch_tui.engine.results.outcomes import Outcome
from tbatch_tui.engine.results.sources import Source, source_of_file
from tbatch_tui.engine.results.usage_totals import usage_of_row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from tbatch_tui.engine.answers.columns import ValueColumn
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.engine.results import ResultIndex

    Cancelled = Callable[[], bool]
    Progress = Callable[[int, int], object]

_PIECE = 2_000
"""Rows that are sorted at a time: a fraction of a millisecond each thousand."""
_IN_MEMORY = 200_000
"""Rows up to which texts that they are compared by are kept."""
_DIGITS = re.compile(r"[0-9]+")

LINE, ID, OUTCOME, TOKENS, PROMPT_TOKENS, SECONDS = "line", "custom_id", "outcome", "tokens", "prompt_tokens", "seconds"
COST, LENGTH, FINISH, FIELD = "cost", "length", "finish_reason", "field:"
"""`FIELD` and a name is a field of the JSON that the answers are."""
IN_MEMORY = frozenset({LINE, ID, OUTCOME, TOKENS, PROMPT_TOKENS, SECONDS})
"""The columns that an index has in memory."""


@dataclass(frozen=True, slots=True)
class RowOrder:
    """What rows are sorted by."""

    column: str = LINE
    descending: bool = False


class SortedRows:
    """All rows of an index in another order."""

    def __init__(self, rows: array[int]) -> None:
        """Number the places of the rows. Takes a while for millions of them."""
        self.rows = rows
        """The number of each row, in the order."""
        self.places = array("i", bytes(4 * len(rows)))
        """The place of each row, by its number."""
        for place, row in enumerate(rows):
            self.places[row] = place


FILE_ORDER = RowOrder()
"""The order of the input file, with what is in no sum at the end."""


def sort_rows(
    values: Sequence[Any], *, unknown: Any = None, descending: bool = False, cancelled: Cancelled = lambda: False
) -> array[int]:
    """Return the numbers of the rows in the order of their values. Rows whose value is unknown stand last.

    Raises OperationCancelledError when `cancelled()`.

    Args:
        values: For each row a value that can be compared with the others, or `unknown`.
        unknown: What stands for a value that is not known.
        descending: The greatest first.
        cancelled: Ends it early.
    """
    known, without = array("I"), array("I")
    pieces: list[array[int]] = []
    for first in range(0, len(values), _PIECE):
        if cancelled():
            raise OperationCancelledError("Sorting was stopped")
        rows = range(first, min(first + _PIECE, len(values)))
        compared = {row: value for row in rows if (value := values[row]) != unknown}
        without.extend([row for row in rows if row not in compared])
        pieces.append(array("I", sorted(compared, key=compared.__getitem__, reverse=descending)))
    for place, row in enumerate(heapq.merge(*pieces, key=values.__getitem__, reverse=descending)):
        if not place % _PIECE and cancelled():
            raise OperationCancelledError("Sorting was stopped")
        known.append(row)
    return known + without


def memory_values(index: ResultIndex, column: str) -> tuple[Sequence[Any], Any]:
    """Return what the rows are compared by in a column of `IN_MEMORY`, and the value of rows that have none."""
    if column == ID:
        return (_NaturalIds(index) if len(index) > _IN_MEMORY else [*_NaturalIds(index)]), ""
    responses, extras = index.responses, array("q", [extra.response for extra in index.extras])
    if column == LINE and index.has_input:
        return array("q", index.requests.locations.line) + array("q", [-1]) * len(extras), -1
    if column == LINE:
        return [index.row(row).line for row in range(len(index))], None
    if column == OUTCOME:
        codes = bytes(responses.outcome[:]) + bytes([Outcome.MISSING])  # where -1 leads to
        return bytes(map(codes.__getitem__, chain(index.requests.response, extras))), None
    stored: Mapping[str, Sequence[float]] = {
        TOKENS: responses.tokens,
        PROMPT_TOKENS: responses.prompt_tokens,
        SECONDS: responses.seconds,
    }
    known = array("d", [-1 if number == UNKNOWN_COUNT else max(number, -1) for number in stored[column]])
    known.append(-1)
    return array("d", map(known.__getitem__, chain(index.requests.response, extras))), -1


class _NaturalIds(Sequence[str]):
    """What the ids of all rows are compared by, made when it is asked for."""

    def __init__(self, index: ResultIndex) -> None:
        self._index = index
        self._requests = len(index.requests)

    def __len__(self) -> int:
        return len(self._index)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self[each] for each in range(len(self))[row]]
        index, extra = self._index, row - self._requests
        custom_id = index.extras[extra].custom_id if extra >= 0 else index.requests.custom_id(row)
        return natural_key(index.original_ids.get(custom_id, custom_id))


def request_ids(index: ResultIndex) -> Iterator[str]:
    """Yield the id of each request, as the list shows it."""
    ids = (custom_id.decode("utf-8", "surrogatepass") for custom_id in index.requests.ids)
    originals = index.original_ids
    yield from (originals.get(custom_id, custom_id) for custom_id in ids) if originals else ids


def column_values(column: ValueColumn, cancelled: Cancelled = lambda: False) -> list[Any]:
    """Return what the rows are compared by in a column of values: numbers as numbers, before what is none.

    Raises OperationCancelledError when `cancelled()`.
    """
    ranks: list[tuple[int, float, str]] = []
    is_number = column.type is FieldType.NUMBER
    for label, number in zip(
        column.labels, column.numbers if is_number else [math.nan] * len(column.labels), strict=True
    ):
        ranks.append((1, 0, natural_key(label)) if math.isnan(number) else (0, number, ""))
    places: dict[int, int] = {}
    place, last = 0, None
    for code in sort_rows(ranks, cancelled=cancelled):
        place, last = place + (ranks[code] != last), ranks[code]
        places[code] = place
    return [places.get(code) for code in column.codes]


def natural_key(text: str) -> str:
    """Return a text by which `row-2` comes before `row-10`, whatever the case of its letters."""
    return _DIGITS.sub(_padded, text.casefold())


def _padded(digits: re.Match[str]) -> str:
    bare = digits[0].lstrip("0")
    return f"{len(bare):04}{bare}"


def cost_values(index: ResultIndex, prices: PriceList, model: str | None) -> list[float | None]:
    """Return what each row costs, in dollars; None where that is not known.

    Args:
        index: The results.
        prices: Those in force.
        model: The job's, for rows that name none.
    """
    outputs = {file for file in index.files if source_of_file(file) is Source.OUTPUT}
    return [row_cost(index, row, prices, model, outputs) for row in range(len(index))]


def row_cost(
    index: ResultIndex, row: int, prices: PriceList, model: str | None, outputs: Collection[int] | None = None
) -> float | None:
    """Return what a row costs, in dollars; None where that is not known, or nothing is paid for.

    Args:
        index: The results.
        row: Its number.
        prices: Those in force.
        model: The job's, for rows that name none.
        outputs: The output files of the index, where they are known already.
    """
    usage = usage_of_row(index, row, outputs)
    return cost([usage], prices, model).usd if usage is not None else None


def read_columns(
    index: ResultIndex,
    names: Collection[str],
    *,
    cancelled: Cancelled = lambda: False,
    progress: Progress = lambda _done, _total: None,
) -> dict[str, ValueColumn]:
    """Return columns of values over all rows, by their names: `length`, `finish_reason`, and `field:NAME` of the JSON.

    A field that no answer has is left out. Raises LocalFileError, and OperationCancelledError when `cancelled()`.
    """
    if not names:
        return {}
    rows = range(len(index))
    fields = find_fields(index, rows, cancelled)
    kinds = {field.kind.value: field.name for field in fields.derived}
    known = {field.name for field in fields.own}
    wanted = {name: name.removeprefix(FIELD) if name.startswith(FIELD) else kinds.get(name, "") for name in names}
    wanted = {name: field for name, field in wanted.items() if field in known or not name.startswith(FIELD)}
    if not wanted:
        return {}
    columns = read_table(index, rows, [*wanted.values()], cancelled=cancelled, progress=progress).columns
    return {name: columns[field] for name, field in wanted.items()}
