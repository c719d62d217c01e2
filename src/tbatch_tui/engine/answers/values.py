"""What is in the fields of answers: counts of texts, quartiles and histograms of numbers, and one field by another.

table = read_table(index)
for name in table.columns:
    print(describe(table, name))
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.answers.columns import ABSENT, EMPTY, GAP_WORDS, NOT_JSON, FieldType
from tbatch_tui.engine.answers.statistics import NumberSummary, summarize
from tbatch_tui.engine.results.outcomes import OUTCOME_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tbatch_tui.engine.answers.columns import ValueColumn
    from tbatch_tui.engine.answers.table import AnswerTable
    from tbatch_tui.engine.results.index.index import ResultIndex

VALUES_MAX = 1_000
"""Values of a field that are told, the most frequent ones."""


@dataclass(frozen=True, slots=True)
class ValueCount:
    """One value, and how many rows have it."""

    code: int
    """Its number in the column; negative for what is not there."""
    label: str
    count: int
    is_allowed: bool = True
    """False for a value that the schema does not have."""


@dataclass(frozen=True, slots=True)
class FieldValues:
    """What is in one field."""

    name: str
    type: FieldType
    rows: int
    filled: int
    """Rows with a value."""
    distinct: int
    values: tuple[ValueCount, ...]
    """The values by count, then by name, at most `VALUES_MAX`. Of numbers, those that are none."""
    gaps: tuple[ValueCount, ...]
    """Rows without a value, by what they are: no such field, empty, not JSON."""
    numbers: NumberSummary | None = None
    """Of numbers; None where there are none, and of texts."""

    @property
    def not_a_number(self) -> int:
        """Rows of a field of numbers whose value is none."""
        if self.type is FieldType.TEXT:
            return 0
        return self.filled - (self.numbers.count if self.numbers is not None else 0)


def describe(table: AnswerTable, name: str) -> FieldValues:
    """Return what is in a field that was read. Raises NoSuchFieldError."""
    field = table.fields.find(name)
    return describe_column(table.column(name), field.allowed)


def describe_column(column: ValueColumn, allowed: Sequence[str] = ()) -> FieldValues:
    """Return what is in a column.

    Args:
        column: Of answers, or of a source table.
        allowed: The values that a schema allows; empty where it allows all.
    """
    counts = column.counts
    gaps = tuple(ValueCount(gap, GAP_WORDS[gap], counts[gap]) for gap in (ABSENT, EMPTY, NOT_JSON) if counts[gap])
    there = [(code, count) for code, count in counts.items() if code >= 0]
    summary = None
    distinct = len(there)
    if column.type is FieldType.NUMBER:
        numbers = column.numbers
        summary = summarize((numbers[code], count) for code, count in there if not math.isnan(numbers[code]))
        there = [(code, count) for code, count in there if math.isnan(numbers[code])]
    labels = column.labels
    is_allowed = set(allowed)
    first = nsmallest(VALUES_MAX, there, key=lambda entry: (-entry[1], labels[entry[0]]))
    values = tuple(
        ValueCount(code, labels[code], count, not is_allowed or labels[code] in is_allowed) for code, count in first
    )
    return FieldValues(column.name, column.type, len(column.codes), column.filled, distinct, values, gaps, summary)


@dataclass(frozen=True, slots=True)
class CrossTable:
    """One field by another: how many rows have each pair of values."""

    first: str
    second: str
    rows: tuple[ValueCount, ...]
    """The values of the first field, by count, then by name; then what is not there."""
    columns: tuple[ValueCount, ...]
    """The same of the second: in the order of numbers where it is one of numbers."""
    counts: Mapping[tuple[int, int], int]
    """By the numbers of both values."""
    numbers: Mapping[int, NumberSummary]
    """Where the first is a field of numbers: what they are like, by the number of the second's value."""

    def count(self, row: ValueCount, column: ValueCount) -> int:
        """Return how many rows have both values."""
        return self.counts.get((row.code, column.code), 0)


