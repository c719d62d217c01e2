"""What a command says: facts to standard output, everything else to standard error; progress only on a terminal."""

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
    from collections.abc import Iterable, Sequence

    from tbatch_tui.engine.events import TransferProgress

_COMMANDS = {
    NextStep.PICK: "`tbatch-tui submit FILE`",
    NextStep.ASK_AGAIN: "the same command",
    NextStep.FETCH: "`tbatch-tui fetch ID`",
    NextStep.CANCEL: "`tbatch-tui cancel ID`",
}
"""What a person does without a screen, where the app says a key."""
_EVERY = 0.2
"""Seconds between two looks of the progress line."""
_ERASE = "\r\x1b[K"


def in_commands(text: str) -> str:
    """The text with a command in the place of each step that it names."""
    for step, command in _COMMANDS.items():
        text = text.replace(step, command)
    return text


def print_result(line: str) -> None:
    """A line of what was asked for."""
    sys.stdout.write(escape_controls(in_commands(line)) + "\n")
    sys.stdout.flush()  # a script that reads along has it at once


def print_json(value: Any) -> None:
    """The same as JSON. Every character that is not ASCII is escaped, and DEL: no terminal can obey it."""
    sys.stdout.write(escape_json(in_commands(json.dumps(value, indent=2))) + "\n")
    sys.stdout.flush()


class JsonLines:
    """Standard output for lines of JSON: to the letter, but what a terminal would obey is escaped on one."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()

    def write(self, data: bytes) -> int:
        """Whole lines."""
        if self._is_terminal:
            data = escape_json(data.decode("utf-8", "replace")).encode()
        return sys.stdout.buffer.write(data)


def print_message(sentence: str) -> None:
    """Something a person should know, that is not what was asked for."""
    if sys.stderr is not None:
        with suppress(OSError):
            erase = _ERASE if sys.stderr.isatty() else ""
            sys.stderr.write(f"{erase}{escape_controls(redact(in_commands(sentence)))}\n")
            sys.stderr.flush()


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
    """Columns in line; those in `right` are numbers."""
    lines = [list(heads), *([escape_controls(cell) for cell in row] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    for line in lines:
        cells = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


class Progress:
    """Bytes on their way, in one line of standard error that is written over, if that is a terminal."""

    def __init__(self) -> None:
        self._shows = sys.stderr is not None and sys.stderr.isatty()
        self._next = 0.0
        self._is_drawn = False

    def moved(self, event: TransferProgress) -> None:
        """Draw it, not more often than one can read."""
        if not self._shows:
            return
        if event.ended:
            self.clear()
        elif (now := time.monotonic()) >= self._next:
            self._next = now + _EVERY
            way = "↑" if event.upload else f"↓ {event.kind or ''}"
            left = fmt.percent(event.done / event.total) if event.total else ""
            self._draw(fmt.join(f"{way} {fmt.size(event.done)}", left, fmt.rate(event.rate)))

    def clear(self) -> None:
        """Take the line away."""
        if self._is_drawn:
            self._is_drawn = False
            self._write(_ERASE)

    def _draw(self, words: str) -> None:
        self._is_drawn = True
        self._write(f"{_ERASE}{escape_controls(words)}")

    @staticmethod
    def _write(text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()
