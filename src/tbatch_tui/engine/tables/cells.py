"""The cells of a row: what counts as empty, and how a cell is written in a text.

Cells of CSV are text and stay it: `007` is `007`. Other formats have numbers, truth values, lists and more; these are
written as JSON writes them, whole numbers without a point, dates as ISO 8601.
"""

from __future__ import annotations

import math
from typing import Any

Cell = Any
"""A text, a number, a truth value, None where there is nothing, a list or an object of these, or bytes."""


class CellError(ValueError):
    """A cell that cannot be written as text."""


def plain_cell(value: object) -> Cell:
    """Return a cell of another format as text, number, truth value, list, object, bytes or None."""
    if value is None or isinstance(value, str | bool | int | bytes):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, list | tuple):
        return [plain_cell(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain_cell(item) for key, item in value.items()}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)


def cell_text(cell: Cell) -> str:
    """Return a cell as it stands in a text; nothing for None. Raises CellError for bytes."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return "" if math.isnan(cell) else repr(cell)
    if isinstance(cell, bytes):
        raise CellError("the cell holds bytes, not text")
    import msgspec

    try:
        return msgspec.json.encode(cell).decode()
    except (TypeError, UnicodeEncodeError, RecursionError):
        raise CellError("the cell cannot be written as JSON") from None


def is_empty(cell: Cell) -> bool:
    """Return whether there is nothing in a cell, or no cell."""
    return cell is None or cell == ""
