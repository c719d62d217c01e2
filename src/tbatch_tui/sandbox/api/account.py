"""The account behind the key, and the model catalogue (SDK: `types/whoami_project_api_key.py`, `resources/models`).

`GET /v1/models` is what the SDK 2.x and the npm client call; `/v1/projects` and `/v2/projects/{id}/models` are what
`tg projects` and `tg models` call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from tbatch_tui.sandbox.answers import models
from tbatch_tui.sandbox.api.responses import ApiError, JsonResponse
from tbatch_tui.sandbox.jobs.jobs import ORGANIZATION_ID, PROJECT_ID

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

WHOAMI: dict[str, Any] = {
    "type": "project_api_key",
    "api_key": {"id": "key-sandbox"},
    "organization": {"id": ORGANIZATION_ID, "name": "Acme"},
    "project": {"id": PROJECT_ID, "name": "evals", "slug": "evals"},
}
MAX_PAGE_SIZE = 100
"""Models in one page of the catalogue."""


async def whoami(_: Request) -> Response:
    """Return the organisation and the project of the key."""
    return JsonResponse(WHOAMI)


async def supported_models(request: Request) -> Response:
    """Return a page of the catalogue."""
    query = request.query_params
    limit = query.get("limit")
    if limit is not None and not (limit.isascii() and limit.isdigit() and 0 < len(limit) < 6 and int(limit) > 0):
        raise ApiError(400, "limit must be a positive integer", param="limit", code="invalid_value")
    page = models.page(
        query.get("after"),
        min(int(limit), MAX_PAGE_SIZE) if limit is not None else None,
        query.get("product"),
        query.get("search"),
        query.get("modality"),
    )
    return JsonResponse(page)


async def supported_model(request: Request) -> Response:
    """Return one model of the catalogue."""
    entry = models.find(request.path_params["id"])
    if entry is None:
        raise ApiError(404, f"model {request.path_params['id']} not found", code="not_found")
    return JsonResponse(entry)


async def all_models(_: Request) -> Response:
    """Return every model as one array, those too that a batch cannot use."""
    return JsonResponse([models.describe_plainly(model) for model in models.MODELS])


async def projects(_: Request) -> Response:
    """Return the projects that the key can see: its own."""
    project: dict[str, Any] = WHOAMI["project"]
    organization = {"organization_id": ORGANIZATION_ID, "organization_name": "Acme"}
    return JsonResponse({"object": "list", "data": [{**project, **organization}], "next_cursor": None})


async def project_models(request: Request) -> Response:
    """Return the models of a project's own: there are none."""
    if request.path_params["id"] not in (PROJECT_ID, "evals"):
        raise ApiError(404, f"project {request.path_params['id']} not found", code="not_found")
    return JsonResponse({"object": "list", "data": [], "next_cursor": None})


routes = [
    Route("/v1/models", all_models, methods=["GET"]),
    Route("/v1/projects", projects, methods=["GET"]),
    Route("/v2/projects/{id}/models", project_models, methods=["GET"]),
    Route("/v3/whoami", whoami, methods=["GET"]),
    Route("/v2/supported-models", supported_models, methods=["GET"]),
    Route("/v2/supported-models/{id}", supported_model, methods=["GET"]),
]
