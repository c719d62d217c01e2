"""Look at the beginning of a file: its encoding, whether it is JSON Lines at all, and its kind of request."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tbatch_tui.engine.check.limits import LINE_BYTES_MAX
from tbatch_tui.engine.check.lines.params import Kind, kind_of

if TYPE_CHECKING:
    from io import FileIO

HEAD_BYTES = 256 * 1024
_HEAD_BYTES_MAX = 2 * LINE_BYTES_MAX
"""What is read to find a request that shows its kind, if the first lines are too long or not valid."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
BOM = b"\xef\xbb\xbf"
_MAGIC = {
    b"PAR1": "Parquet",
    b"PK\x03\x04": "an Excel workbook or another ZIP file",
    b"SQLite format 3\0": "an SQLite database",
}
"""The first bytes of tables that are no text, and what they are."""
_TABLE_SUFFIXES = {".csv": "CSV", ".tsv": "TSV", ".tab": "TSV"}
_MAKE = "not requests: turn its rows into requests with tbatch-tui make, or open it in the app"
_RESULT_ROWS = 20
"""So many lines show whether they are results."""
_RESULT_KEYS = frozenset({"body", "params", "messages", "model"})
"""Keys of requests, in any of their shapes, which no row of a result file has."""
_TEXT_WITHOUT_OBJECTS = 20
"""After so many lines of which none begins as JSON does, the file is something else."""


class FileHead(NamedTuple):
    """What the first 256 KB of a file show."""

    start: int = 0
    """Where the lines begin: after a byte order mark."""
    rule: str = ""
    """The rule that the file as a whole breaks, so that its lines are not checked; empty if none."""
    message: str = ""
    kind: Kind | None = None
    """The kind of the first request that has one."""
    url: str = ""
    """The endpoint that this request names in OpenAI's envelope; empty if none."""


def sniff(file: FileIO) -> FileHead:
    """Read the beginning of a file and return what it shows."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head.startswith(_UTF16) or _has_wide_characters(head):
        return FileHead(rule="utf16", message="the file is UTF-16 or UTF-32, not UTF-8")
    start = len(BOM) if head.startswith(BOM) else 0
    lines = head[start:].split(b"\n")
    if len(head) == HEAD_BYTES and len(lines) > 1:
        lines.pop()  # cut off
    rule, message = _other_format(lines, PurePath(str(file.name)).suffix.lower())
    if rule:
        return FileHead(start, rule, message)
    kind, url = _first_kind(lines)
    if kind is None and len(head) == HEAD_BYTES:
        file.seek(start)
        kind, url = _first_kind(file.read(_HEAD_BYTES_MAX).split(b"\n"))
    return FileHead(start, kind=kind, url=url)


def _has_wide_characters(head: bytes) -> bool:
    """Whether every second of the first bytes is NUL, as in UTF-16 without a byte order mark."""
    sample = head[:64]
    return len(sample) >= 4 and any(sample) and (not any(sample[1::2]) or not any(sample[::2]))


_NO_FORMAT = ("", "")


def _other_format(lines: list[bytes], suffix: str) -> tuple[str, str]:
    """Return the rule that the file breaks as a whole, and what it is instead of requests; empty if it may be these."""
    filled = [line.strip() for line in lines[:200] if line.strip()]
    if not filled:
        return _NO_FORMAT
    first = filled[0]
    if len(filled) == 1 and b"\r{" in first:
        return "not-jsonl", "its lines end in CR alone (old Mac format), so the whole file is one line"
    if name := next((name for magic, name in _MAGIC.items() if first.startswith(magic)), ""):
        return "table-file", f"the file is {name}, {_MAKE}"
    if first.startswith(b"\x1f\x8b"):
        return "not-jsonl", "the file is compressed; unpack it first"
    if first.startswith(b"[") and _begins_array(first[1:].lstrip(), filled):
        return "json-array", "the file is one JSON array, not one object per line"
    if first.startswith(b"{") and _are_results(filled):
        return "result-file", "the lines are results of a batch (each has a response or an error), not requests"
    if sum(_may_be_request(line) for line in filled) * 2 >= len(filled):
        return _NO_FORMAT  # most lines are whole objects: the others are reported line by line
    if len(filled) > 1 and (first == b"{" or (first.startswith(b'{"') and first.endswith((b",", b"{", b"[")))):
        return "pretty-printed", "the file is JSON spread over several lines; each object must stand on one line"
    if not any(line.startswith((b"{", b"[", b'"{')) for line in filled):
        if suffix in _TABLE_SUFFIXES:
            return "table-file", f"the file is {_TABLE_SUFFIXES[suffix]}, {_MAKE}"
        if len(filled) > 1 and (separator := _separator(filled)):
            return "table-file", f"the file is {separator}, {_MAKE}"
        if len(filled) > _TEXT_WITHOUT_OBJECTS:
            return "not-jsonl", "the file is not JSON Lines: no line starts with a brace"
    return _NO_FORMAT


def _begins_array(item: bytes, filled: list[bytes]) -> bool:
    """Whether what follows the first bracket is the first item of an array of objects, however it is laid out."""
    if item in (b"", b"{"):
        return True
    return item.startswith(b"{") and (len(filled) == 1 or item.endswith(b",") or filled[1].startswith(b","))


def _may_be_request(line: bytes) -> bool:
    """Whether a line is a whole object, or one with a comma after it, or one that was encoded twice."""
    return (line.startswith(b"{") and line.endswith((b"}", b"},"))) or (line.startswith(b'"{') and line.endswith(b'}"'))


def _separator(filled: list[bytes]) -> str:
    """Return the kind of table whose separator is in all of these lines; empty if it is in none."""
    for separator, name in ((b"\t", "TSV"), (b",", "CSV"), (b";", "CSV")):
        if all(separator in line for line in filled):
            return name
    return ""


def _are_results(filled: list[bytes]) -> bool:
    """Whether the first lines that are objects are rows of an output or error file, all of them."""
    rows = 0
    for line in filled[:_RESULT_ROWS]:
        try:
            value = msgspec.json.decode(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(value, dict) or not _RESULT_KEYS.isdisjoint(value) or not _is_outcome(value):
            return False
        rows += 1
    return rows > 0


def _is_outcome(row: dict[str, object]) -> bool:
    """Whether an object has what a request never has: a response, or an error beside its id."""
    response = row.get("response")
    is_answer = isinstance(response, dict) and ("body" in response or "status_code" in response)
    return is_answer or ("custom_id" in row and isinstance(row.get("error"), dict | str))


def _first_kind(lines: list[bytes]) -> tuple[Kind | None, str]:
    """Return the kind of the first request that shows one, and the endpoint that it names."""
    for line in lines[:2000]:
        if b'"messages"' not in line and b'"file"' not in line:
            continue
        try:
            value = msgspec.json.decode(line)
        except (ValueError, RecursionError):
            continue
        body = value.get("body") if isinstance(value, dict) else None
        kind = kind_of(body) if isinstance(body, dict) else None
        if kind is not None:
            url = value.get("url")
            return kind, url if isinstance(url, str) else ""
    return None, ""
