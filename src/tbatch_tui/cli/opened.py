"""A job by its name, or the results of a file by its path, for commands that read answers."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.cli.exit_codes import NoSuchJobError
from tbatch_tui.cli.output import print_message
from tbatch_tui.cli.targets import find_target
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.threads import run_detached

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.cli.session import Session
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.groups.group_record import GroupRecord


async def find_results(session: Session, records: Sequence[JobRecord], text: str) -> JobRecord | GroupRecord:
    """Return the job or group that is called so, else the record of the result file with this path.

    Raises NoSuchJobError, also where a job and a file are called so, and BatchError where the file cannot be read.
    """
    is_file = await run_detached(lambda: _is_result_file(text))
    try:
        found = find_target(records, text)
    except NoSuchJobError:
        if not is_file:
            await run_detached(lambda: _require_no_file(text))
            raise
    else:
        if not is_file:
            return found
        raise NoSuchJobError(
            f"A job and a file are called {text!r}", f"Use the id of the job, {found.key}, or ./{text} for the file."
        )
    opened = await session.engine.opened.open(Path(text))
    if opened.is_opened:
        _print_input(opened, len(session.engine.opened.inputs(opened.key)))
    return opened


def _is_result_file(text: str) -> bool:
    from tbatch_tui.engine.opened.result_files import is_result_file

    try:
        return is_result_file(Path(text))
    except (OSError, ValueError):  # too long for a path, or with a NUL
        return False


def _require_no_file(text: str) -> None:
    """Raise LocalFileError where the text names a file that holds no results, or one that cannot be read."""
    path = Path(text)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise LocalFileError(f"{text} is not a file, and no job is called so", "Name a job, or a result file.")
        with path.open("rb"):
            raise LocalFileError(
                f"{text} holds no results, and no job is called so", "Name a job, or its output or error file."
            )
    except (FileNotFoundError, NotADirectoryError) as error:
        if os.sep in text:
            raise LocalFileError(f"{text} does not exist", "Check the spelling and the current directory.") from error
    except (OSError, ValueError) as error:
        raise LocalFileError(
            f"{text} cannot be read: {getattr(error, 'strerror', '') or error}", "Change its permissions or its name."
        ) from error


def _print_input(record: JobRecord, found: int) -> None:
    """Print which input file the results are joined with, or why with none."""
    if record.submission is not None:
        print_message(f"The questions are from {record.submission.path}, which has the ids of these answers.")
    elif found:
        print_message(f"{found:,} files near these answers have their ids: they are read without their questions.")
    else:
        print_message("No input file near these answers has their ids: they are read without their questions.")
