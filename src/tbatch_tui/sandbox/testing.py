"""The sandbox inside a test: a real server on a real port, in a thread, and methods to control it.

with Sandbox(speed=0) as box:
    client = Together(base_url=box.base_url, api_key=box.key)
    ...
    box.advance(60)
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec
from msgspec import structs

from tbatch_tui.sandbox.answers.failures import CHAT
from tbatch_tui.sandbox.faults import parse_plan
from tbatch_tui.sandbox.jobs.records import End, Pace, ServedJob
from tbatch_tui.sandbox.jobs.validation import Rates
from tbatch_tui.sandbox.server import LOOPBACK, SandboxServer, base_url, listen
from tbatch_tui.sandbox.state import SandboxOptions, SandboxState

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from types import TracebackType

    from tbatch_tui.sandbox.traffic import Call

T = TypeVar("T")
TIMEOUT = 60.0
"""Seconds to wait for the server's thread."""

MINUTE = 60.0
_FOREVER = 1e9

_PACES: dict[str, tuple[Pace, float | None]] = {
    "VALIDATING": (Pace(validating=_FOREVER), None),
    "IN_PROGRESS": (Pace(validating=0, starting=_FOREVER, expires=False), None),
    "CANCELING": (Pace(validating=0, canceling=_FOREVER), 1.0),
    "COMPLETED": (Pace(validating=0, starting=MINUTE, per_row=0), None),
    "FAILED": (Pace(validating=MINUTE), None),
    "EXPIRED": (Pace(validating=0, starting=1.5 * MINUTE, per_row=0, window=MINUTE), None),
    "CANCELLED": (Pace(validating=0, starting=1.5 * MINUTE, per_row=0, canceling=0), MINUTE),
}
"""For each status: the pace of a job that was created a minute ago and is in that status now, and the seconds until it
was cancelled."""


def _chat_file(rows: int) -> bytes:
    """Return an input file with this many chat requests; for 0, a file that fails validation."""
    line = b'{"custom_id":"row-%d","body":{"model":"%s","messages":[{"role":"user","content":"Hello"}]}}\n'
    model = b"meta-llama/Llama-3.3-70B-Instruct-Turbo"
    return b"".join(line % (n, model) for n in range(rows)) or b'{"custom_id": "row-0"}\n'


