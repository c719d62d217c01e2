"""Uploads: a 302 to a signed URL, a PUT of the bytes there, then `preprocess` (SDK: `lib/resources/files.py`).

`POST /v1/files/upload`, a form with the file in it, is what the documentation shows for curl.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Any, get_args

from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tbatch_tui.sandbox.api.files import file_to_dict
from tbatch_tui.sandbox.api.responses import ApiError, JsonResponse, text_field
from tbatch_tui.sandbox.jobs.file_store import MAX_BYTES
from tbatch_tui.sandbox.jobs.records import FileType, Purpose, StoredFile
from tbatch_tui.sandbox.state import SandboxState, get_state

if TYPE_CHECKING:
    from tbatch_tui.sandbox.jobs.result_files import BodyWriter

PIECE_SIZE = 2**20
"""Bytes written and hashed at a time, and thus held in memory by an upload."""


async def start_upload(request: Request) -> Response:
    """Step 1: return the URL for the bytes, or 409 and the id of a file with the same bytes."""
    state = get_state(request)
    async with request.form() as form:
        fields = dict(form)
    name, purpose, file_type = _file_fields(fields)
    checksum = text_field(fields, "checksum", required=False)
    existing = state.files.find_by_checksum(checksum) if checksum is not None else None
    if existing is not None:
        return JsonResponse({"file_id": existing.id, "error": "a file with the same checksum already exists"}, 409)
    file = state.files.start_upload(name, purpose, file_type, checksum)
    url = f"{request.url.scheme}://{request.url.netloc}/_storage/{file.id}?signature={state.signature(file.id)}"
    return Response(status_code=302, headers={"Location": url, "X-Together-File-Id": file.id})


async def put_bytes(request: Request) -> Response:
    """Step 2: receive the bytes. The URL is signed, as that of an object store, and needs no key."""
    state = get_state(request)
    file = state.files.find_upload(request.path_params["id"])
    signature = request.query_params.get("signature", "")
    if file is None or not hmac.compare_digest(signature.encode(), state.signature(file.id).encode()):
        raise ApiError(403, "signature does not match, or has expired", code="access_denied")
    with state.files.writer(file) as writer:
        try:
            await _receive(request, writer)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it: the client is gone
        written = writer.finish()
    state.files.set_body(file, written)
    return Response(headers={"ETag": f'"{written.sha256}"'})


async def preprocess(request: Request) -> Response:
    """Step 3: complete the upload and return the file. Can be repeated."""
    state = get_state(request)
    file_id = request.path_params["id"]
    file = state.files.find_upload(file_id)
    if file is None:
        file = state.files.find(file_id)
        if file is None:
            raise ApiError(404, f"file {file_id} not found", code="not_found")
        return JsonResponse(file_to_dict(file))
    if file.sha256 is None:
        raise ApiError(400, "the file's content has not been uploaded", code="not_uploaded")
    if file.claimed is not None and file.claimed.lower() != file.sha256:
        raise ApiError(400, "the uploaded content does not match the checksum", code="checksum_mismatch")
    state.files.complete_upload(file)
    return JsonResponse(file_to_dict(file))


async def upload_form(request: Request) -> Response:
    """Receive a file as a form. The parser keeps large parts on disk."""
    state = get_state(request)
    async with request.form(max_part_size=MAX_BYTES) as form:
        fields = dict(form)
        part = fields.get("file")
        if not isinstance(part, UploadFile):
            raise ApiError(400, "file is required", param="file", code="missing_field")
        fields.setdefault("file_type", "jsonl")
        name, purpose, file_type = _file_fields(fields)
        file = await _store(state, part, name, purpose, file_type)
    return JsonResponse(file_to_dict(file))


async def _store(state: SandboxState, part: UploadFile, name: str, purpose: str, file_type: str) -> StoredFile:
    file = state.files.start_upload(name, purpose, file_type, None)
    with state.files.writer(file) as writer:
        while piece := await part.read(PIECE_SIZE):
            await asyncio.to_thread(writer.write, piece)
            _check_size(writer)
        written = writer.finish()
    existing = state.files.find_by_checksum(written.sha256)
    if existing is not None:
        return existing
    state.files.set_body(file, written)
    state.files.complete_upload(file)
    return file


async def _receive(request: Request, writer: BodyWriter) -> None:
    """Receive a body piece by piece.

    One that is too long is read to its end too: a client that is still sending would not read the error.
    """
    piece = bytearray()
    async for data in request.stream():
        piece += data
        if len(piece) >= PIECE_SIZE and writer.size <= MAX_BYTES:
            await asyncio.to_thread(writer.write, piece)
            piece = bytearray()
        elif writer.size > MAX_BYTES:
            piece.clear()
    await asyncio.to_thread(writer.write, piece)
    _check_size(writer)


def _check_size(writer: BodyWriter) -> None:
    if writer.size > MAX_BYTES:
        raise ApiError(413, f"file is larger than the limit of {MAX_BYTES // 2**20} MB", code="file_too_large")


def _file_fields(fields: dict[str, Any]) -> tuple[str, str, str]:
    """Return name, purpose and type of a file. Raises ApiError for values that the API does not accept."""
    name = text_field(fields, "file_name")
    purpose = text_field(fields, "purpose")
    file_type = text_field(fields, "file_type")
    assert name is not None and purpose is not None and file_type is not None
    if purpose not in get_args(Purpose):
        raise ApiError(400, f"purpose must be one of {', '.join(get_args(Purpose))}", param="purpose")
    if file_type not in get_args(FileType):
        raise ApiError(400, f"file_type must be one of {', '.join(get_args(FileType))}", param="file_type")
    return name, purpose, file_type


routes = [
    Route("/v1/files", start_upload, methods=["POST"]),
    Route("/v1/files/upload", upload_form, methods=["POST"]),
    Route("/v1/files/{id}/preprocess", preprocess, methods=["POST"]),
    Route("/_storage/{id}", put_bytes, methods=["PUT"]),
]
