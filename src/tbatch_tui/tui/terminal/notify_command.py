"""Run the user's own command when a job has ended: argv, not a shell, with the job as JSON on its standard input."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.record_json import record_to_dict
from tbatch_tui.engine.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tbatch_tui.engine.domain.record import JobRecord

TIME_LIMIT = 30.0
"""Seconds after which the command is killed."""
_WITHHELD = ("TOGETHER_API_KEY",)
_SAFE = "The job is not affected."


async def run_notify_command(
    command: Sequence[str],
    record: JobRecord,
    *,
    environment: Mapping[str, str] = os.environ,
    time_limit: float = TIME_LIMIT,
) -> None:
    """Run the command for one job. Its output is dropped, and it does not get the API key.

    Raises BatchError when it does not start, takes too long, or exits with another code than 0.
    """
    # A known key is withheld under any name: it may be part of a header, or of a command line for a tool.
    allowed = {name: value for name, value in environment.items() if name not in _WITHHELD and redact(value) == value}
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=allowed,
            start_new_session=True,  # ctrl-c in the terminal is not meant for it, and its children are killed with it
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BatchError(
            f"The command of [notify] did not start: {reason}", f"{_SAFE} Look at {command[0]}."
        ) from error
    try:
        async with asyncio.timeout(time_limit):
            from tbatch_tui.engine.lenient_json import to_json

            await child.communicate(to_json(record_to_dict(record)).encode())
    except TimeoutError:
        raise BatchError(
            f"The command of [notify] was stopped after {time_limit:g} s", f"{_SAFE} Let {command[0]} leave sooner."
        ) from None
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, 9)
            await child.wait()
    if child.returncode:
        raise BatchError(f"The command of [notify] failed with {child.returncode}", f"{_SAFE} Look at {command[0]}.")
