"""What a look at one thing gave."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple


class State(StrEnum):
    """How a finding is."""

    OK = "ok"
    WARNING = "warning"
    """It may surprise; a submit works."""
    PROBLEM = "problem"
    """It would keep a submit from working."""


class Diagnosis(NamedTuple):
    """One thing that was looked at."""

    section: str
    name: str
    value: str
    state: State = State.OK
    advice: str = ""
    """What to do about it; empty where nothing has to be done."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**self._asdict(), "state": self.state.value}
