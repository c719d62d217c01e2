"""The lines of Compare: the sum, the matrix, and the pairs with what both sides answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.answers.columns import FieldType
from tbatch_tui.engine.answers.fields import FieldKind
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import QUIET
from tbatch_tui.tui.widgets.table.columns import Column
from tbatch_tui.tui.widgets.table.grid import GridRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.answers.compare import Comparison
    from tbatch_tui.engine.answers.fields import Field
    from tbatch_tui.engine.answers.statistics import LabelScore
    from tbatch_tui.engine.results import ResultIndex
    from tbatch_tui.tui.render.styled import StyledText

MATRIX_MAX = 100
"""Labels up to which there is a matrix on the screen."""
KINDS = ("differ", "same", "all", "only first", "only second")
"""Which pairs are listed, in the order of `f`."""
EMPTY = "(empty)"
SCORES = ("precision", "recall", "F1")


@dataclass(frozen=True, slots=True)
class PairLine:
    """One request, and what both sides say."""

    custom_id: str
    first: str
    second: str
    is_same: bool
    first_row: int | None
    second_row: int | None


class PairRows:
    """The pairs of a comparison that are listed; each is made when it is drawn."""

    def __init__(self, found: Comparison, kind: str, first: ResultIndex, second: ResultIndex | None) -> None:
        self._found = found
        self._first = first
        self._second = second if second is not None else first
        self._kind = kind
        self._places: Sequence[int] = ()
        match kind:
            case "differ":
                self._places = found.places()
            case "same":
                self._places = [
                    at for at, (a, b) in enumerate(zip(found.first_codes, found.second_codes, strict=True)) if a == b
                ]
            case "all":
                self._places = range(found.pairs)
            case "only first":
                self._places = found.only_first
            case _:
                self._places = found.only_second

    def __len__(self) -> int:
        return len(self._places)

    def row(self, index: int) -> PairLine:
        """Return the pair at a place of the list."""
        found, place = self._found, self._places[index]
        if self._kind == "only first":
            return PairLine(self._first.row(place).custom_id, "", fmt.MISSING, False, place, None)
        if self._kind == "only second":
            return PairLine(self._second.row(place).custom_id, fmt.MISSING, "", False, None, place)
        one, other = found.first_codes[place], found.second_codes[place]
        row = found.first_rows[place]
        labels = found.labels
        name = self._first.row(row).custom_id
        return PairLine(name, labels[one] or EMPTY, labels[other] or EMPTY, one == other, row, found.second_rows[place])

    def key(self, index: int) -> str:
        """Return the key of the pair at a place of the list."""
        return str(self._places[index])

    def find(self, key: str) -> int | None:
        """Return the place of a pair; the list is in order."""
        from bisect import bisect_left

        number = int(key)
        place = bisect_left(self._places, number)
        return place if place < len(self._places) and self._places[place] == number else None


def pair_columns(first: str, second: str) -> list[Column[PairLine]]:
    """Return the columns of the list of pairs."""
    return [
        Column(
            "id", "custom_id", render=lambda line: line.custom_id, min=8, max=24, priority=9, keep="middle", base=True
        ),
        Column("first", first, render=lambda line: line.first, min=10, max=40, priority=8, base=True),
        Column("second", second, render=lambda line: line.second, min=10, max=40, priority=7, base=True),
    ]


def _id(line: PairLine) -> str:
    return line.custom_id


def sum_text(found: Comparison) -> StyledText:
    """Return `label  1,980 pairs · 1,731 the same 87.4 % (85.9–88.8)`."""
    interval = found.interval
    share = ""
    if interval is not None:
        low, high = (f"{100 * edge:.1f}" for edge in interval)
        share = f"{found.same:,} the same {fmt.share(found.same, found.pairs)} ({low}–{high})"
    return [(f" {found.field}", "bold"), (f"  {fmt.join(f'{found.pairs:,} pairs', share)}", "")]


def more_text(found: Comparison) -> StyledText:
    """Return `κ 0.79 · 249 differ · 12 only in the first · 8 only in the second`."""
    kappa = f"κ {found.kappa:.2f}" if found.kappa is not None else f"κ {fmt.MISSING}"
    parts = [kappa, f"{found.differ:,} differ"]
    if found.type is FieldType.NUMBER:
        correlation = f"{found.correlation:.2f}" if found.correlation is not None else fmt.MISSING
        parts += [f"correlation {correlation}", f"mean difference {fmt.number(found.mean_difference)}"]
    first, second = ("without gold", "without an answer") if found.is_gold else ("only first", "only second")
    parts += [f"{len(found.only_first):,} {first}"] if found.only_first else []
    parts += [f"{len(found.only_second):,} {second}"] if found.only_second else []
    return [(f" {fmt.join(*parts)}", QUIET)]


def matrix_of(found: Comparison) -> tuple[list[str], list[GridRow]]:
    """Return the titles of the columns and the rows; nothing with too many labels.

    Against gold three columns stand before them, where a narrow terminal shows them too.
    """
    codes = found.ordered_labels
    if len(codes) > MATRIX_MAX:
        return [], []
    names = [" ".join(found.labels[code].split()) or EMPTY for code in codes]
    rows = []
    for at, code in enumerate(codes):
        cells = [f"{found.counts[code, other]:,}" for other in codes]
        scores = _score_cells(found.scores[at]) if found.is_gold else []
        rows.append(GridRow(str(code), names[at], (*scores, *cells), strong=len(scores) + at))
    return [*(SCORES if found.is_gold else ()), *names], rows


def what_it_is(field: Field) -> str:
    """Return what a field is, to be chosen by."""
    if field.kind is FieldKind.KEY:
        return "one of: " + ", ".join(field.allowed) if field.allowed else "field of the answers"
    return "the whole answer" if field.kind is FieldKind.ANSWER else "why the answer ended"


def _score_cells(score: LabelScore) -> list[str]:
    return [f"{value:.2f}" if value is not None else fmt.MISSING for value in (score.precision, score.recall, score.f1)]
