"""The calls that the engine makes to Together's API, through the `together` SDK. Imported after the first frame.

Each call raises one of `errors`: `ConnectionFailedError` (certainly not sent), `RequestRejectedError` and its kinds
(4xx: certainly not done), `OutcomeUnknownError` (5xx, cut, timeout, unreadable: perhaps done). The SDK's own retries
are off everywhere: its second POST of a create that was carried out makes a second, billed job.
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

from tbatch_tui.engine.client import login
from tbatch_tui.engine.client.decode import (
    UNREADABLE,
    decode_account,
    decode_created,
    decode_deleted,
    decode_file_names,
    decode_job,
    decode_json,
    decode_models,
)
from tbatch_tui.engine.client.http_clients import async_client, sync_client
from tbatch_tui.engine.client.server_clock import ServerClock
from tbatch_tui.engine.client.stream import OnPiece, ResponseStream, no_pieces, read_head
from tbatch_tui.engine.client.translate_errors import translate_errors
from tbatch_tui.engine.errors import (
    AuthenticationError,
    LocalFileError,
    OutcomeUnknownError,
    RateLimitError,
    RequestRejectedError,
)
from tbatch_tui.engine.lenient_json import as_number
from tbatch_tui.engine.options import CREATE_PATIENCE
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
_MODELS_PER_PAGE = 100
_MAX_PAGES = 100
"""Of the catalogue: a server whose cursor leads nowhere new must not be asked for ever."""
_TIMEOUT = httpx.Timeout(CREATE_PATIENCE, connect=10.0)
_ACCOUNT_TIMEOUT = 10.0
"""Seconds: the first list is shown only when it is known whose it is."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that the server has."""

    file_id: str
    reused: bool
    """The same bytes were there already (409), so jobs may exist for them."""


@dataclass(frozen=True, slots=True)
class Content:
    """The body of a result file as it streams in."""

    offset: int
    """Where in the file it begins: 0; or what was asked for when the server can resume (206); or -1 when these bytes
    do not continue those on disk, and the file must be downloaded from the start."""
    end: int | None
    """Where in the file they end, when they are a part of it (206), perhaps not all that was asked for."""
    total: int | None
    """Bytes of the whole file; None where the server does not say."""
    etag: str | None
    pieces: Callable[[OnPiece], AsyncIterator[bytes | bytearray]]
    """Iterates over the bytes, once. The argument is called with each piece in the thread that reads it."""


