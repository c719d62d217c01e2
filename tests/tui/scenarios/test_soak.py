"""A quarter of an hour of ticks on Jobs, by a simulated clock: nothing piles up, and the cursor stays where it was."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind, Job
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.events import RecordsChanged, TransferProgress
from tests.conftest import until
from tests.helpers.app_host import make_app
from tests.helpers.drawn import check_screen, screen_lines

if TYPE_CHECKING:
    from pathlib import Path

START = 1_772_802_120.0
TICKS = 900
KEPT = 300
"""Jobs in the list at any time: every ten seconds one is added, one ends and the oldest is removed."""


def fresh(number: int, now: float) -> JobRecord:
    job = Job(f"{number:08x}-0000-4000-8000-000000000000", "IN_PROGRESS", model="m/model", created_at=now)
    return JobRecord(job.id, job, input_name=f"reviews-{number}.jsonl", requests=100)


def changed(record: JobRecord, now: float) -> JobRecord:
    assert record.job is not None
    job = replace(record.job, progress=record.job.progress + 0.5)
    return replace(record, job=replace(job, status="COMPLETED", completed_at=now) if job.progress >= 60 else job)


async def test_a_quarter_of_an_hour_of_ticks_leaves_nothing_behind(tmp_path: Path) -> None:
    now = START
    app = make_app(tmp_path, None, now=lambda: now)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(lambda: app.engine.health.state == "no-key")
        jobs, table, emit = app.jobs, app.jobs.table, app.bridge.emit
        records = {record.key: record for record in (fresh(n, START - 9_000 + n) for n in range(KEPT))}
        records = {k: changed(replace(r, job=replace(r.job, progress=90.0)), now) for k, r in records.items() if r.job}
        for start in range(0, KEPT, 100):
            emit(RecordsChanged(tuple(records.values())[start : start + 100]))
        await until(lambda: table.row_count == KEPT)
        left_on = list(records)[250]
        table.move_cursor(key=left_on)
        jobs._tick()  # the banner says that there is no key, from now on
        await pilot.press("k", "space", "k", "j")  # the mark is on the one above
        await pilot.pause()
        assert table.cursor_key == left_on
        height = next(y for y, line in enumerate(screen_lines(app)) if line.startswith("▌"))

        def tick(number: int) -> None:
            moving = [changed(record, now) for record in records.values() if record.is_active][:20]
            gone: tuple[str, ...] = ()
            if number % 10 == 0:
                new = fresh(KEPT + number, now)
                moving.append(new)
                gone = tuple(key for key in records if key not in (left_on, *table.marked))[:1]
            for key in gone:
                del records[key]
            records.update((record.key, record) for record in moving)
            emit(RecordsChanged(tuple(moving), removed=gone))
            emit(TransferProgress(moving[0].key, False, FileKind.OUTPUT, number, TICKS, 1e6, ended=number % 2 == 1))
            jobs._tick()

        objects = {}
        for number in range(TICKS):
            now += 1.0
            tick(number)
            await asyncio.sleep(0)
            if number % 30 == 0:
                table.refresh_rows()
                await pilot.pause()
            if number in (TICKS // 3, TICKS - 1):
                gc.collect()
                objects[number] = len(gc.get_objects())
        await pilot.pause()
        check_screen(app)
        assert table.cursor_key == left_on
        assert next(y for y, line in enumerate(screen_lines(app)) if line.startswith("▌")) == height
        assert table.row_count == len(records) == KEPT
        assert len(table.marked) == 1
        order = jobs._model
        assert sum(order.counts().values()) == KEPT
        assert all(len(held) <= KEPT for held in (order._sort_keys, order._texts, order._values, jobs._feed.transfers))
        before, after = objects.values()
        assert after < before + (TICKS - TICKS // 3), objects  # not even one object a tick
