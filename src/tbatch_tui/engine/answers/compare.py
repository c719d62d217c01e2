"""Where two sets of answers to the same requests agree, and where they differ.

    comparison = compare(read_table(first), read_table(second))
    print(comparison.same, comparison.agreement, comparison.kappa)

The second set can be a gold column instead: what a person says that each answer should be.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.answers.columns import FieldType, as_float, number_label, value_text
from tbatch_tui.engine.answers.fields import Field, FieldKind, NoSuchFieldError, find_fields
from tbatch_tui.engine.answers.reading import json_object, read_answers
from tbatch_tui.engine.answers.statistics import LabelScore, kappa, pearson, wilson
from tbatch_tui.engine.results.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tbatch_tui.engine.answers.reading import Answer
    from tbatch_tui.engine.results.index.index import ResultIndex

LABELS_MAX = 1_000
"""Distinct values up to which there is a matrix."""
_LONGEST = 200
_OK = (Outcome.OK,)


@dataclass(frozen=True)
class Comparison:
    """Two sets of answers to the same requests, by one field.

    White space is folded before texts are compared; numbers are compared as numbers.
    """

    field: str
    type: FieldType
    is_gold: bool
    """Whether the second set is a gold column."""
    labels: Sequence[str]
    """The distinct values; long ones end in `…`."""
    first_rows: array[int]
    """For each pair the number of its row in the first index."""
    second_rows: array[int]
    """The same in the second index; of a gold column equal to `first_rows`."""
    first_codes: array[int]
    """For each pair the number of its value in `labels`."""
    second_codes: array[int]
    only_first: array[int]
    """The rows of the first index that are ok there alone."""
    only_second: array[int]
    """The rows of the second index that are ok there alone; of a gold column, rows of the first."""

    @property
    def pairs(self) -> int:
        """How many requests are ok in both."""
        return len(self.first_codes)

    @cached_property
    def counts(self) -> Counter[tuple[int, int]]:
        """How many pairs have each two values, by their numbers in `labels`."""
        return Counter(zip(self.first_codes, self.second_codes, strict=True))

    @cached_property
    def same(self) -> int:
        """How many pairs have equal values."""
        return sum(count for (first, second), count in self.counts.items() if first == second)

    @property
    def differ(self) -> int:
        """How many pairs have different values."""
        return self.pairs - self.same

    @property
    def agreement(self) -> float | None:
        """The share of the pairs that have equal values; None without pairs."""
        return self.same / self.pairs if self.pairs else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The Wilson interval of the agreement, at 95 %."""
        return wilson(self.same, self.pairs)

    @cached_property
    def kappa(self) -> float | None:
        """Cohen's κ."""
        return kappa(self.counts)

    @cached_property
    def matrix(self) -> dict[str, dict[str, int]] | None:
        """How many pairs have each two values, the first's outside; None with over `LABELS_MAX` values."""
        if len(self.labels) > LABELS_MAX:
            return None
        found: dict[str, dict[str, int]] = {}
        for first, second in sorted(self.counts, key=lambda pair: (self.labels[pair[0]], self.labels[pair[1]])):
            row, label = found.setdefault(self.labels[first], {}), self.labels[second]
            row[label] = row.get(label, 0) + self.counts[first, second]  # long labels may begin alike
        return found

    @cached_property
    def ordered_labels(self) -> list[int]:
        """The numbers of the labels as a matrix shows them: numbers in order, else the most frequent first."""
        uses: Counter[int] = Counter(self.first_codes) + Counter(self.second_codes)
        if self.type is FieldType.NUMBER:
            numbers = [as_float(label) for label in self.labels]
            return sorted(uses, key=lambda code: (math.isnan(numbers[code]), numbers[code], self.labels[code]))
        return sorted(uses, key=lambda code: (-uses[code], self.labels[code]))

    @cached_property
    def scores(self) -> list[LabelScore]:
        """How well each label of the second set was found, in the order of `ordered_labels`."""
        answered, support = Counter(self.first_codes), Counter(self.second_codes)
        return [
            LabelScore(self.labels[code], support[code], answered[code], self.counts[code, code])
            for code in self.ordered_labels
        ]

    @cached_property
    def _number_pairs(self) -> list[tuple[float, float]]:
        if self.type is not FieldType.NUMBER:
            return []
        numbers = [as_float(label) for label in self.labels]
        pairs = ((numbers[a], numbers[b]) for a, b in zip(self.first_codes, self.second_codes, strict=True))
        return [pair for pair in pairs if not (math.isnan(pair[0]) or math.isnan(pair[1]))]

    @cached_property
    def correlation(self) -> float | None:
        """Pearson's correlation of numbers; None for texts, and where it is undefined."""
        return pearson(self._number_pairs)

    @cached_property
    def mean_difference(self) -> float | None:
        """The mean of first minus second; None for texts, and without pairs of numbers."""
        pairs = self._number_pairs
        return math.fsum((first - second) / len(pairs) for first, second in pairs) if pairs else None

    def places(self, first: int | None = None, second: int | None = None) -> list[int]:
        """Return the pairs with these values, by their numbers in `labels`; without any, those that differ."""
        codes = enumerate(zip(self.first_codes, self.second_codes, strict=True))
        if first is None and second is None:
            return [at for at, (a, b) in codes if a != b]
        return [at for at, (a, b) in codes if first in (None, a) and second in (None, b)]


