"""What is tried from Check: the line under the cursor, else the first one, and others drawn from the file."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.live.request import MOST_AT_ONCE, choose_lines
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.tui.dialogs.trying.subject import TrySubject

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.live.request import LiveRequest

_SEED = 0
"""Of the other lines: the same ones whenever a file is tried."""


def subject_of_file(report: CheckReport, line: int) -> TrySubject:
    """Return the requests of a file that was checked, from this line on; 0 for the first request."""
    most = min(MOST_AT_ONCE, report.requests)
    found: list[LiveRequest] = []

    async def read(count: int) -> list[LiveRequest]:
        nonlocal found
        if count > len(found):  # all that may be asked for at once, so that the file is read once for all
            found = await run_reading(_read, report.path, report.endpoint, line, most if count > 1 else 1)
        return found[:count]

    return TrySubject(name=report.path.name, read=read, most=most, requests=report.requests)


def _read(
    path: Path, endpoint: Endpoint | None, line: int, count: int, *, cancelled: Callable[[], bool]
) -> list[LiveRequest]:
    """Return a line of a file, and others drawn from it. Raises LocalFileError."""

    def choose(*lines: int, sample: int | None = None) -> list[LiveRequest]:
        found = choose_lines(
            path, lines, sample=sample, seed=_SEED, endpoint=endpoint, counts_all=False, cancelled=cancelled
        )
        return found.requests

    others = count - 1 or None
    try:
        chosen = choose(line, sample=others) if line else choose(*_first(choose), sample=others)
    except LocalFileError:
        if not line:
            raise
        chosen = choose(*_first(choose), sample=others)  # what stands under the cursor is no request, or too long
        line = 0
    first = next((request for request in chosen if request.line == line), chosen[0])
    rest = [request for request in chosen if request is not first]
    random.Random(_SEED).shuffle(rest)  # one more is another line, and those before stay
    return [first, *rest]


def _first(choose: Callable[[], list[LiveRequest]]) -> list[int]:
    """Return the line of the first request, for which only the beginning of the file is read."""
    return [request.line for request in choose() if request.line is not None]
