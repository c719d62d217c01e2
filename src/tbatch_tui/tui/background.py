"""Long work in a thread: its label, its progress, and how to stop it."""

from __future__ import annotations

import threading
import time

from tbatch_tui.engine.threads import yield_to_loop


class BackgroundWork:
    """One piece of work in a thread at a time. The thread reports progress, the screen reads it on a timer."""

    def __init__(self) -> None:
        self.label = ""
        """What is being done, for the screen; empty when nothing is."""
        self._progress, self._started_at = (0, 0), 0.0
        self._stop = threading.Event()

    def begin(self, label: str) -> threading.Event:
        """Stop the work before this one, and return the event that stops this one."""
        self.stop()
        self._stop = threading.Event()
        self.label, self._progress, self._started_at = label, (0, 0), time.monotonic()
        return self._stop

    def end(self, stop: threading.Event) -> bool:
        """Stop the work that this event belongs to; False if other work has taken its place meanwhile."""
        stop.set()
        if stop is not self._stop:
            return False
        self.label = ""
        return True

    def stop(self) -> None:
        """Ask the thread to end, and forget its label at once: it may take the thread a moment."""
        self._stop.set()
        self.label = ""

    def report_progress(self, done: int, total: int) -> None:
        """Note the progress. The thread calls this between two pieces of a file."""
        self._progress = (done, total)
        yield_to_loop()

    @property
    def fraction(self) -> float | None:
        """How much is done, 0 to 1; None while the total is not known."""
        done, total = self._progress
        return done / total if total else None

    @property
    def progress(self) -> tuple[int, int, float]:
        """Bytes done, bytes in all (0 while that is not known), and bytes per second."""
        done, total = self._progress
        return done, total, done / max(0.05, time.monotonic() - self._started_at)
