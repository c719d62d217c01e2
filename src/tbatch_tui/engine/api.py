"""The only file that knows the `together` SDK. Imported after the first frame; every answer is taken tolerantly.

Each call raises one of `errors`: `Offline` (certainly not sent), `Refused` and its kinds (4xx: certainly not done),
`LostAnswer` (5xx, cut, timeout, unreadable: perhaps done). The SDK's own retries are off everywhere: its second
POST of a create that was carried out makes a second, billed job.
"""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import together
from together.lib.resources.files import FileAlreadyExistsError, FileUploadProgress

from tbatch_tui.engine import wire
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import (
    BatchError,
    FileTrouble,
    KeyRefused,
    LostAnswer,
    NotThere,
    Offline,
    RateLimited,
    Refused,
    ServerTrouble,
)
from tbatch_tui.engine.model import Job

if TYPE_CHECKING:
    from together import AsyncTogether

_NO_RETRIES = 0
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file the server has. `reused`: the same bytes were there already (409), so jobs may exist for it."""

    file_id: str
    reused: bool


@dataclass(frozen=True, slots=True)
class Content:
    """The body of a result file as it streams in."""

    offset: int
    """Where in the file it begins: 0, or what was asked for when the server can resume (206)."""
    total: int | None
    """Bytes of the whole file, where the server says so."""
    etag: str | None
    pieces: AsyncIterator[bytes]


class TogetherApi:
    """The calls the engine needs, over one AsyncTogether and one Together (for uploads, which read the file)."""

    def __init__(self, client: AsyncTogether, uploader: together.Together) -> None:
        self._client = client
        self._uploader = uploader
        self._key = client.api_key

    @classmethod
    def connect(cls, *, base_url: str | None, api_key: str) -> TogetherApi:
        """Build the clients. Slow (imports, TLS set-up): call it in a thread. Asks nothing of the network."""
        options: dict[str, Any] = {
            "api_key": api_key,
            "base_url": base_url,
            "max_retries": _NO_RETRIES,
            "timeout": _TIMEOUT,
        }
        api = cls(together.AsyncTogether(**options), together.Together(**options))
        # The first use of a resource imports it and reads the platform: do that here, not on the loop.
        _ = api._client.batches.with_raw_response, api._client.files.with_raw_response
        _ = api._client.files.with_streaming_response, api._client.with_raw_response, api._uploader.files
        _ = api._client.default_headers, api._client.platform_headers()
        return api

    async def close(self) -> None:
        await self._client.close()
        await asyncio.to_thread(self._uploader.close)

    # -- jobs ----------------------------------------------------------------------------------------

    async def list_jobs(self) -> bytes:
        """The body of the list of every job of the account; `wire.jobs_of` reads it, in a thread."""
        with self._errors("list the jobs"):
            answer = await self._client.batches.with_raw_response.list()
            return await answer.read()

    async def create(self, file_id: str, endpoint: Endpoint) -> tuple[Job | None, str | None]:
        """Ask for a job, once. The job (None if the answer holds none) and the server's warning."""
        with self._errors("create the job"):
            answer = await self._client.with_options(max_retries=0).batches.with_raw_response.create(
                endpoint=endpoint.value, input_file_id=file_id
            )
            return wire.created_of(await answer.read())

    async def cancel(self, job_id: str) -> Job | None:
        """Ask to cancel, once. The job as it now stands. Refused with status 409: it had ended already."""
        with self._errors("cancel the job"):
            answer = await self._client.with_options(max_retries=0).batches.with_raw_response.cancel(job_id)
            return wire.job_of(wire.decode(await answer.read()))

    async def retrieve(self, job_id: str) -> Job | None:
        """One job by its id."""
        with self._errors("look the job up"):
            answer = await self._client.batches.with_raw_response.retrieve(job_id)
            return wire.job_of(wire.decode(await answer.read()))

    # -- files ---------------------------------------------------------------------------------------

    async def upload(self, path: Path, moved: Callable[[int, int], None], stopped: Callable[[], bool]) -> Uploaded:
        """Send the file's bytes. `moved(done, total)` is called from a thread about every MB.

        The SDK hashes and reads the file on the calling thread, so this runs in one. When `stopped()` turns true
        the connection is cut between two pieces and asyncio.CancelledError is raised.
        """

        def on_progress(progress: FileUploadProgress) -> None:
            if stopped():
                raise _StopUpload
            moved(progress.uploaded_bytes, progress.total_bytes)

        def run() -> Uploaded:
            try:
                answer = self._uploader.files.upload(
                    path, purpose="batch-api", check=False, raise_if_already_exists=True, progress_callback=on_progress
                )
            except FileAlreadyExistsError as there:
                return Uploaded(there.file_id, reused=True)
            return Uploaded(answer.id, reused=False)

        with self._errors("upload the file"):
            try:
                return await asyncio.to_thread(run)
            except _StopUpload:
                raise asyncio.CancelledError from None
            except OSError as error:
                raise FileTrouble(
                    f"{path} cannot be read: {error.strerror or error}",
                    "Nothing was submitted. Put the file back and submit again.",
                ) from error

    @asynccontextmanager
    async def content(self, file_id: str, *, offset: int = 0, etag: str | None = None) -> AsyncIterator[Content]:
        """Stream a file's bytes, from `offset` if the server can (206 for the same ETag), else from 0."""
        headers = {"Accept-Encoding": "identity"}
        if offset and etag:
            headers |= {"Range": f"bytes={offset}-", "If-Range": etag}
        with self._errors("download the file"):
            async with self._client.files.with_streaming_response.content(file_id, extra_headers=headers) as answer:
                yield _content_of(answer.http_response, offset)

    async def file_size(self, file_id: str) -> int | None:
        """How many bytes the server says the file has; None where it does not."""
        with self._errors("look the file up"):
            answer = await self._client.files.with_raw_response.retrieve(file_id)
            value = wire.decode(await answer.read())
        size = wire.number_of(value.get("bytes")) if isinstance(value, dict) else None
        return int(size) if size else None

    async def file_names(self) -> dict[str, str]:
        """File id → name of every file of the account."""
        with self._errors("list the files"):
            answer = await self._client.files.with_raw_response.list()
            body = await answer.read()
        return await asyncio.to_thread(wire.file_names_of, body)

    async def account(self) -> tuple[str | None, str | None, str]:
        """Organisation id, project id and title behind the key."""
        with self._errors("ask whose key this is"):
            answer = await self._client.with_raw_response.whoami()
            return wire.account_of(await answer.read())

    # -- errors --------------------------------------------------------------------------------------

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (together.APIError, httpx.HTTPError, httpx.InvalidURL, ValueError, AssertionError) as error:
            raise self._explained(error, doing) from error

    def _explained(self, error: Exception, doing: str) -> BatchError:
        """An error of the SDK or httpx as one of ours, without the key."""
        if isinstance(error, together.APIStatusError):
            return self._status_error(error.response, doing)
        cause = error.__cause__ if isinstance(error, together.APIConnectionError) else error
        if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            return Offline(f"No connection to {self._client.base_url.host}", self._redacted(str(cause)))
        if isinstance(cause, httpx.UnsupportedProtocol | httpx.LocalProtocolError | httpx.InvalidURL):
            return Offline(
                f"The server's address or the key cannot be used: {self._redacted(str(cause))}",
                "Look at TOGETHER_BASE_URL and TOGETHER_API_KEY.",
            )
        if isinstance(cause, httpx.TimeoutException):
            return LostAnswer(f"The server did not answer in time when asked to {doing}")
        if isinstance(cause, httpx.HTTPError):
            return LostAnswer(
                f"The connection was cut when the server was asked to {doing}", self._redacted(str(cause))
            )
        return LostAnswer(wire.UNREADABLE, self._redacted(str(error))[:200])

    def _status_error(self, response: httpx.Response, doing: str) -> BatchError:
        status = response.status_code
        try:
            said = self._redacted(wire.message_of(response.content))
        except httpx.ResponseNotRead:
            said = ""
        what = f"The server said {status} when asked to {doing}"
        if said:
            what += f": {said}"
        if status in (401, 403):
            return KeyRefused(
                f"The key …{self._key[-4:]} was refused ({status})" + (f": {said}" if said else ""),
                "Set TOGETHER_API_KEY to a key of your account (api.together.ai → Settings → API keys), start again.",
                status=status,
            )
        if status == 429:
            return RateLimited(what, retry_after=_retry_after(response))
        if status == 404:
            return NotThere(what, status=404)
        if status == 408 or status >= 500 or status < 400:
            return ServerTrouble(what, status=status, retry_after=_retry_after(response))
        return Refused(what, status=status)

    def _redacted(self, text: str) -> str:
        return text.replace(self._key, f"…{self._key[-4:]}") if self._key else text


class _StopUpload(Exception):
    """Thrown through the SDK's progress callback: its one way to stop an upload."""


def _content_of(response: httpx.Response, offset: int) -> Content:
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    length = wire.number_of(response.headers.get("Content-Length"))
    resumed = response.status_code == 206 and _range_start(response) == offset
    start = offset if resumed else 0
    total = None if encoded or length is None else start + int(length)
    return Content(start, total, response.headers.get("ETag"), response.aiter_bytes())


def _range_start(response: httpx.Response) -> int | None:
    """The first byte's place in a 206: `Content-Range: bytes 100-199/200`."""
    unit, _, rest = str(response.headers.get("Content-Range", "")).partition(" ")
    first = rest.partition("-")[0]
    return int(first) if unit == "bytes" and first.isdecimal() else None


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait, of Retry-After in either of its forms; capped at an hour."""
    value = str(response.headers.get("Retry-After", ""))
    seconds = wire.number_of(value)
    if seconds is None and value:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return min(3600.0, max(0.0, seconds)) if seconds is not None else None
