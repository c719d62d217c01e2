"""Runs one command: settings, the engine it needs, and what its end means for the shell."""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from tbatch_tui.console.arguments import parser_of
from tbatch_tui.engine.errors import BatchError, FileTrouble, LostAnswer, Offline, RateLimited
from tbatch_tui.settings import Settings, SettingsError, settle

AS_ASKED, NOT_SO, BAD_USE, NOT_KNOWN = 0, 1, 2, 3
"""Exit codes (product promise): done; it did not come out; bad use or no such file; not known yet, ask again."""
INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
"""How standard output ends that goes to a file on a full disk."""

Run = Callable[[argparse.Namespace, Settings], Coroutine[Any, Any, int]]


def main(command: str, arguments: list[str]) -> int:
    """Run the command; the exit code."""
    parser = parser_of(command)
    options = parser.parse_args(arguments)
    if command == "completion":
        from tbatch_tui.console.completion import script

        sys.stdout.write(script(options.shell))
        return AS_ASKED
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    os.environ.pop("TOGETHER_LOG", None)  # at debug the SDK writes prompts to standard error
    try:
        settings = settle(
            file=None,
            demo=False,
            output_dir=options.output_dir,
            data_dir=options.data_dir,
            poll_interval=options.poll_interval,
            base_url=options.base_url,
            mouse=False,
        )
    except SettingsError as error:
        parser.error(str(error))
    return _run(_of(command), options, settings)


def _of(command: str) -> Run:
    """What runs a command; only that is loaded."""
    match command:
        case "submit":
            from tbatch_tui.console.submit import submit

            return submit
        case "retry" | "results":
            from tbatch_tui.console import rows

            return rows.retry if command == "retry" else rows.results
    from tbatch_tui.console import jobs

    return {"ls": jobs.ls, "get": jobs.get, "fetch": jobs.fetch, "cancel": jobs.cancel}[command]


def _run(run: Run, options: argparse.Namespace, settings: Settings) -> int:
    from tbatch_tui.console.speech import say

    try:
        code = asyncio.run(run(options, settings))
        sys.stdout.flush()
        return code
    except BatchError as error:
        say(str(error))
        return code_of(error)
    except KeyboardInterrupt:
        say("Stopped. What was submitted goes on at the server; nothing is lost here.")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough: what is still to be flushed on leaving goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return AS_ASKED
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        say(f"What was asked for cannot be written: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_SO


def code_of(error: BatchError) -> int:
    """What an error means for the shell."""
    if isinstance(error, Offline | LostAnswer | RateLimited):
        return NOT_KNOWN
    return BAD_USE if isinstance(error, FileTrouble | Unknown) else NOT_SO


class Unknown(BatchError):
    """No job, or more than one, is called so."""
