"""The command line: reads the arguments, and loads only what the command needs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tbatch_tui._version import __version__

_VALUED = ("--output-dir", "--data-dir", "--poll-interval", "--base-url")
_COMMANDS = ("check", "sandbox")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = _command_of(arguments)
    if command == "check":
        from tbatch_tui.check_command import main as check

        return check(arguments, prog="tbatch-tui check")
    if command == "sandbox":
        from tbatch_tui.sandbox.server import main as serve

        return serve(arguments, prog="tbatch-tui sandbox")
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
            return arguments.pop(place) if argument in _COMMANDS else None
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tbatch-tui",
        description="Together AI's Batch API in the terminal: check a file, submit it exactly once, watch the jobs, "
        "get every row back.",
        epilog="Commands:  tbatch-tui check FILE…   the same check without a screen (see check --help)\n"
        "           tbatch-tui sandbox       a local Together API for trying scripts and for CI (see sandbox --help)\n"
        "A file named like a command is given as ./check.\n\n"
        "The key is TOGETHER_API_KEY, else what `tg login` stored.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="begin with the check of this JSONL file")
    parser.add_argument("--demo", action="store_true", help="try it on a private sandbox: no key, nothing leaves")
    parser.add_argument("--output-dir", metavar="DIR", help="where results go [batch-results]")
    parser.add_argument("--data-dir", metavar="DIR", help="history and logs [the platform's user data folder]")
    parser.add_argument(
        "--poll-interval", metavar="SECONDS", type=float, help="[30]; under 10 only against a loopback host"
    )
    parser.add_argument("--base-url", metavar="URL", help="[TOGETHER_BASE_URL, else Together's]")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--version", action="version", version=f"tbatch-tui {__version__}")
    return parser


def _run_app(arguments: list[str]) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    from tbatch_tui.settings import SettingsError, settle

    try:
        settings = settle(
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
        parser.error("the app needs a terminal. Without one: tbatch-tui check FILE, or the engine from a script.")
    from tbatch_tui.launch import launch

    return launch(settings)
