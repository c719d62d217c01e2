"""A plugin of pytest for `benchmarks.mutation`: run the quickest tests first, by the times that mutmut has measured.

With `-x` most mutants are noticed by a test of some milliseconds, where a slow one might have run before it. The run
without a mutant that mutmut makes after it has measured the tests is cut short: the measured one was without one, too.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import pytest

settings.register_profile("mutation", deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("mutation")  # on a busy machine nothing is too slow


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests, if they were measured already; `mutmut-stats.json` is in the current folder."""
    measured = Path("mutmut-stats.json")
    if measured.is_file():
        seconds = json.loads(measured.read_text())["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))
        if os.environ.get("MUTANT_UNDER_TEST") == "":
            del items[5:]
