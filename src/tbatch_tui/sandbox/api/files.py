"""The file calls: retrieve, list, delete, and content with Range."""

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
    """Return a file as the API does, `FileType` in this spelling (SDK: `types/file_response.py`).

    `Processed` is gone from SDK 3.x, but 2.x cannot read a file without it.
    """
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size or 0,
        "created_at": int(file.created_at),
        "filename": file.filename,
        "FileType": file.file_type,
        "Processed": file.ready,
        "processing_status": "COMPLETED" if file.ready else "PENDING",
        "LineCount": file.lines if file.ready else 0,
        "purpose": file.purpose,
        **({"validation_report": _validation_report(file)} if file.ready else {}),
    }


def _validation_report(file: StoredFile) -> dict[str, Any]:
    """Return what validating a file found. Which fields a batch input has is not known: these are of the SDK's type."""
    report = {"valid": file.refused is None, "file_id": file.id, "nlines": file.lines}
    return report if file.refused is None else {**report, "error": file.refused, "error_type": "INVALID_FORMAT"}


async def retrieve(request: Request) -> Response:
    """Return one file."""
    return JsonResponse(file_to_dict(await _with_body(get_state(request), _require_file(request))))


async def list_all(request: Request) -> Response:
    """Return all files, uploads and results."""
    state = get_state(request)
    return JsonResponse({"data": [file_to_dict(await _with_body(state, file)) for file in list(state.files)]})


async def delete(request: Request) -> Response:
    """Delete a file."""
    file = _require_file(request)
    get_state(request).files.delete(file)
    return JsonResponse({"id": file.id, "object": "file", "deleted": True})


async def content(request: Request) -> Response:
    """Return the bytes of a file: all, or the range that is asked for."""
    state = get_state(request)
    file = await _with_body(state, _require_file(request))
    assert file.size is not None
    etag = f'"{file.sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.filename, safe='')}",
        "ETag": etag,
    }
    range_header = request.headers.get("range")
    if range_header is not None and request.headers.get("if-range", etag) != etag:
        range_header = None  # the client has other bytes: send all
    byte_range = _parse_range(range_header, file.size) if range_header is not None else None
    if byte_range is None:
        first, length, status = 0, file.size, 200
    elif not byte_range:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{file.size}"})
    else:
        first, length, status = byte_range.start, len(byte_range), 206
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{file.size}"
    headers["Content-Length"] = str(length)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type="application/octet-stream")
    pieces = _pieces(state.files.body_path(file), first, length)
    return StreamingResponse(pieces, status, headers, media_type="application/octet-stream")


def _parse_range(header: str, size: int) -> range | None:
    """Return the bytes that a Range header asks for, empty if the file has none of them.

    None for a header that is no single range of bytes: RFC 9110 says to ignore it.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(size, int(last) + 1) if last else size)


async def _pieces(path: Path, first: int, length: int) -> AsyncIterator[bytes]:
    while length > 0:
        # Opened for each piece: if the client disconnects, this generator is abandoned and must not leave an open file.
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
    """Return a file, its body written if it is a result file."""
    if file.size is None:
        # Shielded: stopping the server cancels this call, but must not cancel the writing, which others wait for.
        await asyncio.shield(asyncio.wrap_future(state.jobs.ensure_results(file)))
    return file


routes = [
    Route("/v1/files", list_all, methods=["GET"]),
    Route("/v1/files/{id}", retrieve, methods=["GET"]),
    Route("/v1/files/{id}", delete, methods=["DELETE"]),
    Route("/v1/files/{id}/content", content, methods=["GET"]),
]
