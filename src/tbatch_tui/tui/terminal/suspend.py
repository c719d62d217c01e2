"""The terminal lent to another program, an editor or a pager, until that ends. The engine goes on meanwhile."""

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
    """Run the command in this terminal: its exit code, or why it did not start. Cancelled, it ends the program.

    Raises SuspendNotSupported when the terminal cannot be given away.
    """
    # In a batch nothing is drawn: the terminal is the other's. An error must not leave `suspend` as one, or the
    # terminal would not be taken back.
    with app.batch_update(), app.suspend(), terminal_writes_dropped(app):
        return await _ran(command)


async def _ran(command: Sequence[str]) -> int | OSError:
    with _deaf():
        try:
            process = await asyncio.create_subprocess_exec(*command)
        except OSError as error:
            return error
        return await process.wait()


@contextmanager
def _deaf() -> Iterator[None]:
    """Ctrl+C and ctrl+backslash mean the other program, not the app that waits for it."""
    numbers = [signal.SIGINT, *([signal.SIGQUIT] if hasattr(signal, "SIGQUIT") else [])]
    # Not SIG_IGN, which the program would inherit.
    before = [(number, signal.signal(number, lambda *_: None)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
