"""Engine events become Signals that screens subscribe to; errors become words on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from textual.app import App
    from textual.notifications import SeverityLevel

    from tbatch_tui.engine.errors import BatchError

_TOAST = 8.0
_LONGEST = 400


class Bridge:
    """One for the app. `emit` is what the controller is given; it runs on the loop."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self.records: Signal[RecordsChanged] = Signal(app, "records")
        self.transfers: Signal[TransferProgress] = Signal(app, "transfers")
        self.connection: Signal[ConnectionChanged] = Signal(app, "connection")
        self.downloaded: Signal[ResultsDownloaded] = Signal(app, "downloaded")
        self.deleted: Signal[FileDeleted] = Signal(app, "deleted")
        self.ended: Signal[JobsEnded] = Signal(app, "ended")

    def emit(self, event: Event) -> None:
        """Pass an event on to whoever listens."""
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
        """Say something once, as a toast: what happened, then what is safe and what to do. Actions are said as keys."""
        hint = fill_keys(hint)
        text = line(hint)[:_LONGEST] if hint else line(title)[:_LONGEST]
        self._app.notify(
            text, title=line(title)[:_LONGEST] if hint else "", severity=severity, timeout=_TOAST, markup=False
        )

    def report(self, error: BatchError) -> None:
        """Say what went wrong."""
        self.notify(error.title, error.hint, "error")


def _severity(name: str) -> SeverityLevel:
    return "error" if name == "error" else "information"
