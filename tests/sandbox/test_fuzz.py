"""The sandbox answers any request, and never with a 500."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.sandbox.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS")
FUZZ = settings(suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def ids() -> Iterator[tuple[httpx.Client, list[str]]]:
    """A client, and ids of things that exist."""
    with Sandbox(speed=1000) as box:
        headers = {"Authorization": f"Bearer {box.key}"}
        job_ids = [box.add_job(), box.add_job("COMPLETED"), box.add_job("IN_PROGRESS")]
        file_ids = [box.add_file(b"{}\n"), box.job(job_ids[1])["output_file_id"]]
        with httpx.Client(base_url=box.base_url, headers=headers, trust_env=False, timeout=20) as client:
            yield client, [*job_ids, *file_ids]


def check_response(response: httpx.Response) -> None:
    """Check what holds for every response."""
    assert response.status_code < 500, response.text
    if response.headers.get("content-type") == "application/json" and response.request.method != "HEAD":
        body = response.json()
        if response.status_code >= 400 and "file_id" not in body:
            assert isinstance(body["error"], str) or body["error"].keys() == {"message", "type", "param", "code"}


words = (
    "v1 v2 v3 files batches content cancel preprocess upload supported-models whoami _storage _sandbox faults "
    "requests 0 1 2 3 4"
)
segments = st.sampled_from(words.split(" ")) | st.text(max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.dictionaries(
    st.sampled_from(["endpoint", "input_file_id", "completion_window", "model_id", "seconds", "kind", "path"])
    | st.text(),
    values | st.sampled_from(["/v1/chat/completions", "/v1/audio/translations", "file-x", "24h"]),
    max_size=5,
)


@FUZZ
@given(
    method=st.sampled_from(METHODS),
    path=st.lists(segments, max_size=5),
    query=st.dictionaries(st.sampled_from(["limit", "after", "since", "search"]), st.text(max_size=8)),
    body=st.binary(max_size=40) | fields.map(lambda value: json.dumps(value).encode()),
    ranges=st.text("bytes=-,0123456789 ", max_size=12),
    media=st.sampled_from(
        ["application/json", "multipart/form-data; boundary=x", "multipart/form-data", "text/\u00e9"]
    ),
)
def test_any_call(ids: tuple[httpx.Client, list[str]], method: str, path: list[str], **sent: Any) -> None:
    client, existing = ids
    parts = [existing[int(part)] if part in "01234" and part else part for part in path]
    url = "/" + "/".join(quote(part, safe="") for part in parts)
    headers = {"Range": sent["ranges"].strip().encode(), "Content-Type": sent["media"].encode("latin-1")}
    if url.startswith("/_sandbox/advance"):
        return
    url = str(client.base_url).rstrip("/") + url  # absolute: httpx would take `//x` for one
    check_response(client.request(method, url, params=sent["query"], content=sent["body"], headers=headers))


@FUZZ
@given(fields)
def test_any_create(ids: tuple[httpx.Client, list[str]], body: dict[str, Any]) -> None:
    client, existing = ids
    answer = client.post("/v1/batches", content=json.dumps({"input_file_id": existing[3]} | body).encode())
    check_response(answer)
    assert answer.status_code in (201, 400)
    if answer.status_code == 201:
        assert answer.json()["job"]["status"] == "VALIDATING"


@FUZZ
@given(
    st.fixed_dictionaries(
        {}, optional={name: st.text() for name in ("purpose", "file_name", "file_type", "checksum", "file", "odd")}
    ),
    st.sampled_from(["utf-8", "utf-7", "unicode_escape", "none", "utf-16"]),
)
def test_any_form(ids: tuple[httpx.Client, list[str]], form: dict[str, str], charset: str) -> None:
    client, _ = ids
    for path in ("/v1/files", "/v1/files/upload"):
        check_response(client.post(path, data={"purpose": "batch-api", "file_type": "jsonl"} | form))
        check_response(client.post(path, files={name: (None, value.encode()) for name, value in form.items()} or None))
        part = b"--x\r\nContent-Disposition: form-data; name=file_name\r\n\r\n\\ud800\r\n--x--\r\n"
        media = f"multipart/form-data; boundary=x; charset={charset}"
        check_response(client.post(path, content=part, headers={"Content-Type": media}))


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes(ids: tuple[httpx.Client, list[str]], sent: bytes) -> None:
    """A job on any file ends."""
    client, _ = ids
    uploaded = client.post(
        "/v1/files/upload", data={"purpose": "batch-api", "file_name": "a.jsonl"}, files={"file": ("a.jsonl", sent)}
    )
    check_response(uploaded)
    create = {"endpoint": "/v1/chat/completions", "input_file_id": uploaded.json()["id"]}
    job = client.post("/v1/batches", json=create).json()["job"]
    while (job := client.get(f"/v1/batches/{job['id']}").json())["status"] != "FAILED":
        assert job["status"] == "VALIDATING"
    assert "error" in job
