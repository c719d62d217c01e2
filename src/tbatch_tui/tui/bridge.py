"""Engine events become Signals that screens subscribe to; errors become words on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.signal import Signal

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.events import (
    Collected,
    Event,
    FileDeleted,
    HealthChanged,
    JobsEnded,
    Notice,
    RecordsChanged,
    TransferMoved,
)
from tbatch_tui.tui.keys.hints import with_keys
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from textual.app import App
    from textual.notifications import SeverityLevel

_TOAST = 8.0
_LONGEST = 400


class Bridge:
    """One for the app. `emit` is what the controller is given; it runs on the loop."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self.records: Signal[RecordsChanged] = Signal(app, "records")
        self.transfers: Signal[TransferMoved] = Signal(app, "transfers")
        self.health: Signal[HealthChanged] = Signal(app, "health")
        self.collected: Signal[Collected] = Signal(app, "collected")
        self.deleted: Signal[FileDeleted] = Signal(app, "deleted")
        self.ended: Signal[JobsEnded] = Signal(app, "ended")

    def emit(self, event: Event) -> None:
        """Pass an event on to whoever listens."""
        match event:
            case RecordsChanged():
                self.records.publish(event)
            case TransferMoved():
                self.transfers.publish(event)
            case HealthChanged():
                self.health.publish(event)
            case Collected():
                self.collected.publish(event)
            case FileDeleted():
                self.deleted.publish(event)
            case JobsEnded():
                self.ended.publish(event)
            case Notice(title, hint, severity):
                self.say(title, hint, "warning" if severity == "warning" else _severity(severity))

    def say(self, title: str, hint: str = "", severity: SeverityLevel = "information") -> None:
        """Say something once, as a toast: what happened, then what is safe and what to do. Actions are said as keys."""
        hint = with_keys(hint)
        text = line(hint)[:_LONGEST] if hint else line(title)[:_LONGEST]
        self._app.notify(
            text, title=line(title)[:_LONGEST] if hint else "", severity=severity, timeout=_TOAST, markup=False
        )

    def report(self, error: BatchError) -> None:
        """Say what went wrong."""
        self.say(error.title, error.hint, "error")


def _severity(name: str) -> SeverityLevel:
    return "error" if name == "error" else "information"
