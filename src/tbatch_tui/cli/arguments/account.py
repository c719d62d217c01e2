"""The arguments of the commands about the account: `models` and `spend`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

SPEND_BY = ("model", "label", "day", "endpoint")


def add_models(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `models`."""
    parser.add_argument("text", nargs="?", metavar="TEXT", help="only models with all these words in their name")
    parser.add_argument("--json", action="store_true", help="print a JSON array, one object per model")


def add_spend(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `spend`."""
    parser.add_argument("--month", metavar="YYYY-MM", help="a month in UTC [this one]")
    parser.add_argument("--by", choices=SPEND_BY, default="model", help="what it is broken down by [model]")
    parser.add_argument("-o", "--output", metavar="PATH", help="write it as CSV")
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
    parser.add_argument("--json", action="store_true", help="print JSON")
