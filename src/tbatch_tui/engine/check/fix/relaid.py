"""A file that is JSON but not JSON Lines, with each of its values on a line of its own: in a temporary file."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.check.fix.json_values import NotSeparableError, ValueSplitter, one_line
from tbatch_tui.engine.check.scan.reader import PIECE_BYTES
from tbatch_tui.engine.check.scan.sniff import BOM
from tbatch_tui.engine.errors import OperationCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

_SHOWN_BYTES = 2_000
"""Of the file as it is, for a preview."""


class Relaid(NamedTuple):
    """The file with a value on each line."""

    path: Path
    lines: int
    before: str
    """The beginning of the file as it is."""
    after: str
    """The first line."""


@contextmanager
def relaid_file(
    source: FileIO,
    start: int,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Relaid | None]:
    """Yield the file with each value of a JSON list, or of values one after the other, on a line of its own.

    None if it is anything else. Only line breaks, and what stands between two values, are left out. The temporary file
    is readable by its owner alone, and gone afterwards. Raises OSError, and OperationCancelledError.

    Args:
        source: The file; a byte order mark goes before the lines.
        start: Where its text begins.
        progress: Called with the bytes read and the bytes in all.
    """
    with TemporaryDirectory(prefix="tbatch-") as folder:
        path = Path(folder, "lines.jsonl")
        try:
            first, lines = _write_lines(source, start, path, progress, cancelled)
        except NotSeparableError:
            yield None
            return
        source.seek(start)
        before = source.read(_SHOWN_BYTES).decode("utf-8", "replace")
        yield Relaid(path, lines, before, first.decode("utf-8", "replace"))


def _write_lines(
    source: FileIO,
    start: int,
    path: Path,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> tuple[bytes, int]:
    """Write the lines; return the first, and how many they are. Raises NotSeparableError."""
    size = source.seek(0, 2)
    source.seek(start)
    splitter = ValueSplitter()
    first, number = b"", 0
    with path.open("wb") as lines:
        if start:
            lines.write(BOM)
        while piece := source.read(PIECE_BYTES):
            if cancelled is not None and cancelled():
                raise OperationCancelledError("The fix was stopped")
            for value in splitter.feed(piece):
                line = one_line(value)
                first = first or line
                lines.write(line)
                lines.write(b"\n")
                number += 1
            if progress is not None:
                progress(min(source.tell(), size), size)
        splitter.finish()
    if not first:
        raise NotSeparableError
    return first, number
