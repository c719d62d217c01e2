"""The data folder is for its owner alone: what was asked and answered is in it."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from tbatch_tui.engine.events import Notice
from tbatch_tui.engine.runtime.event_log import EventLog

if TYPE_CHECKING:
    from pathlib import Path

_OURS = re.compile(r"history\.db.*|parts|parts\.lock|index|demo|tbatch-tui\.log.*|crash-.*\.txt|work-\d+\.(lock|pid)")
"""The names that this program gives to what is in the folder. In a folder with others, the rights are somebody's."""
_OTHERS = 0o077
_WRITE = 0o022


def open_folder(folder: Path) -> tuple[EventLog, list[Notice]]:
    """Return the log of a data folder, opened, and what is to be said of the folder's rights. For a thread."""
    notices = keep_private(folder)
    log = EventLog(folder)
    log.open()
    return log, notices


def keep_private(folder: Path) -> list[Notice]:
    """Take the data folder from others if it is ours and holds nothing else; return what is to be said of it."""
    try:
        status = folder.stat()
    except OSError:
        return []
    if os.name == "nt" or not status.st_mode & _OTHERS:  # Windows has no modes
        return []
    if _mend(folder, status):
        return [
            Notice(
                f"The data folder {folder} was open to other users, and is now private",
                f"It was {stat.S_IMODE(status.st_mode):04o} and is 0700: what you ask and what is answered is in it.",
            )
        ]
    can = "change and delete" if status.st_mode & _WRITE else "see"
    return [
        Notice(
            f"Other users can {can} what is in the data folder {folder}",
            f"It contains your requests and answers. `chmod 700 {folder}` fixes that; --data-dir uses another folder.",
            "warning",
        )
    ]


def _mend(folder: Path, status: os.stat_result) -> bool:
    """Return whether the folder could be taken from others: not one of another user, or with files of others."""
    if status.st_uid != os.geteuid() or status.st_mode & stat.S_ISVTX:
        return False
    try:
        if not all(_OURS.fullmatch(path.name) for path in folder.iterdir()):
            return False
        folder.chmod(0o700)
        return not folder.stat().st_mode & _OTHERS  # a file system without modes says yes, and does nothing
    except OSError:
        return False
