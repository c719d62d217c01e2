"""Cut text that holds several JSON values, or one list of them, into its values. Nothing of a value is rewritten."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.check.limits import LINE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?P<end>"?)|(?P<open>[{\[])|(?P<close>[}\]])', re.DOTALL)
_BETWEEN = re.compile(rb"[ \t\r\n]*")
_DECODINGS_MAX = 4
"""How often a text is decoded that is JSON in JSON in JSON."""


class NotSeparableError(Exception):
    """The text is not JSON values one after the other."""


class ValueSplitter:
    """Takes a text piece by piece and returns the values in it: those of a list, or those that follow each other.

    Between two values stand white space and at most one comma. Values are objects, lists and strings; what is inside
    of them is not looked at. Holds one value and one piece in memory.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0  # what is before this is done
        self._token = 0  # inside of a value: what is before this is counted in `_depth`
        self._depth = 0
        self._is_list: bool | None = None  # None before the first value
        self._may_begin = True
        self._may_part = False
        self._is_closed = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the values that end in this piece. Raises NotSeparableError."""
        self._buffer += piece
        while self._skip_to_value():
            if not (end := self._end_of_value()):
                break
            yield bytes(self._buffer[self._at : end])
            self._at = self._token = end
            self._may_begin, self._may_part = not self._is_list, True
        del self._buffer[: self._at]
        self._token -= self._at
        self._at = 0
        if len(self._buffer) > LINE_BYTES_MAX + len(piece):
            raise NotSeparableError

    def finish(self) -> None:
        """Raise NotSeparableError if the text ends in the middle of something."""
        if self._buffer or (self._is_list and not self._is_closed):
            raise NotSeparableError

    def _skip_to_value(self) -> bool:
        """Move to where the next value begins; False where the piece ends before one does."""
        if self._depth:
            return True
        while True:
            match = _BETWEEN.match(self._buffer, self._at)
            self._at = self._token = match.end() if match else self._at
            first = bytes(self._buffer[self._at : self._at + 1])
            if not first:
                return False
            if self._is_closed:
                raise NotSeparableError
            if self._is_list is None and first == b"[":
                self._is_list = True
            elif first == b"," and self._may_part:
                self._may_begin, self._may_part = True, False
            elif first == b"]" and self._is_list:
                self._is_closed = True
            elif first in (b"{", b"[", b'"') and self._may_begin:
                self._is_list = bool(self._is_list)
                return True
            else:
                raise NotSeparableError
            self._at += 1

    def _end_of_value(self) -> int:
        """Return where the value ends that begins at `_at`; 0 if that is not in the buffer yet."""
        while token := _TOKEN.search(self._buffer, self._token):
            if token["open"]:
                self._depth += 1
            elif token["close"]:
                self._depth -= 1
            elif not token["end"]:
                self._token = token.start()  # the string goes on in the next piece
                return 0
            self._token = token.end()
            if not self._depth:
                return self._token
        self._token = len(self._buffer)
        return 0


def one_line(value: bytes) -> bytes:
    """Return a JSON value without line breaks; everything else of it stays as it was written.

    Raises NotSeparableError if it is not JSON: then a line break may stand in a string.
    """
    if b"\n" not in value and b"\r" not in value:
        return value
    text = _decoded(value)
    _loads(text)
    lines = [line.strip(" \t") for line in text.replace("\r", "\n").split("\n")]
    return "".join([f"{line} " if line.endswith(",") else line for line in lines]).encode()


def requests_in(line: bytes, decodings: int = _DECODINGS_MAX) -> list[bytes]:
    """Return the objects in a line that is not one object: several, a list, a string with JSON, or one and a comma.

    Each is as it was written, without line breaks. Empty if there is anything else in the line.
    """
    splitter = ValueSplitter()
    requests: list[bytes] = []
    try:
        values = [*splitter.feed(line)]
        splitter.finish()
        for value in values:
            if value.startswith(b"{"):
                _loads(_decoded(value))
                requests.append(one_line(value))
            elif value.startswith(b'"') and decodings and (inner := _inner(value, decodings)):
                requests += inner
            else:
                return []
    except NotSeparableError:
        return []
    return requests


def _inner(value: bytes, decodings: int) -> list[bytes]:
    """Return the objects in a string that holds JSON."""
    text = _loads(_decoded(value))
    try:
        return requests_in(text.encode(), decodings - 1) if isinstance(text, str) else []
    except UnicodeEncodeError:  # half of a surrogate pair
        return []


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise NotSeparableError from error


def _loads(text: str) -> Any:
    """Decode JSON. Raises NotSeparableError."""
    try:
        return json.loads(text, parse_int=float)
    except (ValueError, RecursionError) as error:
        raise NotSeparableError from error
