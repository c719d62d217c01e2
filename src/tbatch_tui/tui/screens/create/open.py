"""Create for one file, or for several that become one group, and what the group is called at first."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from tbatch_tui.tui.screens.create.screen import CreateScreen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.bridge import Bridge

_TAIL = re.compile(r"[\W_\d]+$")
"""What numbers the files at the end of their common beginning."""
_SAY_NOTHING = frozenset({"batch", "chunk", "data", "file", "input", "part", "requests", "shard", "split", "x"})
"""What tools call the pieces of a file: the folder says more."""
_LEAST = 3
"""Letters that a common beginning has to have."""


def make_create(
    engine: BatchEngine, bridge: Bridge, report: CheckReport, reports: Sequence[CheckReport] = ()
) -> CreateScreen:
    """Return the screen Create for a checked file; for several with `reports`, which has those of all."""
    if not reports:
        return CreateScreen(engine, bridge, report, engine.options.output_dir)
    from tbatch_tui.tui.screens.create.checked_files import CheckedFiles

    files = CheckedFiles(engine, reports, group_name([each.path for each in reports]))
    return CreateScreen(engine, bridge, files.report, engine.options.output_dir, files)


def group_name(paths: Sequence[Path]) -> str:
    """Return what several files are called together: by the beginning of their names, else by their folder."""
    beginning = _TAIL.sub("", _common_beginning([path.stem for path in paths]))
    if len(beginning) >= _LEAST and beginning.casefold().rstrip("s") not in _SAY_NOTHING:
        return beginning
    folders = {path.absolute().parent for path in paths}
    folder = folders.pop().name if len(folders) == 1 else os.path.basename(os.path.commonpath(folders))  # noqa: PTH119
    return folder or beginning or "group"


def _common_beginning(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    length = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:length]
