"""The command line: finds out which command is meant, and loads only what that needs."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_VALUED = ("--output-dir", "--data-dir", "--poll-interval", "--base-url")
_TWINS = ("ls", "get", "submit", "fetch", "cancel", "retry", "results", "completion")
"""Commands of `console`; a test holds them against what is told there, which is not loaded for `check`."""
COMMANDS = ("check", "sandbox", *_TWINS)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = _command_of(arguments)
    if command == "check":
        return _check(arguments, is_all=argv is None)
    if command == "sandbox":
        from tbatch_tui.sandbox.server import main as serve

        return serve(arguments, prog="tbatch-tui sandbox")
    if command is not None:
        from tbatch_tui.cli.runner import main as run

        return run(command, arguments)
    return _run_app(arguments)


def _command_of(arguments: list[str]) -> str | None:
    """Take the command's name out of the arguments, if the first that is no option is one."""
    skip = False
    for place, argument in enumerate(arguments):
        if skip:
            skip = False
        elif argument in _VALUED:
            skip = True
        elif argument == "--":
            return None
        elif not argument.startswith("-"):
            return arguments.pop(place) if argument in COMMANDS else None
    return None


def _check(arguments: list[str], is_all: bool) -> int:
    """Run `check`, which is over in so short a time that beginning and ending count.

    `is_all`: it is all that this process is for. Then what Python takes itself apart by is passed over.
    """
    if is_all:
        import gc

        gc.disable()  # nothing that is loaded dies
        _load_msgspec()
    from tbatch_tui.cli.commands.check import main as check

    status = check(arguments, prog="tbatch-tui check")
    if is_all:
        import os

        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, AttributeError, ValueError):  # closed, or nobody reads any more
                stream.flush()
        os._exit(status)
    return status


def _load_msgspec() -> None:
    """Load msgspec without `typing_extensions`, which loads `inspect`: 8 of 74 ms of CPU that a small check takes.

    Safe where it is done, and only there: msgspec asks for it in a `try` and takes the same names from `typing`, which
    has them since Python 3.11; nothing else has been loaded that could miss it, and it can be loaded afterwards. A
    msgspec that insists on it gets it.
    """
    name = "typing_extensions"
    if name in sys.modules:
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        import msgspec  # noqa: F401
    except ImportError:
        for loaded in [module for module in sys.modules if module.partition(".")[0] == "msgspec"]:
            del sys.modules[loaded]  # half of it; who needs it loads it again
    finally:
        del sys.modules[name]


def _run_app(arguments: list[str]) -> int:
    from tbatch_tui.cli.parser import app_parser

    parser = app_parser()
    options = parser.parse_args(arguments)
    from tbatch_tui.config.resolve import resolve_settings
    from tbatch_tui.config.settings import SettingsError

    try:
        settings = resolve_settings(
            file=options.file,
            demo=options.demo,
            output_dir=options.output_dir,
            data_dir=options.data_dir,
            poll_interval=options.poll_interval,
            base_url=options.base_url,
            mouse=not options.no_mouse,
        )
    except SettingsError as error:
        parser.error(str(error))
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        parser.error("the app needs a terminal. Without one: tbatch-tui ls, submit, fetch … (see --help).")
    from tbatch_tui.cli.commands.app import launch

    return launch(settings)
