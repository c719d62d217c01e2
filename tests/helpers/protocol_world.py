"""Up to two apps on one data folder and a server, all in one process on a driven clock, to be killed at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import ssl
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from tbatch_tui.engine import threads
from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.engine.polling import poller
from tbatch_tui.engine.runtime import runtime
from tbatch_tui.engine.runtime.event_log import EventLog
from tbatch_tui.engine.runtime.tasks import STOPPED, UNFORESEEN
from tbatch_tui.engine.runtime.worker_lock import WorkerLock
from tbatch_tui.engine.submit.lookup import LookupDecision
from tests.conftest import write_chat
from tests.helpers.driven_loop import DrivenLoop, InlineThreading
from tests.helpers.protocol_server import ProtocolServer

FILES = 2
SPELLINGS = ("http://127.0.0.1:9", "http://localhost:9", "http://LOCALHOST:9")
"""The server's address, as one app or another is given it."""
_MEMORY = Path("/dev/shm")
_ENDED = ("created", "stopped", "rejected")
_DECISIONS = {
    "again": LookupDecision(again=True),
    "wait": LookupDecision(wait=True),
    "give_up": LookupDecision(give_up=True),
}
_SETTLED_WITHIN = 2 * 3600.0
"""Seconds after which every submission has become a job, or waits for the person: look-ups last 16 minutes at most."""

_LISTED_EVERY = 150.0
"""Seconds in which an app that has nothing to do asks for a list at least once."""


