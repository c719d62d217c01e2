"""Runs one command: resolves the settings, starts an event loop, and turns errors into an exit code."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from tbatch_tui.cli.arguments.config import WITH_FILE
from tbatch_tui.cli.exit_codes import FAILED, INTERRUPTED, OK, exit_code_of
from tbatch_tui.cli.parser import SHELLS, command_parser
from tbatch_tui.cli.settings.named_profile import needs_key, read_settings, use_profile
from tbatch_tui.config.settings import Settings, SettingsError
from tbatch_tui.engine.errors import BatchError

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
"""Errors of a standard output that goes to a file on a full or broken disk."""

INTERRUPTED_TEXT = "Stopped. Submitted jobs continue on the server; nothing is lost here."
"""What is said after ctrl+c, unless the command knows better: `arguments.interrupted`."""

Command = Callable[[argparse.Namespace, Settings], Coroutine[Any, Any, int]]
"""What runs a command: its arguments and the settings → its exit code."""


def main(name: str, arguments: list[str]) -> int:
    """Run the command of this name, and return the exit code. Raises SystemExit for wrong arguments."""
    parser = command_parser(name)
    options = parser.parse_args(arguments)
    if name == "completion":
        return _complete(parser, options)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if name == "config":
        return _config(parser, options)
    if name == "doctor":  # settings that cannot be used are what it is for
        from tbatch_tui.cli.commands.doctor import doctor

        os.environ.pop("TOGETHER_LOG", None)
        return _guard(lambda: doctor(options), options)
    os.environ.pop("TOGETHER_LOG", None)  # with TOGETHER_LOG=debug the SDK writes prompts to standard error
    try:
        settings = read_settings(options)
        if needs_key(name, options):
            settings = use_profile(settings)
    except SettingsError as error:
        parser.error(str(error))
    except KeyboardInterrupt:  # while the key of a profile was asked for
        return INTERRUPTED
    if name == "make":  # asks nobody, and waits for nothing: no event loop
        from tbatch_tui.cli.commands.tables.make import make

        return _guard(lambda: make(options, settings), options)
    if name == "edit":
        from tbatch_tui.cli.commands.tables.edit import edit

        return _guard(lambda: edit(options, settings), options)
    return _run(_load_command(name), options, settings)


def _config(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Tell of the settings, which may be unusable."""
    from tbatch_tui.cli.commands.config import config

    if (options.action in WITH_FILE) is not (options.file is not None):
        parser.error("export-labels and import-labels take a FILE, and the others take none")

    def run() -> int:
        try:
            return config(options)
        except SettingsError as error:
            parser.error(str(error))

    return _guard(run, options)


def _complete(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Print the script for a shell."""
    from tbatch_tui.cli.commands.completion import script

    if options.shell is None:
        parser.error(f"name the shell: {', '.join(SHELLS)}")
    sys.stdout.write(script(options.shell))
    return OK


def _load_command(name: str) -> Command:
    """Return what runs the command, with nothing else loaded."""
    match name:
        case "submit":
            from tbatch_tui.cli.commands.submit import submit

            return submit
        case "retry" | "results":
            from tbatch_tui.cli.commands import results

            return results.retry if name == "retry" else results.results
        case "export":
            from tbatch_tui.cli.commands.export import export

            return export
        case "values":
            from tbatch_tui.cli.commands.answers.values import values

            return values
        case "compare":
            from tbatch_tui.cli.commands.answers.compare import compare

            return compare
        case "try":
            from tbatch_tui.cli.commands.answers.try_line import try_lines

            return try_lines
        case "models":
            from tbatch_tui.cli.commands.account.models import models

            return models
        case "spend":
            from tbatch_tui.cli.commands.account.spend import spend

            return spend
        case "watch":
            from tbatch_tui.cli.commands.watch import watch

            return watch
        case "hold" | "continue" | "settle":
            from tbatch_tui.cli.commands.groups import decide

            return {"hold": decide.hold, "continue": decide.go_on, "settle": decide.settle}[name]
    from tbatch_tui.cli.commands import jobs

    return {"ls": jobs.ls, "get": jobs.get, "fetch": jobs.fetch, "cancel": jobs.cancel}[name]


def _run(command: Command, options: argparse.Namespace, settings: Settings) -> int:
    import asyncio

    return _guard(lambda: asyncio.run(command(options, settings)), options)


def _guard(call: Callable[[], int], options: argparse.Namespace) -> int:
    """Return the exit code of a call; what it raises is printed, and becomes one."""
    from tbatch_tui.cli.output import print_message

    try:
        code = call()
        sys.stdout.flush()
        return code
    except BatchError as error:
        print_message(str(error))
        return exit_code_of(error)
    except KeyboardInterrupt:
        print_message(getattr(options, "interrupted", "") or INTERRUPTED_TEXT)
        return INTERRUPTED
    except BrokenPipeError:  # such as `tbatch-tui ls | head`, which is no failure
        _discard_output()
        return OK
    except OSError as error:
        if error.errno not in _DISK_ERRORS or error.filename is not None:
            raise
        print_message(f"Cannot write the output: {error.strerror}")
        _discard_output()
        return FAILED


def _discard_output() -> None:
    """Send what is still buffered nowhere, so that Python does not fail again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
