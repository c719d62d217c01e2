"""Which of the three endpoints a batch runs against: one line where there is room, else one a line."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.tui import keys
from tbatch_tui.tui.widgets.job_foot import pieces_content
from tbatch_tui.tui.widgets.one_line import Pieces

_BETWEEN = 3


def allowed(inferred: Endpoint | None) -> tuple[Endpoint, ...]:
    """What a file can run as: chat lines only as chat, audio lines as either audio endpoint."""
    if inferred is None:
        return tuple(Endpoint)
    return tuple(endpoint for endpoint in Endpoint if endpoint.is_audio == inferred.is_audio)


class EndpointChoice(Widget, can_focus=True):
    """`(•) Chat completions   ( ) Audio transcription   ( ) Audio translation`; what the file rules out is dim."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.NEXT_ENDPOINT,
        keys.PREVIOUS_ENDPOINT,
    ]
    DEFAULT_CSS = """
    EndpointChoice { width: 1fr; height: auto; color: $foreground; }
    EndpointChoice:focus { background: $cursor-row; }
    """

    class Changed(Message):
        """Another endpoint was chosen."""

        def __init__(self, endpoint: Endpoint) -> None:
            super().__init__()
            self.endpoint = endpoint

    def __init__(self, chosen: Endpoint, choices: tuple[Endpoint, ...], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.chosen = chosen
        self._choices = choices
        self.can_focus = len(choices) > 1

    def choose(self, endpoint: Endpoint) -> None:
        """Choose this one, if the file allows it."""
        if endpoint in self._choices and endpoint is not self.chosen:
            self.chosen = endpoint
            self.refresh()
            self.post_message(self.Changed(endpoint))

    def action_move(self, by: int) -> None:
        index = self._choices.index(self.chosen) + by
        self.choose(self._choices[index % len(self._choices)])

    def _label(self, endpoint: Endpoint) -> str:
        return f"({'•' if endpoint is self.chosen else ' '}) {endpoint.words}"

    def _is_wide(self, width: int) -> bool:
        return sum(cell_len(self._label(endpoint)) + _BETWEEN for endpoint in Endpoint) - _BETWEEN <= width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1 if self._is_wide(width) else len(Endpoint)

    def render(self) -> Content:
        said: Pieces = []
        gap = " " * _BETWEEN if self._is_wide(self.content_size.width) else "\n"
        for endpoint in Endpoint:
            style = "bold" if endpoint is self.chosen else "" if endpoint in self._choices else "$status-quiet dim"
            said += [(gap if said else "", ""), (self._label(endpoint), style)]
        return pieces_content(said)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        left = 0
        for index, endpoint in enumerate(Endpoint):
            width = cell_len(self._label(endpoint))
            wide = self._is_wide(self.content_size.width)
            if (wide and left <= event.x < left + width) or (not wide and event.y == index):
                self.choose(endpoint)
            left += width + _BETWEEN
