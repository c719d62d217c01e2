"""The values of one field in many answers: a number for each row, and each distinct value once.

    column = ColumnBuilder("label", rows=3)
    for at, value in enumerate(["good", "bad", "good"]):
        column.put(at, value)
    print(column.finish().labels)   # ["good", "bad"]

50,000 rows take 200 kB, and what their distinct values take. Of long texts only the beginning is in memory.
"""

from __future__ import annotations

import json
import math
import re
from array import array
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ABSENT, EMPTY, NOT_JSON = -1, -2, -3
"""In place of the number of a value: there is no such field; it is null or blank; the answer is not JSON."""
GAP_WORDS = {ABSENT: "(none)", EMPTY: "(empty)", NOT_JSON: "(not JSON)"}
"""What these are called."""
LABEL_MAX = 200
"""Characters of a value that are in memory; a longer one is told from others by its hash."""
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_NUMBERS_SHARE = 0.9
"""Share of texts that have to be numbers, where nothing says what a field is."""
_WHOLE_MAX = 1e15
"""Whole numbers up to this are written without a point."""


class FieldType(StrEnum):
    """What a field is told as."""

    TEXT = "text"
    """By counts."""
    NUMBER = "number"
    """By quartiles and a histogram."""


@dataclass(frozen=True)
class ValueColumn:
    """The values of a field, row by row."""

    name: str
    type: FieldType
    codes: array[int]
    """For each row the number of its value in `labels`, or `ABSENT`, `EMPTY` or `NOT_JSON`."""
    labels: Sequence[str]
    """The distinct values as text, numbers as JSON writes them; those over `LABEL_MAX` end in `…`."""
    cut: Mapping[int, int]
    """The numbers of the values that are cut, with the first row that has each."""

    @cached_property
    def counts(self) -> Counter[int]:
        """How many rows have each number of `codes`."""
        return Counter(self.codes)

    @cached_property
    def numbers(self) -> Sequence[float]:
        """The labels as numbers; NaN for one that is none."""
        return [as_float(label) for label in self.labels]

    @property
    def filled(self) -> int:
        """Rows that have a value."""
        return len(self.codes) - sum(self.counts[gap] for gap in GAP_WORDS)

    def label(self, code: int) -> str:
        """Return the value with this number, or what a gap is called."""
        return self.labels[code] if code >= 0 else GAP_WORDS[code]

    def places(self, codes: set[int]) -> list[int]:
        """Return the rows that have one of these numbers, in order."""
        return [at for at, code in enumerate(self.codes) if code in codes]


class ColumnBuilder:
    """Takes the values of a field one by one."""

    def __init__(self, name: str, rows: int, field_type: FieldType | None = None) -> None:
        """Make a column in which every row is absent.

        Args:
            name: That of the field.
            rows: How many there are.
            field_type: What the field is; None: what most of its values are.
        """
        self.name = name
        self.type = field_type
        self.codes = array("i", [ABSENT]) * rows
        self._labels: list[str] = []
        self._texts: dict[str | bytes, int] = {}
        self._numbers: dict[int | float, int] = {}
        self._cut: dict[int, int] = {}
        self._texts_put = self._numbers_put = 0

    def put(self, at: int, value: Any) -> None:
        """Set the value of a row: any JSON value, of which a text without the white space around it."""
        kind = type(value)
        if kind is str:
            self._texts_put += 1
            code = self._texts.get(value)
            self.codes[at] = self._text_code(at, value) if code is None else code
        elif kind is int or kind is float:
            self._numbers_put += 1
            code = self._numbers.get(value)
            self.codes[at] = self._number_code(at, value) if code is None else code
        elif value is None:
            self.codes[at] = EMPTY
        else:
            self._texts_put += 1
            self.codes[at] = self._text_code(at, _json_text(value))

    def _number_code(self, at: int, value: float) -> int:
        code = self._numbers[value] = self._text_code(at, number_label(value))
        return code

    def _text_code(self, at: int, text: str) -> int:
        bare = text.strip()
        if not bare:
            return EMPTY
        key: str | bytes = bare
        if len(bare) > LABEL_MAX:
            key = blake2b(bare.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        code = self._texts.get(key)
        if code is None:
            code = self._texts[key] = len(self._labels)
            if key is bare:
                self._labels.append(bare)
            else:
                self._labels.append(f"{bare[: LABEL_MAX - 1]}…")
                self._cut[code] = at
        if text is not bare and len(text) <= LABEL_MAX:
            self._texts[text] = code
        return code

    def finish(self) -> ValueColumn:
        """Return the column."""
        column = ValueColumn(self.name, self.type or FieldType.TEXT, self.codes, self._labels, self._cut)
        if self.type is None and self._is_number(column):
            column = ValueColumn(self.name, FieldType.NUMBER, self.codes, self._labels, self._cut)
        return column

    def _is_number(self, column: ValueColumn) -> bool:
        """Return whether most values are numbers; where there are texts alone, whether nearly all of them read so."""
        if self._numbers_put:
            return self._numbers_put >= self._texts_put
        filled = column.filled
        as_numbers = sum(count for code, count in column.counts.items() if code >= 0 and is_number(column.labels[code]))
        return filled > 0 and as_numbers >= _NUMBERS_SHARE * filled


def column_of_cells(name: str, cells: Mapping[int, Any], rows: Sequence[int]) -> ValueColumn:
    """Return the cells of a source column, by the numbers of the requests, as a column of these rows."""
    builder = ColumnBuilder(name, len(rows))
    for at, row in enumerate(rows):
        if row in cells:
            builder.put(at, cells[row])
    return builder.finish()


def number_label(value: int | float) -> str:
    """Return a number as text: `5` for 5 and 5.0."""
    if isinstance(value, float):
        if value.is_integer() and abs(value) <= _WHOLE_MAX:
            return str(int(value))
        return repr(value)
    try:
        return f"{value}"
    except ValueError:  # more digits than Python writes
        return "a number of thousands of digits"


def is_number(text: str) -> bool:
    """Return whether a text is a finite number."""
    return _NUMBER.fullmatch(text) is not None and math.isfinite(float(text))


def as_float(text: str) -> float:
    """Return the number that a text is; NaN if it is none."""
    return float(text) if is_number(text) else math.nan


def value_text(value: Any) -> str:
    """Return a JSON value as the text that is its label, uncut; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_label(value)
    return _json_text(value)


def _json_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError, TypeError):
        return "a value nested too deeply"
