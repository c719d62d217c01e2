"""What a path is: requests to check, results, a table to make requests of, or a recipe. Reads the first lines."""

from __future__ import annotations

import os
import stat
from enum import StrEnum
from typing import TYPE_CHECKING

from tbatch_tui.engine.lenient_json import loads
from tbatch_tui.engine.tables.output_names import SUFFIX as RECIPE_SUFFIX
from tbatch_tui.engine.tables.readers.open_source import CSV, EXCEL, JSON, SQLITE, split_table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TABLE_SUFFIXES = (*CSV, *JSON, ".parquet", *EXCEL, *SQLITE, ".txt")
_HEAD = 256 * 1024
"""Bytes that are read."""
_ROWS = 20
"""Rows that are looked at."""
_REQUEST_KEYS = frozenset({"body", "params", "messages"})
"""Keys of requests, in the shapes that the check knows; a row with a model and one of `_PROMPT_KEYS` is one too."""
_PROMPT_KEYS = frozenset({"prompt", "input", "file"})
_ENVELOPE = frozenset({"custom_id", "method", "url"})
"""What a request has beside its body."""
_METHODS = ("POST", "FILE")
_BOMS = (b"\xff\xfe", b"\xfe\xff")


class PathKind(StrEnum):
    """What can be done with a path."""

    REQUESTS = "requests"
    """Check it: requests, or a file of which the check says what it is."""
    RESULTS = "results"
    """Read its answers: the rows of an output or error file."""
    TABLE = "table"
    """Make requests of its rows."""
    RECIPE = "recipe"
    """Make requests as it says."""


def kind_of_path(path: Path) -> PathKind:
    """Return what a path is. What cannot be read is for the check, which says why. Reads the disk."""
    if path.name.lower().endswith(RECIPE_SUFFIX):
        return PathKind.RECIPE
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        name, table = split_table(str(path))
        return PathKind.REQUESTS if table is None else kind_of_path(type(path)(name))
    if stat.S_ISDIR(mode):
        return PathKind.TABLE
    suffix = path.suffix.lower()
    if not stat.S_ISREG(mode):
        return PathKind.REQUESTS
    if suffix in TABLE_SUFFIXES and suffix not in (*JSON, ".txt"):
        return PathKind.TABLE
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return PathKind.REQUESTS
    if suffix not in TABLE_SUFFIXES:  # rows of a batch are told by what they are, a table by its name
        return PathKind.RESULTS if _are_results(read_rows(head)) else PathKind.REQUESTS
    return _kind_of_rows(head, is_json=suffix != ".txt")


def why_not_together(paths: Iterable[Path]) -> str:
    """Return why files cannot be one group, as a sentence without its full stop; empty if they can. Reads the disk."""
    for path in paths:
        match kind_of_path(path):
            case PathKind.TABLE if os.path.isdir(path):
                return f"{path.name} is a folder: only files can be one group"
            case PathKind.TABLE:
                return f"{path.name} is a table: requests are made of one table at a time"
            case PathKind.RESULTS:
                return f"{path.name} has results, no requests"
            case PathKind.RECIPE:
                return f"{path.name} is a recipe: requests are made by one recipe at a time"
    return ""


def read_rows(head: bytes) -> list[dict[str, object]]:
    """Return the objects among the first lines of a file, by its beginning."""
    rows = map(_row, head.removeprefix(b"\xef\xbb\xbf").lstrip().splitlines()[:_ROWS])
    return [row for row in rows if row is not None]


def _kind_of_rows(head: bytes, *, is_json: bool) -> PathKind:
    """Return what the beginning of a file of JSON, or of lines, is."""
    is_wide = head.startswith(_BOMS)
    if is_wide:
        head = head.decode("utf-16", "ignore").encode("utf-8", "ignore")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"[" and is_json:
        return _kind_of_array(text)
    rows = read_rows(text)
    if not rows:
        return PathKind.REQUESTS if is_json or text[:1] == b"{" or not text else PathKind.TABLE
    if _are_results(rows) and not is_wide:  # a result file in another encoding is for the check, which names that
        return PathKind.RESULTS
    is_of_batch = any(_is_request(row) or _is_result(row) for row in rows)
    return PathKind.REQUESTS if is_of_batch else PathKind.TABLE


def _are_results(rows: list[dict[str, object]]) -> bool:
    return bool(rows) and all(_is_result(row) and not _is_request(row) for row in rows)


def _kind_of_array(text: bytes) -> PathKind:
    """Return what an array is, by the keys of its first objects: they may be spread over lines."""
    from json import JSONDecoder

    rest, decode = text[1:].decode("utf-8", "ignore").lstrip(), JSONDecoder().raw_decode
    for _ in range(_ROWS):
        try:
            row, end = decode(rest)
        except (ValueError, RecursionError):
            break  # the reader says what is wrong, or the row is long
        if not isinstance(row, dict) or _is_request(row) or _is_result(row):
            return PathKind.REQUESTS
        rest = rest[end:].lstrip().removeprefix(",").lstrip()
    return PathKind.TABLE


def _row(line: bytes) -> dict[str, object] | None:
    value = loads(line)
    return value if isinstance(value, dict) else None


def _is_request(row: dict[str, object]) -> bool:
    """Return whether an object is a request, or one that lost its body. A table may have a column `custom_id` too."""
    keys = _REQUEST_KEYS.intersection(row)
    if any(isinstance(row[key], dict | list) for key in keys):  # not the text of a mail, which is a body too
        return True
    if "custom_id" in row and (keys or _ENVELOPE.issuperset(row) or row.get("method") in _METHODS):
        return True
    return "model" in row and not _PROMPT_KEYS.isdisjoint(row)


def _is_result(row: dict[str, object]) -> bool:
    """Return whether an object has what a request never has: a response, or an error beside its id."""
    response = row.get("response")
    is_answer = isinstance(response, dict) and ("body" in response or "status_code" in response)
    return is_answer or ("custom_id" in row and isinstance(row.get("error"), dict | str))
