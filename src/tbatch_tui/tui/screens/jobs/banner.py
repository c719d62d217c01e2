"""The line above the list, about all of it: offline, a refused key, no key, a demo, or what another profile left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Static

from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.styled import styled_content
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from tbatch_tui.tui.render.styled import StyledText

DEMO = "Demo: a private sandbox. Nothing leaves this machine."


class JobBanner(Static):
    """A line about the connection; hidden while all is well."""

    DEFAULT_CSS = """
    JobBanner { height: auto; max-height: 3; padding: 0 2; display: none; }
    """

    def __init__(self, *, demo: bool = False, waiting: str = "") -> None:
        """Show one of these while all is well.

        Args:
            demo: Whether this is the demo.
            waiting: What waits for another profile to be in use again, safe for the screen; empty if nothing does.
        """
        super().__init__(markup=False)
        self._waiting = waiting
        self._demo = demo
        self._shown: StyledText = []

    def show(self, health: ConnectionHealth, now: float, *, has_history: bool) -> None:
        """Show the state of the connection, if something is wrong with it.

        Args:
            health: The state.
            now: Seconds since the epoch, for times that are shown relative to it.
            has_history: Whether the list has records; else what it says without rows explains a missing key.
        """
        pieces = _health_pieces(health, now, has_history)
        if not pieces and self._demo:
            pieces = [(DEMO, "$status-quiet")]
        elif not pieces and self._waiting:
            pieces = [(fill_keys(self._waiting), "$status-quiet")]
        if pieces != self._shown:
            self._shown = pieces
            self.update(styled_content(pieces))
            self.display = bool(pieces)


def _health_pieces(health: ConnectionHealth, now: float, has_history: bool) -> StyledText:
    match health.state:
        case HealthState.NO_KEY if has_history:
            return [("No API key: ", "$status-attention"), ("showing the history; set TOGETHER_API_KEY.", "")]
        case HealthState.KEY_REFUSED:
            return [(line(health.title), "$status-failed"), (f"  {line(fill_keys(health.hint))}", "")]
        case HealthState.OFFLINE | HealthState.BACKING_OFF:
            since = f" since {fmt.when(health.since, now)}" if health.since is not None else ""
            again = f" · retrying in {fmt.countdown(health.next_at, now)}" if health.next_at is not None else ""
            word = "Offline" if health.state is HealthState.OFFLINE else "Waiting for the server"
            return [(f"{word}{since}{again}.", "$status-attention"), (f"  {line(health.title)}", "$status-quiet")]
        case _:
            return []
