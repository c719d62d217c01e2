"""Files as the API tells of them and hands them out: retrieve, list, delete, content with Range."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tbatch_tui.sandbox.api.responses import ApiError, JsonResponse
from tbatch_tui.sandbox.state import SandboxState, get_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.requests import Request

    from tbatch_tui.sandbox.jobs.records import StoredFile

PIECE_SIZE = 2**19
"""Bytes read and sent at a time."""

_RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")


def file_to_dict(file: StoredFile) -> dict[str, Any]:
    """A file as the API tells of it (SDK: `types/file_response.py`); `FileType` is spelled so.

    `Processed` is gone from SDK 3.x, but 2.x cannot read a file without it.
    """
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size or 0,
        "created_at": int(file.created_at),
        "filename": file.filename,
        "FileType": file.file_type,
        "Processed": True,
        "purpose": file.purpose,
    }


async def retrieve(request: Request) -> Response:
    """One file."""
    return JsonResponse(file_to_dict(await _with_body(get_state(request), _require_file(request))))


async def list_all(request: Request) -> Response:
    """Every file, uploads and results."""
    state = get_state(request)
    return JsonResponse({"data": [file_to_dict(await _with_body(state, file)) for file in list(state.files)]})


async def delete(request: Request) -> Response:
    """Make a file unknown."""
    file = _require_file(request)
    get_state(request).files.delete(file)
    return JsonResponse({"id": file.id, "object": "file", "deleted": True})


async def content(request: Request) -> Response:
    """The bytes: all, or with Range one stretch of them."""
    state = get_state(request)
    file = await _with_body(state, _require_file(request))
    assert file.size is not None
    tag = f'"{file.sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.filename, safe='')}",
        "ETag": tag,
    }
    asked = request.headers.get("range")
    if asked is not None and request.headers.get("if-range", tag) != tag:
        asked = None  # the bytes have changed since: start over
    stretch = _parse_range(asked, file.size) if asked is not None else None
    if stretch is None:
        first, length, status = 0, file.size, 200
    elif not stretch:
        refusal = {**headers, "Content-Range": f"bytes */{file.size}"}
        return Response(status_code=416, headers=refusal)
    else:
        first, length, status = stretch.start, len(stretch), 206
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{file.size}"
    headers["Content-Length"] = str(length)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type="application/octet-stream")
    pieces = _pieces(state.files.body_path(file), first, length)
    return StreamingResponse(pieces, status, headers, media_type="application/octet-stream")


def _parse_range(asked: str, size: int) -> range | None:
    """The bytes a Range header means; empty if there are none, None if it is not one we understand (RFC 9110)."""
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(size, int(last) + 1) if last else size)


async def _pieces(path: Path, first: int, length: int) -> AsyncIterator[bytes]:
    while length > 0:
        # Opened for each piece: a client that goes away leaves this generator, and must not leave an open file.
        piece = await asyncio.to_thread(_read, path, first, min(PIECE_SIZE, length))
        if not piece:
            return
        first += len(piece)
        length -= len(piece)
        yield piece


def _read(path: Path, first: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(first)
        return file.read(length)


def _require_file(request: Request) -> StoredFile:
    file_id = request.path_params["id"]
    file = get_state(request).files.find(file_id)
    if file is None:
        raise ApiError(404, f"file {file_id} not found", code="not_found")
    return file


async def _with_body(state: SandboxState, file: StoredFile) -> StoredFile:
    """The file once its body is written."""
    if file.size is None:
        # Shielded: a server that is stopped cancels this call, but not the writing, which others will ask for.
        await asyncio.shield(asyncio.wrap_future(state.jobs.ensure_results(file)))
    return file


routes = [
    Route("/v1/files", list_all, methods=["GET"]),
    Route("/v1/files/{id}", retrieve, methods=["GET"]),
    Route("/v1/files/{id}", delete, methods=["DELETE"]),
    Route("/v1/files/{id}/content", content, methods=["GET"]),
]
