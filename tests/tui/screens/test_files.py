"""Files: files on the server are marked, and deleted once that was typed; the SDK talks HTTP to the sandbox."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Static

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.server_files import cleanup
from tbatch_tui.tui.dialogs.base import Box
from tbatch_tui.tui.dialogs.type_to_confirm import TypeToConfirm
from tbatch_tui.tui.screens.files.screen import FilesScreen
from tests.conftest import until
from tests.helpers.app_host import SIZES, make_app
from tests.helpers.drawn import check_screen, screen_lines, screen_opened
from tests.helpers.hostile_text import NASTY
from tests.tui.scenarios.test_main_path import on, shows

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp

every_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
PACE: dict[str, Any] = {
    "poll_interval": 0.15,
    "now": lambda: time.time() + 3_600,
}  # every file has been there for an hour


def files(app: TbatchApp) -> FilesScreen:
    assert isinstance(app.screen, FilesScreen), app.screen
    return app.screen


def question(app: TbatchApp) -> str:
    """What the open dialog says, without the line breaks of its wrapping."""
    region = app.screen.query_one(Box).region
    rows = screen_lines(app)[region.y + 1 : region.bottom - 1]
    return " ".join(" ".join(row[region.x + 1 : region.right - 1] for row in rows).split())


def deletes(box: Sandbox) -> int:
    return sum(call.method == "DELETE" for call in box.requests)


async def open_files(app: TbatchApp, pilot: Pilot[str], rows: int) -> FilesScreen:
    await until(lambda: app.engine.listed_at is not None)
    await pilot.press("F")
    await until(lambda: on(app, "Files"))
    await until(lambda: files(app).table.row_count == rows)
    await pilot.pause()
    return files(app)


@every_size
async def test_marking_typing_and_deleting(size: tuple[int, int], still_sandbox: Sandbox, tmp_path: Path) -> None:
    box = still_sandbox
    for name in ("alpha", "beta", "gamma"):
        box.add_file(name.encode() + b"\n", f"{name}.jsonl")
    going = box.job(box.add_job("IN_PROGRESS"))["input_file_id"]
    app = make_app(tmp_path, box, **PACE)
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = await open_files(app, pilot, 4)
        check_screen(app)
        assert shows(app, " Files") and shows(app, "! in use") and shows(app, "4 files")
        screen.table.move_cursor(key=going)
        await pilot.press("space")  # says why, and marks nothing
        await until(lambda: shows(app, "must stay"))
        assert not screen.table.marked
        await pilot.press("D")  # as it does when it is to be deleted
        await pilot.pause()
        assert on(app, "Files")
        await pilot.press("a")
        await until(lambda: len(screen.table.marked) == 3)
        await until(lambda: shows(app, "3 marked"))
        await pilot.press("slash", *"alpha", "enter")
        await until(lambda: screen.table.row_count == 1)
        app.clear_notifications()
        await pilot.press("D")
        await until(lambda: isinstance(app.screen, TypeToConfirm) and shows(app, "Delete 3 files"))
        await until(lambda: "2 are hidden by the filter." in question(app))
        check_screen(app)
        await pilot.press("enter", *"yes", "enter")
        await until(lambda: shows(app, "Nothing was done"))
        check_screen(app)
        await pilot.press("escape")
        await until(lambda: on(app, "Files"))
        assert deletes(box) == 0 and len(screen.table.marked) == 3
        await pilot.press("D")
        await screen_opened(app, TypeToConfirm)
        await pilot.press("3", "enter")
        await until(lambda: shows(app, "3 files deleted"))
        await pilot.press("escape")
        await until(lambda: screen.table.row_count == 1 and not screen.table.marked)
        check_screen(app)
        assert screen.table.cursor_key == going and deletes(box) == 3
        await pilot.press("escape")
        await until(lambda: on(app, "Jobs"))


@every_size
async def test_all_are_marked_and_unmarked_although_some_must_stay(
    size: tuple[int, int], still_sandbox: Sandbox, tmp_path: Path
) -> None:
    box = still_sandbox
    for number in range(7):
        box.add_file(b"x\n" * (number + 1), f"file-{number}.jsonl")
    box.add_job("IN_PROGRESS")
    app = make_app(tmp_path, box, **PACE)
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = await open_files(app, pilot, 8)
        for marks in (7, 0, 7):
            await pilot.press("a")
            await until(lambda: len(screen.table.marked) == marks)  # noqa: B023
        await pilot.press("escape")
        await until(lambda: not screen.table.marked)
        assert on(app, "Files")
        await pilot.press("a", "D")
        await until(lambda: isinstance(app.screen, TypeToConfirm) and shows(app, "Delete 7 files"))
        listed = [screen.table.source.row(index) for index in range(8)]
        expected = [file.name for file in listed if file.is_deletable]
        asked = str(app.screen.query_one(".dialog--text", Static).content).splitlines()
        assert asked[:6] == [*(f"  {name}" for name in expected[:5]), "  and 2 more"]
        assert all(shows(app, name) for name in expected[:5])
        check_screen(app)
        await pilot.press("escape", "escape", "slash", *"file-3", "enter", "escape")
        await until(lambda: screen.table.row_count == 8 and on(app, "Files"))  # the filter goes before the screen
        await pilot.press("escape")
        await until(lambda: on(app, "Jobs"))


async def test_the_same_toast_is_shown_once(still_sandbox: Sandbox, tmp_path: Path) -> None:
    app = make_app(tmp_path, still_sandbox, **PACE)
    still_sandbox.add_job("IN_PROGRESS")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await open_files(app, pilot, 1)
        await pilot.press(*["space"] * 4, *["D"] * 3)
        await until(lambda: shows(app, "must stay"))
        await pilot.pause()
        assert len(app._notifications) == 1


async def test_one_file_under_the_cursor_and_the_other_keys(still_sandbox: Sandbox, tmp_path: Path) -> None:
    box = still_sandbox
    job = box.job(box.add_job("COMPLETED"))
    small = box.add_file(b"{}\n", "zulu.jsonl")
    app = make_app(tmp_path, box, **PACE)
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        screen = await open_files(app, pilot, 3)
        assert shows(app, "! not downloaded") and shows(app, "batch-api") and shows(app, "no job")
        orders = set()
        for _ in range(5):
            orders.add(tuple(screen.table.source.key(index) for index in range(3)))
            await pilot.press("s")
        assert len(orders) > 2
        screen.table.move_cursor(key=job["output_file_id"])
        await pilot.press("y")
        assert app.clipboard == job["output_file_id"]
        await pilot.press("enter")
        await until(lambda: on(app, "Job") and shows(app, job["id"][:8]))
        await pilot.press("escape")
        await until(lambda: on(app, "Files"))
        screen.table.move_cursor(key=small)
        await pilot.press("enter")
        await until(lambda: shows(app, "No job here names this file"))
        await pilot.press("D", *"delete", "enter")
        await until(lambda: screen.table.row_count == 2)
        box.add_file(b"new\n", "new.jsonl")
        await pilot.press("r")
        await until(lambda: screen.table.row_count == 3)
    assert deletes(box) == 1


async def test_a_failed_delete_is_reported_and_stays_marked(
    still_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "_JOBS_WITHIN_UNHEALTHY", 0.3)
    for number in range(3):
        still_sandbox.add_file(b"%d\n" % number)
    app = make_app(tmp_path, still_sandbox, **PACE)
    async with app.run_test(notifications=True) as pilot:
        screen = await open_files(app, pilot, 3)
        still_sandbox.plan_fault("status", "/v1/files/*", method="DELETE", first=2, status=500)
        await pilot.press("a", "D", "3", "enter")
        await until(lambda: screen.table.row_count == 1)
        await until(lambda: shows(app, "1 not"))
        assert len(screen.table.marked) == 1
        # With the jobs not to be had, it is refused before anything is asked.
        still_sandbox.plan_fault("status", "/v1/batches", status=503, last=None)
        await until(lambda: app.engine.health.state != "ok")
        await pilot.press("D", "1", "enter")
        await until(lambda: shows(app, "files in use can't be told"), within=30)
        assert screen.table.row_count == 1
    assert deletes(still_sandbox) == 3


@every_size
async def test_an_empty_server_and_a_failing_one(size: tuple[int, int], still_sandbox: Sandbox, tmp_path: Path) -> None:
    app = make_app(tmp_path, still_sandbox, **PACE)
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = await open_files(app, pilot, 0)
        await until(lambda: shows(app, "No files on the server"))
        check_screen(app)
        still_sandbox.plan_fault("status", "/v1/files", method="GET", status=500)
        await pilot.press("D", "space", "y", "r")
        await until(lambda: shows(app, "Press r to try again"))
        check_screen(app)
        still_sandbox.add_file(b"{}\n")
        await pilot.press("r")
        await until(lambda: screen.table.row_count == 1)


async def test_without_a_key_the_screen_says_so(tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    async with app.run_test(notifications=True) as pilot:
        await until(lambda: shows(app, "TOGETHER_API_KEY"))
        await pilot.press("F")
        await until(lambda: on(app, "Files") and shows(app, "There is no connection"))
        with pytest.raises(BatchError):
            await app.engine.files.delete(["x"])


@every_size
async def test_no_name_leaves_its_cell(size: tuple[int, int], still_sandbox: Sandbox, tmp_path: Path) -> None:
    listed = [
        {"id": f"{n:04}-{nasty}", "filename": nasty, "purpose": nasty if n % 2 else "batch-api", "bytes": n}
        for n, nasty in enumerate(NASTY)
    ]
    still_sandbox.plan_fault(
        "status", "/v1/files", method="GET", status=200, body=json.dumps({"data": listed}), last=None
    )
    app = make_app(tmp_path, still_sandbox, **PACE)
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = await open_files(app, pilot, len(listed))
        for index in range(0, len(listed), 15):
            screen.table.move_cursor(index=index)
            await pilot.press("space")
            check_screen(app)
        if screen.table.marked or screen.table.cursor_row:
            await pilot.press("D")
            await pilot.pause()
            check_screen(app)


async def test_10_000_files_are_filtered_while_typing(still_sandbox: Sandbox, tmp_path: Path) -> None:
    many = [{"id": f"file-{n}", "filename": f"{n:05}.jsonl", "bytes": n, "purpose": "batch-api"} for n in range(10_000)]
    still_sandbox.plan_fault(
        "status", "/v1/files", method="GET", status=200, body=json.dumps({"data": many}), last=None
    )
    app = make_app(tmp_path, still_sandbox, **PACE)
    async with app.run_test(notifications=True) as pilot:
        screen = await open_files(app, pilot, 10_000)
        await pilot.press("slash", *"00007", "enter")
        await until(lambda: screen.table.row_count == 1)
        await pilot.press("escape")
        await until(lambda: screen.table.row_count == 10_000)
        assert on(app, "Files")


@every_size
async def test_the_only_copy_of_an_input_is_deleted_once_that_was_typed(
    size: tuple[int, int], still_sandbox: Sandbox, tmp_path: Path
) -> None:
    box = still_sandbox
    made_elsewhere = box.job(box.add_job("FAILED"))["input_file_id"]
    app = make_app(tmp_path, box, **PACE)
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = await open_files(app, pilot, 1)
        screen.table.move_cursor(key=made_elsewhere)
        await pilot.press("a")
        await pilot.pause()
        assert not screen.table.marked
        assert shows(app, "! keep: only copy: not submitted from here")
        check_screen(app)
        for typed in ("1", "only copy"):
            app.clear_notifications()
            await pilot.press("D")
            await until(lambda: isinstance(app.screen, TypeToConfirm) and shows(app, "anyway?"))
            check_screen(app)
            await pilot.press(*("space" if c == " " else c for c in typed), "enter")
            if typed == "1":
                await until(lambda: shows(app, "Nothing was done"))
                await pilot.press("escape")
                await until(lambda: on(app, "Files"))
                assert deletes(box) == 0
        await until(lambda: deletes(box) == 1 and screen.table.row_count == 0)
