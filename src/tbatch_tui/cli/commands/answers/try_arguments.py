"""The arguments of `try`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.cli.commands.number_arguments import positive_number, row_count
from tbatch_tui.cli.endpoint_names import ENDPOINTS

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `try` to a parser."""
    add = parser.add_argument
    add("file", metavar="FILE", help="a JSONL file of requests")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--line",
        type=positive_number,
        action="append",
        metavar="N",
        help="this line, counted from 1; may be repeated, at most 10 [the first request]",
    )
    which.add_argument("--sample", type=positive_number, metavar="N", help="draw so many lines at random, at most 10")
    add("--seed", type=row_count, metavar="S", help="the seed of --sample [random]")
    add("--endpoint", choices=ENDPOINTS, help="the endpoint to ask [read from the line]")
    add("--kept", action="store_true", help="print what was tried of these lines before; asks nothing")
    add("--json", action="store_true", help="print an array with each line, its outcome, answer, tokens and cost")
