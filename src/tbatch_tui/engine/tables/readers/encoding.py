"""Text of a file: a byte order mark, else strict UTF-8, else the encoding has to be named. It is never guessed."""

from __future__ import annotations

import codecs
import io
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.problems import EncodingError
from tbatch_tui.engine.tables.readers.source import BOM

if TYPE_CHECKING:
    from collections.abc import Iterator

CANDIDATES = ("cp1252", "cp1250", "latin-1", "mac_roman", "shift_jis")
"""Encodings in which a line that is not UTF-8 is shown."""
_SHOWN = 40
"""Characters that are shown on each side of the first byte that is not UTF-8."""


def encoding_of(head: bytes, wanted: str | None) -> str:
    """Return the encoding of a file that begins with these bytes. Raises LocalFileError for one that is unknown."""
    if wanted is not None:
        try:
            info = codecs.lookup(wanted)
        except (LookupError, ValueError):
            info = None
        if info is None or not info._is_text_encoding:
            raise LocalFileError(f"Unknown encoding {wanted}", "Use, for example, --encoding cp1252.")
        return "utf-8-sig" if info.name == "utf-8" else info.name
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def has_utf8_lines(file: io.BufferedReader[Any], encoding: str) -> bool:
    """Return whether the lines of a file can be cut out of its bytes: UTF-8, with line feeds."""
    head = file.peek(1)
    return encoding == "utf-8-sig" and not (b"\r" in head and b"\n" not in head)


def lines_from(head: bytes, file: io.BufferedReader[Any]) -> Iterator[bytes]:
    """Yield the lines of what was read of a file already, and of what follows it."""
    return chain(io.BytesIO(head + file.readline()), file)


def text_lines(file: io.BufferedReader[Any], encoding: str) -> Iterator[str]:
    """Yield the lines of a file with their line ends.

    Raises UnicodeDecodeError while they are read: `not_decodable` makes an error of it.
    """
    if not has_utf8_lines(file, encoding):
        return _wrapped_lines(file, encoding)
    if file.peek(1).startswith(BOM):
        file.read(len(BOM))
    return map(bytes.decode, file)  # a third faster than a TextIOWrapper


def _wrapped_lines(file: io.BufferedReader[Any], encoding: str) -> Iterator[str]:
    wrapper = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        yield from wrapper
    finally:
        with suppress(ValueError):  # the file is closed
            wrapper.detach()  # else it closes the file, which is read to its end for its hash


def not_decodable(source: str, error: UnicodeDecodeError, line: int, encoding: str) -> EncodingError:
    """Return the error for a line that cannot be decoded, with the line as other encodings read it.

    Args:
        source: What the messages call the file.
        error: What was raised.
        line: The number of the line, from 1.
        encoding: In which it was read.
    """
    data, at = error.object, error.start
    start = max(data.rfind(b"\n", 0, at) + 1, at - _SHOWN)
    end = data.find(b"\n", at)
    piece = data[start : min(end if end >= 0 else len(data), at + _SHOWN)].rstrip(b"\r")
    readings: dict[str, str] = {}
    for name in CANDIDATES if encoding == "utf-8-sig" else ():
        try:
            readings.setdefault(piece.decode(name), name)
        except UnicodeDecodeError:
            continue
    words = "UTF-8" if encoding == "utf-8-sig" else encoding
    message = f"line {line:,} is not {words}: byte 0x{data[at]:02x}"
    return EncodingError(source, message, tuple((name, text) for text, name in readings.items()))
