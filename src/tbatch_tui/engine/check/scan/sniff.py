"""Look at the beginning of a file: its encoding, whether it is JSON Lines at all, and its kind of request."""

from __future__ import annotations

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
    if message := _other_format(lines):
        return FileHead(start, "not-jsonl", message)
    kind, url = _first_kind(lines)
    if kind is None and len(head) == HEAD_BYTES:
        file.seek(start)
        kind, url = _first_kind(file.read(_HEAD_BYTES_MAX).split(b"\n"))
    return FileHead(start, kind=kind, url=url)


def _has_wide_characters(head: bytes) -> bool:
    """Whether every second of the first bytes is NUL, as in UTF-16 without a byte order mark."""
    sample = head[:64]
    return len(sample) >= 4 and any(sample) and (not any(sample[1::2]) or not any(sample[::2]))


def _other_format(lines: list[bytes]) -> str:
    """Return what the file is instead of JSON Lines, for a person to read; empty if it may be JSON Lines."""
    filled = [line.strip() for line in lines[:200] if line.strip()]
    if not filled:
        return ""
    first = filled[0]
    if len(filled) == 1 and b"\r{" in first:
        return "its lines end in CR alone, as on an old Mac, so that all of it is one line"
    if first == b"[" or (first.startswith(b"[{") and (len(filled) == 1 or first.endswith(b","))):
        return "the file is one JSON array; it must be one object a line, without brackets and commas around them"
    if sum(line.startswith(b"{") and line.endswith(b"}") for line in filled) * 2 >= len(filled):
        return ""  # most lines are whole objects: the others are reported line by line
    if len(filled) > 1 and (first == b"{" or (first.startswith(b'{"') and first.endswith((b",", b"{", b"[")))):
        return "the file is JSON written over several lines; each object must stand on one line"
    if first.startswith(b"PAR1"):
        return "the file is Parquet, not JSON Lines"
    if first.startswith(b"\x1f\x8b"):
        return "the file is compressed; unpack it first"
    if not any(line.startswith((b"{", b"[", b'"')) for line in filled):
        if len(filled) > 1 and b"," in first and all(b"," in line for line in filled):
            return "the file is CSV, not JSON Lines"
        if len(filled) > _TEXT_WITHOUT_OBJECTS:
            return "the file is not JSON Lines: no line begins with a brace"
    return ""


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
