"""What the commands are called and take. Loads nothing of what they need, so that `--help` and completion are quick."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tbatch_tui._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = {
    "ls": "the jobs, as the server tells them now",
    "get": "all that is known of one job",
    "submit": "check a file and submit it exactly once",
    "fetch": "download output and errors of jobs",
    "cancel": "cancel jobs",
    "retry": "write a new input file of what failed, is missing or was cut short",
    "results": "the rows that came back, joined with what was asked",
    "completion": "what a shell needs to complete all this",
}
"""The commands, in the order in which they are told."""

EXIT_CODES = (
    "exit status: 0 as asked, 1 it did not come out (refused, failed, faulty file), 2 bad use or a file that cannot be "
    "read, 3 not known yet: the server could not be reached, or has not answered; ask again"
)
ENDPOINTS = ("chat", "transcription", "translation")
OUTCOMES = ("all", "ok", "errors", "cut-short", "missing")
SHELLS = ("bash", "zsh", "fish")
_JOB = "a job: its id, or the beginning of it, or its label or name"


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows")
    return int(text)


def parser_of(command: str, prog: str | None = None) -> argparse.ArgumentParser:
    """The arguments of one command."""
    parser = argparse.ArgumentParser(
        prog=prog or f"tbatch-tui {command}", description=f"{NAMES[command].capitalize()}.", epilog=EXIT_CODES
    )
    fill(command, parser)
    return parser


def fill(command: str, parser: argparse.ArgumentParser) -> None:
    """Put the arguments of a command into a parser."""
    _FILL[command](parser)
    if command != "completion":
        add_settings(parser)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Where things are: the same for the app and for every command that asks the server."""
    parser.add_argument("--output-dir", metavar="DIR", help="where results go [batch-results]")
    parser.add_argument("--data-dir", metavar="DIR", help="history and logs [the platform's user data folder]")
    parser.add_argument(
        "--poll-interval", metavar="SECONDS", type=float, help="[30]; under 10 only against a loopback host"
    )
    parser.add_argument("--base-url", metavar="URL", help="[TOGETHER_BASE_URL, else Together's]")


def app_parser() -> argparse.ArgumentParser:
    """The arguments of the app itself."""
    width = max(map(len, NAMES))
    told = {
        "check": "the same check without a screen, a line per problem",
        "sandbox": "a local Together API, for trying scripts and for CI",
        **NAMES,
    }
    commands = "\n".join(f"  {name:<{width}}  {what}" for name, what in told.items())
    parser = argparse.ArgumentParser(
        prog="tbatch-tui",
        description="Together AI's Batch API in the terminal: check a file, submit it exactly once, watch the jobs, "
        "get every row back.",
        epilog=f"commands (each has its own --help):\n{commands}\n\n"
        "A file named like a command is given as ./check.\n"
        "The key is TOGETHER_API_KEY, else what `tg login` stored.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="begin with the check of this JSONL file")
    parser.add_argument("--demo", action="store_true", help="try it on a private sandbox: no key, nothing leaves")
    add_settings(parser)
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--version", action="version", version=f"tbatch-tui {__version__}")
    return parser


def _json(parser: argparse.ArgumentParser, what: str = "print JSON") -> None:
    parser.add_argument("--json", action="store_true", help=what)


def _wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="stay until the job has ended and its files are here")


def _ls(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--filter", choices=("all", "active", "attention", "done"), default="all", help="only these")
    parser.add_argument("--limit", type=_count, metavar="N", help="the first N only")
    parser.add_argument("--offline", action="store_true", help="the history on this machine; nothing is asked")
    _json(parser, "one JSON array of all that is known of each")


def _get(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_JOB)
    _json(parser)


def _submit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a JSONL file; nothing is sent unless every line is sound")
    parser.add_argument("--endpoint", choices=ENDPOINTS, help="what the batch is to run against [read from the file]")
    parser.add_argument("--label", default="", metavar="TEXT", help="what the job is called on this machine")
    parser.add_argument("--again", action="store_true", help="also when these exact bytes ran before (billed again)")
    parser.add_argument("--in-parts", action="store_true", help="a file over the limits as several jobs")
    _wait(parser)
    _json(parser, "print the job as JSON at the end")


def _fetch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("jobs", nargs="+", metavar="ID", help=_JOB)
    _json(parser)


def _cancel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("jobs", nargs="+", metavar="ID", help=_JOB)
    parser.add_argument("--yes", action="store_true", help="do not ask; needed where nobody can be asked")
    _json(parser)


def _retry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_JOB)
    parser.add_argument("--only", choices=("errors", "missing", "cut-short"), action="append", help="[all of them]")
    parser.add_argument("--model", metavar="NAME", help="ask another model")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="for what was cut short")
    parser.add_argument("--submit", action="store_true", help="submit the file at once (it is billed)")
    parser.add_argument("--label", default="", metavar="TEXT", help="with --submit: what the job is called")
    # With --submit it is sent as `submit` sends, and bytes that ran before are not.
    parser.set_defaults(again=False, in_parts=False)
    _wait(parser)
    _json(parser)


def _results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_JOB)
    parser.add_argument("--filter", choices=OUTCOMES, default="all", help="only these rows")
    parser.add_argument("--limit", type=_count, metavar="N", help="the first N only")
    _json(parser, "a line of JSON a row: custom_id, outcome, request, response or error")


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "shell",
        choices=SHELLS,
        help="eval what this prints (fish: pipe it to source), or put it where the shell looks for it",
    )


_FILL: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "ls": _ls,
    "get": _get,
    "submit": _submit,
    "fetch": _fetch,
    "cancel": _cancel,
    "retry": _retry,
    "results": _results,
    "completion": _completion,
}