class App:
    """One engine, as a process that can be killed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.events: list[Event] = []
        self.engine = BatchEngine(
            EngineOptions(
                data_dir=world.folder / "data",
                output_dir=world.folder / "results",
                base_url=SPELLINGS[len(world.apps) % len(SPELLINGS)],
                api_key="tgp_v1_for_the_model_of_the_protocol",
                now=lambda: world.server.wall,
                seed=1,
            ),
            self.events.append,
        )
        self.is_alive = True

    async def kill(self) -> None:
        """End it as SIGKILL does: nothing more is sent or committed than what is on its way."""
        self.is_alive = False
        store, running = self.engine._store, self.engine._runtime
        self._world.loop.kill(store._thread._executor)
        commits = set(running.submitter._commits) if running.submitter is not None else set()
        for task in {*running._tasks._tasks, *commits}:
            task.cancel()
        await asyncio.sleep(0)
        if running._queue is not None:
            await running._queue.finish()
        if running._lock is not None:
            running._lock._lock.release(force=True)
        if self.engine._log is not None:
            self.engine._log.close()
        store._thread.journal.close()


class World:
    """The machine's disk, its apps, and the server. Methods that return None do what they can, and else nothing."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="protocol-", dir=_MEMORY if _MEMORY.is_dir() else None))
        self.loop = DrivenLoop()
        self.server = ProtocolServer(self.loop)
        self.server.on_create = self._on_create
        # Lists that are cut short can be told by a job that runs and is not in them.
        self.server.add_job("file-of-somebody", is_ours=False, age=600.0)
        self.apps: list[App] = []
        self.events: list[Event] = []
        """Of the apps that have ended."""
        self.files = [write_chat(self.folder / f"in-{n}.jsonl", [f"prompt {n}"]) for n in range(FILES)]
        self.given_up: Counter[int] = Counter()
        """How many decisions there were, by file, after which a job of ours may be nobody's: given up, create again."""
        self.is_lock_shared = False
        self.faults: list[str] = []
        """What was seen to go wrong on the way."""
        self._redirected: dict[int, int] = {}
        """By file: how many of its submits were settled when its create was redirected."""
        self._kill_when: tuple[str, int] | None = None
        self._patches = contextlib.ExitStack()
        self._patch()

    def _patch(self) -> None:
        server, world = self.server, self
        sharing: set[WorkerLock] = set()
        acquire: Any = WorkerLock.try_acquire
        is_ours: Any = WorkerLock.is_ours

        async def answer_async(_: Any, request: httpx.Request) -> httpx.Response:
            return await server.answer_async(request)

        def answer(_: Any, request: httpx.Request) -> httpx.Response:
            return server.answer(request)

        def try_acquire(lock: WorkerLock) -> bool:
            if world.is_lock_shared:
                sharing.add(lock)
            return world.is_lock_shared or bool(acquire(lock))

        def has_lock(lock: WorkerLock) -> bool:
            return (world.is_lock_shared and lock in sharing) or bool(is_ours.fget(lock))

        for target, name, value in (
            (httpx.AsyncHTTPTransport, "handle_async_request", answer_async),
            (httpx.HTTPTransport, "handle_request", answer),
            (WorkerLock, "try_acquire", try_acquire),
            (WorkerLock, "is_ours", property(has_lock)),
            (threads, "threading", InlineThreading),
            # What only takes time here: a log that nobody reads, and looks at what nothing else writes.
            (ssl, "create_default_context", _tls),
            (EventLog, "open", lambda _: None),
            (runtime, "_JOURNAL_CHECKED_EVERY", 5.0),
            (poller, "_CLOCKS_READ_EVERY", 600.0),
        ):
            self._patches.enter_context(patch.object(target, name, value))

    def close(self) -> None:
        """Kill what runs, and remove the folder."""
        try:
            for app in self.alive:
                self.loop.run(app.kill())
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run(asyncio.sleep(0))
        finally:
            self._patches.close()
            self.loop.close()
            shutil.rmtree(self.folder)

    # -- what happens --------------------------------------------------------------------------------

    @property
    def alive(self) -> list[App]:
        return [app for app in self.apps if app.is_alive]

    def start(self, *, second: bool = False) -> None:
        """Start an app where none runs; with `second`, another beside it."""
        if len(self.alive) > second:
            return
        self._redirected.clear()  # what one app saw, another does not know
        app = App(self)
        self.apps.append(app)
        self.loop.run(self._unless_killed(app, self._open(app)))

    async def _open(self, app: App) -> None:
        await app.engine.open()
        await app.engine.records()
        await app.engine._runtime.next_list()

    def submit(self, file: int, app: int = 0) -> None:
        """Submit a file at one of the apps, as a person who says yes to doing it again."""
        if self.alive:
            self.loop.run(self._submit(self.alive[app % len(self.alive)], file))

    def submit_at_once(self, file: int) -> None:
        """Submit a file at all apps at the same time, as persons who want it only if it did not run before."""
        if self.alive:
            before = {row["id"] for row in self.rows(file)}
            may_run = any(row["state"] not in ("stopped", "rejected") for row in self.rows(file))
            self.loop.run(self._submit_at_once(file))
            added = [row for row in self.rows(file) if row["id"] not in before]
            if len(added) > (not may_run):
                self.faults.append(f"file {file} ran before, and was submitted {len(added)} times without a question")

    async def _submit_at_once(self, file: int) -> None:
        work = [
            app.engine.submit_checked(self.files[file], Endpoint.CHAT, requests=1, known_runs=()) for app in self.alive
        ]
        ends = await asyncio.gather(*map(self._unless_killed, self.alive, work), return_exceptions=True)
        unforeseen = [end for end in ends if isinstance(end, Exception) and not isinstance(end, AlreadySubmittedError)]
        if unforeseen:
            raise unforeseen[0]

    async def _submit(self, app: App, file: int) -> None:
        work = app.engine.submit_checked(self.files[file], Endpoint.CHAT, requests=1, label=f"of {file}")
        await self._unless_killed(app, work)

    async def _unless_killed(self, app: App, work: Any) -> Any:
        task = asyncio.ensure_future(work)
        while not task.done() and app.is_alive:
            await asyncio.wait([task], timeout=1.0)
        if app.is_alive or (task.done() and not task.cancelled() and task.exception() is None):
            return task.result()
        task.cancel()
        return None

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.run(asyncio.sleep(seconds))

    def spoil_lists(self, fault: str, seconds: float) -> None:
        """Let lists be one of `LISTS` for a while."""
        self.server.list_fault, self.server.spoilt_until = fault, self.server.wall + seconds

    def kill_when(self, moment: str, number: int) -> None:
        """Kill the first app when the server is `asked` for its number-th create from now on, or has `done` it."""
        self._kill_when = (moment, number)

    def _on_create(self, moment: str, file_id: str) -> None:
        file = next(n for n, path in enumerate(self.files) if self.server.file_id(path.read_bytes()) == file_id)
        if moment == "redirected" and len(self.alive) == 1:
            self._redirected.setdefault(file, self._count_settled(file))
        elif moment == "asked" and self._redirected.pop(file, None) == self._count_settled(file):
            self.faults.append(f"file {file} was created again after a redirect, and nobody had decided that")
        if self._kill_when is None or self._kill_when[0] != moment or not self.alive:
            return
        number = self._kill_when[1] - 1
        self._kill_when = (moment, number) if number else None
        if not number:
            self.loop.create_task(self.alive[0].kill())

    def _count_settled(self, file: int) -> int:
        return self.given_up[file] + sum(row["state"] in _ENDED for row in self.rows(file))

    def kill(self, app: int = 0) -> None:
        """Kill an app now."""
        if self.alive:
            self.loop.run(self.alive[app % len(self.alive)].kill())

    def quit(self) -> None:
        """Leave the first app as a person does."""
        if self.alive:
            app = self.alive[0]
            self.loop.run(self._unless_killed(app, app.engine.aclose()))
            app.is_alive = False

    def lose_lock(self) -> None:
        """Remove the lock file while an app holds it."""
        for path in (self.folder / "data").glob("work-*.lock"):
            path.unlink()

    def add_foreign(self, file: int, *, age: float) -> None:
        """Let somebody else's job of the same bytes be there; while one of ours is on its way, only an older one."""
        content = self.files[file].read_bytes()
        if age < 3600 and any(row["state"] not in _ENDED for row in self.rows(file)):
            return
        self.server.add_job(self.server.file_id(content), is_ours=False, age=age)
        self.wait(2.0)  # what is made in the same second cannot be told apart

    def stop(self, number: int, app: int = 0) -> None:
        """Press `c` on a submission that has no job yet, while the disk is slow."""
        rows = [row for row in self.rows() if row["job_id"] is None]
        if not rows or not self.alive:
            return
        row, engine = rows[number % len(rows)], self.alive[app % len(self.alive)]
        if engine.engine.record(f"submission:{row['id']}") is None:
            return  # its list does not show it yet
        with contextlib.suppress(BatchError):  # too late
            if self._decide(engine, engine.engine.cancel(f"submission:{row['id']}")):
                self._require_saved(row["id"], "stopped")

    def settle(self, number: int, what: str, app: int = 0) -> None:
        """Press `w` on an uncertain submission, while the disk is slow.

        Args:
            what: a field of `LookupDecision`. With `job_id` the person knows which candidate it is, if one is.
        """
        rows = [row for row in self.rows() if row["state"] in ("uncertain", "held")]
        if not rows or not self.alive:
            return
        row, engine = rows[number % len(rows)], self.alive[app % len(self.alive)]
        key = f"submission:{row['id']}"
        decision = _DECISIONS[what] if what != "job_id" else self._pick(engine, key)
        if decision is None:
            return
        is_saved = self._decide(engine, engine.engine.decide(key, decision))
        if engine.is_alive and not is_saved:
            return
        if is_saved:
            self._require_saved(row["id"], {"give_up": "stopped", "wait": "held", "job_id": "created"}.get(what))
        if decision.give_up or decision.again:  # if it was killed meanwhile, perhaps
            self.given_up[self._file_of(row)] += 1

    def _pick(self, app: App, key: str) -> LookupDecision | None:
        ours = {job.id for job in self.server.jobs if job.is_ours} - {row["job_id"] for row in self.rows()}
        candidates = [job.id for job in app.engine.candidates(key) or () if job.id in ours]
        return LookupDecision(job_id=candidates[0]) if candidates else None

    def _decide(self, app: App, work: Any) -> bool:
        """Carry out what a person decided, while each call of the history takes a second."""
        executor = app.engine._store._thread._executor
        self.loop.delays[executor] = 1.0
        try:
            return bool(self.loop.run(self._unless_killed(app, work)))
        finally:
            del self.loop.delays[executor]

    def _require_saved(self, submission_id: int, state: str | None) -> None:
        """What was decided is saved before it is said that it is so."""
        saved = next(row["state"] for row in self.rows() if row["id"] == submission_id)
        if state is not None and saved != state:
            self.faults.append(f"submission {submission_id} was said to be {state}, and is saved as {saved}")

    # -- what is left --------------------------------------------------------------------------------

    def rows(self, file: int | None = None) -> list[sqlite3.Row]:
        """Return the submissions in the history, of one file or of all."""
        path = self.folder / "data" / "history.db"
        if not path.exists():
            return []
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.row_factory = sqlite3.Row
            rows = db.execute("SELECT * FROM submissions ORDER BY id").fetchall()
        return [row for row in rows if file is None or self._file_of(row) == file]

    def _file_of(self, row: sqlite3.Row) -> int:
        return self.files.index(Path(row["path"].decode()))

    def finish(self) -> None:
        """End all faults, start an app if none runs, and wait until every submission is settled or a person's."""
        server = self.server
        server.plan.clear()
        server.spoilt_until = server.lag = 0.0
        self._kill_when = None
        self.start()
        for _ in range(int(_SETTLED_WITHIN / 60)):
            self.wait(60)
            if all(self._is_settled(row) for row in self.rows()):
                break
        self.wait(_LISTED_EVERY)  # what was made late is told once a list has it

    def _is_settled(self, row: sqlite3.Row) -> bool:
        return row["state"] in _ENDED or self.is_undecided(row)

    def is_undecided(self, row: sqlite3.Row) -> bool:
        """Return whether a submission waits for the person, and says so."""
        if row["state"] not in ("uncertain", "held", "uploaded", "creating"):
            return False
        text = f"{row['error']} {row['hint']}"
        return any(words in text for words in ("could be this", "You chose to wait", "{job.settle}", "until you say"))

    def notices(self) -> list[Notice]:
        return [event for app in self.apps for event in app.events if isinstance(event, Notice)]

    def check(self) -> None:
        """Hold what is on the server against what the person asked for."""
        failed = [n for n in self.notices() if n.title.startswith((STOPPED, UNFORESEEN))]
        assert not failed, failed
        assert not self.faults, self.faults
        shown = {job.id for job in self.server.jobs if job.visible_at <= self.server.wall}
        for file, path in enumerate(self.files):
            rows = self.rows(file)
            jobs = {job.id: job for job in self.server.jobs if job.file_id == self.server.file_id(path.read_bytes())}
            became = [row["job_id"] for row in rows if row["state"] == "created"]
            story = "\n".join(str(dict(row)) for row in rows) + f"\n{list(jobs.values())}"
            assert len(became) == len(set(became)), f"one job, two submissions\n{story}"
            assert all(jobs[job_id].is_ours for job_id in became), f"another's job was adopted\n{story}"
            unsettled = [row for row in rows if not self._is_settled(row)]
            assert not unsettled, f"it neither becomes a job nor asks the person\n{story}"
            orphans = [job_id for job_id, job in jobs.items() if job.is_ours and job_id not in became]
            undecided = sum(self.is_undecided(row) for row in rows)
            excused = self.given_up[file] + self.server.excused[self.server.file_id(path.read_bytes())]
            assert len(orphans) <= undecided + excused, f"{len(orphans)} jobs too many\n{story}"
            assert set(jobs) <= shown
            if not self.given_up[file] and not undecided:
                untold = set(orphans) - {notice.key for notice in self.notices()}
                assert not untold, f"nobody was told of {untold}\n{story}"


@cache
def _tls(*_: Any, **__: Any) -> ssl.SSLContext:
    """One context for all clients: to make one takes longer than a whole run."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
