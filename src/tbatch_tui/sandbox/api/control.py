"""The sandbox's own calls, for tests in other processes: faults, what arrived, time.

They are neither logged nor spoiled, and need the key as all others do.

GET, POST, DELETE /_sandbox/faults · GET /_sandbox/requests?since=N · POST /_sandbox/advance {"seconds": N}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.routing import Route

from tbatch_tui.sandbox.api.responses import Json, RefusedError, json_object
from tbatch_tui.sandbox.clock import stamp
from tbatch_tui.sandbox.faults import BadPlanError, parse_plan
from tbatch_tui.sandbox.state import state_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MOST_SECONDS = 366 * 86_400.0
"""The farthest jump at a time."""

LATEST = 200_000_000_000.0
"""No jump leads beyond this moment: dates have an end, in the year 9999."""


async def faults(request: Request) -> Response:
    """Add a plan's faults, forget all, or tell which are in force."""
    board = state_of(request).faults
    if request.method == "POST":
        try:
            board.add(parse_plan(await request.body()))
        except BadPlanError as bad:
            raise RefusedError(400, str(bad), code="bad_plan") from bad
    elif request.method == "DELETE":
        board.clear()
    return Json(board.told())


async def requests(request: Request) -> Response:
    """What arrived, from call number `since` on."""
    since = request.query_params.get("since", "1")
    if not (since.isascii() and since.isdigit() and len(since) < 12):
        raise RefusedError(400, "since must be a number", param="since")
    calls = [call for call in state_of(request).traffic.calls if call.n >= int(since)]
    return Json([msgspec.to_builtins(call) for call in calls])


async def advance(request: Request) -> Response:
    """Let time pass at once."""
    seconds = (await json_object(request)).get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= MOST_SECONDS:
        raise RefusedError(400, "seconds must be a number of seconds ahead", param="seconds")
    state = state_of(request)
    if state.clock.now() + seconds > LATEST:
        raise RefusedError(400, "seconds leads beyond what a date can say", param="seconds")
    await state.jobs.advance(float(seconds))
    return Json({"now": stamp(state.clock.now())})


routes = [
    Route("/_sandbox/faults", faults, methods=["GET", "POST", "DELETE"]),
    Route("/_sandbox/requests", requests, methods=["GET"]),
    Route("/_sandbox/advance", advance, methods=["POST"]),
]
