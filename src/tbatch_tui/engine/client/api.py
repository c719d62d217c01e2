"""The only file that knows the `together` SDK. Imported after the first frame; every answer is taken tolerantly.

Each call raises one of `errors`: `Offline` (certainly not sent), `Refused` and its kinds (4xx: certainly not done),
`OutcomeUnknownError` (5xx, cut, timeout, unreadable: perhaps done). The SDK's own retries are off everywhere: its
second POST of a create that was carried out makes a second, billed job.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import together
from together.lib.resources.files import FileAlreadyExistsError, FileUploadProgress

from tbatch_tui.engine.client import decode as wire
from tbatch_tui.engine.client import login
from tbatch_tui.engine.client.stream import OnPiece, ResponseStream
from tbatch_tui.engine.client.translate_errors import translate_errors
from tbatch_tui.engine.errors import (
    AuthenticationError,
    LocalFileError,
    OutcomeUnknownError,
    RateLimitError,
    RequestRejectedError,
)
from tbatch_tui.engine.redaction import add_secret
from tbatch_tui.engine.threads import run_detached

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from together import AsyncTogether

    from tbatch_tui.engine.domain.catalogue import ModelInfo
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.endpoint import Endpoint

T = TypeVar("T")

_NO_RETRIES = 0
_MODELS_A_PAGE = 100
_MOST_PAGES = 100
"""Of the catalogue: a server whose cursor leads nowhere new must not be asked for ever."""
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_WHOSE_TIMEOUT = 10.0
"""Seconds: the first list is shown only when it is known whose it is."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file the server has. `reused`: the same bytes were there already (409), so jobs may exist for it."""

    file_id: str
    reused: bool


@dataclass(frozen=True, slots=True)
class Content:
    """The body of a result file as it streams in."""

    offset: int
    """Where in the file it begins: 0, what was asked for when the server can resume (206), or -1: these bytes do not
    belong to those that are here, and it is to be asked for from the start."""
    total: int | None
    """Bytes of the whole file, where the server says so."""
    etag: str | None
    pieces: Callable[[OnPiece], AsyncIterator[bytes | bytearray]]
    """To be called once, with what is to see each piece as it comes (in a thread)."""


