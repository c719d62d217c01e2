"""Runs one command: settings, the engine it needs, and what its end means for the shell."""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from tbatch_tui.cli.exit_codes import FAILED, INTERRUPTED, OK, exit_code_of
from tbatch_tui.cli.parser import parser_of
from tbatch_tui.config.resolve import resolve_settings
from tbatch_tui.config.settings import Settings, SettingsError
from tbatch_tui.engine.errors import BatchError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
"""How standard output ends that goes to a file on a full disk."""

Run = Callable[[argparse.Namespace, Settings], Coroutine[Any, Any, int]]


def main(command: str, arguments: list[str]) -> int:
    """Run the command; the exit code."""
    parser = parser_of(command)
    options = parser.parse_args(arguments)
    if command == "completion":
        from tbatch_tui.cli.commands.completion import script

        sys.stdout.write(script(options.shell))
        return OK
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    os.environ.pop("TOGETHER_LOG", None)  # at debug the SDK writes prompts to standard error
    try:
        settings = resolve_settings(
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
            from tbatch_tui.cli.commands.submit import submit

            return submit
        case "retry" | "results":
            from tbatch_tui.cli.commands import results as rows

            return rows.retry if command == "retry" else rows.results
    from tbatch_tui.cli.commands import jobs

    return {"ls": jobs.ls, "get": jobs.get, "fetch": jobs.fetch, "cancel": jobs.cancel}[command]


def _run(run: Run, options: argparse.Namespace, settings: Settings) -> int:
    from tbatch_tui.cli.output import print_message

    try:
        code = asyncio.run(run(options, settings))
        sys.stdout.flush()
        return code
    except BatchError as error:
        print_message(str(error))
        return exit_code_of(error)
    except KeyboardInterrupt:
        print_message("Stopped. What was submitted goes on at the server; nothing is lost here.")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough: what is still to be flushed on leaving goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        print_message(f"What was asked for cannot be written: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
