"""Files: uploads in three steps and as a form, and downloads with ranges."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

import httpx
import pytest
from together import APIStatusError, NotFoundError, Together
from together.types import FileResponse

from tbatch_tui.sandbox.jobs.file_store import MAX_BYTES
from tests.sandbox.conftest import write_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

BODY = random.Random(1).randbytes(3000)  # files are only parsed when a job uses them
FORM = {"purpose": "batch-api", "file_name": "batch.jsonl", "file_type": "jsonl"}


def start_upload(http: httpx.Client, **more: str) -> httpx.Response:
    """Send the first step of an upload as multipart, as the SDK does."""
    fields = {name: (None, value) for name, value in (FORM | more).items()}
    return http.post("/v1/files", files=fields)


def have_same_fields(one: FileResponse, other: FileResponse) -> bool:
    """Compare the fields that the SDK knows, and that what its `upload` returns has."""
    names = FileResponse.model_fields.keys() - {"validation_report"}
    return all(getattr(one, name) == getattr(other, name) for name in names)


def test_upload_list_retrieve_delete(sdk: Together, box: Sandbox, tmp_path: Path) -> None:
    file = sdk.files.upload(write_file(tmp_path / "batch.jsonl", BODY), purpose="batch-api", check=False)
    assert (file.bytes, file.filename, file.file_type) == (len(BODY), "batch.jsonl", "jsonl")
    assert box.file_bytes(file.id) == BODY
    assert [listed.id for listed in sdk.files.list().data] == [file.id]
    assert have_same_fields(sdk.files.retrieve(file.id), file)
    assert sdk.files.content(file.id).read() == BODY
    assert sdk.files.delete(file.id).deleted is True
    assert sdk.files.list().data == []
    with pytest.raises(NotFoundError):
        sdk.files.retrieve(file.id)


def test_the_same_bytes_are_the_same_file(sdk: Together, tmp_path: Path) -> None:
    first = sdk.files.upload(write_file(tmp_path / "one.jsonl", BODY), purpose="batch-api", check=False)
    again = sdk.files.upload(write_file(tmp_path / "two.jsonl", BODY), purpose="batch-api", check=False)
    assert have_same_fields(again, first)
    sdk.files.delete(first.id)
    uploaded = sdk.files.upload(tmp_path / "two.jsonl", purpose="batch-api", check=False)
    assert uploaded.id != first.id


def test_an_unfinished_upload_is_no_file_yet(http: httpx.Client) -> None:
    checksum = hashlib.sha256(BODY).hexdigest()
    answer = start_upload(http, checksum=checksum)
    assert answer.status_code == 302
    file_id, location = answer.headers["x-together-file-id"], answer.headers["location"]
    assert http.get(f"/v1/files/{file_id}").status_code == 404
    assert http.post(f"/v1/files/{file_id}/preprocess").status_code == 400
    assert start_upload(http, checksum=checksum).status_code == 302  # no conflict yet: the bytes are not there
    put = httpx.put(location, content=BODY)  # the URL is signed
    assert [file["id"] for file in http.get("/v1/files").json()["data"]] == [file_id]  # the npm client counts on that
    assert put.headers["etag"] == f'"{checksum}"'
    assert start_upload(http, checksum=checksum).status_code == 302
    assert http.post(f"/v1/files/{file_id}/preprocess").json()["bytes"] == len(BODY)
    conflict = start_upload(http, checksum=checksum.upper())
    assert (conflict.status_code, conflict.json()["file_id"]) == (409, file_id)
    assert httpx.put(location, content=b"other").status_code == 403  # the upload is complete


def test_bytes_that_do_not_match_the_checksum_are_refused(http: httpx.Client) -> None:
    answer = start_upload(http, checksum=hashlib.sha256(b"other").hexdigest())
    httpx.put(answer.headers["location"], content=BODY)
    refused = http.post(f"/v1/files/{answer.headers['x-together-file-id']}/preprocess")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "checksum_mismatch")


def test_a_forged_url_is_refused(http: httpx.Client) -> None:
    location = start_upload(http).headers["location"]
    assert httpx.put(location[:-1] + "x", content=BODY).status_code == 403
    assert httpx.put(location.partition("?")[0], content=BODY).status_code == 403


def test_an_upload_as_a_form(http: httpx.Client) -> None:
    form = {"file": ("batch.jsonl", BODY)}
    answer = http.post("/v1/files/upload", data=FORM, files=form)
    assert answer.json()["bytes"] == len(BODY)
    assert http.get(f"/v1/files/{answer.json()['id']}/content").content == BODY
    again = http.post("/v1/files/upload", data={"purpose": "batch-api", "file_name": "x.jsonl"}, files=form)
    assert again.json() == answer.json()


@pytest.mark.parametrize("missing", ["file_name", "purpose"])
def test_an_upload_as_a_form_names_its_file(http: httpx.Client, missing: str) -> None:
    form = {"purpose": "batch-api", "file_name": "x.jsonl"}
    del form[missing]
    refused = http.post("/v1/files/upload", data=form, files={"file": ("batch.jsonl", BODY)})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, missing)
    assert http.get("/v1/files").json()["data"] == []


@pytest.mark.parametrize("purpose", ["fine-tune", "calibration", "eval"])
def test_a_batch_takes_a_file_of_any_purpose(http: httpx.Client, box: Sandbox, purpose: str) -> None:
    form = {"purpose": purpose, "file_name": "x.jsonl"}
    body = (
        b'{"custom_id": "a", "body": {"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "?"}]}}'
    )
    file = http.post("/v1/files/upload", data=form, files={"file": ("batch.jsonl", body)}).json()
    assert file["purpose"] == purpose
    made = http.post("/v1/batches", json={"endpoint": "/v1/chat/completions", "input_file_id": file["id"]})
    box.advance(120)
    assert box.job(made.json()["job"]["id"])["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("field", "value"), [("purpose", "batch"), ("file_type", "txt"), ("file_name", ""), ("purpose", "")]
)
def test_a_bad_form_is_refused(http: httpx.Client, field: str, value: str) -> None:
    refused = start_upload(http, **{field: value})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, field)


def test_a_file_that_is_too_large_is_read_and_refused(http: httpx.Client, box: Sandbox) -> None:
    location = start_upload(http).headers["location"]
    piece = b"x" * 2**20

    refused = httpx.put(location, content=(piece for _ in range(MAX_BYTES // len(piece) + 1)), timeout=60)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "file_too_large")
    file = box.state.files.find_upload(location.partition("?")[0].rpartition("/")[2])
    assert file is not None and not list(box.state.files.body_path(file).parent.iterdir())


def test_an_interrupted_upload_leaves_nothing(http: httpx.Client) -> None:
    answer = start_upload(http)

    def broken() -> Iterator[bytes]:
        yield b"a"
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        httpx.put(answer.headers["location"], content=broken())
    assert http.post(f"/v1/files/{answer.headers['x-together-file-id']}/preprocess").status_code == 400


@pytest.mark.parametrize(
    ("range_header", "status", "expected"),
    [
        ("bytes=0-9", 206, BODY[:10]),
        ("bytes=10-", 206, BODY[10:]),
        ("bytes=-10", 206, BODY[-10:]),
        (f"bytes=5-{len(BODY) * 2}", 206, BODY[5:]),
        (f"bytes=-{len(BODY) * 2}", 206, BODY),
        (f"bytes={len(BODY)}-", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=9-3", 200, BODY),
        ("bytes=-", 200, BODY),
        ("bytes=0-1,4-5", 200, BODY),
        ("lines=0-1", 200, BODY),
    ],
)
def test_ranges(http: httpx.Client, box: Sandbox, range_header: str, status: int, expected: bytes) -> None:
    address = f"/v1/files/{box.add_file(BODY)}/content"
    answer = http.get(address, headers={"Range": range_header})
    assert (answer.status_code, answer.content) == (status, expected)
    assert answer.headers["content-length"] == str(len(expected))
    if status == 206:
        first = BODY.index(expected)
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(BODY)}"
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{len(BODY)}"


def test_a_range_of_changed_bytes_sends_all(http: httpx.Client, box: Sandbox) -> None:
    address = f"/v1/files/{box.add_file(BODY)}/content"
    tag = http.head(address).headers["etag"]
    assert tag == f'"{hashlib.sha256(BODY).hexdigest()}"'
    unchanged = http.get(address, headers={"Range": "bytes=5-", "If-Range": tag})
    assert (unchanged.status_code, unchanged.content) == (206, BODY[5:])
    other = http.get(address, headers={"Range": "bytes=5-", "If-Range": '"another"'})
    assert (other.status_code, other.content) == (200, BODY)


def test_an_unusual_name_is_returned_unchanged(http: httpx.Client) -> None:
    name = 'rëviews "final"\r\nX-Injected: 1;.jsonl'
    location = http.post("/v1/files", data=FORM | {"file_name": name})
    httpx.put(location.headers["location"], content=BODY)
    file = http.post(f"/v1/files/{location.headers['x-together-file-id']}/preprocess").json()
    assert file["filename"] == name
    content = http.get(f"/v1/files/{file['id']}/content")
    assert "x-injected" not in content.headers


def test_errors_have_the_usual_shape(sdk: Together) -> None:
    with pytest.raises(NotFoundError) as missing:
        sdk.files.content("file-none")
    assert missing.value.response.json()["error"]["type"] == "not_found"
    with pytest.raises(APIStatusError) as refused:
        sdk.with_options(api_key="wrong").files.list()
    assert refused.value.status_code == 401
    assert refused.value.response.json() == {
        "error": {
            "message": "Invalid API key provided.",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_api_key",
        }
    }
