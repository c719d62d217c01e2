"""The commands and their arguments. Loads nothing that they need, so that `--help` and completion are quick."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui._version import __version__
from tbatch_tui.cli.endpoint_names import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND_HELP = {
    "ls": "the jobs, as the server tells them now",
    "get": "all that is known of one job",
    "submit": "check a file and submit it exactly once",
    "fetch": "download output and errors of jobs",
    "cancel": "cancel jobs",
    "retry": "write a new input file of what failed or is missing, or was cut short or invalid",
    "results": "the rows that came back, joined with what was asked",
    "export": "write the answers of a job to a file",
    "watch": "what jobs are doing, until they have ended",
    "make": "make an input file of a table, a folder or a list",
    "completion": "what a shell needs to complete all this",
}
"""The commands, in the order of `--help`, and what each does."""

EXIT_CODES = (
    "exit status: 0 as asked, 1 it failed (refused, failed, faulty file), 2 bad use or a file that cannot be read, "
    "3 not known yet: the server could not be reached, or has not answered, ask again; 4 the job has ended, but rows "
    "failed, are missing or invalid, or more than 5 % are cut short"
)
OUTCOME_FILTERS = ("all", "ok", "cut-short", "invalid", "errors", "missing")
EXPORT_FORMATS = ("jsonl", "answers", "csv", "parquet", "md")
SHELLS = ("bash", "zsh", "fish")
_JOB_HELP = "a job: its id, or the beginning of it, or its label or name"


def _row_count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows")
    return int(text)


def command_parser(command: str) -> argparse.ArgumentParser:
    """Return the parser of one command."""
    parser = argparse.ArgumentParser(
        prog=f"tbatch-tui {command}", description=f"{COMMAND_HELP[command].capitalize()}.", epilog=EXIT_CODES
    )
    add_arguments(command, parser)
    return parser


def add_arguments(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a command to a parser."""
    _ADD_ARGUMENTS[command](parser)
    if command != "completion":
        add_setting_options(parser)


