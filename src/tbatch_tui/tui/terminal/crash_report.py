"""The report of an app that ended because of a bug: without keys, prompts or answers."""

from __future__ import annotations

import logging
import os
import platform
import time
import traceback
from typing import TYPE_CHECKING

from tbatch_tui._version import __version__
from tbatch_tui.engine.redaction import redact

if TYPE_CHECKING:
    from pathlib import Path

_MAX_REPORTS = 5


def write_report(folder: Path, traceback: str) -> Path | None:
    """Write the traceback to a file of its own, and return its path; None if it cannot be written.

    The five newest reports are kept.

    Args:
        traceback: Must not contain the values of variables, which may be a key or a prompt.
    """
    path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    head = (
        f"tbatch-tui {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"TERM={os.environ.get('TERM', '')}\n\n"
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(head + redact(traceback))
        for old in sorted(folder.glob("crash-*.txt"))[:-_MAX_REPORTS]:
            old.unlink(missing_ok=True)
    except OSError:
        return None
    return path


def exit_message(path: Path | None) -> str:
    """Return what is printed below the traceback."""
    where = f" The report is {path}: it contains no key, no prompt and no answer." if path is not None else ""
    return (
        "\ntbatch-tui crashed (our bug). Nothing you submitted is lost: the history is on disk, jobs continue on "
        f"the server, and the next start picks everything up.{where}\n"
    )


def report_crash(folder: Path) -> str:
    """Log the exception that is being handled, write a report of it to `folder`, and return what to print."""
    text = redact(traceback.format_exc())
    logging.getLogger(__name__).error("the app crashed: %s", text)
    return text + exit_message(write_report(folder, text))
