"""The delimiter of a CSV file: the one that gives each record of its beginning the width of the header."""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.tables.problems import FaultyTableError, RowProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DELIMITERS = (",", ";", "\t", "|")
NO_DELIMITER = "\U0010ffff"
"""Stands for none, in a file of one column: the last code point, which is no character."""
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_RECORDS = 101
"""The header, and the records that are looked at."""


class _Trial(NamedTuple):
    """The beginning of a file, read with one delimiter."""

    delimiter: str
    width: int
    """Columns of the header."""
    fitting: int
    """Records of that width."""
    is_consistent: bool


class DelimiterError(FaultyTableError):
    """Several delimiters fit. `choices` has each, and what it is called."""

    def __init__(self, source: str, message: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__(source, (RowProblem(0, "", message),), 1)
        self.choices = tuple(choices)


def find_delimiter(name: str, is_tsv: bool, lines: Callable[[], Iterator[str]]) -> str:
    """Return the delimiter; `NO_DELIMITER` where the header has one column. Raises FaultyTableError if it is open.

    Args:
        name: What messages call the file.
        is_tsv: Whether its name says that it is parted by tabs.
        lines: Opens the file again, and returns its lines.
    """
    trials = [trial for delimiter in DELIMITERS if (trial := _try(delimiter, lines())).width > 1]
    if is_tsv and any(trial.delimiter == "\t" for trial in trials):
        return "\t"
    if not trials:
        return NO_DELIMITER
    best = [trial for trial in trials if trial.is_consistent]
    if not best:  # some row has another width, and will be named: which rows are most?
        most = max(trial.fitting for trial in trials)
        best = [trial for trial in trials if trial.fitting == most]
    if len(best) == 1:
        return best[0].delimiter
    names = " or a ".join(NAMES[trial.delimiter] for trial in best)
    message = f"its columns can be separated by a {names}: name the delimiter with --delimiter"
    raise DelimiterError(name, message, [(trial.delimiter, NAMES[trial.delimiter]) for trial in best])


def _try(delimiter: str, lines: Iterator[str]) -> _Trial:
    widths: list[int] = []
    is_whole = True
    try:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        widths.extend(len(record) for record in islice(filter(None, reader), _RECORDS))
    except csv.Error:
        is_whole = False
    width = widths[0] if widths else 0
    fitting = widths.count(width)
    return _Trial(delimiter, width, fitting, is_whole and fitting == len(widths))
