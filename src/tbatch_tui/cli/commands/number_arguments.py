"""Numbers as arguments."""

from __future__ import annotations

import argparse


def row_count(text: str) -> int:
    """Return a number from 0 up."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows")
    return int(text)


def positive_number(text: str) -> int:
    """Return a number from 1 up."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return int(text)
