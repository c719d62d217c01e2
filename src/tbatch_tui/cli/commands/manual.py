"""The manual page, made from the parsers: `python -m tbatch_tui.cli.commands.manual > docs/man/tbatch-tui.1`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tbatch_tui._version import __version__
from tbatch_tui.cli.exit_codes import INTERRUPTED
from tbatch_tui.cli.parser import full_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXIT_STATUS = {
    0: "As asked.",
    1: "It failed: refused, the job failed, or a file with errors.",
    2: "Bad use, unreadable input, or no such job (or several).",
    3: "Unknown yet: the server could not be reached or did not answer. Try again.",
    4: "The job has ended, but rows failed, are missing or invalid, or more than 5 % are cut short. "
    "Only from submit --wait, retry --submit --wait, fetch and watch.",
    INTERRUPTED: "Interrupted with Ctrl+C. Submitted jobs continue on the server.",
}
_ENVIRONMENT = {
    "TOGETHER_API_KEY": "The API key; without it the key that `tg login` stored.",
    "TOGETHER_BASE_URL": "The server, instead of Together's.",
    "VISUAL, EDITOR": "The editor that opens a line of a file.",
    "PAGER": "The program that shows a result file.",
    "NO_COLOR": "If set, commands print without color.",
}


def manual_page() -> str:
    """Return the manual page as roff. It depends on nothing but this program's parsers, so it can be compared."""
    parser = full_parser()
    lines = [
        f'.TH TBATCH-TUI 1 "" "tbatch-tui {__version__}" "User Commands"',
        ".SH NAME",
        r"tbatch\-tui \- Together AI's Batch API in the terminal",
        ".SH SYNOPSIS",
        r".B tbatch\-tui",
        r"[\fIOPTIONS\fR] [\fIFILE\fR]",
        ".br",
        r".B tbatch\-tui",
        r"\fICOMMAND\fR [\fIARGUMENTS\fR]",
        ".SH DESCRIPTION",
        _text(parser.description or ""),
        ".SH OPTIONS",
        *_arguments(parser),
        ".SH COMMANDS",
    ]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                lines += [f'.SS "{_text(_usage(name, command))}"', _text(command.description or "")]
                lines += _arguments(command)
    lines += [".SH EXIT STATUS", *_terms({str(code): text for code, text in _EXIT_STATUS.items()})]
    lines += [".SH ENVIRONMENT", *_terms(_ENVIRONMENT)]
    return "\n".join(lines) + "\n"


def _usage(name: str, command: argparse.ArgumentParser) -> str:
    """Return a command with its positional arguments: `submit FILE`."""
    words = [name]
    for action in command._actions:
        if not action.option_strings:
            word = str(action.metavar or "|".join(map(str, action.choices or ())) or action.dest)
            several = "..." if action.nargs in ("+", "*") else ""
            words.append(f"[{word}{several}]" if action.nargs in ("?", "*") else f"{word}{several}")
    return " ".join(words)


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Write every option and argument that `--help` shows."""
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):
            continue
        value = ""
        if action.nargs != 0:
            value = str(action.metavar or "|".join(map(str, action.choices or ())) or action.dest.upper())
        if action.option_strings:
            names = ", ".join(rf"\fB{_text(option)}\fR" for option in action.option_strings)
            term = rf"{names} \fI{_text(value)}\fR" if value else names
        else:
            term = rf"\fI{_text(value)}\fR"
        values = vars(action) | {"prog": parser.prog}
        yield from (".TP", term, _text((action.help or "") % values))


def _terms(terms: dict[str, str]) -> Iterator[str]:
    for term, text in terms.items():
        yield from (".TP", rf"\fB{_text(term)}\fR", _text(text))


def _text(text: str) -> str:
    """Return a text as roff shows it as written: no line of it is a request, no hyphen a typographic one."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("\n", " ").replace("…", "...")
    escaped = "".join(char if char.isascii() else rf"\[u{ord(char):04X}]" for char in escaped)
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    import sys

    sys.stdout.write(manual_page())
