"""Every call of the SDK for batches and files, with all its parameters: plain, raw and streamed, in both clients.

The calls are those that the SDK's own tests make against a mock that knows no state; here the ids are of living
objects, and an answer that does not fit the SDK's models is an error.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from together import AsyncTogether, Together
from together.resources.batches import BatchesResource
from together.resources.files import FilesResource
from together.types import BatchCreateResponse, BatchJob, FileDeleteResponse, FileList, FileResponse

from tbatch_tui.sandbox.demo.samples import encode_line
from tests.sandbox.conftest import CHAT, LLAMA, chat_row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

BATCH_CALLS, FILE_CALLS = {"create", "retrieve", "list", "cancel"}, {"retrieve", "list", "delete", "upload", "content"}
CREATE: dict[str, Any] = {"completion_window": "24h", "model_id": LLAMA, "priority": 1}


@pytest.fixture
def lenient(box: Sandbox) -> Iterator[Together]:
    """The SDK as it is: its models do not know CANCELING, which the live API was seen to send."""
    with Together(base_url=box.base_url, api_key=box.key, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_sdk(box: Sandbox) -> AsyncIterator[AsyncTogether]:
    """The async SDK, as strict as the other."""
    strict: dict[str, Any] = {"_strict_response_validation": True}
    async with AsyncTogether(base_url=box.base_url, api_key=box.key, max_retries=0, **strict) as client:
        yield client


def test_these_are_all_calls_that_the_sdk_has() -> None:
    def calls(resource: type) -> set[str]:
        return {name for name, _ in inspect.getmembers(resource, inspect.isfunction) if not name.startswith("_")}

    assert calls(BatchesResource) == BATCH_CALLS
    assert calls(FilesResource) == FILE_CALLS


@pytest.mark.parametrize("wrap", ["plain", "raw", "streamed"])
def test_batches_and_files(sdk: Together, lenient: Together, tmp_path: Path, wrap: str) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(encode_line(chat_row()))
    uploaded = sdk.files.upload(file=path, purpose="batch-api", check=False)
    batches, files = call(sdk.batches, wrap), call(sdk.files, wrap)

    file = files("retrieve", uploaded.id)
    assert isinstance(file, FileResponse)
    assert (file.id, file.bytes, file.processing_status) == (uploaded.id, path.stat().st_size, "COMPLETED")
    assert file.validation_report is not None
    assert (file.validation_report.valid, file.validation_report.nlines) == (True, 1)
    listed = files("list")
    assert isinstance(listed, FileList)
    assert uploaded.id in [each.id for each in listed.data]

    created = batches("create", endpoint=CHAT, input_file_id=uploaded.id)
    assert isinstance(created, BatchCreateResponse)
    created = batches("create", endpoint=CHAT, input_file_id=uploaded.id, **CREATE)
    assert created.job is not None
    job_id = created.job.id
    job = batches("retrieve", job_id)
    assert isinstance(job, BatchJob)
    assert (job.id, job.input_file_id) == (job_id, uploaded.id)
    assert job_id in [each.id for each in batches("list")]
    cancelled = call(lenient.batches, wrap)("cancel", job_id)
    assert isinstance(cancelled, BatchJob)
    assert str(cancelled.status).startswith("CANCEL")

    assert content_of(sdk, uploaded.id, wrap) == path.read_bytes()
    deleted = files("delete", uploaded.id)
    assert isinstance(deleted, FileDeleteResponse)
    assert uploaded.id not in [each.id for each in sdk.files.list().data]


async def test_batches_and_files_with_the_async_client(async_sdk: AsyncTogether, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(encode_line(chat_row()))
    client = async_sdk
    uploaded = await client.files.upload(file=path, purpose="batch-api", check=False)
    assert (await (await client.files.with_raw_response.retrieve(uploaded.id)).parse()).id == uploaded.id
    async with client.files.with_streaming_response.list() as response:
        assert uploaded.id in [each.id for each in (await response.parse()).data]
    created = await client.batches.create(endpoint=CHAT, input_file_id=uploaded.id, **CREATE)
    assert created.job is not None
    job_id = created.job.id or ""
    assert job_id in [each.id for each in await (await client.batches.with_raw_response.list()).parse()]
    assert (await client.batches.retrieve(job_id)).id == job_id
    async with client.batches.with_streaming_response.retrieve(job_id) as response:
        assert (await response.parse()).id == job_id
    assert (await client.batches.with_raw_response.cancel(job_id)).http_response.status_code == 200
    assert await (await client.files.content(uploaded.id)).read() == path.read_bytes()
    assert (await client.files.delete(uploaded.id)).id == uploaded.id


@pytest.mark.parametrize("name", ["retrieve", "cancel"])
def test_a_batch_without_an_id_is_not_asked_for(sdk: Together, name: str) -> None:
    with pytest.raises(ValueError, match="non-empty value"):
        getattr(sdk.batches.with_raw_response, name)("")


@pytest.mark.parametrize("name", ["retrieve", "delete", "content"])
def test_a_file_without_an_id_is_not_asked_for(sdk: Together, name: str) -> None:
    with pytest.raises(ValueError, match="non-empty value"):
        getattr(sdk.files.with_raw_response, name)("")


def call(resource: Any, wrap: str) -> Callable[..., Any]:
    """Return what makes a call of a resource, and returns what it was answered."""

    def make(name: str, *arguments: Any, **named: Any) -> Any:
        if wrap == "plain":
            return getattr(resource, name)(*arguments, **named)
        if wrap == "raw":
            response = getattr(resource.with_raw_response, name)(*arguments, **named)
            assert response.is_closed is True
            return response.parse()
        with getattr(resource.with_streaming_response, name)(*arguments, **named) as response:
            assert not response.is_closed
            return response.parse()

    return make


def content_of(sdk: Together, file_id: str, wrap: str) -> bytes:
    """Return the bytes of a file."""
    if wrap == "plain":
        return sdk.files.content(file_id).read()
    if wrap == "raw":
        return sdk.files.with_raw_response.content(file_id).read()
    with sdk.files.with_streaming_response.content(file_id) as response:
        return response.read()
