"""Lend the terminal to another program, an editor or a pager, until that ends. The engine goes on meanwhile."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tbatch_tui.tui.textual_private import terminal_writes_dropped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import App


async def run_in_terminal(app: App[Any], command: Sequence[str]) -> int | OSError:
    """Run the command in this terminal, and return its exit code, or the error if it did not start.

    Cancelling it ends the program.

    Raises SuspendNotSupported when the terminal cannot be lent.
    """
    # In a batch update nothing is painted: the terminal belongs to the program. An exception must not leave
    # `suspend`, or the terminal would not be taken back: so an error is returned.
    with app.batch_update(), app.suspend(), terminal_writes_dropped(app):
        return await _run(command)


async def _run(command: Sequence[str]) -> int | OSError:
    with _interrupts_ignored():
        try:
            process = await asyncio.create_subprocess_exec(*command)
        except OSError as error:
            return error
        return await process.wait()


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore ctrl+c and ctrl+backslash, which are meant for the other program."""
    numbers = [signal.SIGINT, *([signal.SIGQUIT] if hasattr(signal, "SIGQUIT") else [])]
    # Not SIG_IGN, which the program would inherit.
    before = [(number, signal.signal(number, lambda *_: None)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
