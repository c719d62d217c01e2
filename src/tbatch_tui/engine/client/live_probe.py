"""The tutorial's flow on two lines, to see how a server behaves: upload, create, watch, download, delete.

It keeps what it met as the server wrote it, for somebody who compares it with what is believed of the API. The lines
are fixed, so that nothing of the user's is sent, and what the flow made is deleted at its end.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import together
from together.lib.resources.files import FileAlreadyExistsError

from tbatch_tui.engine.client.http_clients import sync_client
from tbatch_tui.engine.client.translate_errors import translate_errors
from tbatch_tui.engine.redaction import add_secret

if TYPE_CHECKING:
    from collections.abc import Callable

ENDPOINT: Final = "/v1/chat/completions"
ENDED = ("COMPLETED", "FAILED", "EXPIRED", "CANCELLED")
_NO_JOB = "00000000-0000-4000-8000-000000000000"
_MOST_TOKENS = 16
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


@dataclass(slots=True)
class Observations:
    """What a server answered, undecoded: JSON values as they came, and None for what was not reached."""

    account: Any = None
    uploaded: Any = None
    """The file right after its upload."""
    was_known: bool | None = None
    """Whether a second upload of the same bytes was told that they are there (409)."""
    created_status: int | None = None
    created: Any = None
    """The answer to the create."""
    listing: Any = None
    """The list of jobs while the job ran."""
    statuses: list[str] = field(default_factory=list)
    """The statuses of the job, in order, each once."""
    job: Any = None
    """The job at its end."""
    output: list[Any] = field(default_factory=list)
    """The rows of the output file."""
    errors: list[Any] = field(default_factory=list)
    """The rows of the error file."""
    result_names: list[str] = field(default_factory=list)
    """The names that the server has for the result files."""
    range_status: int | None = None
    """The status of a request for the first bytes of the output file."""
    cancelled: tuple[int, Any] | None = None
    """Status and body of the answer to cancelling the ended job."""
    unknown_job: tuple[int, Any] | None = None
    """Status and body of the answer to asking for a job that does not exist."""
    unknown_file: tuple[int, Any] | None = None
    """The same of a file."""
    seconds: float = 0.0
    """From the create to the end."""


def request_lines(model: str) -> bytes:
    """Return the two lines: one that is answered with a few tokens, and one without a model, which costs nothing."""
    body = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": _MOST_TOKENS}
    # The time makes the bytes new: the server knows those of an earlier run.
    rows = [
        {"custom_id": f"doctor-{time.time_ns()}", "body": {"model": model, **body}},
        {"custom_id": "doctor-without-model", "body": body},
    ]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def run_two_lines(
    *, base_url: str | None, api_key: str, model: str, tell: Callable[[str], None], poll_every: float, patience: float
) -> Observations:
    """Run a batch of two lines and return what was seen. It is billed: at most 16 output tokens of `model`.

    Raises BatchError when the server cannot be reached or refuses what the flow cannot go on without. The create is
    sent once. The files are deleted at the end, unless a job may still run on them.

    Args:
        base_url: None for the SDK's own.
        tell: Called with a sentence about each step.
        poll_every: Seconds between two looks at the job.
        patience: Seconds until the job is left to itself.
    """
    add_secret(api_key)
    seen = Observations()
    with translate_errors("run two lines", host=base_url or "Together", key=api_key):
        http = sync_client(base_url, timeout=_TIMEOUT)
        with (
            together.Together(api_key=api_key, base_url=base_url, max_retries=0, http_client=http) as client,
            sync_client(base_url, timeout=_TIMEOUT, follow_redirects=False) as once,
        ):
            flow = _Flow(client, client.with_options(http_client=once), seen, tell)
            try:
                flow.run(model, poll_every, patience)
            finally:
                flow.delete_files()
    return seen


class _Flow:
    """The steps. `once` is a client for what must not be done twice: it follows no redirect."""

    def __init__(
        self, client: together.Together, once: together.Together, seen: Observations, tell: Callable[[str], None]
    ) -> None:
        self._client = client
        self._once = once
        self._seen = seen
        self._tell = tell
        self._file_ids: list[str] = []
        self._may_run = False
        """Whether a job may still read the input file."""

    def run(self, model: str, poll_every: float, patience: float) -> None:
        seen, client = self._seen, self._client
        seen.account = _json(client.with_raw_response.whoami())
        self._tell("uploading two lines")
        file_id = self._upload(model)
        self._tell("creating the job")
        self._may_run = True
        answer = self._once.batches.with_raw_response.create(endpoint=ENDPOINT, input_file_id=file_id)
        seen.created_status, seen.created = answer.http_response.status_code, _json(answer)
        job = seen.created.get("job") if isinstance(seen.created, dict) else None
        if not isinstance(job, dict) or not isinstance(job.get("id"), str):
            return
        self._watch(job, poll_every, patience)
        if seen.statuses[-1] not in ENDED:
            return
        self._may_run = False
        self._read_results()
        seen.cancelled = self._status(lambda: self._once.batches.with_raw_response.cancel(job["id"]))
        seen.unknown_job = self._status(lambda: client.batches.with_raw_response.retrieve(_NO_JOB))
        seen.unknown_file = self._status(lambda: client.files.with_raw_response.retrieve(f"file-{_NO_JOB}"))

    def _upload(self, model: str) -> str:
        """Upload the lines twice; return the id of the file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "doctor.jsonl"
            path.write_bytes(request_lines(model))
            file_id = self._client.files.upload(path, purpose="batch-api", check=False).id
            self._file_ids.append(file_id)
            self._seen.uploaded = _json(self._client.files.with_raw_response.retrieve(file_id))
            try:
                again = self._client.files.upload(path, purpose="batch-api", check=False, raise_if_already_exists=True)
            except FileAlreadyExistsError:
                self._seen.was_known = True
            else:
                self._seen.was_known = False
                self._file_ids.append(again.id)
        return file_id

    def _watch(self, job: dict[str, Any], poll_every: float, patience: float) -> None:
        """Look at the job until it has ended or the patience has."""
        seen, began = self._seen, time.monotonic()
        while True:
            status = str(job.get("status"))
            if status not in seen.statuses:
                seen.statuses.append(status)
                self._tell(f"the job is {status}")
            if status in ENDED or time.monotonic() - began > patience:
                break
            if seen.listing is None:
                seen.listing = _json(self._client.batches.with_raw_response.list())
            time.sleep(poll_every)
            job = _json(self._client.batches.with_raw_response.retrieve(job["id"]))
        seen.job, seen.seconds = job, time.monotonic() - began

    def _read_results(self) -> None:
        seen = self._seen
        for name, rows in (("output_file_id", seen.output), ("error_file_id", seen.errors)):
            file_id = seen.job.get(name)
            if not isinstance(file_id, str):
                continue
            self._file_ids.append(file_id)
            file = _json(self._client.files.with_raw_response.retrieve(file_id))
            seen.result_names.append(str(file.get("filename")))
            text = self._client.files.content(file_id).read()
            rows += [json.loads(line) for line in text.splitlines()]
            if name == "output_file_id":
                part = self._client.files.with_raw_response.content(file_id, extra_headers={"Range": "bytes=0-9"})
                seen.range_status = part.http_response.status_code

    def delete_files(self) -> None:
        """Delete what the flow made on the server, unless the job may need it; what cannot be deleted stays."""
        if self._may_run:
            self._tell("the two lines stay on the server: the job may still need them")
            return
        for file_id in self._file_ids:
            with contextlib.suppress(together.TogetherError, httpx.HTTPError):
                self._client.files.delete(file_id)

    @staticmethod
    def _status(send: Callable[[], Any]) -> tuple[int, Any]:
        """Return status and body of an answer, also of one that is an error."""
        try:
            answer = send()
        except together.APIStatusError as error:
            return error.status_code, error.body
        return answer.http_response.status_code, _json(answer)


def _json(answer: Any) -> Any:
    """Return the body of a raw answer as it came."""
    return json.loads(answer.http_response.content)