def add_setting_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that override settings, which the app shares with every command that asks the server."""
    parser.add_argument("--output-dir", metavar="DIR", help="where results go [batch-results]")
    parser.add_argument("--data-dir", metavar="DIR", help="history and logs [the platform's user data folder]")
    parser.add_argument(
        "--poll-interval", metavar="SECONDS", type=float, help="[30]; under 10 only against a loopback host"
    )
    parser.add_argument("--base-url", metavar="URL", help="[TOGETHER_BASE_URL, else Together's]")
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="allow http to another machine: the key crosses the network in clear text",
    )


def app_parser() -> argparse.ArgumentParser:
    """Return the parser of the app itself, whose `--help` lists the commands."""
    width = max(map(len, COMMAND_HELP))
    all_commands = {
        "check": "the same check without a screen, a line per problem",
        "sandbox": "a local Together API, for trying scripts and for CI",
        **COMMAND_HELP,
    }
    commands = "\n".join(f"  {name:<{width}}  {text}" for name, text in all_commands.items())
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
    add_setting_options(parser)
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--version", action="version", version=f"tbatch-tui {__version__}")
    return parser


def _json(parser: argparse.ArgumentParser, text: str = "print JSON") -> None:
    parser.add_argument("--json", action="store_true", help=text)


def _wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="stay until the job has ended and its files are here")


def _ls(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--filter", choices=("all", "active", "attention", "done"), default="all", help="only these")
    parser.add_argument("--limit", type=_row_count, metavar="N", help="the first N only")
    parser.add_argument("--offline", action="store_true", help="the history on this machine; nothing is asked")
    _json(parser, "one JSON array of all that is known of each")


def _get(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_JOB_HELP)
    _json(parser)


def _submit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a JSONL file; nothing is sent unless every line is sound")
    parser.add_argument("--endpoint", choices=ENDPOINTS, help="what the batch is to run against [read from the file]")
    parser.add_argument("--label", default="", metavar="TEXT", help="what the job is called on this machine")
    parser.add_argument("--again", action="store_true", help="also when these exact bytes ran before (billed again)")
    parser.add_argument("--in-parts", action="store_true", help="a file over the limits as several jobs")
    ahead = parser.add_mutually_exclusive_group()
    ahead.add_argument(
        "--first",
        type=_row_count,
        default=0,
        metavar="N",
        help="send this many requests, and the rest if each of them is answered",
    )
    ahead.add_argument("--rest", action="store_true", help="send what --first left")
    _wait(parser)
    _json(parser, "print the job as JSON at the end")


def _fetch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("jobs", nargs="+", metavar="ID", help=_JOB_HELP)
    _json(parser)


def _cancel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("jobs", nargs="+", metavar="ID", help=_JOB_HELP)
    parser.add_argument("--yes", action="store_true", help="do not ask; needed where nobody can be asked")
    _json(parser)


def _retry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_JOB_HELP)
    parser.add_argument(
        "--only",
        choices=("errors", "missing", "cut-short", "invalid"),
        action="append",
        help="[errors that may go well the next time, and missing]",
    )
    parser.add_argument("--model", metavar="NAME", help="ask another model")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="for what was cut short: more than before")
    parser.add_argument("--submit", action="store_true", help="submit the file at once (it is billed)")
    parser.add_argument("--label", default="", metavar="TEXT", help="with --submit: what the job is called")
    # `retry --submit` submits as `submit` does, without these options.
    parser.set_defaults(again=False, in_parts=False, first=0, rest=False)
    _wait(parser)
    _json(parser)


def _results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_JOB_HELP)
    parser.add_argument("--filter", choices=OUTCOME_FILTERS, default="all", help="only these rows")
    parser.add_argument("--limit", type=_row_count, metavar="N", help="the first N only")
    _json(parser, "a line of JSON a row: custom_id, outcome, request, response or error")


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_JOB_HELP)
    parser.add_argument(
        "--format", choices=EXPORT_FORMATS, help="[by the ending of PATH, else jsonl: request and response of each row]"
    )
    parser.add_argument(
        "--into",
        metavar="SOURCE",
        help="the table that the job was made of, with the answers in new columns; retries and parts count as one",
    )
    parser.add_argument("--merged", action="store_true", help="each request with its last good answer, retries too")
    parser.add_argument("--filter", choices=OUTCOME_FILTERS, default="all", help="only these rows")
    parser.add_argument("--reasoning", action="store_true", help="with what the model thought; jsonl always has it")
    parser.add_argument("--columns", metavar="NAMES", help="of csv and parquet, parted by commas")
    parser.add_argument("-o", "--output", metavar="PATH", help="where to write it [a new name in the output folder]")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    _json(parser, "print path and rows as JSON")


def _watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("jobs", nargs="*", metavar="ID", help=f"{_JOB_HELP} [all that run]")
    _json(parser, "print an array of the jobs at the end")


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _make(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "source",
        nargs="?",
        metavar="SOURCE",
        help="a .csv, .tsv, .jsonl, .json, .parquet, .xlsx, .sqlite[:TABLE]; a folder (a row a file: path, name, "
        "text); a .txt of lines (text), or of URLs with --audio; job:ID (the results of a job) [that of the recipe]",
    )
    add("-o", "--output", metavar="OUT", help="[the stem of SOURCE with .jsonl, next to it, numbered if taken]")
    add("--force", action="store_true", help="replace OUT and its recipe")
    add("--recipe", type=Path, metavar="FILE", help="take everything from a recipe; the other options win")
    add("-m", "--model", metavar="MODEL", help="the model to ask")
    add("-p", "--prompt", metavar="TEXT", help="a text with {{ column }}, or @FILE; with --audio the transcription's")
    add("-s", "--system", metavar="TEXT", help="the system prompt, likewise")
    add("--id", metavar="COLUMN", help="the custom_id [row-0001 …, the path of a file or of a URL]")
    add("--set", action="append", metavar="KEY=VALUE", help="anything of the request's body: JSON, else text")
    add("--max-tokens", type=_positive, metavar="N", help="the longest answer")
    add("--schema", metavar="SPEC", help="what an answer has to be: 'label: enum[a,b], score: number', or @schema.json")
    add("--image", metavar="COLUMN", help="an image a row: a URL, or a local file")
    add("--audio", nargs="?", const=True, metavar="COLUMN", help="an audio request a row, of the URL in COLUMN")
    add("--no-urls", action="store_true", help="do not look at the links of recordings")
    add("--rows", metavar="A-B", help="only these rows, counted from 1")
    add("--where", action="append", metavar="COL=VALUE", help="only rows with this text; all that are given must hold")
    add("--sample", type=_positive, metavar="N", help="draw so many rows")
    add("--seed", type=_row_count, metavar="S", help="draw the same rows again [drawn, and written into the recipe]")
    add("--once", action="store_true", help="ask identical requests once")
    add("--empty", choices=("error", "skip", "keep"), help="what a referenced cell without a text does [error]")
    add("--preview", nargs="?", const=1, type=_positive, metavar="N", help="print so many requests, write nothing [1]")
    add("--encoding", metavar="NAME", help="of a text that is not UTF-8")
    add("--delimiter", metavar="CHARACTER", help="of a CSV file, where it cannot be told")
    add("--sheet", metavar="NAME", help="of a workbook; the table of a database")


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "shell",
        choices=SHELLS,
        help="eval what this prints (fish: pipe it to source), or put it where the shell looks for it",
    )


_ADD_ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "ls": _ls,
    "get": _get,
    "submit": _submit,
    "fetch": _fetch,
    "cancel": _cancel,
    "retry": _retry,
    "results": _results,
    "export": _export,
    "watch": _watch,
    "make": _make,
    "completion": _completion,
}
