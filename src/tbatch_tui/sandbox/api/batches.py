"""The batch calls: create, list, retrieve, cancel (SDK: `resources/batches.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from starlette.routing import Route

from tbatch_tui.sandbox.api.responses import ApiError, JsonResponse, batch_error_response, read_json_object, text_field
from tbatch_tui.sandbox.jobs.jobs import AlreadyEndedError
from tbatch_tui.sandbox.jobs.records import Endpoint, ServedJob
from tbatch_tui.sandbox.state import get_state

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

ENDPOINTS = get_args(Endpoint)


async def create(request: Request) -> Response:
    """Create a job. 201 means accepted, not valid: the file is validated afterwards (seen on the live API)."""
    fields = await read_json_object(request)
    endpoint = text_field(fields, "endpoint")
    input_file_id = text_field(fields, "input_file_id")
    assert endpoint is not None and input_file_id is not None
    if endpoint not in ENDPOINTS:
        raise ApiError(400, f"endpoint must be one of {', '.join(ENDPOINTS)}", param="endpoint", code="invalid_value")
    window = text_field(fields, "completion_window", required=False)
    text_field(fields, "model_id", required=False)  # accepted, but every line has to name its model
    jobs = get_state(request).jobs
    job = jobs.create(endpoint, input_file_id)
    body = b'{"job":' + jobs.encode_job(job)
    if window not in (None, "24h"):
        body += b',"warning":"completion_window is fixed at 24h; the value given was ignored"'
    return JsonResponse(body + b"}", 201)


async def list_all(request: Request) -> Response:
    """Return all jobs of the account as one array."""
    return JsonResponse(get_state(request).jobs.encode_list())


async def retrieve(request: Request) -> Response:
    """Return one job."""
    job = _find_job(request)
    return JsonResponse(get_state(request).jobs.encode_job(job)) if job is not None else _not_found(request)


async def cancel(request: Request) -> Response:
    """Cancel a job and return it: it is CANCELING for a while."""
    job = _find_job(request)
    if job is None:
        return _not_found(request)
    jobs = get_state(request).jobs
    try:
        jobs.cancel(job)
    except AlreadyEndedError as error:
        return batch_error_response(request, 409, f"Cannot cancel job - already in terminal state: {error.status}")
    return JsonResponse(jobs.encode_job(job))


def _find_job(request: Request) -> ServedJob | None:
    return get_state(request).jobs.find(request.path_params["id"])


def _not_found(request: Request) -> Response:
    return batch_error_response(request, 404, "Job not found")


routes = [
    Route("/v1/batches", list_all, methods=["GET"]),
    Route("/v1/batches", create, methods=["POST"]),
    Route("/v1/batches/{id}", retrieve, methods=["GET"]),
    Route("/v1/batches/{id}/cancel", cancel, methods=["POST"]),
]
