"""Between engine and screens: events become Signals that screens subscribe to, errors become toasts."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from textual.signal import Signal

from tbatch_tui.engine.events import (
    ConnectionChanged,
    Event,
    FileDeleted,
    JobsEnded,
    Notice,
    RecordsChanged,
    ResultsDownloaded,
    TransferProgress,
)
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.textual_private import shows_toast, take_toasts

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App
    from textual.notifications import Notification, SeverityLevel

    from tbatch_tui.engine.errors import BatchError

_SECONDS: dict[SeverityLevel, float] = {"information": 4.0, "warning": 8.0, "error": 15.0}
"""How long a toast stays, unless the screen changes before."""
_SETTLED_AFTER = 1.0
"""Seconds from which a toast belongs to the screen it stands on. A younger one is said of what just happened, as a
message about a file that was written while the next screen opens."""
_MOST_LOGGED = 500
"""Messages that the log keeps."""
_AROUND = 3
"""Cells of a toast beside its text: the colour at its left, and a space at either side."""
_LOST = 12
"""Cells that the end of a line may leave free, before a long word."""
_MAX_LENGTH = 400
"""Characters of a title or a hint; a toast must not fill the screen."""


@dataclass(slots=True)
class LoggedMessage:
    """A message that was shown. Its text is safe for the screen."""

    at: float
    """When it was shown last, in seconds since the epoch."""
    title: str
    """What happened; empty for a message of one line."""
    text: str
    severity: SeverityLevel
    count: int = 1
    """How often it was shown in a row."""

    def is_same(self, other: LoggedMessage) -> bool:
        """Whether both say the same."""
        return (self.title, self.text, self.severity) == (other.title, other.text, other.severity)


class Bridge:
    """The app's only bridge. The engine calls `emit` on the event loop."""

    def __init__(self, app: App[Any], now: Callable[[], float] = time.time) -> None:
        self._app = app
        self._now = now
        self.log: deque[LoggedMessage] = deque(maxlen=_MOST_LOGGED)
        """The messages so far, the oldest first."""
        self._is_queued = False
        """Whether the last message is on its way to the screen."""
        self.records: Signal[RecordsChanged] = Signal(app, "records")
        self.transfers: Signal[TransferProgress] = Signal(app, "transfers")
        self.connection: Signal[ConnectionChanged] = Signal(app, "connection")
        self.downloaded: Signal[ResultsDownloaded] = Signal(app, "downloaded")
        self.deleted: Signal[FileDeleted] = Signal(app, "deleted")
        self.ended: Signal[JobsEnded] = Signal(app, "ended")

    def emit(self, event: Event) -> None:
        """Publish an event to the screens that subscribed to it."""
        match event:
            case RecordsChanged():
                self.records.publish(event)
            case TransferProgress():
                self.transfers.publish(event)
            case ConnectionChanged():
                self.connection.publish(event)
            case ResultsDownloaded():
                self.downloaded.publish(event)
            case FileDeleted():
                self.deleted.publish(event)
            case JobsEnded():
                self.ended.publish(event)
            case Notice(title, hint, severity):
                self.notify(title, hint, "warning" if severity == "warning" else _severity(severity))

    def notify(self, title: str, hint: str = "", severity: SeverityLevel = "information") -> None:
        """Show a toast, and keep it in the log. One that is on the screen already is not shown a second time.

        Args:
            title: What happened.
            hint: What is safe and what to do. `{job.download}` is replaced by the key of that binding.
            severity: The colour of the toast.
        """
        hint = fill_keys(hint)
        title, hint = line(title)[:_MAX_LENGTH], line(hint)[:_MAX_LENGTH]
        text, heading = (hint, title) if hint else (title, "")
        message = LoggedMessage(self._now(), heading, text, severity)
        if hint and cell_len(joined := fmt.join(title, hint)) <= 2 * (self._app.size.width - _AROUND) - _LOST:
            text, heading = joined, ""  # what goes into the lines of the rule and the titles hides no row
        if self.log and (last := self.log[-1]).is_same(message):
            last.at, last.count = message.at, last.count + 1
            if self._is_queued:
                return
        else:
            self.log.append(message)
        if shows_toast(self._app, text, heading):
            return
        self._is_queued = True
        self._app.call_later(self._delivered)
        self._app.notify(text, title=heading, severity=severity, timeout=_SECONDS[severity], markup=False)

    def _delivered(self) -> None:
        self._is_queued = False

    def screen_changed(self) -> None:
        """Take away the toasts of the screen that was left. An error stays until it has been read."""
        take_toasts(self._app, lambda toast: toast.severity != "error" and _age(toast) >= _SETTLED_AFTER)

    def report(self, error: BatchError) -> None:
        """Show an error as a toast."""
        self.notify(error.title, error.hint, "error")


def _age(toast: Notification) -> float:
    """Return for how many seconds a toast has been there."""
    return toast.timeout - toast.time_left


def _severity(name: str) -> SeverityLevel:
    return "error" if name == "error" else "information"
