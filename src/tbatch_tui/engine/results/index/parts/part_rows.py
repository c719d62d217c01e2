"""The rows of the parts of a file, one part after the other, as the rows of the whole file.

A part is read, its rows are added, and what was in memory of it is freed: however many parts there are, one at a time
is in memory. That the whole file has the lines of a part where they should be is seen by the hash of those bytes.
"""

from __future__ import annotations

import hashlib
from array import array
from typing import TYPE_CHECKING, BinaryIO

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.results.index.join import ExtraRow, Join
from tbatch_tui.engine.results.index.parts.disk_columns import move_to_disk
from tbatch_tui.engine.results.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.engine.local_files.file_slices import InputPlace
    from tbatch_tui.engine.results.index.index import ResultIndex

_BOM = b"\xef\xbb\xbf"
_PIECE = 1 << 20
_IN_MEMORY = 200_000
"""Rows up to which the columns are in memory: some 80 MB."""


class PartRows:
    """The rows of the parts of a file that were added so far."""

    def __init__(self, file: BinaryIO, cancelled: Callable[[], bool]) -> None:
        """Begin without rows.

        Args:
            file: the whole file.
            cancelled: asked while its bytes are compared.
        """
        self.join = Join(has_input=True)
        self._file = file
        self._cancelled = cancelled
        file.seek(0)
        self._offset = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
        self._lines = 0

    def begin(self, rows: int) -> None:
        """Choose, before the first row is added, where so many are kept. Raises OSError."""
        if rows > _IN_MEMORY:
            move_to_disk(self.join)

    def add(self, part: ResultIndex, first_file: int) -> bool:
        """Add the rows of the next part, which is built; False where the whole file has other lines there.

        Raises OSError, and OperationCancelledError.

        Args:
            first_file: number that the first file of the part has among all files.
        """
        stamp = part.file_stamps.get(Source.INPUT)
        if not part.has_input or stamp is None or not self._is_next(stamp.size, part.sources.input_sha256):
            return False
        join, requests = self.join, part.requests
        first = join.responses.extend(part.responses, first_file)
        join.extras += [ExtraRow(first + extra.response, extra.issue, extra.custom_id) for extra in part.extras]
        join.requests.ids.extend(requests.ids)
        join.requests.locations.extend(requests.locations, line=self._lines, offset=self._offset)
        numbers = [first + response if response >= 0 else -1 for response in requests.response]
        join.requests.response.extend(array("i", numbers))  # at last: from now on another thread reads these rows
        self._lines += len(requests)
        self._offset += stamp.size
        return True

    def _is_next(self, size: int, sha256: str | None) -> bool:
        """Return whether the next bytes of the whole file have this hash, with the line end that the last may lack."""
        self._file.seek(self._offset)
        digest, left = hashlib.sha256(), size
        while left and (piece := self._file.read(min(left, _PIECE))):
            if self._cancelled():
                raise OperationCancelledError("Reading the results was stopped")
            digest.update(piece)
            left -= len(piece)
        if left == 1:
            digest.update(b"\n")
        return left <= 1 and digest.hexdigest() == sha256


def are_parts_of(whole: InputPlace, parts: Sequence[ResultIndex]) -> bool:
    """Return whether the sizes of the files allow that the parts, one after the other, are the whole file."""
    try:
        with whole.open() as (file, _):
            has_bom = file.read(len(_BOM)) == _BOM
    except OSError:
        return False
    stamps = [whole.stamp, *(part.sources.stamp(Source.INPUT) for part in parts)]
    if not parts or None in stamps:
        return False
    size, *of_parts = (stamp.size for stamp in stamps if stamp is not None)
    return sum(of_parts) - (size - len(_BOM) * has_bom) in (0, 1)  # 1: the line end it had not
