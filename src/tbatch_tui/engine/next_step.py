"""Actions that a message suggests without saying how: the app inserts a key, the command line a command."""

from __future__ import annotations

from enum import StrEnum


class NextStep(StrEnum):
    """A placeholder in a text, which whoever shows the text replaces. The value is the id of the key's binding.

    After a colon comes what the key is pressed for, where the command line has a command for that.
    """

    PICK = "{jobs.new}"
    ASK_AGAIN = "{jobs.refresh}"
    FETCH = "{job.download}"
    FETCH_INPUT = "{job.fetch-input}"
    CANCEL = "{job.cancel}"
    SETTLE = "{job.settle}"
    CONTINUE = "{job.settle:continue}"
