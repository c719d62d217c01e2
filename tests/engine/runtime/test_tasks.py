"""An error that nobody foresaw costs one item: the service that met it goes on, and that is shown once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tbatch_tui.engine.download.fetch_file import fetch_file
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, Notice
from tbatch_tui.engine.results import counts as counting
from tbatch_tui.engine.runtime.tasks import UNFORESEEN, EngineTasks
from tests.conftest import until, write_chat

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import pytest

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


def unforeseen(events: list[Event]) -> list[Notice]:
    return [event for event in events if isinstance(event, Notice) and event.title.startswith(UNFORESEEN)]


async def test_a_service_that_fails_goes_on_and_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    events: list[Event] = []
    tasks = EngineTasks(events.append, first_delay=0.001)
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs < 5:
            raise KeyError("Bearer tgp_v1_0123456789abcdef0123456789abcdef")

    with caplog.at_level(logging.ERROR):
        await tasks.supervise("counting results", run)
    assert runs == 5
    [notice] = unforeseen(events)
    assert "while counting results" in notice.title and "continues automatically" in notice.hint
    assert "0123456789abcdef" not in notice.title + notice.hint
    assert len(caplog.records) == 4 and all(record.exc_info for record in caplog.records)
    await tasks.stop()


async def test_one_job_that_cannot_be_counted_costs_no_other_its_count(
    sandbox: Sandbox, make_engine: MakeEngine, events: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_results = counting.count_results

    def count(record: Any, *args: Any, **kwargs: Any) -> Any:
        if record.input_name.startswith("bad"):
            raise RecursionError("maximum recursion depth exceeded")
        return count_results(record, *args, **kwargs)

    monkeypatch.setattr(counting, "count_results", count)
    async with make_engine(sandbox) as engine:
        bad = await submit(engine, tmp_path / "bad.jsonl")
        await until(lambda: bool(unforeseen(events)))
        good = await submit(engine, tmp_path / "good.jsonl")
        await engine.wait_until(good, lambda record: record.counts is not None)
        record = engine.record(bad)
        assert record is not None and record.counts is None
        monkeypatch.undo()  # when it is asked for again it is counted
        engine.recount(bad)
        await engine.wait_until(bad, lambda record: record.counts is not None)
    assert len(unforeseen(events)) == 1 and unforeseen(events)[0].key == record.key


async def test_a_list_that_cannot_be_saved_is_asked_for_again(
    sandbox: Sandbox, make_engine: MakeEngine, events: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_engine(sandbox) as engine:
        store = engine._store
        apply_list = store.apply_list
        failures = 0

        async def fail_twice(*args: Any, **kwargs: Any) -> Any:
            nonlocal failures
            if failures < 2:
                failures += 1
                raise LookupError("a row that nobody foresaw")
            return await apply_list(*args, **kwargs)

        monkeypatch.setattr(store, "apply_list", fail_twice)
        key = await submit(engine, tmp_path / "in.jsonl")
        await engine.wait_until(key, lambda record: record.counts is not None)
    assert failures == 2
    [notice] = unforeseen(events)
    assert "asking for the list of jobs" in notice.title


async def test_a_download_that_fails_by_surprise_is_tried_again(
    sandbox: Sandbox, make_engine: MakeEngine, events: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 0

    async def fail_twice(*args: Any, **kwargs: Any) -> Any:
        nonlocal failures
        if failures < 2:
            failures += 1
            raise LookupError("a file that nobody foresaw")
        return await fetch_file(*args, **kwargs)

    monkeypatch.setattr("tbatch_tui.engine.download.downloader.fetch_file", fail_twice)
    async with make_engine(sandbox) as engine:
        key = await submit(engine, tmp_path / "in.jsonl")
        await engine.wait_until(key, lambda record: record.counts is not None)
    assert failures == 2
    [notice] = unforeseen(events)
    assert "downloading results" in notice.title and "Start tbatch-tui again" not in notice.hint


async def test_the_watch_over_the_history_goes_on(
    sandbox: Sandbox, make_engine: MakeEngine, events: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails when it has taken the worker lock, before it takes up what is to be submitted."""
    async with make_engine(sandbox) as engine:
        store = engine._store
        open_submissions = store.submissions.open
        failures = 0

        async def fail_once() -> Any:
            nonlocal failures
            if not failures:
                failures += 1
                raise LookupError("a submission that nobody foresaw")
            return await open_submissions()

        monkeypatch.setattr(store.submissions, "open", fail_once)
        await until(lambda: bool(failures))
        key = await submit(engine, tmp_path / "in.jsonl")
        await engine.wait_until(key, lambda record: record.counts is not None)
    assert len(unforeseen(events)) == 1


async def submit(engine: BatchEngine, path: Path) -> str:
    """Submit a small file of its own, and return its key."""
    return await engine.submit_checked(write_chat(path, [f"Say {path.stem}."]), Endpoint.CHAT, requests=1)
