"""Leave when the terminal has closed.

Textual's output thread ends at the first write that fails, and the writes that wait then block the app for good: an
invisible process that keeps the data folder from the next one. So at the hangup, before anything else is written, the
terminal's descriptors are replaced by the null device. A terminal that goes without a hangup (the program was started
by nohup, which has it ignored) is noticed where its keys are read.
"""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from textual.app import App

_PATIENCE = 10.0
"""Seconds to shut down in. After that the process is killed, as by a power cut, which the history survives."""


def leave_when_told(app: App[Any]) -> None:
    """Let the app exit, as `q` does, when the terminal closes or the machine shuts down. Call it in the event loop."""
    loop = asyncio.get_running_loop()

    def leave() -> None:
        loop.call_soon_threadsafe(app.exit)

    def terminal_gone() -> None:
        """Be called by the driver, in its thread."""
        let_go_of_terminal()
        leave()

    loop.add_signal_handler(signal.SIGTERM, app.exit)
    on_hangup(leave)
    app.terminal_gone = terminal_gone  # type: ignore[attr-defined]


def on_hangup(leave: Callable[[], object]) -> None:
    """Call `leave` when the terminal has closed, from the main thread."""
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) is signal.SIG_IGN:  # started by nohup, which leaves it to the reading
        return

    def hang_up(_signal: int, _frame: FrameType | None) -> None:
        """Act at once, and not by the event loop, which may be about to write."""
        signal.signal(hangup, signal.SIG_IGN)
        signal.signal(signal.SIGCONT, signal.SIG_DFL)  # it comes with the hangup, and Textual would resume the app
        let_go_of_terminal()
        leave()

    signal.signal(hangup, hang_up)


def let_go_of_terminal() -> None:
    """Write to the terminal no more, and end within a while whatever happens. From any thread."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in filter(_is_of_terminal, range(3)):
        os.dup2(null, descriptor)
    end = threading.Timer(_PATIENCE, os._exit, (1,))
    end.daemon = True
    end.start()


def _is_of_terminal(descriptor: int) -> bool:
    """Return whether a descriptor is a terminal. After a hangup `isatty` says no; one redirected to a file stays."""
    try:
        return stat.S_ISCHR(os.fstat(descriptor).st_mode)
    except OSError:
        return False
