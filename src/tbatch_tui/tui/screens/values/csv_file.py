"""Write what Values shows as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.local_files.filenames import free_path, safe_name
from tbatch_tui.engine.local_files.rights import rights_of
from tbatch_tui.engine.results.export.tables import escape_formula
from tbatch_tui.tui.screens.values.lines import bin_words, grid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from tbatch_tui.engine.answers.values import CrossTable, FieldValues


def counted_rows(values: FieldValues) -> Iterator[Sequence[str | int]]:
    """Yield the head and the rows of a field: value and rows."""
    yield (values.name, "rows")
    for one in values.numbers.bins if values.numbers is not None else ():
        yield (bin_words(one), one.count)
    for value in (*values.values, *values.gaps):
        yield (value.label, value.count)


def crossed_rows(crossed: CrossTable) -> Iterator[Sequence[str | int]]:
    """Yield the head and the rows of one field by another."""
    titles, rows = grid_of(crossed, most=len(crossed.columns))
    yield (f"{crossed.first} by {crossed.second}", *titles)
    for row in rows:
        yield (row.label, *row.cells)


def write_counts(
    folder: Path,
    stem: str,
    rows: Iterable[Sequence[str | int]],
    sources: Sequence[Path],
    *,
    cancelled: Callable[[], bool],
) -> Path:
    """Write rows to a new CSV file in a folder, and return its path. Raises LocalFileError.

    Text that a spreadsheet would run is made safe. The rights of the file are at most those of the `sources`.
    """
    path = free_path(folder, safe_name(stem), ".csv")
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        if cancelled():
            break
        writer.writerow([escape_formula(cell) for cell in row])
    with atomic_write(path, rights=rights_of(*sources)) as file:
        file.write(text.getvalue().encode("utf-8", "replace"))
    return path
