"""What is in fields, as text: bars for a terminal, and a line for each value, with tabs, for other programs."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from tbatch_tui.text import format as fmt
from tbatch_tui.text.escape import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tbatch_tui.engine.answers.statistics import Bin, NumberSummary
    from tbatch_tui.engine.answers.values import CrossTable, FieldValues, ValueCount

_SHOWN = 20
"""Values of a field on a terminal; `--json` has up to a thousand."""
_LONGEST_VALUE = 40
_LONGEST_HEAD = 14
_BAR_MAX = 40


def print_report(fields: Sequence[FieldValues]) -> None:
    """Print fields with bars."""
    width = shutil.get_terminal_size().columns
    for number, field in enumerate(fields):
        _write(*([""] if number else []), heading(field))
        lines = [*_counts(field)]
        label_width = max((len(label) for label, _, _ in lines), default=0)
        count_width = max((len(f"{count:,}") for _, count, _ in lines), default=0)
        bar_width = max(0, min(_BAR_MAX, width - label_width - count_width - 12))
        most = max((count for _, count, _ in lines), default=0)
        for label, count, note in lines:
            bar = fmt.block_bar(count / most, bar_width) if most else ""
            share = fmt.share(count, field.rows)
            _write(f"  {label:<{label_width}}  {bar:<{bar_width}} {count:>{count_width},}  {share:>6}  {note}".rstrip())
        if field.distinct > _SHOWN and field.numbers is None:
            _write(f"  … {field.distinct - _SHOWN:,} more values")


def print_lines(fields: Sequence[FieldValues]) -> None:
    """Print a line for each value: field, value and rows, with tabs between."""
    _write_cells("FIELD", "VALUE", "ROWS")
    for field in fields:
        for bin in field.numbers.bins if field.numbers is not None else ():  # noqa: A001
            _write_cells(field.name, bin_words(bin), str(bin.count))
        for value in (*field.values, *field.gaps):
            _write_cells(field.name, value.label, str(value.count))


def print_cross(crossed: Iterable[tuple[FieldValues, CrossTable]]) -> None:
    """Print tables with a column for each value of the second field: as many as fit."""
    width = shutil.get_terminal_size().columns
    for number, (field, table) in enumerate(crossed):
        _write(*([""] if number else []), f"{field.name} by {table.second}")
        rows = [*cross_rows(table)]
        heads = [fmt.cut(_one_line(column.label), _LONGEST_HEAD) for column in table.columns]
        labels = [fmt.cut(_one_line(label), _LONGEST_VALUE) for label, _ in rows[:_SHOWN]]
        label_width = max(map(len, labels), default=0)
        widths = [max([len(head), *(len(cells[at]) for _, cells in rows[:_SHOWN])]) for at, head in enumerate(heads)]
        fitting, used = 0, label_width + 2
        while fitting < len(widths) and used + widths[fitting] + 2 <= width:
            used += widths[fitting] + 2
            fitting += 1
        for label, cells in [("", heads), *zip(labels, (cells for _, cells in rows), strict=False)]:
            shown = "".join(
                f"  {cell:>{cells_width}}" for cell, cells_width in zip(cells[:fitting], widths, strict=False)
            )
            _write(f"  {label:<{label_width}}{shown}".rstrip())
        more = [f"{len(rows) - _SHOWN:,} more rows"] * (len(rows) > _SHOWN)
        more += [f"{len(heads) - fitting:,} more columns"] * (len(heads) > fitting)
        if more:
            _write(f"  … {' and '.join(more)}")


def print_cross_lines(crossed: Iterable[tuple[FieldValues, CrossTable]]) -> None:
    """Print a line for each pair of values: field, value, value of the second field and rows, with tabs between."""
    _write_cells("FIELD", "VALUE", "BY", "ROWS")
    for field, table in crossed:
        for row in table.rows:
            for column in table.columns:
                if count := table.count(row, column):
                    _write_cells(field.name, row.label, column.label, str(count))


def cross_rows(table: CrossTable) -> Iterable[tuple[str, list[str]]]:
    """Yield the rows of a table as text: counts, or of numbers their quartiles."""
    if table.numbers:
        summaries = [table.numbers.get(column.code) for column in table.columns]
        yield "rows", [f"{summary.count:,}" if summary else "0" for summary in summaries]
        for at, name in enumerate(("first quartile", "median", "third quartile")):
            yield name, [fmt.number(summary.quartiles[at] if summary else None) for summary in summaries]
        yield "mean", [fmt.number(summary.mean if summary else None) for summary in summaries]
        return
    for row in table.rows:
        yield row.label, [f"{table.count(row, column):,}" for column in table.columns]


def heading(field: FieldValues) -> str:
    """Return `label  text · 9,775 filled · 3 distinct`."""
    parts = [str(field.type), f"{field.filled:,} filled"]
    parts += [f"{field.distinct:,} distinct"] if field.numbers is None else [number_words(field.numbers)]
    return f"{field.name}  {fmt.join(*parts)}"


def number_words(numbers: NumberSummary) -> str:
    """Return `min 0 · quartiles 24.7, 49.5, 74.8 · max 100 · mean 49.8`."""
    quartiles = ", ".join(map(fmt.number, numbers.quartiles))
    return fmt.join(
        f"min {fmt.number(numbers.min)}",
        f"quartiles {quartiles}",
        f"max {fmt.number(numbers.max)}",
        f"mean {fmt.number(numbers.mean)}",
    )


def bin_words(bin: Bin) -> str:  # noqa: A002
    """Return `0 to 5`, or the one number."""
    return fmt.number(bin.low) if bin.is_value else f"{fmt.number(bin.low)} to {fmt.number(bin.high)}"


def _counts(field: FieldValues) -> Iterable[tuple[str, int, str]]:
    """Yield what is drawn: the text, the rows, and a note behind them."""
    for bin in field.numbers.bins if field.numbers is not None else ():  # noqa: A001
        yield bin_words(bin), bin.count, ""
    note = "not a number" if field.numbers is not None else ""
    values: Sequence[ValueCount] = field.values[:_SHOWN]
    for value in values:
        yield (
            fmt.cut(_one_line(value.label), _LONGEST_VALUE),
            value.count,
            note or ("" if value.is_allowed else "not in the schema"),
        )
    for gap in field.gaps:
        yield gap.label, gap.count, ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _write(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(escape_controls(line) + "\n")


def _write_cells(*cells: str) -> None:
    sys.stdout.write("\t".join(escape_controls(_one_line(cell)) for cell in cells) + "\n")
