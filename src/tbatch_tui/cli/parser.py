"""The commands and their arguments. Loads nothing that they need, so that `--help` and completion are quick."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui._version import __version__
from tbatch_tui.cli.arguments.account import add_models, add_spend
from tbatch_tui.cli.arguments.config import add_config
from tbatch_tui.cli.arguments.order import rank_of
from tbatch_tui.cli.commands.groups.arguments import add_continue, add_group_options, add_hold, add_settle
from tbatch_tui.cli.commands.number_arguments import positive_number, row_count
from tbatch_tui.cli.endpoint_names import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND_HELP = {
    "ls": "list the jobs on the server",
    "get": "show everything known about one job",
    "submit": "check a file and submit it exactly once",
    "fetch": "download the output and error files of jobs",
    "cancel": "cancel jobs",
    "hold": "send nothing more of a group for now",
    "continue": "send what a group holds back",
    "settle": "decide about a submission of which it is not known whether a job was created",
    "retry": "write a new input file of what failed, is missing, cut short or invalid",
    "results": "show the results, joined with their requests",
    "export": "write the answers of a job to a file",
    "values": "show what the answers of a job are: counts, histograms, cross tables",
    "compare": "show where two jobs, or a job and a gold column, agree and differ",
    "watch": "follow jobs until they have ended",
    "make": "make an input file from a table, a folder or a list",
    "edit": "write a copy of an input file with another model, parameters or system prompt",
    "try": "ask some lines of a file at once, before a batch is spent on them",
    "models": "list the models: prices, batch discount, and what your jobs say of them",
    "spend": "show what a month cost",
    "doctor": "look for what would keep a submit from working here",
    "config": "show where settings come from, check them; labels for a colleague",
    "completion": "print a shell completion script",
}
"""The commands of `runner`, in the order of `--help`, and what each does."""
ALL_COMMAND_HELP = {
    "check": "check input files, one line per problem",
    "sandbox": "run a local Together API, for trying scripts and for CI",
    **COMMAND_HELP,
}
"""All commands."""

EXIT_CODES = (
    "exit status: 0 as asked, 1 failed (refused, job failed, file with errors), 2 bad use or unreadable input, 3 "
    "unknown yet: the server could not be reached or did not answer, try again; 4 the job has ended, but rows "
    "failed, are missing or invalid, or more than 5 % are cut short"
)
OUTCOME_FILTERS = ("all", "ok", "cut-short", "invalid", "errors", "missing")
EXPORT_FORMATS = ("jsonl", "answers", "csv", "parquet", "md", "html", "txt", "srt", "vtt", "json")
SHELLS = ("bash", "zsh", "fish")
_JOB_HELP = "a job: its id, the beginning of it, its label or its name; or the name of a group"
_RESULTS_HELP = f"{_JOB_HELP}; or the path of an output or error file"


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
        "--poll-interval", metavar="SECONDS", type=float, help="[30]; under 10 only with a server on this machine"
    )
    parser.add_argument("--base-url", metavar="URL", help="[TOGETHER_BASE_URL, else Together's]")
    parser.add_argument("--profile", metavar="NAME", help="the key and the server of this profile [TBATCH_PROFILE]")
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="allow http to another machine: the key crosses the network in clear text",
    )


def app_parser() -> argparse.ArgumentParser:
    """Return the parser of the app itself, whose `--help` lists the commands."""
    width = max(map(len, COMMAND_HELP))
    commands = "\n".join(f"  {name:<{width}}  {text}" for name, text in sorted(ALL_COMMAND_HELP.items(), key=rank_of))
    parser = argparse.ArgumentParser(
        prog="tbatch-tui",
        description="Together AI's Batch API in the terminal: check a file, submit it exactly once, watch the jobs, "
        "get every answer.",
        epilog=f"commands (each has its own --help):\n{commands}\n\n"
        "Write ./check for a file that is named like a command.\n"
        "The key is TOGETHER_API_KEY, else what `tg login` stored; with --profile that of the profile.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file",
        nargs="*",
        metavar="FILE",
        help="requests to check, results to read, or a table, a folder or a recipe to make requests of; several files "
        "of requests become one group",
    )
    parser.add_argument(
        "--demo", action="store_true", help="try it on a private sandbox: no key, nothing leaves this machine"
    )
    add_setting_options(parser)
    parser.add_argument("--no-mouse", action="store_true", help="let the terminal handle the mouse")
    parser.add_argument("--version", action="version", version=f"tbatch-tui {__version__}")
    return parser


def full_parser() -> argparse.ArgumentParser:
    """Return the parser of the app with every command below it: what completion and the manual page are made of."""
    from tbatch_tui.cli.commands import check
    from tbatch_tui.sandbox import server

    parser = app_parser()
    commands = parser.add_subparsers(dest="command")
    for name, text in ALL_COMMAND_HELP.items():
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if name == "check":
            check.add_arguments(command)
        elif name == "sandbox":
            server.add_arguments(command)
        elif name in COMMAND_HELP:
            add_arguments(name, command)
    return parser


def _json(parser: argparse.ArgumentParser, text: str = "print JSON") -> None:
    parser.add_argument("--json", action="store_true", help=text)


def _wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="wait until the job has ended and its files are downloaded")


def _ls(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--filter", choices=("all", "active", "attention", "done"), default="all", help="only these")
    parser.add_argument("--limit", type=row_count, metavar="N", help="at most N")
    parser.add_argument(
        "--offline", action="store_true", help="show the history on this machine; does not ask the server"
    )
    parser.add_argument("--parts", action="store_true", help="show the parts of each group below it")
    _json(parser, "print a JSON array with everything known about each")


def _get(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_JOB_HELP)
    _json(parser)


def _submit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="+",
        metavar="FILE",
        help="a JSONL file; nothing is sent unless every line is valid; several, or a pattern, with --group",
    )
    parser.add_argument("--endpoint", choices=ENDPOINTS, help="the endpoint to run against [read from the file]")
    parser.add_argument("--label", default="", metavar="TEXT", help="the name of the job on this machine")
    parser.add_argument("--again", action="store_true", help="submit even if this exact file ran before (costs again)")
    parser.add_argument("--in-parts", action="store_true", help="submit a file over the limits as several jobs")
    add_group_options(parser)
    parser.add_argument("--over-budget", action="store_true", help="submit even if that is above [budget]")
    _wait(parser)
    _json(parser, "print the job as JSON at the end")


def _fetch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("jobs", nargs="+", metavar="ID", help=_JOB_HELP)
    parser.add_argument(
        "--input",
        action="store_true",
        help="download the input file of a job that was submitted elsewhere, or of parts that have none, not results",
    )
    parser.add_argument(
        "--delete-recordings",
        action="store_true",
        help="once the results are verified, delete the recordings that were uploaded for the jobs (asks first)",
    )
    parser.add_argument("--yes", action="store_true", help="delete recordings without the question")
    _json(parser)


def _cancel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("jobs", nargs="+", metavar="ID", help=_JOB_HELP)
    parser.add_argument("--yes", action="store_true", help="don't ask; required without a terminal")
    _json(parser)


def _retry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_RESULTS_HELP)
    parser.add_argument(
        "--only",
        choices=("errors", "missing", "cut-short", "invalid"),
        action="append",
        help="[errors that may succeed next time, and missing]",
    )
    parser.add_argument("--model", metavar="NAME", help="ask another model")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="for rows that were cut short: more than before")
    parser.add_argument("--submit", action="store_true", help="submit the file right away (this costs)")
    parser.add_argument("--over-budget", action="store_true", help="with --submit: even if that is above [budget]")
    parser.add_argument("--label", default="", metavar="TEXT", help="with --submit: the name of the job")
    # `retry --submit` submits as `submit` does, without these options.
    parser.set_defaults(again=False, in_parts=False, first=0, rest=False, stages=(), gate=(), group="")
    _wait(parser)
    _json(parser)


def _chosen_rows(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--filter", choices=OUTCOME_FILTERS, default="all", help="only these rows")
    parser.add_argument(
        "--search",
        metavar="TEXT",
        help="only rows whose answer holds it; or after prompt:, id:, error:, any: or a JSON field's name that",
    )


def _results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_RESULTS_HELP)
    _chosen_rows(parser)
    parser.add_argument("--limit", type=row_count, metavar="N", help="at most N")
    _json(parser, "one JSON object per line: custom_id, outcome, request, response or error")


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_RESULTS_HELP)
    parser.add_argument(
        "--format",
        choices=EXPORT_FORMATS,
        help="txt, srt, vtt and json are of recordings: a folder of files [by the suffix of PATH, else jsonl]",
    )
    parser.add_argument(
        "--merged", action="store_true", help="each request with its last good answer, including retries"
    )
    parser.add_argument(
        "--into",
        metavar="SOURCE",
        help="the table that the job was made of, with the answers in new columns; retries and parts count as one",
    )
    _chosen_rows(parser)
    parser.add_argument("--reasoning", action="store_true", help="including the model's reasoning; jsonl always has it")
    parser.add_argument("--columns", metavar="NAMES", help="of csv and parquet, separated by commas")
    parser.add_argument("--compare", metavar="OTHER", help="of html: compare the answers with those of another job")
    parser.add_argument("--gold", metavar="COLUMN", help="of html: compare them with this column of the source table")
    parser.add_argument("-o", "--output", metavar="PATH", help="where to write it [a new name in the output folder]")
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
    _json(parser, "print path and rows as JSON")


def _values(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_RESULTS_HELP)
    parser.add_argument("--field", metavar="F", help="only this field of the answers")
    parser.add_argument("--by", metavar="NAME", help="by another field, or a column of the source table")
    parser.add_argument("--filter", choices=OUTCOME_FILTERS, default="ok", help="the rows that are counted [ok]")
    _json(parser)


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="ID", help=_RESULTS_HELP)
    parser.add_argument("second", nargs="?", metavar="ID", help="the job to compare it with")
    parser.add_argument("--gold", metavar="COLUMN", help="compare with this column of the source table instead")
    parser.add_argument("--field", metavar="F", help="the field to compare [the first with few values]")
    _json(parser)


def _watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("jobs", nargs="*", metavar="ID", help=f"{_JOB_HELP} [all that are running]")
    _json(parser, "print an array of the jobs at the end")


def _make(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "source",
        nargs="?",
        metavar="SOURCE",
        help="a .csv, .tsv, .jsonl, .json, .parquet, .xlsx, .sqlite[:TABLE]; a folder (one row per file: path, "
        "name, text); a .txt of lines (text), or of URLs with --audio; job:ID (the results of a job) [that of the "
        "recipe]",
    )
    add("-o", "--output", metavar="OUT", help="[the stem of SOURCE with .jsonl, next to it, numbered if taken]")
    add("--force", action="store_true", help="replace OUT and its recipe")
    add("--recipe", type=Path, metavar="FILE", help="read all options from a recipe; other options override it")
    add("-m", "--model", metavar="MODEL", help="the model to use")
    add("-p", "--prompt", metavar="TEXT", help="a text with {{ column }}, or @FILE; with --audio the transcription's")
    add("-s", "--system", metavar="TEXT", help="the system prompt, in the same form")
    add("--id", metavar="COLUMN", help="the column with the custom_id [row-0001 …, or the path of the file or URL]")
    add("--set", action="append", metavar="KEY=VALUE", help="set any key of the request body; VALUE is JSON, else text")
    add("--max-tokens", type=positive_number, metavar="N", help="the maximum number of tokens per answer")
    add(
        "--schema", metavar="SPEC", help="the schema of the answers: 'label: enum[a,b], score: number', or @schema.json"
    )
    add("--image", metavar="COLUMN", help="one image per row: a URL, or a local file")
    add("--audio", nargs="?", const=True, metavar="COLUMN", help="one audio request per row, for the URL in COLUMN")
    add("--yes", action="store_true", help="upload recordings of a folder without the question")
    add("--no-urls", action="store_true", help="don't check the links to recordings")
    add("--rows", metavar="A-B", help="only these rows, counted from 1")
    add(
        "--where",
        action="append",
        metavar="COL=VALUE",
        help="only rows with this text; may be repeated, all must match",
    )
    add("--sample", type=positive_number, metavar="N", help="draw N rows at random")
    add("--seed", type=row_count, metavar="S", help="the seed of --sample [random, and written to the recipe]")
    add("--once", action="store_true", help="send identical requests only once")
    add("--new", action="store_true", help="only rows without a good answer yet from the jobs of this recipe")
    add("--empty", choices=("error", "skip", "keep"), help="what to do when a referenced cell is empty [error]")
    add("--preview", nargs="?", const=1, type=positive_number, metavar="N", help="print N requests, write nothing [1]")
    add("--encoding", metavar="NAME", help="the encoding of a file that is not UTF-8")
    add("--delimiter", metavar="CHARACTER", help="the delimiter of a CSV file, if it cannot be detected")
    add("--sheet", metavar="NAME", help="the sheet of a workbook, or the table of a database")


def _edit(parser: argparse.ArgumentParser) -> None:
    from tbatch_tui.cli.commands.tables.edit_arguments import add_arguments

    add_arguments(parser)


def _try(parser: argparse.ArgumentParser) -> None:
    from tbatch_tui.cli.commands.answers.try_arguments import add_arguments

    add_arguments(parser)


def _doctor(parser: argparse.ArgumentParser) -> None:
    _json(parser, "print what was found as JSON, without key or content")
    parser.add_argument(
        "--live",
        action="store_true",
        help="run two lines for real, after a question that says the price, and compare the API with what is believed",
    )
    parser.add_argument("-m", "--model", metavar="MODEL", help="for --live [the cheapest chat model]")
    parser.add_argument("--yes", action="store_true", help="run --live without the question")


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "shell",
        nargs="?",
        choices=SHELLS,
        help="eval the output (fish: pipe it to source), or save it where the shell looks for completions",
    )


_ADD_ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "ls": _ls,
    "get": _get,
    "submit": _submit,
    "fetch": _fetch,
    "cancel": _cancel,
    "hold": add_hold,
    "continue": add_continue,
    "settle": add_settle,
    "retry": _retry,
    "results": _results,
    "export": _export,
    "values": _values,
    "compare": _compare,
    "watch": _watch,
    "make": _make,
    "edit": _edit,
    "try": _try,
    "models": add_models,
    "spend": add_spend,
    "doctor": _doctor,
    "config": add_config,
    "completion": _completion,
}
