"""`completion`: what a shell needs to complete commands, options and files."""

from __future__ import annotations

from tbatch_tui.cli.parser import NAMES, app_parser, fill


def script(shell: str) -> str:
    """The text to eval."""
    import shtab

    parser = app_parser()
    commands = parser.add_subparsers(dest="command")
    for name, what in {"check": "check files line by line", "sandbox": "a local Together API", **NAMES}.items():
        command = commands.add_parser(name, help=what)
        if name in NAMES:
            fill(name, command)
        elif name == "check":
            from tbatch_tui.cli.commands.check import add_arguments

            add_arguments(command)
    return str(shtab.complete(parser, shell))
