"""Jobs: actions on marked jobs, and filter, sort and search and that they are remembered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.domain.record import JobRecord
from tests.conftest import until
from tests.helpers.app_host import SIZES, make_app
from tests.helpers.drawn import check_screen, screen_text

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp

at_every_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def shows(app: TbatchApp, text: str) -> bool:
    return text in screen_text(app)


def cancels(box: Sandbox) -> list[str]:
    return [call.path.split("/")[3] for call in box.requests if call.path.endswith("/cancel")]


def statuses(app: TbatchApp) -> list[str]:
    table = app.jobs.table
    return [table.source.row(index).record.status for index in range(table.row_count)]


async def test_many_jobs_that_come_in_at_once_are_listed_from_the_first_on_and_sorted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(tmp_path, None)
    async with app.run_test():
        await until(lambda: app._notifier is not None)  # the history is there
        model, feed = app.jobs._model, app.jobs._feed
        arranged: list[tuple[int, int]] = []
        arrange = feed.arrange

        def count() -> None:
            arrange()
            arranged.append((len(model.records), len(feed.rows)))

        monkeypatch.setattr(feed, "arrange", count)
        published = app.engine._store._published
        await published.publish_many([JobRecord(f"job-{n}", job=Job(f"job-{n}", "COMPLETED")) for n in range(5_000)])
        await until(lambda: app.jobs.table.row_count == 5_000)
        assert arranged == [(250, 250), (5_000, 5_000)]


@at_every_size
async def test_marked_jobs_are_cancelled_once_each_after_one_question(
    size: tuple[int, int], still_sandbox: Sandbox, tmp_path: Path
) -> None:
    running = {still_sandbox.add_job("IN_PROGRESS", rows=30 + n) for n in range(3)}
    still_sandbox.add_job("COMPLETED")
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.jobs.table.row_count == 4)
        await pilot.press("space", "space", "space", "space")
        await pilot.pause()
        check_screen(app)
        assert shows(app, "4 marked")
        await pilot.press("c")
        await until(lambda: shows(app, "Cancel 3 jobs?"))
        check_screen(app)
        assert shows(app, "billed") and shows(app, "1 is also selected, but can't be cancelled")
        await pilot.press("enter")  # No has the focus
        await pilot.pause()
        assert not cancels(still_sandbox)
        await pilot.press("c", "y")
        await until(lambda: statuses(app).count("CANCELING") == 3)
        assert sorted(cancels(still_sandbox)) == sorted(running)
        await until(lambda: shows(app, "Cancelling"))
        await until(lambda: shows(app, "1 marked"))  # what was done has no mark any more
        await pilot.press("escape")
        assert not app.jobs.table.marked
        still_sandbox.advance(60)
        await until(lambda: statuses(app).count("CANCELLED") == 3)
        assert len(cancels(still_sandbox)) == 3


async def test_failed_cancels_are_reported_once_and_stay_marked(still_sandbox: Sandbox, tmp_path: Path) -> None:
    ids = [still_sandbox.add_job("IN_PROGRESS", rows=30 + n) for n in range(3)]
    still_sandbox.plan_fault("status", f"/v1/batches/{ids[0]}/cancel", status=400)
    still_sandbox.plan_fault("status", f"/v1/batches/{ids[1]}/cancel", status=409, body='{"error": "it has ended"}')
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await until(lambda: app.jobs.table.row_count == 3)
        await pilot.press("a", "c")
        await until(lambda: shows(app, "Cancel 3 jobs?"))
        await pilot.press("y")
        await until(lambda: shows(app, "1 of 3 were not cancelled"))
        assert app.jobs.table.marked == {ids[0]}
        assert len(app._notifications) == 1  # that the second had ended already is no error
        assert sorted(cancels(still_sandbox)) == sorted(ids)


async def test_cancelling_stops_at_the_first_connection_error(still_sandbox: Sandbox, tmp_path: Path) -> None:
    for n in range(3):
        still_sandbox.add_job("IN_PROGRESS", rows=30 + n)
    app = make_app(tmp_path, still_sandbox, poll_interval=60.0)
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await until(lambda: app.jobs.table.row_count == 3)
        still_sandbox.stop()
        await pilot.press("a", "c")
        await until(lambda: shows(app, "Cancel 3 jobs?"))
        await pilot.press("y")
        await until(lambda: shows(app, "3 of 3 were not cancelled"))
        assert "not attempted" in next(iter(app._notifications)).message
        assert len(app.jobs.table.marked) == 3


async def test_cancelling_a_job_that_has_just_ended_is_no_error(still_sandbox: Sandbox, tmp_path: Path) -> None:
    job_id = still_sandbox.add_job(rows=3)
    app = make_app(tmp_path, still_sandbox, poll_interval=3.0)
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await until(lambda: shows(app, "Validating"))
        await pilot.press("c")
        await until(lambda: shows(app, "Cancel "))
        still_sandbox.advance(3600)
        await pilot.press("y")
        await until(lambda: bool(cancels(still_sandbox)), what="the server is asked, which knows that it has ended")
        await until(lambda: shows(app, "Completed"))
        assert app.jobs.table.row_count == 1 and statuses(app) == ["COMPLETED"]
        assert [notice.severity for notice in app._notifications if "cancel" in notice.title.lower()] == []
        assert all(notice.severity == "information" for notice in app._notifications)
    assert cancels(still_sandbox) == [job_id]


async def test_marked_jobs_are_downloaded(sandbox: Sandbox, tmp_path: Path) -> None:
    for rows in (2, 3, 4):
        sandbox.add_job("COMPLETED", rows=rows)
    sandbox.add_job("FAILED")
    app = make_app(tmp_path, sandbox)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(lambda: app.jobs.table.row_count == 4)
        await pilot.press("a")
        await pilot.pause()
        assert shows(app, "d Download 3")
        await pilot.press("d")
        await until(lambda: len(list((tmp_path / "results").glob("*.output.jsonl"))) == 3)
        await until(lambda: shows(app, "4 ok"))
        await until(lambda: shows(app, "1 marked"))


@at_every_size
async def test_only_jobs_that_the_server_no_longer_lists_are_removed(
    size: tuple[int, int], still_sandbox: Sandbox, tmp_path: Path
) -> None:
    old = [still_sandbox.add_job("COMPLETED", rows=rows) for rows in (2, 3)]
    still_sandbox.add_job("FAILED")
    still_sandbox.add_job("IN_PROGRESS")
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(lambda: app.jobs.table.row_count == 4)
        await pilot.press("G", "X")
        await until(lambda: shows(app, "Nothing was removed"))
        assert app.jobs.table.row_count == 4
        bring_back = [still_sandbox.forget_job(job_id) for job_id in old]
        await until(lambda: not any(app.engine.removal_blocker(job_id) for job_id in old))
        app.clear_notifications()
        await pilot.press("a", "X")
        await until(lambda: shows(app, "Remove 2 jobs"))
        check_screen(app)
        text = " ".join(screen_text(app).replace("│", " ").split())
        assert "1 not removed: it has not ended" in text and "1 not removed: the server still lists it" in text, (
            screen_text(app)
        )
        await pilot.press("n")
        await pilot.pause()
        assert app.jobs.table.row_count == 4
        await pilot.press("delete", "y")
        await until(lambda: app.jobs.table.row_count == 2)
        assert len(app.jobs.table.marked) == 2  # those that stayed
        check_screen(app)
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=size):
        await until(lambda: app.jobs.table.row_count == 2)
        bring_back[0]()
        await until(lambda: app.jobs.table.row_count == 3)


@at_every_size
async def test_escape_clears_the_marks_then_the_filter_and_never_quits(
    size: tuple[int, int], still_sandbox: Sandbox, tmp_path: Path
) -> None:
    still_sandbox.add_job("FAILED")
    still_sandbox.add_job("COMPLETED")
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.jobs.table.row_count == 2)
        await pilot.press("a", "slash", *"failed", "enter")
        await until(lambda: app.jobs.table.row_count == 1)
        assert shows(app, "2 marked, 1 hidden")
        check_screen(app)
        await pilot.press("escape")
        assert not app.jobs.table.marked and app.jobs.table.row_count == 1
        await pilot.press("escape")
        assert app.jobs.table.row_count == 2
        await pilot.press("escape", "escape")
        assert app.is_running


async def wait_until_saved(app: TbatchApp, **choices: str) -> None:
    """Wait until these choices are in the history: an app that is closed before that loses them."""
    async with asyncio.timeout(20):
        for name, value in choices.items():
            while await app.engine.recall(f"jobs.{name}") != value:
                await asyncio.sleep(0.03)


@at_every_size
async def test_filter_sort_and_text_are_restored_at_the_next_start(
    size: tuple[int, int], still_sandbox: Sandbox, tmp_path: Path
) -> None:
    still_sandbox.add_job("FAILED")
    ids = [still_sandbox.add_job("COMPLETED", rows=rows) for rows in (2, 3)]
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.jobs.table.row_count == 3)
        await pilot.press("f", "f", "f", "s", "s", "slash", *"zebra")
        await until(lambda: shows(app, "No job that is done matches “zebra”"))
        assert shows(app, "show all 3 again")
        check_screen(app)
        await pilot.press("ctrl+u", *ids[0][:8], "enter")
        await until(lambda: app.jobs.table.row_count == 1)
        check_screen(app)
        await wait_until_saved(app, filter="done", sort="oldest", text=ids[0][:8])
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.jobs.table.row_count == 1)
        await until(lambda: shows(app, "done · oldest") or shows(app, "done · ol"))
        await pilot.press("escape")
        assert app.jobs.table.row_count == 3
        await wait_until_saved(app, filter="all", text="")
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=size):
        await until(lambda: app.jobs._saved_choices["sort"] == "oldest")
        assert app.jobs.table.row_count == 3


async def test_a_click_on_a_title_sorts_and_a_second_reverses(still_sandbox: Sandbox, tmp_path: Path) -> None:
    for rows in (4, 2, 3):
        still_sandbox.add_job("COMPLETED", rows=rows)
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(140, 40)) as pilot:

        def header() -> str:
            return next((line for line in screen_text(app).splitlines() if "Name" in line and "Status" in line), "")

        async def click(title: str, sort: str, shown: str) -> None:
            await pilot.pause()
            await pilot.click("#jobs", offset=(header().index(title), 0))
            await until(lambda: app.jobs._model.sort == sort)
            await until(lambda: shown in header())

        await until(lambda: app.jobs.table.row_count == 3 and "Status ▴" in header())
        await click("Created", "newest", "Created▾")
        await click("Created", "oldest", "Created▴")
        await click("Name", "name", "Name ▴")
        await click("Name", "reversed name", "Name ▾")
        assert shows(app, "by reversed name")
        await pilot.press("s")
        await until(lambda: "Status ▴" in header())


async def test_marks_follow_a_submission_that_takes_its_jobs_id(
    sandbox: Sandbox, tmp_path: Path, chat_file: Path
) -> None:
    from tbatch_tui.engine.endpoint import Endpoint

    app = make_app(tmp_path, sandbox)
    async with app.run_test() as pilot:
        await until(lambda: app.engine.health.state == "ok")
        key = await app.engine.submit_checked(chat_file, Endpoint.CHAT, requests=2)
        app.jobs.table.mark([key])
        await app.engine.wait_until(key, lambda record: record.job is not None)
        [job] = sandbox.jobs
        await until(lambda: app.jobs.table.marked == {job["id"]})
        await pilot.press("y")


async def test_columns_without_room_can_be_turned_to(still_sandbox: Sandbox, tmp_path: Path) -> None:
    still_sandbox.add_job("COMPLETED")
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(60, 20)) as pilot:
        await until(lambda: shows(app, "Completed"))
        assert not shows(app, "Submitted") and shows(app, "›")
        await pilot.press("right")
        await pilot.pause()
        assert shows(app, "Completed") and shows(app, "‹")
        check_screen(app)
        await pilot.press("l", "l", "l", "l", "h", "h", "h", "h", "h")
        await pilot.pause()
        assert shows(app, "Progress") and not shows(app, "‹")
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(200, 60)):
        await until(lambda: shows(app, "Completed"))
        assert not app.jobs.table.has_hidden_columns


async def test_rows_show_time_left_and_cost() -> None:
    from tbatch_tui.engine.domain.job import Job
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.tui.screens.jobs.listing.columns import JobRow, job_columns

    now = 1_772_802_120.0
    columns = {column.key: column for column in job_columns(lambda: now, lambda _: "$0.41")}

    def cell(key: str, job: Job) -> object:
        return columns[key].cell(JobRow(JobRecord(job.id, job)), 20)

    running = Job("a", "IN_PROGRESS", progress=25.0, endpoint=Endpoint.TRANSLATION, created_at=now - 600)
    assert cell("took", running) == "~30 m left"
    assert cell("cost", running) == "$0.41"
    early = Job("b", "IN_PROGRESS", progress=1.0, endpoint="/v2/new/thing", created_at=now - 600)
    assert cell("took", early) == "10 m"  # its pace tells nothing yet
    ended = Job("c", "COMPLETED", progress=100.0, created_at=now - 600, completed_at=now - 60)
    assert cell("took", ended) == "9 m"


async def test_the_cost_is_shown_once_the_results_are_counted(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_job("COMPLETED", rows=40)
    app = make_app(tmp_path, sandbox)
    async with app.run_test(size=(200, 40)) as pilot:
        await until(lambda: app.jobs.table.row_count == 1)
        await pilot.press("d")
        await until(lambda: shows(app, "all ok") or shows(app, "40 ok"))
        await until(lambda: shows(app, "$0.") or shows(app, "<$0."))


async def test_a_row_that_changed_its_section_goes_there_once_nobody_touches_anything(
    still_sandbox: Sandbox, tmp_path: Path
) -> None:
    older = still_sandbox.add_job("IN_PROGRESS", rows=30)
    still_sandbox.advance(120)
    newer = still_sandbox.add_job("IN_PROGRESS", rows=31)
    app = make_app(tmp_path, still_sandbox)

    def order() -> list[str]:
        return [app.jobs.table.source.row(index).record.key for index in range(app.jobs.table.row_count)]

    async with app.run_test() as pilot:
        await until(lambda: order() == [newer, older])
        await app.engine.cancel(newer)
        still_sandbox.advance(60)
        await until(lambda: order() == [older, newer], what="nobody has touched anything yet")
        await pilot.press("r")
        await app.engine.cancel(older)
        still_sandbox.advance(60)
        await until(lambda: statuses(app).count("CANCELLED") == 2)
        assert order() == [older, newer], "it may be read"
        assert app.touched_at is not None
        app.touched_at -= 60
        await until(lambda: order() == [newer, older])
