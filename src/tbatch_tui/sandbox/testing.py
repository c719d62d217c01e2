"""The sandbox inside a test: a real server on a real port, in a thread, with every handle a test needs.

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
"""Seconds to wait for the server's thread before calling it stuck."""

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
"""For a job created a minute ago: how it goes, and when it was cancelled, so as to be in this status now."""


def _chat_file(rows: int) -> bytes:
    """A file of so many chat requests; of none, one that fails."""
    line = b'{"custom_id":"row-%d","body":{"model":"%s","messages":[{"role":"user","content":"Hello"}]}}\n'
    model = b"meta-llama/Llama-3.3-70B-Instruct-Turbo"
    return b"".join(line % (n, model) for n in range(rows)) or b'{"custom_id": "row-0"}\n'


class Sandbox:
    """A sandbox for a test. `stop` takes the server away, `start` brings it back on the same port, nothing forgotten.

    By default the clock runs; with `speed=0` it stands still and only `advance` moves it. No row fails or is cut
    short by chance unless `failure_rate` or `cut_rate` says so.
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
        demo: bool = False,
        port: int = 0,
    ) -> None:
        rates = Rates(failure_rate, cut_rate, min_rows=0)
        self._options = SandboxOptions(
            speed=speed, seed=seed, key=key, pace=pace or Pace(), rates=rates, start=start, data_dir=data_dir
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
        """What the sandbox knows."""
        assert self._state is not None, "use it in a with statement"
        return self._state

    def start(self) -> None:
        """Serve, on the same port as before."""
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
        """Take the server away: calls under way are cut, new ones are refused. What it knows stays."""
        if self._thread is None:
            return
        assert self._loop is not None and self._server is not None
        self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive(), "the server's thread is stuck"
        self._thread = self._loop = self._server = None

    @property
    def requests(self) -> list[Call]:
        """What arrived so far: method, path, status, fault, n."""
        return [replace(call) for call in list(self.state.traffic.calls)]

    def count(self, method: str, path: str) -> int:
        """How many calls arrived for this method and exact path."""
        return sum(call.method == method and call.path == path for call in self.requests)

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """Every job as the API would tell of it now."""
        jobs: list[dict[str, Any]] = msgspec.json.decode(self._run_in_loop(lambda: self.state.jobs.encode_list()))
        return jobs

    def job(self, job_id: str) -> dict[str, Any]:
        """One job as the API would tell of it now."""
        return next(job for job in self.jobs if job["id"] == job_id)

    def file_bytes(self, file_id: str) -> bytes:
        """The bytes of a file, an upload's or a result's."""
        file = self.state.files.find(file_id)
        assert file is not None, f"no file {file_id}"
        if file.size is None:
            self._run_in_loop(lambda: self.state.jobs.ensure_results(file)).result(TIMEOUT)
        return self.state.files.body_path(file).read_bytes()

    def plan_fault(self, kind: str, path: str = "**", *, method: str = "*", **more: Any) -> None:
        """Let calls go wrong from now on, as an entry of a plan says: `plan_fault("close", "/v1/batches", to=None)`.

        `from` is a word of Python's own: it is `first` here, and `to` may also be `last`.
        """
        names = {"first": "from", "last": "to"}
        entry = {"kind": kind, "path": path, "method": method} | {names.get(key, key): more[key] for key in more}
        faults = parse_plan(msgspec.json.encode([entry]))
        self._run_in_loop(lambda: self.state.faults.add(faults))

    def clear_faults(self) -> None:
        """Let everything go well again."""
        self._run_in_loop(self.state.faults.clear)

    def advance(self, seconds: float) -> None:
        """Let time pass at once, and everything happen that happens meanwhile."""
        self._run_coroutine(lambda: self.state.jobs.advance(seconds))

    def wait_idle(self) -> None:
        """Wait until files are judged and results written, without letting time pass."""
        self._run_coroutine(lambda: self.state.jobs.wait_idle())

    def add_file(self, content: bytes, filename: str = "batch.jsonl") -> str:
        """A finished upload; its id."""

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
        """A job made elsewhere; its id. Without a status it is new, and goes its way.

        COMPLETED, FAILED, EXPIRED and CANCELLED: it has ended so, just now, and two thirds of the rows of the last
        two are done. VALIDATING, IN_PROGRESS, CANCELING: it is so, and stays so until cancelled. Any other: it is so
        for good. The same content is the same file.
        """
        body = content if content is not None else _chat_file(0 if status == "FAILED" else rows)
        same = self.state.files.find_by_checksum(sha256(body).hexdigest())
        file_id = same.id if same is not None else self.add_file(body)
        if status is None:
            return self._run_in_loop(lambda: self.state.jobs.create(endpoint, file_id, pace)).id
        return self._run_in_loop(lambda: self._add_past_job(status, file_id, endpoint)).id

    def add_many_jobs(self, count: int, status: str = "COMPLETED", *, every: float = 60.0) -> list[str]:
        """Many ended jobs, `every` seconds apart and the last one just ended; their ids. They share their files."""
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
            jobs.encode_list()  # encodes them all, rather than while a client waits for its first list
            return [job.id for job in jobs][-count:]

        return self._run_in_loop(add)

    def forget_job(self, job_id: str) -> Callable[[], None]:
        """List this job no more; what is returned brings it back."""
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
        seen = self.state.jobs.refresh(job)
        assert seen.status == status, f"a job on this content becomes {seen.status}: {seen.error}"
        return job

    def _run_in_loop(self, action: Callable[[], T]) -> T:
        """Do something in the server's thread, where the state is at home."""
        if self._loop is None:
            return action()  # stopped: nobody else is at it

        async def act() -> T:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(TIMEOUT)

    def _run_coroutine(self, action: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._loop is not None:
            return asyncio.run_coroutine_threadsafe(action(), self._loop).result(TIMEOUT)
        with ThreadPoolExecutor(1) as thread:  # a test that is async has a loop of its own in this one
            return thread.submit(lambda: asyncio.run(action())).result(TIMEOUT)