class TogetherApi:
    """The calls the engine needs, over one AsyncTogether and one Together (for the bytes of files, in threads)."""

    def __init__(self, client: AsyncTogether, uploader: together.Together, token: login.Token | None = None) -> None:
        self._client = client
        self._uploader = uploader
        self._token = token
        """What `tg login` stored; None for a key that is given from outside and never changes."""
        self._renewing = asyncio.Lock()
        self._whose: tuple[str | None, str | None] | None = None

    @classmethod
    def connect(cls, *, base_url: str | None, api_key: str, from_login: bool = False) -> TogetherApi:
        """Build the clients. Slow (imports, TLS set-up): call it in a thread. Asks nothing of the network.

        `from_login`: the key is what `tg login` stored, to be renewed when it runs out. Raises BatchError.
        """
        add_secret(api_key)
        token = login.stored_token() if from_login else None
        options: dict[str, Any] = {
            "api_key": token.text if token is not None else api_key,
            "base_url": base_url,
            "max_retries": _NO_RETRIES,
            "timeout": _TIMEOUT,
        }
        with translate_errors("connect", host=base_url or "Together", key=api_key):
            api = cls(together.AsyncTogether(**options), together.Together(**options), token)
            # The first use of a resource imports it and reads the platform: do that here, not on the loop.
            _ = api._client.batches.with_raw_response, api._client.files.with_raw_response
            _ = api._uploader.files.with_streaming_response, api._client.with_raw_response, api._uploader.files
            _ = api._client.models.with_raw_response
            _ = api._client.default_headers, api._client.platform_headers()
        return api

    async def close(self) -> None:
        await self._client.close()
        await asyncio.to_thread(self._uploader.close)

    # -- jobs ----------------------------------------------------------------------------------------

    async def list_jobs(self) -> bytes:
        """The body of the list of every job of the account; `wire.jobs_of` reads it, in a thread."""

        async def ask() -> bytes:
            return await (await self._client.batches.with_raw_response.list()).read()

        return await self._asked("list the jobs", ask)

    async def create(self, file_id: str, endpoint: Endpoint) -> tuple[Job | None, str | None]:
        """Ask for a job, once. The job (None if the answer holds none) and the server's warning."""

        async def ask() -> tuple[Job | None, str | None]:
            answer = await self._client.with_options(max_retries=0).batches.with_raw_response.create(
                endpoint=endpoint.value, input_file_id=file_id
            )
            return wire.decode_created(await answer.read())

        return await self._asked("create the job", ask)

    async def cancel(self, job_id: str) -> Job | None:
        """Ask to cancel, once. The job as it now stands. Refused with status 409: it had ended already."""

        async def ask() -> Job | None:
            answer = await self._client.with_options(max_retries=0).batches.with_raw_response.cancel(job_id)
            return wire.decode_job(wire.decode(await answer.read()))

        return await self._asked("cancel the job", ask)

    # -- files ---------------------------------------------------------------------------------------

    async def upload(self, path: Path, moved: Callable[[int, int], None], stopped: Callable[[], bool]) -> Uploaded:
        """Send the file's bytes. `moved(done, total)` is called from a thread about every MB.

        The SDK hashes and reads the file on the calling thread, so this runs in one. When `stopped()` turns true
        the connection is cut between two pieces and asyncio.CancelledError is raised.
        """

        def on_progress(progress: FileUploadProgress) -> None:
            if stopped():
                raise _UploadStoppedError
            moved(progress.uploaded_bytes, progress.total_bytes)

        def run() -> Uploaded:
            try:
                answer = self._uploader.files.upload(
                    path, purpose="batch-api", check=False, raise_if_already_exists=True, progress_callback=on_progress
                )
            except FileAlreadyExistsError as there:
                return Uploaded(_sound(there.file_id), reused=True)
            return Uploaded(_sound(answer.id), reused=False)

        try:
            return await self._asked("upload the file", lambda: run_detached(run))
        except _UploadStoppedError:
            raise asyncio.CancelledError from None
        except OSError as error:
            raise LocalFileError(
                f"{path} cannot be read: {error.strerror or error}",
                "Nothing was submitted. Put the file back and submit again.",
            ) from error

    @asynccontextmanager
    async def content(self, file_id: str, *, offset: int = 0, etag: str | None = None) -> AsyncIterator[Content]:
        """Stream a file's bytes, from `offset` if the server can (206 for the same ETag), else from 0."""
        headers = {"Accept-Encoding": "identity"}
        resuming = bool(offset and etag and not etag.startswith("W/"))
        if resuming:
            headers |= {"Range": f"bytes={offset}-", "If-Range": str(etag)}
        doing = "download the file"
        streaming = self._uploader.files.with_streaming_response
        opened = ExitStack()

        def close() -> None:
            with contextlib.suppress(httpx.HTTPError, RuntimeError, OSError):
                opened.close()

        def ask() -> httpx.Response:
            return opened.enter_context(streaming.content(file_id, extra_headers=headers)).http_response

        try:
            response = await self._asked(doing, lambda: run_detached(ask, abandoned=close))
        except RequestRejectedError as error:
            if not resuming or error.status != 416:
                raise
            # All of it is here already, or what is here is not what the server has: its size tells.
            size = await self.file_size(file_id)
            yield Content(offset if size == offset else -1, size, etag, _nothing)
            return
        start, total, has, left = _place_of(response, offset if resuming else 0, etag)
        body = ResponseStream(response, left, lambda: self._told(doing))
        try:
            yield Content(start, total, has, body.pieces if start >= 0 else _nothing)
        finally:
            await body.close()

    async def file_size(self, file_id: str) -> int | None:
        """How many bytes the server says the file has; None where it does not."""

        async def ask() -> Any:
            return wire.decode(await (await self._client.files.with_raw_response.retrieve(file_id)).read())

        try:
            value = await self._asked("look the file up", ask)
        except RateLimitError:
            raise
        except RequestRejectedError:
            return None  # a server that answers no such question; whether the file is there its bytes will tell
        size = wire.as_number(value.get("bytes")) if isinstance(value, dict) else None
        return int(size) if size else None

    async def list_files(self) -> bytes:
        """The body of the list of every file of the account; `wire.files_of` reads it, in a thread."""

        async def ask() -> bytes:
            return await (await self._client.files.with_raw_response.list()).read()

        return await self._asked("list the files", ask)

    async def delete_file(self, file_id: str) -> None:
        """Ask to delete a file, once. NotFoundError: it is gone already."""

        async def ask() -> None:
            answer = await self._client.with_options(max_retries=0).files.with_raw_response.delete(file_id)
            wire.decode_deleted(await answer.read())

        await self._asked("delete the file", ask)

    async def file_names(self) -> dict[str, str]:
        """File id → name of every file of the account."""

        async def ask() -> bytes:
            return await (await self._client.files.with_raw_response.list()).read()

        return await asyncio.to_thread(wire.decode_file_names, await self._asked("list the files", ask))

    async def account(self) -> tuple[str | None, str | None, str]:
        """Organisation id, project id and title behind the key. Not waited for as long as for other answers."""

        async def ask() -> tuple[str | None, str | None, str]:
            client = self._client.with_options(timeout=_WHOSE_TIMEOUT)
            return wire.decode_account(await (await client.with_raw_response.whoami()).read())

        found = await self._asked("ask whose key this is", ask)
        self._whose = found[:2]
        return found

    async def models(self, *, a_page: int = _MODELS_A_PAGE) -> list[ModelInfo]:
        """The catalogue of serverless models, whole or not at all."""
        found: list[ModelInfo] = []
        after: str | None = None

        async def ask() -> bytes:
            chosen: dict[str, Any] = {"after": after} if after else {}
            listing = self._client.models.with_raw_response.list_supported(
                product="PRODUCT_SERVERLESS", limit=a_page, **chosen
            )
            return await (await listing).read()

        for _ in range(_MOST_PAGES):
            page, following = await asyncio.to_thread(wire.decode_models, await self._asked("list the models", ask))
            found += page
            if not page or following in (None, after):
                return found
            after = following
        raise OutcomeUnknownError(wire.UNREADABLE, "The list of models does not end.")

    # -- how it is asked -----------------------------------------------------------------------------

    async def _asked(self, doing: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask once; once more only when a token of `tg login` was refused and renewed: a 401 is certainly not done."""
        if self._token is not None and self._token.is_expiring():
            await self._renew(self._token.text)
        used = self._client.api_key
        try:
            with self._told(doing):
                return await ask()
        except AuthenticationError as error:
            if self._token is None or error.status != 401:
                raise
        await self._renew(used)
        with self._told(doing):
            return await ask()

    async def _renew(self, refused: str) -> None:
        async with self._renewing:
            if self._client.api_key != refused:
                return  # another call has renewed it meanwhile
            token = await asyncio.to_thread(login.renew_token, refused)
            if token.issuer_mismatch and self._whose not in (None, (None, None)):
                await self._must_be_same_account(token)
            self._token = token
            self._client.api_key = self._uploader.api_key = token.text

    async def _must_be_same_account(self, token: login.Token) -> None:
        with translate_errors("ask whose key this is", host=self._client.base_url.host, key=token.text):
            answer = await self._client.with_options(api_key=token.text).with_raw_response.whoami()
            found = wire.decode_account(await answer.read())
        if found[:2] != self._whose:
            raise AuthenticationError(
                "`tg login` is for another account now", "Nothing was sent with it. Start tbatch-tui again to go there."
            )

    def _told(self, doing: str) -> AbstractContextManager[None]:
        return translate_errors(doing, host=self._client.base_url.host, key=self._client.api_key)


class _UploadStoppedError(Exception):
    """Thrown through the SDK's progress callback: its one way to stop an upload."""


def _sound(file_id: object) -> str:
    if not isinstance(file_id, str) or not file_id:
        raise OutcomeUnknownError(wire.UNREADABLE, "It names no file. It is asked again.")
    return file_id


async def _nothing(_: OnPiece) -> AsyncIterator[bytes | bytearray]:
    for piece in tuple[bytes, ...]():
        yield piece


def _place_of(
    response: httpx.Response, offset: int, etag: str | None
) -> tuple[int, int | None, str | None, int | None]:
    """Where what comes begins (-1: nowhere we know), the whole file's size, its ETag, and how many plain bytes come.

    A part that is not the part asked for must never be taken for the whole.
    """
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "")
    said = wire.as_number(response.headers.get("Content-Length"))
    length = int(said) if said is not None and said >= 0 and not encoded and not chunked else None
    start = 0
    has = response.headers.get("ETag")
    if response.status_code == 206:
        start = offset
        if encoded or not offset or _range_start(response) != offset or has not in (None, etag):
            return -1, None, None, None
    total = start + length if length is not None else None
    return start, total, None if encoded else has or (etag if start else None), length


def _range_start(response: httpx.Response) -> int | None:
    """The first byte's place in a 206: `Content-Range: bytes 100-199/200`."""
    unit, _, rest = str(response.headers.get("Content-Range", "")).partition(" ")
    first = rest.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdecimal() else None
