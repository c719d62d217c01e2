"""What a person can do next, named in a message without saying how: the app says a key, a command says a command."""

from __future__ import annotations

from enum import StrEnum


class NextStep(StrEnum):
    """Stands in a text for the way to do it. Whoever tells the text puts that in; the value is the action's id."""

    PICK = "{jobs.new}"
    ASK_AGAIN = "{jobs.refresh}"
    FETCH = "{job.download}"
    CANCEL = "{job.cancel}"
