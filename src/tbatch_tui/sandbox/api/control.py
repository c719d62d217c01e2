"""The sandbox's own calls, for tests in other processes: faults, the record of calls, time.

They are not recorded and no fault applies to them. Like all calls they need the key.

GET, POST, DELETE /_sandbox/faults · GET /_sandbox/requests?since=N · POST /_sandbox/advance {"seconds": N}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.routing import Route

from tbatch_tui.sandbox.api.responses import ApiError, JsonResponse, read_json_object
from tbatch_tui.sandbox.clock import format_time
from tbatch_tui.sandbox.faults import BadPlanError, parse_plan
from tbatch_tui.sandbox.state import get_state

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MAX_ADVANCE = 366 * 86_400.0
"""Seconds that one call can move the clock."""

LATEST_TIME = 200_000_000_000.0
"""Seconds since the epoch. The clock cannot be moved beyond it: dates end with the year 9999."""


async def faults(request: Request) -> Response:
    """Add the faults of a plan, remove all, or list them; return those in effect."""
    active = get_state(request).faults
    if request.method == "POST":
        try:
            active.add(parse_plan(await request.body()))
        except BadPlanError as error:
            raise ApiError(400, str(error), code="bad_plan") from error
    elif request.method == "DELETE":
        active.clear()
    return JsonResponse(active.to_list())


async def requests(request: Request) -> Response:
    """Return the calls that arrived, from number `since` on."""
    since = request.query_params.get("since", "1")
    if not (since.isascii() and since.isdigit() and len(since) < 12):
        raise ApiError(400, "since must be a number", param="since")
    calls = [call for call in get_state(request).traffic.calls if call.n >= int(since)]
    return JsonResponse([msgspec.to_builtins(call) for call in calls])


async def advance(request: Request) -> Response:
    """Move the clock forward, and wait until everything has happened that happens in that time."""
    seconds = (await read_json_object(request)).get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= MAX_ADVANCE:
        raise ApiError(400, "seconds must be a number of seconds ahead", param="seconds")
    state = get_state(request)
    if state.clock.now() + seconds > LATEST_TIME:
        raise ApiError(400, "seconds leads beyond what a date can say", param="seconds")
    await state.jobs.advance(float(seconds))
    return JsonResponse({"now": format_time(state.clock.now())})


routes = [
    Route("/_sandbox/faults", faults, methods=["GET", "POST", "DELETE"]),
    Route("/_sandbox/requests", requests, methods=["GET"]),
    Route("/_sandbox/advance", advance, methods=["POST"]),
]
