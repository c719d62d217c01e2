"""Write files of parts anew, from where their bytes are in the input file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import parse_slices
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.groups.split import new_folder
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.local_files.file_slices import InputPlace
from tbatch_tui.engine.local_files.rights import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.submission import Submission

_PIECE = 1 << 20
"""Bytes that are copied at once."""


def write_slices(
    parts: Sequence[Submission], home: Path, *, cancelled: Callable[[], bool] = lambda: False
) -> dict[str, Path]:
    """Write the files of these parts into a new folder in `home`. For a thread.

    Raises LocalFileError, also when what was written is not what the parts were, and OperationCancelledError: then
    nothing is left behind.

    Returns:
        The new files, by their SHA-256.
    """
    first = parse_slices(parts[0].slices)[0].path
    with new_folder(first, home, sum(part.size for part in parts)) as folder:
        return {part.sha256: _write(part, folder / part.path.name, cancelled) for part in parts}


def _write(part: Submission, path: Path, cancelled: Callable[[], bool]) -> Path:
    slices, digest = parse_slices(part.slices), hashlib.sha256()
    with InputPlace(part.path, slices).open() as (source, _), atomic_write(path, rights=PRIVATE) as file:
        while piece := source.read(_PIECE):
            if cancelled():
                raise OperationCancelledError("Writing the parts was stopped")
            digest.update(piece)
            file.write(piece)
        if digest.hexdigest() != part.sha256:
            name = slices[0].path.name
            raise LocalFileError(f"{name} has changed since it was submitted", "Nothing was sent. Restore the file.")
    return path
