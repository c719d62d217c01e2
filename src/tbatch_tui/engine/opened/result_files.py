"""Which files belong to a result file: the other result file of its job, and the input file that has its ids."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.lenient_json import as_id, to_json
from tbatch_tui.engine.tables.compose.opening import PathKind, kind_of_path, read_rows
from tbatch_tui.engine.tables.readers.open_source import JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

_END = 256 * 1024
"""Bytes at the beginning and at the end of a result file of which ids are looked for in input files."""
_IDS = 8
"""Ids that are looked for, of each end of a result file."""
_PIECE = 1 << 20
"""Bytes of an input file that are searched at a time."""
_FILES_MAX = 200
"""Files of a folder that are looked at."""
_OUTPUT, _ERRORS = re.compile(r"outputs?(?!.*output)", re.IGNORECASE), re.compile(r"errors?(?!.*error)", re.IGNORECASE)
"""The last such word of a name: `reviews.output.jsonl`, `batch_errors.jsonl`."""


class ResultFiles(NamedTuple):
    """What was found for a result file. Paths are absolute."""

    output: Path | None
    errors: Path | None
    inputs: tuple[Path, ...]
    """The input files in which all ids that were looked for stand."""

    @property
    def path(self) -> Path:
        """The one by which the results are called."""
        path = self.output or self.errors
        assert path is not None
        return path

    @property
    def likeliest_input(self) -> Path | None:
        """The input file whose name the result file begins with, else the only one; None if it cannot be told."""
        named = [path for path in self.inputs if self.path.name.startswith(path.stem)]
        if named:
            return max(named, key=lambda path: len(path.stem))
        return self.inputs[0] if len(self.inputs) == 1 else None


def is_result_file(path: Path) -> bool:
    """Return whether a file is the output or error file of a batch, by its first rows. Reads the disk."""
    return os.path.isfile(path) and kind_of_path(path) is PathKind.RESULTS


def endpoint_of_requests(path: Path) -> Endpoint:
    """Return what the requests of an input file are for, by the first rows. Reads the disk."""
    bodies = [body for row in read_rows(_ends(path)[0]) if isinstance(body := row.get("body"), dict)]
    is_audio = any("file" in body and "messages" not in body for body in bodies)
    return Endpoint.TRANSCRIPTION if is_audio else Endpoint.CHAT


def find_result_files(
    path: Path, elsewhere: Iterable[Path] = (), *, cancelled: Callable[[], bool] = lambda: False
) -> ResultFiles:
    """Return what belongs to a result file. Reads the disk.

    Args:
        path: An output or error file.
        elsewhere: Input files to look at beside those of its folder, and of the folder above.
        cancelled: Asked after each file whether to stop looking.
    """
    path = path.absolute()
    has_errors_only = not any("response" in row and row["response"] is not None for row in read_rows(_ends(path)[0]))
    other = _other_file(path, is_errors=has_errors_only)
    output, errors = (other, path) if has_errors_only else (path, other)
    ids = [custom_id for found in (output, errors) if found is not None for custom_id in _sample_of_ids(found)]
    candidates = _candidates(path, elsewhere)
    inputs = tuple(each for each in candidates if not cancelled() and _has_ids(each, ids)) if ids else ()
    return ResultFiles(output, errors, inputs)


def _ends(path: Path) -> tuple[bytes, bytes]:
    """Return the first and the last bytes of a file, the latter from the beginning of a line; none where it is short.

    Nothing if it cannot be read.
    """
    with suppress(OSError), path.open("rb") as file:
        head = file.read(_END)
        size = file.seek(0, 2)
        if size <= _END:
            return head, b""
        file.seek(max(_END, size - _END))
        return head, file.read().partition(b"\n")[2]
    return b"", b""


def _other_file(path: Path, *, is_errors: bool) -> Path | None:
    """Return the other result file of a job, which has the same name but for one word; None if there is none."""
    word, pattern = ("output", _ERRORS) if is_errors else ("error", _OUTPUT)
    names = [pattern.sub(word + plural, path.name) for plural in ("s", "")]
    others = (path.with_name(name) for name in names if name != path.name)
    return next((other for other in others if is_result_file(other)), None)


_Spellings = tuple[bytes, ...]
"""An id as JSON: with escapes for what is not ASCII, and without."""


def _sample_of_ids(path: Path) -> list[_Spellings]:
    """Return ids of the first and of the last rows."""
    head, tail = map(read_rows, _ends(path))
    ids = (as_id(row.get("custom_id")) for row in (*head[:_IDS], *tail[:_IDS]))
    return [_spellings(custom_id) for custom_id in ids if custom_id]


def _spellings(custom_id: str) -> _Spellings:
    """Return an id as JSON spells it. Half of a surrogate pair has to be escaped: UTF-8 cannot hold it."""
    escaped = to_json(custom_id).encode()
    try:
        return escaped, msgspec.json.encode(custom_id)
    except UnicodeEncodeError:
        return (escaped,)


def _candidates(path: Path, elsewhere: Iterable[Path]) -> list[Path]:
    """Return the files that may be the input file, each once."""
    found: dict[Path, None] = {}
    for folder in (path.parent, path.parent.parent):
        with suppress(OSError):
            named = sorted(each for each in folder.iterdir() if each.suffix.lower() in JSON)
            found |= dict.fromkeys(named[:_FILES_MAX])
    found |= dict.fromkeys(each.absolute() for each in elsewhere)
    return [each for each in found if each != path]


def _has_ids(path: Path, ids: Sequence[_Spellings]) -> bool:
    """Return whether a file is an input file in which these ids stand."""
    if not os.path.isfile(path) or kind_of_path(path) is not PathKind.REQUESTS:
        return False
    missing = list(ids)
    overlap = max(len(spelling) for spellings in ids for spelling in spellings)
    carried = b""
    with suppress(OSError), path.open("rb") as file:
        while missing and (piece := file.read(_PIECE)):
            block = carried + piece
            missing = [each for each in missing if not any(spelling in block for spelling in each)]
            carried = block[-overlap:]
    return not missing
