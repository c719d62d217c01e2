"""The entry point: finds the command among the arguments, and loads only what that needs."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPTIONS_WITH_VALUE = ("--output-dir", "--data-dir", "--poll-interval", "--base-url", "--profile")
_RUNNER_COMMANDS = (
    "ls",
    "get",
    "submit",
    "fetch",
    "cancel",
    "hold",
    "continue",
    "settle",
    "retry",
    "results",
    "export",
    "values",
    "compare",
    "watch",
    "make",
    "edit",
    "try",
    "models",
    "spend",
    "doctor",
    "config",
    "completion",
)
"""The commands of `runner`. A test compares them with `parser`, which is not loaded for `check`."""
_CANNOT_DRAW = ("dumb", "unknown")
"""Values of TERM by which a program knows that the cursor cannot be moved: rich then takes any window for 80×25."""
COMMANDS = ("check", "sandbox", *_RUNNER_COMMANDS)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, or the app without one, and return the exit code.

    `argv` are the arguments, by default those of this process, which then may end in here.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = _take_command(arguments)
    if command == "check":
        return _check(arguments, owns_process=argv is None)
    if command == "sandbox":
        from tbatch_tui.sandbox.server import main as serve

        return serve(arguments, prog="tbatch-tui sandbox")
    if command == "completion" and arguments in (["--jobs"], ["--profiles"]):
        from tbatch_tui.cli.commands.job_names import print_job_names, print_profile_names

        return print_job_names() if arguments == ["--jobs"] else print_profile_names()
    if not _has_folder():
        sys.stderr.write("tbatch-tui: the current folder has been deleted. Change to another one first.\n")
        return 2
    if command is not None:
        from tbatch_tui.cli.runner import main as run

        return run(command, arguments)
    return _run_app(arguments, owns_process=argv is None)


def _has_folder() -> bool:
    """Return whether the working folder is there, in which results are put and relative paths begin."""
    try:
        return bool(os.getcwd())  # noqa: PTH109 - pathlib may not be loaded yet
    except OSError:
        return False


def _take_command(arguments: list[str]) -> str | None:
    """Remove the first argument that is not an option and return it, if it is a command."""
    skip = False
    for index, argument in enumerate(arguments):
        if skip:
            skip = False
        elif argument in _OPTIONS_WITH_VALUE:
            skip = True
        elif argument == "--":
            return None
        elif not argument.startswith("-"):
            return arguments.pop(index) if argument in COMMANDS else None
    return None


def _check(arguments: list[str], owns_process: bool) -> int:
    """Run `check`, which takes so little time that Python's start and end count.

    With `owns_process`, nothing runs after it in this process, which is then ended without Python's tear-down.
    """
    if owns_process:
        import gc

        gc.disable()  # what is loaded is needed to the end
        _load_msgspec()
    from tbatch_tui.cli.commands.check import main as check

    status = check(arguments, prog="tbatch-tui check")
    if owns_process:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, AttributeError, ValueError):  # closed, or its reader has gone
                stream.flush()
        os._exit(status)
    return status


def _load_msgspec() -> None:
    """Load msgspec without `typing_extensions`, which loads `inspect`: 8 of 74 ms of CPU that a small check takes.

    Safe where it is done, and only there: msgspec imports it in a `try` and takes the same names from `typing`, which
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
            del sys.modules[loaded]  # half loaded; the next import loads it again
    finally:
        del sys.modules[name]


def _run_app(arguments: list[str], owns_process: bool) -> int:
    """Run the app. With `owns_process`, no garbage is looked for until it has painted, and enables that again."""
    if owns_process:
        import gc

        gc.disable()  # what is allocated before the first frame is needed to the end
    from tbatch_tui.cli.parser import app_parser

    parser = app_parser()
    options = parser.parse_args(arguments)
    from tbatch_tui.config.resolve import resolve_settings
    from tbatch_tui.config.settings import SettingsError

    # A base URL is that of the profile that it was given with; what else was given is for all of them.
    resolve = partial(
        resolve_settings,
        output_dir=options.output_dir,
        data_dir=options.data_dir,
        poll_interval=options.poll_interval,
        mouse=not options.no_mouse,
        insecure=options.insecure,
    )
    try:
        settings = resolve(
            file=options.file[0] if options.file else None,
            more_files=options.file[1:],
            demo=options.demo,
            base_url=options.base_url,
            profile=options.profile,
        )
    except SettingsError as error:
        parser.error(str(error))
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        parser.error("the app needs a terminal. Without one: tbatch-tui ls, submit, fetch … (see --help).")
    if (term := os.environ.get("TERM", "")).lower() in _CANNOT_DRAW:
        parser.error(
            f"the app cannot draw in a terminal that is called {term!r}. Set TERM to what it is, such as "
            "xterm-256color; or use tbatch-tui ls, submit, fetch … (see --help)."
        )
    if settings.profile is not None:
        from tbatch_tui.cli.settings.named_profile import use_profile

        try:
            settings = use_profile(settings)
        except SettingsError as error:
            parser.error(str(error))
        except KeyboardInterrupt:
            return 130
    from tbatch_tui.cli.commands.app import launch

    return launch(settings, lambda name: resolve(profile=name))
