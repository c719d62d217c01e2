"""The output of a command: results to standard output, messages to standard error, progress only on a terminal."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.redaction import redact
from tbatch_tui.text import format as fmt
from tbatch_tui.text.escape import escape_controls, escape_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tbatch_tui.engine.events import TransferProgress

_COMMANDS = {
    NextStep.PICK: "`tbatch-tui submit FILE`",
    NextStep.ASK_AGAIN: "the same command",
    NextStep.SETTLE: "Settling it in the app",
    NextStep.CONTINUE: "`tbatch-tui continue NAME`",
    NextStep.FETCH: "`tbatch-tui fetch ID`",
    NextStep.FETCH_INPUT: "`tbatch-tui fetch ID --input`",
    NextStep.CANCEL: "`tbatch-tui cancel ID`",
}
"""The command for each action that an engine's message may name; the app puts a key there."""
_PROGRESS_EVERY = 0.2
"""Seconds between two progress lines."""
_ERASE_LINE = "\r\x1b[K"


def fill_commands(text: str) -> str:
    """Return the text with a command in place of each action that it names."""
    for step, command in _COMMANDS.items():
        text = text.replace(step, command)
    return text


def print_result(line: str) -> None:
    """Print a line of what the command was asked for."""
    sys.stdout.write(escape_controls(fill_commands(line)) + "\n")
    sys.stdout.flush()  # a script that reads along gets it at once


def print_json(value: Any) -> None:
    """Print what the command was asked for as JSON.

    It is plain ASCII without DEL, so that a terminal cannot act on any of it. A number that JSON does not have, such as
    NaN, is null.
    """
    from tbatch_tui.engine.lenient_json import as_finite

    sys.stdout.write(escape_json(fill_commands(json.dumps(as_finite(value), indent=2, allow_nan=False))) + "\n")
    sys.stdout.flush()


class JsonLines:
    """Standard output as a file for lines of JSON.

    The bytes are written as they are; on a terminal, what it might act on is escaped first.
    """

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()

    def write(self, data: bytes) -> int:
        """Write whole lines."""
        if self._is_terminal:
            data = escape_json(data.decode("utf-8", "replace")).encode()
        return sys.stdout.buffer.write(data)


def print_message(sentence: str) -> None:
    """Print what a person should know and did not ask for, to standard error. Keys are redacted."""
    if sys.stderr is not None:
        with suppress(OSError):
            erase = _ERASE_LINE if sys.stderr.isatty() else ""
            sys.stderr.write(f"{erase}{escape_controls(redact(fill_commands(sentence)))}\n")
            sys.stderr.flush()


def print_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], right_aligned: frozenset[int] = frozenset()
) -> None:
    """Print aligned columns; `right_aligned` are the indexes of those that hold numbers."""
    held = [*rows]
    print_long_table(heads, lambda: held, right_aligned)


def print_long_table(
    heads: Sequence[str], read_rows: Callable[[], Iterable[Sequence[str]]], right_aligned: frozenset[int] = frozenset()
) -> None:
    """Print aligned columns of rows that are read twice, as there may be too many to hold them."""

    def lines() -> Iterator[list[str]]:
        yield list(heads)
        yield from ([escape_controls(cell) for cell in row] for row in read_rows())

    widths = [0] * len(heads)
    for line in lines():
        widths = [*map(max, widths, map(len, line))]
    for line in lines():
        cells = [
            cell.rjust(width) if column in right_aligned else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def format_transfer(event: TransferProgress) -> str:
    """Return `↑ 12 MB · 40 % · 3 MB/s`."""
    direction = "↑" if event.upload else f"↓ {event.kind or ''}"
    percent = fmt.percent(event.done / event.total) if event.total else ""
    return fmt.join(f"{direction} {fmt.size(event.done)}", percent, fmt.rate(event.rate))


class Progress:
    """One line of standard error, overwritten with the progress of transfers. Draws only on a terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._next_at = 0.0
        self._is_drawn = False

    def show_transfer(self, event: TransferProgress) -> None:
        """Draw the line, unless it was drawn a moment ago."""
        if not self._is_terminal:
            return
        if event.ended:
            self.clear()
        elif (now := time.monotonic()) >= self._next_at:
            self._next_at = now + _PROGRESS_EVERY
            self._draw(format_transfer(event))

    def clear(self) -> None:
        """Erase the line."""
        if self._is_drawn:
            self._is_drawn = False
            self._write(_ERASE_LINE)

    def _draw(self, text: str) -> None:
        self._is_drawn = True
        self._write(f"{_ERASE_LINE}{escape_controls(text)}")

    @staticmethod
    def _write(text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()
