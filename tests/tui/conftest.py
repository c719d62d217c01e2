"""How the tests of the screens wait."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def short_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's Pilot takes an app for idle that used a twentieth of a nap at most; two naps or more for each key.

    Of the same kind, but four times shorter: those of 20 ms were two thirds of all the time the screens' tests took.
    Where the name is another one by now, the tests take longer, and that is all.
    """
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 0.005, raising=False)
    monkeypatch.setattr("textual._wait.SLEEP_IDLE", 0.005 / 20, raising=False)
