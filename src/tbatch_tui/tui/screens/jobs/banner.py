"""The line above the list, said of all of it: offline, a refused key, no key, or that this is a demo."""

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

DEMO = "Demo: a private sandbox on this machine; no key, and nothing leaves it."


class JobBanner(Static):
    """Hidden while there is nothing to say."""

    DEFAULT_CSS = """
    JobBanner { height: auto; max-height: 3; padding: 0 2; display: none; }
    """

    def __init__(self, *, demo: bool = False) -> None:
        super().__init__(markup=False)
        self._demo = demo
        self._said: StyledText = []

    def show(self, health: ConnectionHealth, now: float, *, has_history: bool) -> None:
        """Say how the connection is, if that needs saying."""
        said = _words(health, now, has_history)
        if not said and self._demo:
            said = [(DEMO, "$status-quiet")]
        if said != self._said:
            self._said = said
            self.update(styled_content(said))
            self.display = bool(said)


def _words(health: ConnectionHealth, now: float, has_history: bool) -> StyledText:
    match health.state:
        case HealthState.NO_KEY if has_history:
            return [("No API key: ", "$status-attention"), ("the history is shown; set TOGETHER_API_KEY.", "")]
        case HealthState.KEY_REFUSED:
            return [(line(health.title), "$status-failed"), (f"  {line(fill_keys(health.hint))}", "")]
        case HealthState.OFFLINE | HealthState.BACKING_OFF:
            since = f" since {fmt.when(health.since, now)}" if health.since is not None else ""
            again = f", tried again in {fmt.until(health.next_at, now)}" if health.next_at is not None else ""
            word = "Offline" if health.state is HealthState.OFFLINE else "Waiting for the server"
            return [(f"{word}{since}{again}.", "$status-attention"), (f"  {line(health.title)}", "$status-quiet")]
        case _:
            return []