def cross(first: ValueColumn, second: ValueColumn) -> CrossTable:
    """Return one column by another of the same rows."""
    counts = Counter(zip(first.codes, second.codes, strict=True))
    numbers: dict[int, NumberSummary] = {}
    if first.type is FieldType.NUMBER:
        by_second: dict[int, list[tuple[float, int]]] = {}
        for (code, other), count in counts.items():
            if code >= 0 and not math.isnan(number := first.numbers[code]):
                by_second.setdefault(other, []).append((number, count))
        numbers = {other: summary for other, pairs in by_second.items() if (summary := summarize(pairs)) is not None}
    return CrossTable(first.name, second.name, _ordered(first), _ordered(second), counts, numbers)


def _ordered(column: ValueColumn) -> tuple[ValueCount, ...]:
    """Return the values of a column as a cross table has them."""
    numbers, labels = column.numbers, column.labels
    found = [(code, count) for code, count in column.counts.items() if code >= 0]
    if column.type is FieldType.NUMBER:
        found.sort(key=lambda entry: (math.isnan(numbers[entry[0]]), numbers[entry[0]], labels[entry[0]]))
    else:
        found.sort(key=lambda entry: (-entry[1], labels[entry[0]]))
    gaps = [(gap, column.counts[gap]) for gap in (ABSENT, EMPTY, NOT_JSON) if column.counts[gap]]
    return tuple(ValueCount(code, column.label(code), count) for code, count in [*found, *gaps])


def count_outcomes(index: ResultIndex, submitted: int | None = None) -> dict[str, int]:
    """Return how many requests have each of the five outcomes, by its name in data.

    Args:
        index: The results, built.
        submitted: How many requests the job has, where that is known: what is missing can be told without the input.
    """
    counts = index.counts
    assert counts is not None
    missing = counts.missing if counts.has_input else max(counts.missing, (submitted or 0) - counts.requests)
    numbers = (counts.ok, counts.cut_short, counts.invalid, counts.errors, missing)
    return dict(zip((outcome.words for outcome in OUTCOME_OPTIONS.values()), numbers, strict=True))


def values_as_data(
    table: AnswerTable,
    by: ValueColumn | None = None,
    *,
    names: Sequence[str] | None = None,
    submitted: int | None = None,
) -> dict[str, Any]:
    """Return what `values --json` prints. Raises LocalFileError.

    Args:
        table: The answers.
        by: A column of the same rows, by which each field is told too.
        names: The fields; None: all that were read.
        submitted: As for `count_outcomes`.
    """
    told = list(table.columns) if names is None else names
    data: dict[str, Any] = {
        "rows": len(table.rows),
        "outcomes": count_outcomes(table.index, submitted),
        "fields": {name: _field_as_data(table, name) for name in told},
    }
    if by is not None:
        data["by"] = {"field": by.name, "fields": {name: _cross_as_data(table, name, by) for name in told}}
    return data


def _field_as_data(table: AnswerTable, name: str) -> dict[str, Any]:
    found = describe(table, name)
    data: dict[str, Any] = {"type": found.type.value, "filled": found.filled}
    if found.type is FieldType.TEXT:
        full = table.full_labels(name, [value.code for value in found.values])
        values = [[full[value.code], value.count] for value in found.values]
        return data | {"distinct": found.distinct, "values": values}
    return data | _numbers_as_data(found.numbers) | {"not_a_number": found.not_a_number}


def _numbers_as_data(numbers: NumberSummary | None) -> dict[str, Any]:
    if numbers is None:
        return dict.fromkeys(("min", "max", "mean", "quartiles"))
    return {"min": numbers.min, "max": numbers.max, "mean": numbers.mean, "quartiles": list(numbers.quartiles)}


def _cross_as_data(table: AnswerTable, name: str, by: ValueColumn) -> dict[str, Any]:
    crossed = cross(table.column(name), by)
    if table.column(name).type is FieldType.NUMBER:
        return {
            column.label: {"filled": crossed.numbers[column.code].count}
            | _numbers_as_data(crossed.numbers[column.code])
            for column in crossed.columns[:VALUES_MAX]
            if column.code in crossed.numbers
        }
    full = table.full_labels(name, [row.code for row in crossed.rows[:VALUES_MAX]])
    return {
        full[row.code]: {
            column.label: count for column in crossed.columns[:VALUES_MAX] if (count := crossed.count(row, column))
        }
        for row in crossed.rows[:VALUES_MAX]
    }
