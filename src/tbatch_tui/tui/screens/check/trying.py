"""What is tried from Check: the line under the cursor, else the first one, and others drawn from the file."""

from __future__ import annotations

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

    async def read(count: int) -> list[LiveRequest]:
        return await run_reading(_read, report.path, report.endpoint, line, count)

    return TrySubject(
        name=report.path.name, read=read, most=min(MOST_AT_ONCE, report.requests), requests=report.requests
    )


def _read(
    path: Path, endpoint: Endpoint | None, line: int, count: int, *, cancelled: Callable[[], bool]
) -> list[LiveRequest]:
    """Return a line of a file, and others drawn from it. Raises LocalFileError."""

    def choose(*lines: int) -> list[LiveRequest]:
        return choose_lines(path, lines, endpoint=endpoint, counts_all=False, cancelled=cancelled).requests

    try:
        first = choose(line) if line else choose()
    except LocalFileError:
        if not line:
            raise
        first = choose()  # what stands under the cursor is no request, or too long: the problem says so
    if count == 1:
        return first
    drawn = choose_lines(path, sample=count, seed=_SEED, endpoint=endpoint, cancelled=cancelled).requests
    others = [request for request in drawn if request.line != first[0].line]
    return [*first, *others[: count - 1]]