class Sandbox:
    """A sandbox for a test. Use it in a `with` statement.

    `stop` takes the server away and `start` brings it back on the same port, with the same files and jobs. Its methods
    can be called from any thread.

    Args:
        speed: Sandbox seconds for each real second; at 0 only `advance` moves the clock.
        seed: Seed of the ids.
        key: The API key that clients must send.
        pace: How long the stages of a job take, in sandbox seconds.
        failure_rate: Share of rows that fail by chance, 0 to 1.
        cut_rate: Share of rows that are cut short by chance, 0 to 1.
        start: Time at the start, in seconds since the epoch; by default now.
        data_dir: Where files and jobs are kept across restarts; by default in a temporary folder.
        strict: Whether what only the documentation forbids is refused.
        demo: Whether to start with the demo's two weeks of past jobs.
        port: Port to listen on; 0 takes a free one.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        seed: int = 0,
        key: str = "sandbox-key",
        pace: Pace | None = None,
        failure_rate: float = 0.0,
        cut_rate: float = 0.0,
        start: float | None = None,
        data_dir: Path | None = None,
        strict: bool = False,
        demo: bool = False,
        port: int = 0,
    ) -> None:
        rates = Rates(failure_rate, cut_rate, 0.0, min_rows=0)
        self._options = SandboxOptions(
            speed=speed,
            seed=seed,
            key=key,
            pace=pace or Pace(),
            rates=rates,
            start=start,
            data_dir=data_dir,
            strict=strict,
        )
        self._demo = demo
        self._port = port
        self._state: SandboxState | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: SandboxServer | None = None
        self._thread: threading.Thread | None = None
        self.key = key
        self.base_url = ""

    def __enter__(self) -> Self:
        self._state = SandboxState(self._options)
        if self._demo:
            from tbatch_tui.sandbox.demo.past_jobs import add_past_jobs

            add_past_jobs(self._state)
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        self.state.close()

    @property
    def state(self) -> SandboxState:
        """The state behind the server."""
        assert self._state is not None, "use it in a with statement"
        return self._state

    def start(self) -> None:
        """Start the server, on the same port as before."""
        assert self._thread is None, "it is running"
        sock = listen(LOOPBACK, self._port)
        self.base_url = base_url(sock)
        self._port = int(sock.getsockname()[1])
        started = threading.Event()

        async def serve() -> None:
            self._server = SandboxServer(self.state)
            self._loop = asyncio.get_running_loop()
            started.set()
            await self._server.serve(sockets=[sock])

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), name="sandbox server", daemon=True)
        self._thread.start()
        assert started.wait(TIMEOUT)

    def stop(self) -> None:
        """Stop the server: running calls are cut, new ones are refused. Files and jobs stay."""
        if self._thread is None:
            return
        assert self._loop is not None and self._server is not None
        self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive(), "the server's thread is stuck"
        self._thread = self._loop = self._server = None

    @property
    def requests(self) -> list[Call]:
        """The calls that arrived so far: method, path, status, fault, n."""
        return [replace(call) for call in list(self.state.traffic.calls)]

    def count(self, method: str, path: str) -> int:
        """Return how many calls arrived with this method and exact path."""
        return sum(call.method == method and call.path == path for call in self.requests)

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """All jobs as the API would return them now."""
        jobs: list[dict[str, Any]] = msgspec.json.decode(self._run_in_loop(lambda: self.state.jobs.encode_list()))
        return jobs

    def job(self, job_id: str) -> dict[str, Any]:
        """Return one job as the API would return it now."""
        return next(job for job in self.jobs if job["id"] == job_id)

    def file_bytes(self, file_id: str) -> bytes:
        """Return the bytes of an upload or a result file."""
        file = self.state.files.find(file_id)
        assert file is not None, f"no file {file_id}"
        if file.size is None:
            self._run_in_loop(lambda: self.state.jobs.ensure_results(file)).result(TIMEOUT)
        return self.state.files.body_path(file).read_bytes()

    def plan_fault(self, kind: str, path: str = "**", *, method: str = "*", **more: Any) -> None:
        """Make calls go wrong from now on, like an entry of a fault plan: `plan_fault("close", "/v1/batches",
        to=None)`.

        `from` is a keyword of Python: use `first` for it. `to` can also be called `last`.
        """
        json_names = {"first": "from", "last": "to"}
        entry = {"kind": kind, "path": path, "method": method} | {
            json_names.get(name, name): value for name, value in more.items()
        }
        faults = parse_plan(msgspec.json.encode([entry]))
        self._run_in_loop(lambda: self.state.faults.add(faults))

    def clear_faults(self) -> None:
        """Remove all planned faults."""
        self._run_in_loop(self.state.faults.clear)

    def advance(self, seconds: float) -> None:
        """Move the clock forward, and wait until everything has happened that happens in that time."""
        self._run_coroutine(lambda: self.state.jobs.advance(seconds))

    def wait_idle(self) -> None:
        """Wait until input files are validated and result files written. The clock does not move."""
        self._run_coroutine(lambda: self.state.jobs.wait_idle())

    def settle(self) -> None:
        """Wait like `wait_idle`: this is its name in version 0.1, kept so that tests go on working."""
        self.wait_idle()

    def add_file(self, content: bytes, filename: str = "batch.jsonl") -> str:
        """Add an uploaded file and return its id."""

        def add() -> str:
            file = self.state.files.start_upload(filename, "batch-api", "jsonl", None)
            with self.state.files.writer(file) as writer:
                writer.write(content)
                self.state.files.set_body(file, writer.finish())
            self.state.files.complete_upload(file)
            return file.id

        return self._run_in_loop(add)

    def add_job(
        self,
        status: str | None = None,
        *,
        rows: int = 3,
        content: bytes | None = None,
        endpoint: str = CHAT,
        pace: Pace | None = None,
    ) -> str:
        """Add a job as if another program had created it, and return its id.

        Args:
            status: The status it has now; by default it is new and runs as usual. A job that is COMPLETED, FAILED,
            EXPIRED or CANCELLED has just ended; of the last two, two thirds of the rows are done. A job that is
            VALIDATING, IN_PROGRESS or CANCELING stays so until it is cancelled. Any other status never changes. rows:
            How many requests its file has, unless `content` is given. content: The content of its input file. Jobs with
            the same content share the file. endpoint: The path that its requests go to. pace: How long its stages take;
            only for a new job.
        """
        body = content if content is not None else _chat_file(0 if status == "FAILED" else rows)
        existing = self.state.files.find_by_checksum(sha256(body).hexdigest())
        file_id = existing.id if existing is not None else self.add_file(body)
        if status is None:
            return self._run_in_loop(lambda: self.state.jobs.create(endpoint, file_id, pace)).id
        return self._run_in_loop(lambda: self._add_past_job(status, file_id, endpoint)).id

    def add_many_jobs(self, count: int, status: str = "COMPLETED", *, every: float = 60.0) -> list[str]:
        """Add many ended jobs that share their files, and return their ids.

        Args:
            every: Seconds between them. The last one has just ended.
        """
        first = self.state.jobs.find(self.add_job(status))
        assert first is not None and first.end is not None, f"{status} is no end"
        jobs, end = self.state.jobs, first.end

        def add() -> list[str]:
            first.created_at -= every * (count - 1)
            end.at -= every * (count - 1)
            jobs.restore(first)
            for n in range(1, count):
                later = structs.replace(end, at=end.at + every * n)
                jobs.restore(
                    structs.replace(first, id=jobs.new_id(), created_at=first.created_at + every * n, end=later)
                )
            jobs.encode_list()  # encode them all now, not while a client waits for its first list
            return [job.id for job in jobs][-count:]

        return self._run_in_loop(add)

    def forget_job(self, job_id: str) -> Callable[[], None]:
        """Remove a job from the list, and return a function that brings it back."""
        job = self._run_in_loop(lambda: self.state.jobs.forget(job_id))
        return lambda: self._run_in_loop(lambda: self.state.jobs.restore(job))

    def _add_past_job(self, status: str, file_id: str, endpoint: str) -> ServedJob:
        file = self.state.files.find(file_id)
        assert file is not None
        created = self.state.clock.now() - MINUTE
        if status not in _PACES:
            job = ServedJob(self.state.jobs.new_id(), endpoint, file_id, created, self.state.jobs.pace, file.size)
            job.end = End(status, created + MINUTE)
            self.state.jobs.restore(job)
            return job
        pace, cancelled_after = _PACES[status]
        job = self.state.jobs.add_past_job(endpoint, file, created, pace, cancelled_after)
        snapshot = self.state.jobs.refresh(job)
        assert snapshot.status == status, f"a job on this content becomes {snapshot.status}: {snapshot.error}"
        return job

    def _run_in_loop(self, action: Callable[[], T]) -> T:
        """Call a function in the server's thread: the state is not thread-safe."""
        if self._loop is None:
            return action()  # the server is stopped: nobody else uses the state

        async def act() -> T:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(TIMEOUT)

    def _run_coroutine(self, action: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._loop is not None:
            return asyncio.run_coroutine_threadsafe(action(), self._loop).result(TIMEOUT)
        with ThreadPoolExecutor(1) as thread:  # an async test has a running loop in this thread
            return thread.submit(lambda: asyncio.run(action())).result(TIMEOUT)
