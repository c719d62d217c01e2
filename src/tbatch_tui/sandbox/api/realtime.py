"""Requests that are answered at once: chat completions, transcriptions and translations.

They are refused for what a batch's rows are refused for, and answered as those are (SDK: `resources/chat`,
`resources/audio`). Nothing fails by chance here.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tbatch_tui.sandbox.answers.chat import completion
from tbatch_tui.sandbox.answers.failures import CHAT, failure_reason
from tbatch_tui.sandbox.answers.models import is_dedicated_only, model_kind
from tbatch_tui.sandbox.answers.transcripts import transcription
from tbatch_tui.sandbox.api.responses import ApiError, JsonResponse, read_json_object
from tbatch_tui.sandbox.jobs.file_store import MAX_BYTES
from tbatch_tui.sandbox.state import get_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

MAX_REQUEST = 10 * 2**20
"""Bytes of a chat request."""

_PIECE = 20
"""Characters in a piece of a streamed answer."""

_NUMBERS = ("temperature", "min_speakers", "max_speakers")


async def chat(request: Request) -> Response:
    """Answer a chat request; with `stream` piece by piece, as server-sent events."""
    body = await read_json_object(request, MAX_REQUEST)
    _require_answerable(request, {"body": body}, CHAT)
    is_streamed = body.pop("stream", None) is True  # the answer is the same
    key = hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest()
    answer = completion(body, key, int(get_state(request).clock.now()), cut=False)
    if is_streamed:
        return StreamingResponse(_events(answer), media_type="text/event-stream")
    return JsonResponse(answer)


async def transcribe(request: Request) -> Response:
    """Answer an audio request: a form with the recording in it, or with its URL. Nothing is fetched."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise ApiError(400, "Content-Type must be multipart/form-data", code="invalid_request")
    async with request.form(max_part_size=MAX_BYTES) as form:
        fields = _typed(form.multi_items())
        recording = fields.get("file")
        if isinstance(recording, UploadFile):
            # Any public URL stands for the bytes: a request is judged by it, and its text depends on it.
            digest = hashlib.sha256(await recording.read()).hexdigest()
            fields["file"] = f"https://example.com/{digest}"
    _require_answerable(request, {"method": "FILE", "body": fields}, request.url.path)
    return JsonResponse(transcription(fields, request.url.path))


def _typed(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the fields of a form with the types that they have in JSON; what is no number stays text."""
    fields: dict[str, Any] = {}
    for name, value in items:
        if name.rstrip("[]") == "timestamp_granularities":
            fields.setdefault("timestamp_granularities", []).append(value)
        elif name == "diarize":
            fields[name] = value == "true"
        elif name in _NUMBERS and isinstance(value, str):
            fields[name] = _number(value)
        else:
            fields[name] = value
    return fields


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _require_answerable(request: Request, row: dict[str, Any], endpoint: str) -> None:
    """Raise ApiError unless the request can be answered."""
    model = row["body"].get("model")
    if isinstance(model, str) and is_dedicated_only(model):
        message = f"Unable to access non-serverless model {model}. Please start a dedicated endpoint for it."
        raise ApiError(400, message, code="model_not_available")
    reason = failure_reason(row, endpoint, strict=get_state(request).strict)
    if reason is not None:
        is_unknown = isinstance(model, str) and model != "" and model_kind(model) is None
        raise ApiError(404 if is_unknown else 400, reason, code="model_not_available" if is_unknown else None)


def _events(answer: dict[str, Any]) -> Iterator[bytes]:
    """Yield an answer as the events of a stream, the last of them `[DONE]` (SDK: `types/chat_completion_chunk.py`)."""
    head = {"id": answer["id"], "object": "chat.completion.chunk", "created": answer["created"]}
    for choice in answer["choices"]:
        content = choice["message"]["content"] or ""
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += ({"content": content[at : at + _PIECE]} for at in range(0, len(content), _PIECE))
        if calls := choice["message"]["tool_calls"]:
            deltas.append({"tool_calls": calls})
        for place, delta in enumerate(deltas):
            is_last = place == len(deltas) - 1
            chunk = {
                **head,
                "model": answer["model"],
                "choices": [
                    {
                        "index": choice["index"],
                        "delta": delta,
                        "finish_reason": choice["finish_reason"] if is_last else None,
                    }
                ],
                "usage": answer["usage"] if is_last else None,
            }
            yield b"data: " + msgspec.json.encode(chunk) + b"\n\n"
    yield b"data: [DONE]\n\n"


routes = [
    Route(CHAT, chat, methods=["POST"]),
    Route("/v1/audio/transcriptions", transcribe, methods=["POST"]),
    Route("/v1/audio/translations", transcribe, methods=["POST"]),
]
