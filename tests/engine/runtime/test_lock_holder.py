"""A process that is suspended lets others work; one that keeps the lock and does not answer is named."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.runtime.lock_holder import HolderNote, LockQueue
from tbatch_tui.engine.runtime.worker_lock import WorkerLock
from tests.conftest import until, write_chat

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


def works(engine: BatchEngine) -> bool:
    return engine._runtime._is_working


async def test_a_paused_app_gives_its_work_to_another_and_takes_it_again(
    sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path
) -> None:
    files = [write_chat(tmp_path / f"{name}.jsonl", [name]) for name in ("one", "two", "three")]
    sandbox.plan_fault("delay", "/v1/files", method="POST", last=1, seconds=3)
    async with make_engine(sandbox) as app, make_engine(sandbox) as command:
        await until(lambda: works(app) or works(command))
        if works(command):
            app, command = command, app
        first = await app.submit_checked(files[0], Endpoint.CHAT)  # amid its upload
        await until(lambda: sandbox.count("POST", "/v1/files"))
        assert await app.pause()
        second = await command.submit_checked(files[1], Endpoint.CHAT)
        for key in (first, second):
            await command.wait_until(key, lambda record: record.job is not None)
        assert works(command) and not works(app)
        app.resume()
        await asyncio.sleep(1.2)  # it looks for the lock once a second
        assert not works(app), "the other has it"
        assert await command.pause()
        await until(lambda: works(app))
        third = await app.submit_checked(files[2], Endpoint.CHAT)
        await app.wait_until(third, lambda record: record.job is not None)
    assert len(sandbox.jobs) == 3


async def test_in_the_middle_of_a_create_the_lock_is_kept(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with make_engine(sandbox) as app:
        await until(lambda: works(app))
        sandbox.plan_fault("delay", "/v1/batches", method="POST", seconds=4)
        key = await app.submit_checked(chat_file, Endpoint.CHAT)
        await until(lambda: sandbox.count("POST", "/v1/batches"))
        assert not await app.pause()
        assert works(app)
        record = await app.wait_until(key, lambda record: record.job is not None)
        assert record.job is not None and await app.pause()
    assert len(sandbox.jobs) == 1


async def test_a_paused_download_is_resumed_by_another(
    sandbox: Sandbox, make_engine: MakeEngine, chat_file: Path
) -> None:
    async with make_engine(sandbox) as app:
        await until(lambda: works(app))
        sandbox.plan_fault("delay", "/v1/files/*/content", last=1, seconds=20)
        key = await app.submit_checked(chat_file, Endpoint.CHAT)
        await until(lambda: any(call.path.endswith("/content") for call in sandbox.requests))
        assert await app.pause()
        async with make_engine(sandbox) as command:
            await command.records()
            async with asyncio.timeout(15):
                assert (await command.wait(key)).has_results_here


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
async def test_a_holder_that_was_stopped_is_named(tmp_path: Path) -> None:
    """Stopped from outside, as by kill -STOP, it can give nothing up."""
    program = (
        "import sys, time; from pathlib import Path; from tbatch_tui.engine.runtime.worker_lock import WorkerLock;"
        "lock = WorkerLock.of_account(Path(sys.argv[1]), 1); print(lock.try_acquire(), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None and child.stdout.readline() == b"True\n"
            note = HolderNote(tmp_path / "work-1.lock")
            holder = note.read()
            assert holder is not None and (holder.pid, holder.answers) == (child.pid, True)
            child.send_signal(19)
            await until(lambda: (now := note.read()) is not None and now.is_stopped)
            told: list[Event] = []
            queue = LockQueue(WorkerLock.of_account(tmp_path, 1), told.append)
            assert not await queue.try_acquire(lambda: False)
            waiting = [waiting_record(tmp_path)]
            for second in range(6):
                queue.look(waiting, float(second))
            [notice] = told
            assert isinstance(notice, Notice)
            assert f"process {child.pid}, holds this data folder and doesn't respond: it was suspended" in notice.title
        finally:
            child.kill()


def waiting_record(folder: Path) -> JobRecord:
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import Submission

    return JobRecord("submission:1", submission=Submission(1, folder / "x.jsonl", 1, "", Endpoint.CHAT, "", 1, 0.0))


def test_a_holder_without_a_sign_of_life_does_not_answer(tmp_path: Path) -> None:
    lock, told = WorkerLock.of_account(tmp_path, 1), list[Event]()
    assert lock.try_acquire()
    note = tmp_path / "work-1.pid"
    note.write_text(f"{os.getpid() + 1}\nsomewhere\n")
    queue = LockQueue(WorkerLock.of_account(tmp_path, 1), told.append)
    for second in range(5):
        queue.look([waiting_record(tmp_path)], float(second))
        queue.look([], 0.0)
    assert told == [], "nothing waited so long"
    for second in range(5):
        queue.look([waiting_record(tmp_path)], float(second))
    os.utime(note, (1, 1))
    for second in range(5):
        queue.look([waiting_record(tmp_path)], float(second))
    titles = [notice.title for notice in told if isinstance(notice, Notice)]
    assert "on somewhere, is using" in titles[0] and "doesn't respond: no sign of life" in titles[1]
    assert len(titles) == 2
    lock.note.touch()
    assert (holder := lock.note.read()) is not None and holder.answers
    note.write_text("nonsense")
    assert lock.note.read() is None
    lock.release()
    assert not note.exists()
