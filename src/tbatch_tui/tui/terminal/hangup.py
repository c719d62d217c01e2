"""Leave when the terminal has closed.

Textual's output thread ends at the first write that fails, and the writes that wait then block the app for good: an
invisible process that keeps the data folder from the next one. So at the hangup, before anything else is written, the
terminal's descriptors are replaced by the null device.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_PATIENCE = 10.0
"""Seconds to shut down in. After that the process is killed, as by a power cut, which the history survives."""


def on_hangup(leave: Callable[[], object]) -> None:
    """Call `leave` when the terminal has closed, from the main thread."""
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) is signal.SIG_IGN:  # started by nohup: it must not leave
        return

    def hang_up(_signal: int, _frame: FrameType | None) -> None:
        """Act at once, and not by the event loop, which may be about to write."""
        signal.signal(hangup, signal.SIG_IGN)
        signal.signal(signal.SIGCONT, signal.SIG_DFL)  # it comes with the hangup, and Textual would resume the app
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in filter(_is_of_terminal, range(3)):
            os.dup2(null, descriptor)
        end = threading.Timer(_PATIENCE, os._exit, (1,))
        end.daemon = True
        end.start()
        leave()

    signal.signal(hangup, hang_up)


def _is_of_terminal(descriptor: int) -> bool:
    """Return whether a descriptor is a terminal. After a hangup `isatty` says no; one redirected to a file stays."""
    try:
        return stat.S_ISCHR(os.fstat(descriptor).st_mode)
    except OSError:
        return False
