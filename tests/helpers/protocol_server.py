"""A server inside the test's own process: what a create comes to, and what a list shows, is planned beforehand.

It answers instead of httpx's transports, on the clock of the loop; everything above them is the real client.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.helpers.driven_loop import DrivenLoop

EPOCH = 1_760_000_000.0
CREATES = (
    "lost before the work",
    "lost after the work",
    "504 after the work",
    "no job in the answer",
    "redirected after the work",
    "redirected before the work",
    "429",
    "429 without Retry-After",
    "402",
    "no connection",
    "done late",
)
"""What a create may come to, beside its job."""
LISTS = ("cut", "paged", "unreadable", "vague")
"""What a list may be instead of whole: without the jobs that run; only its first page; with jobs that cannot be read;
without saying what the jobs were made of."""
PROMISED = 30.0
"""Seconds after which a create may be sent again whose job no list shows."""
DONE_LATE_AFTER = 40.0
"""Seconds that a slow server takes over a create, and goes on with after its client was killed."""


@dataclass(eq=False)
class ServedJob:
    """A job on the server."""

    id: str
    file_id: str
    created_at: float
    visible_at: float
    is_ours: bool
    asked_at: float
    status: str = "IN_PROGRESS"

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "status": self.status,
            "progress": 10.0,
            "endpoint": "/v1/chat/completions",
            "input_file_id": self.file_id,
            "created_at": datetime.fromtimestamp(self.created_at, UTC).isoformat(),
        }


@dataclass
class ProtocolServer:
    """The server's truth, and the faults that are planned. `wall` is its clock and the app's, in epoch seconds."""

    loop: DrivenLoop
    jobs: list[ServedJob] = field(default_factory=list)
    plan: list[str] = field(default_factory=list)
    """What the next creates come to; then each makes its job."""
    lag: float = 0.0
    """Seconds after which a new job is in the list."""
    list_fault: str = ""
    """One of `LISTS`, until `spoilt_until` (wall time)."""
    spoilt_until: float = 0.0
    excused: Counter[str] = field(default_factory=Counter)
    """Jobs by file that were made while the list lacked an earlier one for too long."""
    creates: int = 0
    on_create: Callable[[str, str], None] = lambda *_: None
    """Called with `asked`, `done` or `redirected`, and the file: the test may kill an app at that moment."""
    _files: dict[str, str] = field(default_factory=dict)
    _running: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def wall(self) -> float:
        return EPOCH + self.loop.time()

    def file_id(self, content: bytes) -> str:
        """Return the id of a file with these bytes, as if somebody had uploaded it."""
        return self._files.setdefault(sha256(content).hexdigest(), f"file-{len(self._files) + 1}")

    def add_job(self, file_id: str, *, is_ours: bool, age: float = 0.0, asked_at: float = 0.0) -> ServedJob:
        """Make a job, `age` seconds ago, of a create that was asked for at `asked_at` (wall time)."""
        if is_ours and any(
            self._is_hidden(job, asked_at or self.wall) for job in self.jobs if job.file_id == file_id and job.is_ours
        ):
            self.excused[file_id] += 1
        number = len(self.jobs) + 1
        job = ServedJob(f"{number:08d}-job", file_id, self.wall - age, self.wall + self.lag, is_ours, asked_at)
        self.jobs.append(job)
        return job

    def _is_hidden(self, job: ServedJob, then: float) -> bool:
        """Return whether the list, when a create was asked for, lacked a job for longer than is promised."""
        return then < job.visible_at and then - job.asked_at >= PROMISED

    # -- httpx's transports --------------------------------------------------------------------------

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer everything but a create."""
        path = request.url.path
        if path.startswith("/storage/"):
            return self._respond(200, None)
        if path == "/v1/files" and request.method == "POST":
            found = re.search(rb"[0-9a-f]{64}", request.read())
            assert found is not None
            checksum = found[0].decode()
            if checksum in self._files:
                return self._respond(409, {"file_id": self._files[checksum], "error": "exists"})
            file_id = self._files[checksum] = f"file-{len(self._files) + 1}"
            address = str(request.url.copy_with(path=f"/storage/{file_id}"))
            return self._respond(302, None, {"Location": address, "X-Together-File-Id": file_id})
        if path.endswith("/preprocess"):
            return self._respond(200, {"id": path.split("/")[-2], "filename": "in.jsonl", "bytes": 1})
        if path == "/v1/batches":
            return self._respond(200, self._list_jobs())
        if path.endswith("/whoami"):
            return self._respond(200, {"organization": {"id": "org-1"}, "project": {"id": "proj-1"}})
        return self._respond(200, {"data": []} if path == "/v1/files" else {})

    def _list_jobs(self) -> Any:
        """Return the list as it is served now."""
        fault = self.list_fault if self.wall < self.spoilt_until else ""
        shown = [job for job in self.jobs if job.visible_at <= self.wall and not (fault == "cut" and _runs(job))]
        items = [job.to_dict() for job in shown]
        # The first job is somebody else's and always there: what such a list lacks, it does not show by that.
        if fault == "paged":
            return {"data": items[:1], "has_more": len(items) > 1}
        if fault == "unreadable":
            return items[:1] + [{**item, "id": None} for item in items[1:]]
        if fault == "vague":
            return [{**item, "input_file_id": None} for item in items]
        return items

    async def answer_async(self, request: httpx.Request) -> httpx.Response:
        """Answer a request; a create as it is planned."""
        if (request.method, request.url.path) != ("POST", "/v1/batches"):
            return self.answer(request)
        body = json.loads(await request.aread())
        self.creates += 1
        file_id = body["input_file_id"]
        self.on_create("asked", file_id)
        kind = self.plan.pop(0) if self.plan else "done"
        # The server goes on, also when the client is killed meanwhile.
        task = self.loop.create_task(self._create(kind, file_id, request))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _create(self, kind: str, file_id: str, request: httpx.Request) -> httpx.Response:
        if kind == "no connection":
            raise httpx.ConnectError("refused", request=request)
        asked_at = self.wall
        if kind == "done late":
            await asyncio.sleep(DONE_LATE_AFTER)
        is_done = kind in ("done", "done late", "no job in the answer") or kind.endswith("after the work")
        job = self.add_job(file_id, is_ours=True, asked_at=asked_at) if is_done else None
        if is_done:
            self.on_create("done", file_id)
        if kind.startswith("lost"):
            raise httpx.ReadError("cut", request=request)
        if kind.startswith("redirected"):
            self.on_create("redirected", file_id)
            return self._respond(303, None, {"Location": "https://elsewhere.invalid/v1/batches"})
        if kind[:3].isdigit():
            retry_after = {"Retry-After": "7"} if kind == "429" else {}
            return self._respond(int(kind[:3]), {"error": {"message": kind}}, retry_after)
        return self._respond(201, {"job": job.to_dict() if job is not None and kind.startswith("done") else None})

    def _respond(self, status: int, value: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        content = json.dumps(value).encode() if value is not None else b""
        date = {"Date": formatdate(self.wall, usegmt=True), "Content-Type": "application/json"}
        return httpx.Response(status, headers=date | (headers or {}), content=content)


def _runs(job: ServedJob) -> bool:
    return job.status == "IN_PROGRESS"