class TogetherApi:
    """The API, over one AsyncTogether and one Together: the bytes of files are sent and read in threads."""

    def __init__(
        self,
        client: AsyncTogether,
        uploader: together.Together,
        token: login.Token | None = None,
        clock: ServerClock | None = None,
    ) -> None:
        self._client = client
        self._uploader = uploader
        self._token = token
        """What `tg login` stored; None for a key that was given in another way and never changes."""
        self.clock = clock or ServerClock()
        self.clock.host = client.base_url.host
        self._once = async_client(
            str(client.base_url),
            follow_redirects=False,
            timeout=_TIMEOUT,
            event_hooks={"response": [self.clock.read_async]},
        )
        """Follows no redirect: a request that is sent on may be carried out twice."""
        self._renewing = asyncio.Lock()
        self._account_ids: tuple[str | None, str | None] | None = None

    @classmethod
    def connect(cls, *, base_url: str | None, api_key: str, from_login: bool = False) -> TogetherApi:
        """Build the clients. Slow (imports, TLS set-up): call it in a thread. No request is made.

        Args:
            base_url: None for the SDK's own.
            from_login: The key is what `tg login` stored, and is renewed when it runs out.

        Raises:
            BatchError: The address or the key cannot be used.
        """
        add_secret(api_key)
        token = login.stored_token() if from_login else None
        login.require_usable(token.text if token is not None else api_key)
        options: dict[str, Any] = {
            "api_key": token.text if token is not None else api_key,
            "base_url": base_url,
            "max_retries": _NO_RETRIES,
            "timeout": _TIMEOUT,
        }
        with translate_errors("connect", host=base_url or "Together", key=api_key):
            clock = ServerClock()
            client = async_client(base_url, timeout=_TIMEOUT, event_hooks={"response": [clock.read_async]})
            uploader = sync_client(base_url, timeout=_TIMEOUT, event_hooks={"response": [clock.read]})
            api = cls(
                together.AsyncTogether(**options, http_client=client),
                together.Together(**options, http_client=uploader),
                token,
                clock,
            )
            # The first use of a resource imports it and reads the platform: do that here, not on the loop.
            _ = api._client.batches.with_raw_response, api._client.files.with_raw_response
            _ = api._uploader.files.with_streaming_response, api._client.with_raw_response, api._uploader.files
            _ = api._client.models.with_raw_response
            _ = api._client.default_headers, api._client.platform_headers()
        return api

    async def close(self) -> None:
        """Close both clients."""
        await self._client.close()
        await self._once.aclose()
        await asyncio.to_thread(self._uploader.close)

    # -- jobs ----------------------------------------------------------------------------------------

    async def list_jobs(self) -> bytes:
        """Return the body of the list of every job of the account, for `decode_jobs` in a thread."""

        async def send() -> bytes:
            return await (await self._client.batches.with_raw_response.list()).read()

        return await self.request("list the jobs", send)

    async def create(self, file_id: str, endpoint: Endpoint) -> tuple[Job | None, str | None]:
        """Create a job; the request is sent once. Return the job (None if the answer has none) and the warning."""

        async def send() -> tuple[Job | None, str | None]:
            answer = await self.client_for_once().batches.with_raw_response.create(
                endpoint=endpoint.value, input_file_id=file_id
            )
            return decode_created(await answer.read())

        return await self.request("create the job", send)

    async def cancel(self, job_id: str) -> Job | None:
        """Cancel a job; the request is sent once. Return the job as it is then.

        A RequestRejectedError with status 409 means that it had ended already.
        """

        async def send() -> Job | None:
            answer = await self.client_for_once().batches.with_raw_response.cancel(job_id)
            return decode_job(decode_json(await answer.read()))

        return await self.request("cancel the job", send)

    # -- files ---------------------------------------------------------------------------------------

    async def upload(
        self, path: Path, on_progress: Callable[[int, int], None], is_stopped: Callable[[], bool]
    ) -> Uploaded:
        """Send the bytes of a file.

        The SDK hashes and reads the file on the calling thread, so this runs in one.

        Args:
            on_progress: Called with the bytes sent and the bytes in all, from a thread, about every MB.
            is_stopped: When it turns true the connection is cut between two pieces, and asyncio.CancelledError is
                raised.
        """

        def check_progress(progress: FileUploadProgress) -> None:
            if is_stopped():
                raise _UploadStoppedError
            on_progress(progress.uploaded_bytes, progress.total_bytes)

        def run() -> Uploaded:
            try:
                answer = self._uploader.files.upload(
                    path,
                    purpose="batch-api",
                    check=False,
                    raise_if_already_exists=True,
                    progress_callback=check_progress,
                )
            except FileAlreadyExistsError as error:
                return Uploaded(_require_id(error.file_id), reused=True)
            return Uploaded(_require_id(answer.id), reused=False)

        try:
            return await self.request("upload the file", lambda: run_detached(run))
        except _UploadStoppedError:
            raise asyncio.CancelledError from None
        except OSError as error:
            raise LocalFileError(
                f"{path} cannot be read: {error.strerror or error}",
                "Nothing was submitted. Put the file back and submit again.",
            ) from error

    @asynccontextmanager
    async def content(self, file_id: str, *, offset: int = 0, etag: str | None = None) -> AsyncIterator[Content]:
        """Stream the bytes of a file, from `offset` if the server can resume (206, same ETag), else from 0."""
        headers = {"Accept-Encoding": "identity"}
        is_resumed = bool(offset and etag and not etag.startswith("W/"))
        if is_resumed:
            headers |= {"Range": f"bytes={offset}-", "If-Range": str(etag)}
        doing = "download the file"
        streaming = self._uploader.files.with_streaming_response
        opened = ExitStack()

        def close() -> None:
            with contextlib.suppress(httpx.HTTPError, RuntimeError, OSError):
                opened.close()

        def send() -> httpx.Response:
            return opened.enter_context(streaming.content(file_id, extra_headers=headers)).http_response

        try:
            response = await self.request(doing, lambda: run_detached(send, abandoned=close))
        except RequestRejectedError as error:
            if not is_resumed or error.status != 416:
                raise
            # Either all of it is on disk already, or what is there is not what the server has: the size decides.
            size = await self.file_size(file_id)
            yield Content(offset if size == offset else -1, None, size, etag, no_pieces)
            return
        head = read_head(response, offset if is_resumed else 0, etag)
        stream = ResponseStream(response, head.length, lambda: self._translate_errors(doing))
        try:
            pieces = stream.pieces if head.start >= 0 else no_pieces
            yield Content(head.start, head.end, head.total, head.etag, pieces)
        finally:
            await stream.close()

    async def file_size(self, file_id: str) -> int | None:
        """Return how many bytes the server says the file has; None where it does not say."""
        try:
            value = await self.file(file_id)
        except RateLimitError:
            raise
        except RequestRejectedError:
            return None  # a server without this call; whether the file is there its bytes will show
        size = as_number(value.get("bytes")) if isinstance(value, dict) else None
        return int(size) if size else None

    async def file(self, file_id: str) -> Any:
        """Return what the server says of a file, undecoded."""
        answer = await self.request("look the file up", lambda: self._client.files.with_raw_response.retrieve(file_id))
        return decode_json(await answer.read())

    async def list_files(self) -> bytes:
        """Return the body of the list of every file of the account, for `decode_files` in a thread."""

        async def send() -> bytes:
            return await (await self._client.files.with_raw_response.list()).read()

        return await self.request("list the files", send)

    async def delete_file(self, file_id: str) -> None:
        """Delete a file; the request is sent once. Raises NotFoundError when it is gone already."""

        async def send() -> None:
            answer = await self.client_for_once().files.with_raw_response.delete(file_id)
            decode_deleted(await answer.read())

        await self.request("delete the file", send)

    async def file_names(self) -> dict[str, str]:
        """Return the name of every file of the account, by file id."""
        return await asyncio.to_thread(decode_file_names, await self.list_files())

    # -- the account and its models ------------------------------------------------------------------

    async def account(self) -> tuple[str | None, str | None, str]:
        """Return organisation id, project id and title behind the key. Its timeout is shorter than that of others."""

        async def send() -> tuple[str | None, str | None, str]:
            client = self._client.with_options(timeout=_ACCOUNT_TIMEOUT)
            return decode_account(await (await client.with_raw_response.whoami()).read())

        account = await self.request("tell whose key this is", send)
        self._account_ids = account[:2]
        return account

    async def models(self, *, page_size: int = _MODELS_PER_PAGE) -> list[ModelInfo]:
        """Return the catalogue of serverless models, whole or not at all."""
        models: list[ModelInfo] = []
        after: str | None = None

        async def send() -> bytes:
            cursor: dict[str, Any] = {"after": after} if after else {}
            listing = self._client.models.with_raw_response.list_supported(
                product="PRODUCT_SERVERLESS", limit=page_size, **cursor
            )
            return await (await listing).read()

        for _ in range(_MAX_PAGES):
            page, next_cursor = await asyncio.to_thread(decode_models, await self.request("list the models", send))
            models += page
            if not page or next_cursor in (None, after):
                return models
            after = next_cursor
        raise OutcomeUnknownError(UNREADABLE, "The list of models never ends.")

    def client_for_once(self) -> AsyncTogether:
        """Return the client for what must not be done twice. It sends one request: no retries, no redirects."""
        return self._client.with_options(max_retries=_NO_RETRIES, http_client=self._once)

    # -- requests ------------------------------------------------------------------------------------

    async def request(self, doing: str, send: Callable[[], Awaitable[T]]) -> T:
        """Send once; once more only when a token of `tg login` was refused and renewed: a 401 is certainly not done."""
        if self._token is not None and self._token.is_expiring():
            await self._renew(self._token.text)
        used = self._client.api_key
        try:
            with self._translate_errors(doing):
                return await send()
        except AuthenticationError as error:
            if self._token is None or error.status != 401:
                raise
        await self._renew(used)
        with self._translate_errors(doing):
            return await send()

    async def _renew(self, refused: str) -> None:
        async with self._renewing:
            if self._client.api_key != refused:
                return  # another call has renewed it meanwhile
            token = await asyncio.to_thread(login.renew_token, refused)
            login.require_usable(token.text)
            if token.from_other_process and self._account_ids not in (None, (None, None)):
                await self._require_same_account(token)
            self._token = token
            self._client.api_key = self._uploader.api_key = token.text

    async def _require_same_account(self, token: login.Token) -> None:
        with translate_errors("tell whose key this is", host=self._client.base_url.host, key=token.text):
            answer = await self._client.with_options(api_key=token.text).with_raw_response.whoami()
            account = decode_account(await answer.read())
        if account[:2] != self._account_ids:
            raise AuthenticationError(
                "`tg login` is now for a different account", "Nothing was sent with it. Restart tbatch-tui to switch."
            )

    def _translate_errors(self, doing: str) -> AbstractContextManager[None]:
        client, is_login = self._client, self._token is not None
        return translate_errors(doing, host=client.base_url.host, key=client.api_key, is_login=is_login)


class _UploadStoppedError(Exception):
    """Raised through the SDK's progress callback: its one way to stop an upload."""


def _require_id(file_id: object) -> str:
    if not isinstance(file_id, str) or not file_id:
        raise OutcomeUnknownError(UNREADABLE, "It names no file. Trying again.")
    return file_id
