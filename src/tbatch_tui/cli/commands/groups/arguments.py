"""The arguments of commands that send one file as several jobs. Loads nothing that they need."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.submission import Gate


def add_group_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `submit` that say what of a file is sent when."""
    ahead = parser.add_mutually_exclusive_group()
    ahead.add_argument(
        "--first",
        type=_count,
        default=0,
        metavar="N",
        help="send N requests first, and the rest if all of them succeed",
    )
    ahead.add_argument("--rest", action="store_true", help="send what --first or --stages held back")
    ahead.add_argument(
        "--stages",
        type=_stages,
        default=(),
        metavar="2,rest",
        help="send 2 parts first, and the rest if they are good enough; any number of stages",
    )
    parser.add_argument(
        "--gate",
        type=_gate,
        action="append",
        default=[],
        metavar="98,cost=40",
        help="what lets the next stage follow: the share of whole answers in percent, what all of it may cost in "
        "dollars (cost alone: its bound), or ask; once for all stages, or once for each [100]",
    )
    parser.add_argument(
        "--group", default="", metavar="NAME", help="what the jobs of the file, or of all files, are called together"
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of requests")
    return int(text)


def add_hold(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `hold`."""
    parser.add_argument("job", metavar="ID", help="a group, or one of its parts")


def add_continue(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `continue`."""
    parser.add_argument("job", metavar="ID", help="a group, or one of its parts")
    parser.add_argument("--over-budget", action="store_true", help="send them even if that is above [budget]")
    parser.add_argument("--wait", action="store_true", help="wait until all parts have ended and their files are here")
    parser.add_argument("--json", action="store_true", help="print the jobs as JSON at the end")


def add_settle(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `settle`."""
    parser.add_argument("job", metavar="ID", help="a submission: its key, label or name")
    decision = parser.add_mutually_exclusive_group(required=True)
    decision.add_argument("--job", dest="found", metavar="JOB", help="it became this job")
    decision.add_argument("--none", action="store_true", help="it became no job; nothing is created")


def _stages(text: str) -> tuple[int, ...]:
    from tbatch_tui.engine.domain.submission import parse_stages

    try:
        return parse_stages(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _gate(text: str) -> Gate:
    from tbatch_tui.engine.domain.submission import parse_gate

    try:
        return parse_gate(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
