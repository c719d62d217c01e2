"""Tries as a file of JSON Lines, with what was asked and all that came."""

from __future__ import annotations

import json
import os
from pathlib import PurePath
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.live.as_data import exported
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.local_files.rights import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.tried import TriedRequest


def write_tries(tries: Sequence[TriedRequest], folder: Path, name: str) -> Path:
    """Write tries to `<stem>.tries.jsonl` in a folder, or the first of `.tries2`, `.tries3` … that is free; return it.

    Raises LocalFileError.

    Args:
        tries: In the order in which they are written.
        folder: Made if it is not there.
        name: Of what was tried: the file takes its stem.
    """
    stem = PurePath(name.replace("/", "_")).stem or "requests"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LocalFileError(f"{folder} cannot be written: {error.strerror}", "Nothing was written.") from error
    number = 1
    while os.path.exists(path := folder / f"{stem}.tries{number if number > 1 else ''}.jsonl"):
        number += 1
    with atomic_write(path, rights=PRIVATE) as file:
        for tried in tries:
            file.write(json.dumps(exported(tried), ensure_ascii=True).encode() + b"\n")
    return path
