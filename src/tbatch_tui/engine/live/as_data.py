"""Requests that were tried, as plain data: what `try --json` prints, and what is exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.lenient_json import loads

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.tried import TriedRequest
    from tbatch_tui.engine.live.request import LiveRequest


def tried_as_data(request: LiveRequest, tried: TriedRequest | None) -> dict[str, Any]:
    """Return a request with what became of it; `missing` where it was not sent."""
    return {
        "line": request.line,
        "custom_id": request.custom_id or None,
        "outcome": tried.outcome if tried is not None else "missing",
        "answer": tried.answer if tried is not None else None,
        "prompt_tokens": tried.prompt_tokens if tried is not None else None,
        "completion_tokens": tried.completion_tokens if tried is not None else None,
        "seconds": tried.seconds if tried is not None else None,
        "cost": tried.cost if tried is not None else None,
    }


def exported(tried: TriedRequest) -> dict[str, Any]:
    """Return a try whole, for a line of JSON: what was asked, and what came."""
    return {
        "line": tried.line,
        "custom_id": tried.custom_id or None,
        "file": str(tried.path) if tried.path is not None else None,
        "sent_at": tried.sent_at,
        "endpoint": tried.endpoint,
        "outcome": tried.outcome,
        "reason": tried.reason or None,
        "answer": tried.answer,
        "prompt_tokens": tried.prompt_tokens,
        "completion_tokens": tried.completion_tokens,
        "seconds": tried.seconds,
        "cost": tried.cost,
        "request": loads(tried.request.encode()),
        "response": loads(tried.response.encode()) if tried.response is not None else None,
    }
