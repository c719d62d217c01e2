"""The custom_id of a row: a column, the path of a file or a URL, or the number of the row."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tbatch_tui.engine.check.limits import CUSTOM_ID_CHARACTERS
from tbatch_tui.engine.tables.cells import CellError, cell_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.engine.tables.cells import Cell

_HASH = 8
"""Hexadecimal digits that stand for the beginning of a derived id that is too long."""


class IdError(ValueError):
    """A row whose custom_id cannot be used."""


def shorten_id(text: str) -> str:
    """Return an id of 64 characters at most: a longer one keeps its end, after a hash of the whole."""
    if len(text) <= CUSTOM_ID_CHARACTERS:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_HASH]
    return f"{digest}-{text[_HASH + 1 - CUSTOM_ID_CHARACTERS :]}"


def url_id(url: str) -> str:
    """Return the id of a recording: the path of its URL, or its host where there is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return shorten_id(url)
    return shorten_id(parts.path.strip("/") or parts.netloc or url)


def row_id(number: int) -> str:
    """Return the id of a row by its number in the source."""
    return f"row-{number:04d}"


def column_ids(position: int) -> Callable[[int, Sequence[Cell]], str]:
    """Return a function to the id that a column holds. It raises IdError where that cannot be one."""

    def read(_: int, cells: Sequence[Cell]) -> str:
        try:
            text = cell_text(cells[position])
        except CellError as error:
            raise IdError(str(error)) from None
        if not text:
            raise IdError("the id is empty")
        if len(text) > CUSTOM_ID_CHARACTERS:
            raise IdError(f"the id has {len(text):,} characters (max. {CUSTOM_ID_CHARACTERS})")
        return text

    return read


def path_ids(position: int) -> Callable[[int, Sequence[Cell]], str]:
    """Return a function to the path of a row's file, as an id."""
    return lambda _, cells: shorten_id(cells[position])


def url_ids(position: int) -> Callable[[int, Sequence[Cell]], str]:
    """Return a function to the path of a row's URL, as an id."""
    return lambda _, cells: url_id(str(cells[position]).strip())


def numbered_ids(number: int, _: Sequence[Cell]) -> str:
    """Return the id of a row by its number."""
    return row_id(number)
