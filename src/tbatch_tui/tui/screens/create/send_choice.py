"""Whether a file is sent at once, or a few requests of it go ahead of the rest."""

from __future__ import annotations

from enum import Enum

from tbatch_tui.tui.widgets.radio_line import RadioLine

FIRST = 10
"""How many requests go ahead."""
OFFERED_FROM = 5 * FIRST
"""Requests from which a file is large enough for the choice to be worth it."""


class Send(Enum):
    """How the file is sent."""

    ALL = "all"
    ASK = "ask"
    GO_ON = "go on"


_LABELS = [
    (Send.ALL, "All at once"),
    (Send.ASK, f"{FIRST} first, then ask"),
    (Send.GO_ON, f"{FIRST} first, then the rest if all succeed"),
]


class SendChoice(RadioLine[Send]):
    """`(•) All at once   ( ) 10 first, then ask   ( ) 10 first, then the rest if all succeed`."""

    def __init__(self, chosen: Send, *, id: str | None = None) -> None:
        super().__init__(_LABELS, chosen, id=id)


def format_send(send: Send, requests: int, files: int = 1) -> str:
    """Return what the choice means for files with so many requests; empty where all of them are sent at once."""
    if send is Send.ALL:
        return ""
    first, rest = (
        f"{FIRST} requests from across the {'file' if files == 1 else 'files'} are sent first",
        f"the other {requests - FIRST:,}",
    )
    if send is Send.ASK:
        return f"{first}; {rest} are on hold until you have seen the answers."
    return f"{first}; {rest} follow if all succeed."
