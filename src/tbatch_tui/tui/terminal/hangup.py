"""The terminal has closed: what the app still writes goes nowhere, and it leaves, come what may.

Textual's output thread ends at the first write that fails, and what waits to be written then holds the app up for good:
a process that nobody sees, which keeps the data folder from the next one. So from the hangup on there is another thing
to write to and to read from, before anything else is written.
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
"""Seconds to put things away in. What is not put away then is as after a power cut, for which the history is made."""


def on_hangup(leave: Callable[[], object]) -> None:
    """Call `leave` when the terminal has closed, from the main thread."""
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) is signal.SIG_IGN:  # nohup: it is not to leave
        return

    def hung_up(_: int, frame: FrameType | None) -> None:
        """At once, and not by the loop: the loop may be about to write."""
        signal.signal(hangup, signal.SIG_IGN)
        signal.signal(signal.SIGCONT, signal.SIG_DFL)  # it comes with the hangup, and Textual would begin anew
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in filter(_is_of_terminal, range(3)):
            os.dup2(nowhere, descriptor)
        end = threading.Timer(_PATIENCE, os._exit, (1,))
        end.daemon = True
        end.start()
        leave()

    signal.signal(hangup, hung_up)


def _is_of_terminal(descriptor: int) -> bool:
    """One that is hung up is no `isatty` any more. What the person sent to a file goes on there."""
    try:
        return stat.S_ISCHR(os.fstat(descriptor).st_mode)
    except OSError:
        return False
