"""Which of the three endpoints a batch runs against."""

from __future__ import annotations

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.tui.widgets.radio_line import RadioLine


def allowed_endpoints(inferred: Endpoint | None) -> tuple[Endpoint, ...]:
    """Return what a file can run as: chat lines only as chat, audio lines as either audio endpoint.

    Args:
        inferred: The endpoint that the check took from the lines; None if they fit any.
    """
    if inferred is None:
        return tuple(Endpoint)
    return tuple(endpoint for endpoint in Endpoint if endpoint.is_audio == inferred.is_audio)


class EndpointChoice(RadioLine[Endpoint]):
    """`(•) Audio transcription   ( ) Audio translation`: those that the file can run as."""

    def __init__(self, chosen: Endpoint, choices: tuple[Endpoint, ...], *, id: str | None = None) -> None:
        super().__init__([(endpoint, endpoint.words) for endpoint in choices], chosen, id=id)
