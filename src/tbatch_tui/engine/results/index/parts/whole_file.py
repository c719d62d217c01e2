"""The file that parts were made of, read from its beginning to its end while their rows are found in it."""

from __future__ import annotations

import re
import sys
from collections import deque
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from tbatch_tui.engine.errors import OperationCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable
    from hashlib import _Hash

_BOM = b"\xef\xbb\xbf"
_PIECE = 1 << 20
_BLANK = re.compile(rb"\n(?=[ \t\r\x0b\x0c]*\n)")
"""The line end before a blank line."""


class _Span(NamedTuple):
    """Where a blank line is, with its line end."""

    begin: int
    end: int


class WholeFile:
    """A place in the file, which only moves on."""

    def __init__(self, file: BinaryIO, size: int, cancelled: Callable[[], bool]) -> None:
        """Begin after the byte order mark, if there is one. Raises OSError.

        Args:
            file: opened for reading bytes.
            size: its bytes.
            cancelled: asked while bytes are read, whether to stop.
        """
        self.size = size
        self._file = file
        self._cancelled = cancelled
        self.offset = len(_BOM) if self._read(0, len(_BOM)) == _BOM else 0
        self.line = 0
        """Lines before this place."""
        self.leaves_out_blanks = False
        self._blanks: deque[_Span] = deque()
        """Blank lines that were found and are not passed yet."""
        self._searched = 0
        """Up to where they were looked for: the begin of a line."""

    @property
    def is_at_end(self) -> bool:
        """Whether nothing follows, but for blank lines where those are left out."""
        return self.offset >= self.size

    def leave_out_blanks(self, offset: int, line: int) -> None:
        """Go to a place, where it is or was before, and leave out blank lines from there on."""
        self.offset, self.line = offset, line
        self.leaves_out_blanks, self._searched = True, offset
        self._blanks.clear()
        self._skip_blanks()

    def hash(self, size: int, digest: _Hash) -> bool:
        """Hash the next bytes, with the line end that the last line of the file may lack, and go on behind them.

        Returns False where there are not so many. Raises OSError and OperationCancelledError.
        """
        left = size
        while left and (piece := self._read(self.offset + size - left, min(left, _PIECE))):
            self._stop_if_cancelled()
            digest.update(piece)
            self.line += piece.count(b"\n")
            left -= len(piece)
        if left == 1:
            digest.update(b"\n")
        self.offset += size
        self._skip_blanks()
        return left <= 1

    def _skip_blanks(self) -> None:
        """Go on to the next line that is not blank, where blank lines are left out."""
        while self.leaves_out_blanks and self.next_blank(self.offset + 1) == self.offset:
            self.offset = self._blanks[0].end
            self.line += 1

    def next_blank(self, before: int) -> int:
        """Return where the next blank line is that begins before an offset, if it is left out; else a greater number.

        Raises OSError and OperationCancelledError.
        """
        if not self.leaves_out_blanks:
            return sys.maxsize
        while self._blanks and self._blanks[0].begin < self.offset:
            self._blanks.popleft()
        while not self._blanks and self._searched < min(before, self.size):
            self._search()
        return self._blanks[0].begin if self._blanks else sys.maxsize

    def _search(self) -> None:
        """Look for blank lines in the next piece of whole lines."""
        self._stop_if_cancelled()
        first, size = self._searched, _PIECE
        while True:
            data = self._read(first, size)
            is_last = first + len(data) >= self.size
            end = len(data) if is_last else data.rfind(b"\n") + 1
            if end:
                break
            size *= 2  # a line that is longer
        lines = b"\n" + data[:end] + (b"\n" if is_last and not data.endswith(b"\n") else b"")
        for found in _BLANK.finditer(lines):
            stop = lines.index(b"\n", found.end())  # of the blank line, one further on than in the file
            if (begin := first + found.start()) < self.size:
                self._blanks.append(_Span(begin, first + stop))
        self._searched = first + end

    def _read(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)

    def _stop_if_cancelled(self) -> None:
        if self._cancelled():
            raise OperationCancelledError("Reading the results was stopped")
