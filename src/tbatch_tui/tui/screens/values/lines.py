"""The lines of Values: a field each at the left; a value, a bin of numbers or what is not there each at the right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.answers.columns import FieldType
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.widgets.table.columns import Column, Need
from tbatch_tui.tui.widgets.table.grid import GridRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbatch_tui.engine.answers.columns import ValueColumn
    from tbatch_tui.engine.answers.statistics import Bin, NumberSummary
    from tbatch_tui.engine.answers.values import CrossTable, FieldValues
    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.screens.values.session import FieldLine

_BAR_WIDTH = 40
NOT_COUNTED = "invalid"
"""The key of the line of the rows that are invalid, and not counted."""
_COLUMNS_MAX = 100
"""Columns of a cross table; the rest is one more."""
REST = "other"


@dataclass(frozen=True, slots=True)
class ValueLine:
    """One line at the right."""

    key: str
    label: str
    count: int
    rows: int
    """All rows that are counted."""
    share: float
    """Of the longest bar."""
    note: str = ""
    is_gap: bool = False
    code: int | None = None
    """The number of its value in the column."""
    bin: Bin | None = None
    """Which numbers it counts."""


def field_columns() -> list[Column[FieldLine]]:
    """Return the columns of the list of fields."""
    return [
        Column("field", "Field", render=lambda line: line.values.name, min=8, priority=9, base=True, keep="middle"),
        Column("type", "Type", render=lambda line: str(line.values.type), priority=3, style=QUIET),
        Column("filled", "Filled", render=_filled, align="right", priority=5, min=6),
        Column(
            "distinct", "Values", render=lambda line: fmt.count(line.values.distinct), align="right", priority=4, min=6
        ),
    ]


def _filled(line: FieldLine) -> str:
    return fmt.share(line.values.filled, line.values.rows)


def _distinct(line: FieldLine) -> str:
    return fmt.count(line.values.distinct)


def value_columns() -> list[Column[ValueLine]]:
    """Return the columns of the values of a field."""
    return [
        Column("value", "Value", render=_label, min=10, max=36, priority=9, base=True),
        Column("bar", "", draw=_bar, min=8, priority=6, measure=lambda _: Need(_BAR_WIDTH, 16)),
        Column("rows", "Rows", render=lambda line: fmt.count(line.count), align="right", priority=8, min=5, base=True),
        Column("share", "Share", render=_share, align="right", priority=7, min=6),
        Column("note", "", render=lambda line: [(line.note, ATTENTION)], priority=5, min=6),
    ]


def _label(line: ValueLine) -> StyledText:
    return [(" ".join(line.label.split()), QUIET if line.is_gap else "")]


def _share(line: ValueLine) -> str:
    return "" if line.key == NOT_COUNTED else fmt.share(line.count, line.rows)


def _bar(line: ValueLine, width: int) -> StyledText:
    return [(fmt.block_bar(line.share, min(width, _BAR_WIDTH)), QUIET if line.is_gap else "$accent-text")]


def value_lines(values: FieldValues, not_counted: int) -> list[ValueLine]:
    """Return the lines of a field: its bins or values, what is not there, and what is not counted."""
    bins = values.numbers.bins if values.numbers is not None else ()
    most = max([*(one.count for one in bins), *(one.count for one in (*values.values, *values.gaps)), 1])
    lines = [
        ValueLine(f"bin {at}", bin_words(one), one.count, values.rows, one.count / most, bin=one)
        for at, one in enumerate(bins)
    ]
    for value in (*values.values, *values.gaps):
        note = "" if value.is_allowed else "not in the schema"
        if value.code >= 0 and values.type is FieldType.NUMBER:
            note = "not a number"
        key, share = str(value.code), value.count / most
        lines.append(ValueLine(key, value.label, value.count, values.rows, share, note, value.code < 0, value.code))
    if not_counted:
        share = min(1.0, not_counted / most)
        lines.append(ValueLine(NOT_COUNTED, "(invalid)", not_counted, values.rows, share, "not counted", True))
    return lines


def places_of(line: ValueLine, column: ValueColumn) -> list[int]:
    """Return the rows that a line counts."""
    if line.bin is None:
        return column.places({line.code}) if line.code is not None else []
    low, high = line.bin.low, line.bin.high
    is_last = high >= max(number for number in column.numbers if not math.isnan(number))
    codes = {
        code
        for code, number in enumerate(column.numbers)
        if low <= number and (number < high or (number == high and (is_last or line.bin.is_value)))
    }
    return column.places(codes)


def bin_words(one: Bin) -> str:
    """Return `0 to 5`, or the one number."""
    return fmt.number(one.low) if one.is_value else f"{fmt.number(one.low)} to {fmt.number(one.high)}"


def title_text(name: str, by: str = "") -> StyledText:
    """Return the name of a field, and what it is broken down by."""
    return [(f" {name}", "bold"), (f" by {by}" if by else "", "bold")]


def summary_text(values: FieldValues) -> StyledText:
    """Return what stands above the values of a field."""
    if values.numbers is not None:
        return [(f" {number_words(values.numbers)}", QUIET)]
    words = fmt.join(f"{values.filled:,} of {values.rows:,} filled", fmt.plural(values.distinct, "value"))
    return [(f" {words}", QUIET)]


def number_words(numbers: NumberSummary) -> str:
    """Return `min 0 · quartiles 24.7, 49.5, 74.8 · max 100 · mean 49.8`."""
    quartiles = ", ".join(map(fmt.number, numbers.quartiles))
    low, high, mean = map(fmt.number, (numbers.min, numbers.max, numbers.mean))
    return fmt.join(f"min {low}", f"quartiles {quartiles}", f"max {high}", f"mean {mean}")


def grid_of(crossed: CrossTable, *, most: int = _COLUMNS_MAX) -> tuple[list[str], list[GridRow]]:
    """Return the titles of the columns, and the rows, of one field by another; the columns over `most` are one."""
    columns = crossed.columns[:most]
    rest = crossed.columns[most:]
    titles = [" ".join(column.label.split()) for column in columns] + [REST] * bool(rest)
    if crossed.numbers:
        return titles, [GridRow(str(at), *cells) for at, cells in enumerate(_number_rows(crossed, len(titles)))]
    rows = []
    for row in crossed.rows:
        cells = [f"{crossed.count(row, column):,}" for column in columns]
        if rest:
            cells.append(f"{sum(crossed.count(row, column) for column in rest):,}")
        rows.append(GridRow(str(row.code), " ".join(row.label.split()), tuple(cells), QUIET if row.code < 0 else ""))
    return titles, rows


def _number_rows(crossed: CrossTable, width: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    summaries = [crossed.numbers.get(column.code) for column in crossed.columns[:width]]
    yield "rows", tuple(f"{one.count:,}" if one is not None else "0" for one in summaries)
    yield "min", tuple(fmt.number(one.min if one is not None else None) for one in summaries)
    for at, name in enumerate(("first quartile", "median", "third quartile")):
        yield name, tuple(fmt.number(one.quartiles[at] if one is not None else None) for one in summaries)
    yield "max", tuple(fmt.number(one.max if one is not None else None) for one in summaries)
    yield "mean", tuple(fmt.number(one.mean if one is not None else None) for one in summaries)
