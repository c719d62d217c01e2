"""Each call of the API, asked of the sandbox: what it sends, what it returns, and what it raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.client.api import Content, TogetherApi, Uploaded
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import NotFoundError, OutcomeUnknownError, RateLimitError, RequestRejectedError
from tbatch_tui.sandbox.answers.models import MODELS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

MODELS_PATH = "/v2/supported-models"
CONTENT = b"".join(b'{"number": %d}\n' % number for number in range(1000))


@pytest.fixture
async def api(still_sandbox: Sandbox) -> AsyncIterator[TogetherApi]:
    """A connection to the sandbox, which is closed afterwards."""
    api = TogetherApi.connect(base_url=still_sandbox.base_url, api_key=still_sandbox.key)
    yield api
    await api.close()


async def body_of(content: Content) -> bytes:
    return b"".join([bytes(piece) async for piece in content.pieces(lambda _: None)])


async def test_a_job_is_created_and_cancelled(api: TogetherApi, still_sandbox: Sandbox, chat_file: Path) -> None:
    progress: list[tuple[int, int]] = []
    uploaded = await api.upload(chat_file, lambda *sent: progress.append(sent), lambda: False)
    size = chat_file.stat().st_size
    assert progress[-1] == (size, size) and not uploaded.reused
    assert api.clock.last_date is not None, "uploads tell the time, too"
    assert await api.upload(chat_file, lambda *_: None, lambda: False) == Uploaded(uploaded.file_id, reused=True)
    assert await api.file_names() == {uploaded.file_id: chat_file.name}
    job, warning = await api.create(uploaded.file_id, Endpoint.CHAT)
    assert job is not None and job.id in (await api.list_jobs()).decode() and warning is None
    assert (job.input_file_id, job.endpoint) == (uploaded.file_id, Endpoint.CHAT.value)
    cancelled = await api.cancel(job.id)
    assert cancelled is not None and cancelled.id == job.id
    still_sandbox.advance(60)
    with pytest.raises(RequestRejectedError) as error:
        await api.cancel(job.id)
    assert error.value.status == 409 and "asked to cancel the job" in error.value.title


@pytest.mark.parametrize("body", [{"file_id": None}, {"file_id": 7}])
async def test_an_upload_that_the_server_has_under_no_id_is_not_understood(
    body: dict[str, object], api: TogetherApi, still_sandbox: Sandbox, chat_file: Path
) -> None:
    still_sandbox.plan_fault("status", "/v1/files", method="POST", status=409, body=body)
    with pytest.raises(OutcomeUnknownError) as error:
        await api.upload(chat_file, lambda *_: None, lambda: False)
    assert error.value.title == "The server's answer could not be understood"
    assert error.value.hint == "It names no file. Trying again."


async def test_a_file_is_listed_and_deleted_once(api: TogetherApi, still_sandbox: Sandbox) -> None:
    file_id = still_sandbox.add_file(CONTENT)
    assert file_id in (await api.list_files()).decode()
    await api.delete_file(file_id)
    with pytest.raises(NotFoundError, match="asked to delete the file"):
        await api.delete_file(file_id)
    still_sandbox.plan_fault("status", f"/v1/files/{file_id}", method="DELETE", status=200, body={"deleted": False})
    with pytest.raises(OutcomeUnknownError):
        await api.delete_file(file_id)


async def test_the_size_of_a_file_is_what_the_server_says(api: TogetherApi, still_sandbox: Sandbox) -> None:
    file_id = still_sandbox.add_file(CONTENT)
    path = f"/v1/files/{file_id}"
    assert await api.file_size(file_id) == len(CONTENT)
    assert await api.file_size("file-none") is None
    for body in ([1], {"bytes": 0}, {"bytes": "many"}, {}):
        still_sandbox.plan_fault("status", path, status=200, body=body)
        assert await api.file_size(file_id) is None
    still_sandbox.plan_fault("status", path, status=405)
    assert await api.file_size(file_id) is None
    still_sandbox.plan_fault("status", path, status=429)
    with pytest.raises(RateLimitError, match="asked to look the file up"):
        await api.file_size(file_id)


async def test_a_file_is_read_from_where_it_is_asked_for(api: TogetherApi, still_sandbox: Sandbox) -> None:
    file_id, size = still_sandbox.add_file(CONTENT), len(CONTENT)
    async with api.content(file_id) as whole:
        assert (whole.offset, whole.end, whole.total) == (0, None, size) and whole.etag
        assert await body_of(whole) == CONTENT
    async with api.content(file_id, offset=100, etag=whole.etag) as rest:
        assert (rest.offset, rest.end, rest.total, rest.etag) == (100, size, size, whole.etag)
        assert await body_of(rest) == CONTENT[100:]
    for offset, etag in ((100, '"another"'), (100, None), (100, f"W/{whole.etag}")):
        async with api.content(file_id, offset=offset, etag=etag) as again:
            assert again.offset == 0 and await body_of(again) == CONTENT
    async with api.content(file_id, offset=size, etag=whole.etag) as nothing:
        assert nothing.offset == size
        assert (nothing.end, nothing.total, nothing.etag) == (None, size, whole.etag)
        assert await body_of(nothing) == b""
    async with api.content(file_id, offset=size + 5, etag=whole.etag) as too_long:
        assert (too_long.offset, too_long.total) == (-1, size) and await body_of(too_long) == b""


async def test_a_range_that_was_not_asked_for_is_refused_as_anything_else(
    api: TogetherApi, still_sandbox: Sandbox
) -> None:
    file_id = still_sandbox.add_file(CONTENT)
    still_sandbox.plan_fault("status", f"/v1/files/{file_id}/content", status=416)
    with pytest.raises(RequestRejectedError) as error:
        async with api.content(file_id):
            pass
    assert error.value.status == 416 and "asked to download the file" in error.value.title
    still_sandbox.plan_fault("status", f"/v1/files/{file_id}/content", status=400)
    with pytest.raises(RequestRejectedError):
        async with api.content(file_id, offset=5, etag='"v1"'):
            pass


async def test_the_models_of_all_pages_are_listed(api: TogetherApi, still_sandbox: Sandbox) -> None:
    expected = {model.name for model in MODELS if model.serverless}
    for page_size, calls in ((100, 1), (3, -(-len(expected) // 3))):
        before = still_sandbox.count("GET", MODELS_PATH)
        models = await api.models(page_size=page_size)
        assert {model.id for model in models} >= expected
        assert calls <= still_sandbox.count("GET", MODELS_PATH) - before <= calls + 1
    model = {"name": "a/b", "contextLength": 8}
    still_sandbox.plan_fault("status", MODELS_PATH, status=200, last=2, body={"data": [model], "next_cursor": "x"})
    assert [model.id for model in await api.models()] == ["a/b", "a/b"]  # the same cursor again leads nowhere
    still_sandbox.clear_faults()
    still_sandbox.plan_fault("status", MODELS_PATH, status=200, body={"data": [], "next_cursor": "x"})
    assert await api.models() == []


async def test_a_list_of_models_that_never_ends_is_given_up(
    api: TogetherApi, still_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tbatch_tui.engine.client.api._MAX_PAGES", 3)
    for number in range(1, 5):
        body = {"data": [{"name": "a/b"}], "next_cursor": f"page-{number}"}
        still_sandbox.plan_fault("status", MODELS_PATH, first=number, last=number, status=200, body=body)
    with pytest.raises(OutcomeUnknownError) as error:
        await api.models()
    assert error.value.hint == "The list of models never ends."
    assert still_sandbox.count("GET", MODELS_PATH) == 3


async def test_an_account_is_asked_for_by_its_key(api: TogetherApi, still_sandbox: Sandbox) -> None:
    organization, project, title = await api.account()
    assert organization and project and title
    assert api.clock.last_date is not None
    still_sandbox.plan_fault("status", "/v3/whoami", status=500)
    with pytest.raises(OutcomeUnknownError, match="asked to tell whose key this is"):
        await api.account()


async def test_a_failure_names_what_the_server_was_asked_to_do(
    api: TogetherApi, still_sandbox: Sandbox, chat_file: Path
) -> None:
    still_sandbox.plan_fault("status", "**", status=500, last=None)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "list the jobs": api.list_jobs,
        "create the job": lambda: api.create("file-1", Endpoint.CHAT),
        "cancel the job": lambda: api.cancel("job-1"),
        "upload the file": lambda: api.upload(chat_file, lambda *_: None, lambda: False),
        "download the file": lambda: _open(api),
        "look the file up": lambda: api.file_size("file-1"),
        "list the files": api.list_files,
        "delete the file": lambda: api.delete_file("file-1"),
        "tell whose key this is": api.account,
        "list the models": api.models,
    }
    for doing, send in calls.items():
        with pytest.raises(OutcomeUnknownError) as error:
            await send()
        assert error.value.title.startswith(f"The server said 500 when asked to {doing}: "), doing


async def test_nothing_is_sent_after_it_was_closed(still_sandbox: Sandbox) -> None:
    api = TogetherApi.connect(base_url=still_sandbox.base_url, api_key=still_sandbox.key)
    await api.close()
    for send in (api.list_jobs, lambda: api.cancel("job-1"), lambda: _open(api)):
        with pytest.raises((OutcomeUnknownError, RuntimeError)):
            await send()
    assert still_sandbox.requests == []


async def _open(api: TogetherApi) -> None:
    async with api.content("file-1"):
        pass
