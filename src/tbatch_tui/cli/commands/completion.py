"""`completion`: the script with which a shell completes commands, options and files."""

from __future__ import annotations

from tbatch_tui.cli.parser import COMMAND_HELP, add_arguments, app_parser


def script(shell: str) -> str:
    """Return the script for this shell, to be evaluated by it."""
    import shtab

    parser = app_parser()
    commands = parser.add_subparsers(dest="command")
    for name, text in {"check": "check files line by line", "sandbox": "a local Together API", **COMMAND_HELP}.items():
        command = commands.add_parser(name, help=text)
        if name in COMMAND_HELP:
            add_arguments(name, command)
        elif name == "check":
            from tbatch_tui.cli.commands import check

            check.add_arguments(command)
    return str(shtab.complete(parser, shell))
