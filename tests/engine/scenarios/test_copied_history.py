"""A data folder that was copied, restored or moved: what waits is not sent twice, and one word goes on."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.submission import Pause
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.events import Event, Notice
from tests.conftest import until, write_chat
from tests.engine.groups.test_groups import file, submit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine


__all__ = ["file"]  # a fixture


def warnings(events: Sequence[Event]) -> list[str]:
    return [event.title for event in events if isinstance(event, Notice) and "copied or restored" in event.title]


def pauses(parts: Sequence[JobRecord]) -> list[tuple[str, Pause]]:
    return [(part.status, part.submission.pause) for part in parts if part.submission and part.is_waiting]


def other_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the file that tells say that the copy was made later: a test makes it within two seconds."""
    from tbatch_tui.engine.local_files import folder_place

    monkeypatch.setattr(folder_place, "_SLACK", 0.0)


async def test_the_copy_asks_before_it_sends_what_waits_and_the_original_does_not(
    still_sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path, events: list[Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    other_machine(monkeypatch)
    options: dict[str, Any] = {"requests_per_job": 10, "parts_at_once": 1}
    async with make_engine(still_sandbox, **options) as engine:
        key = await submit(engine, file)
        await until(lambda: len(still_sandbox.jobs) == 1)
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    file.unlink()  # as on another machine: the copy has the parts
    still_sandbox.advance(3_600)
    copy: dict[str, Any] = options | {"data_dir": tmp_path / "copy", "output_dir": tmp_path / "there"}
    async with make_engine(still_sandbox, **copy) as engine:
        await engine.records()
        parts = await engine.groups.parts(key)
        assert pauses(parts) == [(LocalStatus.READY, Pause.COPIED)] * 2
        [warning] = warnings(events)
        assert f":{tmp_path / 'data'}: 2 parts or files wait" in warning
        assert (await engine.wait(parts[0].key)).has_results_here, "what is out is polled and downloaded"
        await until(lambda: engine._runtime._is_working)
        await engine.groups.resume()
        assert len(still_sandbox.jobs) == 1
    events.clear()
    async with make_engine(still_sandbox, **options):
        await until(lambda: len(still_sandbox.jobs) == 2)
        still_sandbox.advance(3_600)
        await until(lambda: len(still_sandbox.jobs) == 3)
        assert not warnings(events)
    async with make_engine(still_sandbox, **copy) as engine:
        await engine.records()
        assert not warnings(events), "it was said once; the parts still wait"
        assert await engine.groups.go_on(key) == 2
        await until(lambda: len(still_sandbox.jobs) == 4)
        still_sandbox.advance(3_600)
        await until(lambda: len(still_sandbox.jobs) == 5)


async def test_a_folder_that_was_moved_goes_on_by_itself(
    still_sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path, events: list[Event]
) -> None:
    options: dict[str, Any] = {"requests_per_job": 10, "parts_at_once": 1}
    async with make_engine(still_sandbox, **options) as engine:
        await submit(engine, file)
        await until(lambda: len(still_sandbox.jobs) == 1)
    (tmp_path / "data").rename(tmp_path / "moved")
    async with make_engine(still_sandbox, **options, data_dir=tmp_path / "moved"):
        still_sandbox.advance(3_600)
        await until(lambda: len(still_sandbox.jobs) == 2)
    assert not warnings(events)


async def test_a_file_that_was_about_to_be_sent_waits_in_the_copy_and_a_lost_create_is_not_repeated(
    still_sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path, events: list[Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    other_machine(monkeypatch)
    still_sandbox.plan_fault("close", "/v1/batches", method="POST", first=1, last=1)
    lost = write_chat(tmp_path / "lost.jsonl", ["Hello."])
    async with make_engine(still_sandbox, lookup_patience=60.0) as engine:
        lost_key = await engine.submit_checked(lost, Endpoint.CHAT)
        await engine.wait_until(lost_key, lambda record: record.status == LocalStatus.UNCERTAIN)
    async with make_engine(still_sandbox, background_work=False) as engine:
        key = await engine.submit_checked(file, Endpoint.CHAT)
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    async with make_engine(still_sandbox, data_dir=tmp_path / "copy", lookup_patience=0.1) as engine:
        await engine.records()
        assert pauses(await engine.records()) == [(LocalStatus.READY, Pause.COPIED)]
        assert "1 part or file waits" in warnings(events)[0]
        await until(lambda: engine.candidates(lost_key) == ())
        listed = still_sandbox.count("GET", "/v1/batches")
        await until(lambda: still_sandbox.count("GET", "/v1/batches") > listed + 3)
        assert not still_sandbox.jobs
        assert await engine.groups.go_on(key) == 1 and await engine.groups.go_on(key) == 0
        await until(lambda: len(still_sandbox.jobs) == 1)
        assert (record := engine.record(lost_key)) is not None and record.status == LocalStatus.UNCERTAIN
    async with make_engine(still_sandbox, data_dir=tmp_path / "data") as engine:
        await engine.wait_until(lost_key, lambda record: record.job is not None)
    assert len(still_sandbox.jobs) == 3


async def test_what_waits_in_a_copy_can_be_discarded(
    still_sandbox: Sandbox, make_engine: MakeEngine, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_machine(monkeypatch)
    async with make_engine(still_sandbox, background_work=False) as engine:
        key = await engine.submit_checked(file, Endpoint.CHAT)
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    async with make_engine(still_sandbox, data_dir=tmp_path / "copy") as engine:
        await engine.records()
        assert await engine.groups.drop_rest(key) == 1 and await engine.groups.drop_rest(key) == 0
        assert (record := engine.record(key)) is not None and record.status == LocalStatus.NOT_SUBMITTED
    assert not still_sandbox.jobs
