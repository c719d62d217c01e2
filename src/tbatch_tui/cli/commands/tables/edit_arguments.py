"""The arguments of `edit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.cli.commands.number_arguments import positive_number, row_count

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edit` to a parser."""
    add = parser.add_argument
    add("file", metavar="FILE", help="a JSONL file of requests; it stays as it is")
    add("-m", "--model", metavar="MODEL", help="the model of every request")
    add("-s", "--system", metavar="TEXT", help="the system prompt, or @FILE; an empty text removes it")
    add("--set", action="append", metavar="KEY=VALUE", help="set any key of the request body; VALUE is JSON, else text")
    add("--drop", action="append", metavar="KEY", help="remove a key from the request body; may be repeated")
    add("--max-tokens", type=positive_number, metavar="N", help="the maximum number of tokens per answer")
    add("--rows", metavar="A-B", help="only these lines, counted from 1")
    add("--sample", type=positive_number, metavar="N", help="draw so many lines at random, in the order of the file")
    add("--seed", type=row_count, metavar="S", help="the seed of --sample [random, and printed]")
    add("-o", "--output", metavar="OUT", help="[FILE's stem with .edited.jsonl, next to it, numbered if taken]")
    add("--force", action="store_true", help="replace OUT")
    add(
        "--preview",
        nargs="?",
        const=1,
        type=positive_number,
        metavar="N",
        help="print the first changed lines, write nothing [1 line]",
    )