@dataclass(frozen=True)
class Side:
    """One set of values, by request."""

    field: Field
    rows: Sequence[int]
    """The rows of the index that are ok."""
    texts: Sequence[str]
    """Their values with white space folded; of a long one the beginning and its hash."""

    @property
    def is_number(self) -> bool:
        """Whether nearly all values are numbers."""
        if self.field.type is not None:
            return self.field.type is FieldType.NUMBER
        there = [text for text in self.texts if text]
        return bool(there) and sum(not math.isnan(as_float(text)) for text in there) >= 0.9 * len(there)


def compare(
    first: ResultIndex,
    second: ResultIndex,
    name: str | None = None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Compare the answers of two built indexes, request by request. Reads both: run it in a thread.

    Raises NoSuchFieldError, LocalFileError, and OperationCancelledError when `cancelled()`.

    Args:
        first: The results of a job.
        second: Those of another, or of a retry.
        name: The field; None: the first that is one of a few values, else the first of all.
        cancelled: Ends it early.
    """
    one = _read_side(first, name, cancelled)
    other = _read_side(second, one.field.name, cancelled)
    by_id: dict[str, int] = {}
    for at, row in enumerate(other.rows):
        by_id.setdefault(_id(second, row), at)
    places: list[tuple[int, int]] = []
    only_first = array("I")
    for at, row in enumerate(one.rows):
        found = by_id.pop(_id(first, row), None)
        if found is None:
            only_first.append(row)
        else:
            places.append((at, found))
    only_second = array("I", sorted(other.rows[at] for at in by_id.values()))
    return _paired(one, other, places, only_first, only_second, is_gold=False)


def compare_with_gold(
    index: ResultIndex,
    gold: Mapping[int, Any],
    name: str | None = None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Compare the answers of a built index with what they should be. Raises as `compare`.

    Args:
        index: The results of a job.
        gold: The cell of the gold column by the number of the request; requests that are not there have none.
        name: The field, as for `compare`.
        cancelled: Ends it early.
    """
    one = _read_side(index, name, cancelled)
    rows = sorted(row for row, cell in gold.items() if fold(value_text(cell)))
    column = one.field if one.field.type is FieldType.NUMBER else Field(one.field.name, FieldKind.KEY)
    other = Side(column, rows, [_short(fold(value_text(gold[row]))) for row in rows])
    at_row = {row: at for at, row in enumerate(rows)}
    places = [(at, at_row.pop(row)) for at, row in enumerate(one.rows) if row in at_row]
    only_first = array("I", [row for row in one.rows if not fold(value_text(gold.get(row)))])
    return _paired(one, other, places, only_first, array("I", sorted(at_row)), is_gold=True)


def _read_side(index: ResultIndex, name: str | None, cancelled: Callable[[], bool]) -> Side:
    rows = index.select(_OK)
    if name is not None and not len(rows):
        return Side(Field(name, FieldKind.KEY), rows, [])
    fields = find_fields(index, rows, cancelled)
    chosen = fields.label if name is None else fields.find(name)
    if chosen.kind.is_measure:
        raise NoSuchFieldError(f"{chosen.name} is not part of an answer", "Name a field of the answers.")
    texts = [""] * len(rows)
    for at, answer in read_answers(index, rows, cancelled):
        texts[at] = _short(fold(field_text(chosen, answer)))
    if chosen not in fields.all and not any(texts):
        raise fields.no_such(chosen.name)
    return Side(chosen, rows, texts)


def field_text(field: Field, answer: Answer) -> str:
    """Return the value of a field of one answer as text; nothing where it has none."""
    if field.kind is FieldKind.KEY:
        return value_text((json_object(answer) or {}).get(field.key))
    if field.kind is FieldKind.LANGUAGE:
        return answer.language or ""
    return (answer.finish_reason or "") if field.kind is FieldKind.FINISH_REASON else answer.text


def fold(text: str) -> str:
    """Return a text with each run of white space as one space, and none at its ends."""
    return " ".join(text.split())


def _short(text: str) -> str:
    """Return a text, or the beginning of a long one with its hash, which tells it from others."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST - 1]}…\0{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def _paired(
    one: Side,
    other: Side,
    places: Sequence[tuple[int, int]],
    only_first: array[int],
    only_second: array[int],
    *,
    is_gold: bool,
) -> Comparison:
    is_number = one.is_number and other.is_number
    codes: dict[str, int] = {}
    first, second = array("i"), array("i")
    for at, match in places:
        for text, column in ((one.texts[at], first), (other.texts[match], second)):
            key = number_label(number) if is_number and not math.isnan(number := as_float(text)) else text
            column.append(codes.setdefault(key, len(codes)))
    return Comparison(
        field=one.field.name,
        type=FieldType.NUMBER if is_number else FieldType.TEXT,
        is_gold=is_gold,
        labels=[key.rpartition("\0")[0] if len(key) > _LONGEST else key for key in codes],
        first_rows=array("I", [one.rows[at] for at, _ in places]),
        second_rows=array("I", [other.rows[at] for _, at in places]),
        first_codes=first,
        second_codes=second,
        only_first=only_first,
        only_second=only_second,
    )


def _id(index: ResultIndex, row: int) -> str:
    custom_id = index.requests.custom_id(row)
    return index.original_ids.get(custom_id, custom_id)


def comparison_as_data(comparison: Comparison) -> dict[str, Any]:
    """Return what `compare --json` prints."""
    interval = comparison.interval
    data: dict[str, Any] = {
        "field": comparison.field,
        "pairs": comparison.pairs,
        "same": comparison.same,
        "differ": comparison.differ,
        "only_first": len(comparison.only_first),
        "only_second": len(comparison.only_second),
        "agreement": comparison.agreement,
        "interval": list(interval) if interval is not None else None,
        "kappa": comparison.kappa,
        "matrix": comparison.matrix,
    }
    if comparison.type is FieldType.NUMBER:
        data |= {"correlation": comparison.correlation, "mean_difference": comparison.mean_difference}
    if comparison.is_gold and comparison.matrix is not None:
        data["labels"] = {
            score.label: {
                "precision": score.precision, "recall": score.recall, "f1": score.f1, "support": score.support
            }
            for score in comparison.scores
        }  # fmt: skip
    return data
