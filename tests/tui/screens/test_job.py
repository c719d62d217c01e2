"""The Job screen in every state and at every size: its texts, its keys, and that it does not jump while it changes."""

from __future__ import annotations

import stat
import time
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.sandbox.jobs.records import Pace
from tbatch_tui.sandbox.testing import Sandbox
from tbatch_tui.tui.keys.actions import screen_actions
from tbatch_tui.tui.messages import OpenJob
from tbatch_tui.tui.screens.job.file_dialog import ChooseFile
from tbatch_tui.tui.screens.job.screen import JobScreen
from tbatch_tui.tui.screens.jobs.details import JobDetails
from tests.conftest import until, write_chat
from tests.helpers.app_host import SIZES, make_app
from tests.helpers.drawn import check_screen, painted, resize, same_as_before, screen_opened, screen_text
from tests.helpers.job_host import JOB_ID, NOW, STATES, app_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.widget import Widget

    from tbatch_tui.tui.app import TbatchApp


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


async def open_job(app: TbatchApp, key: str) -> JobScreen:
    """Open the Job screen of this record, and wait until it has loaded everything."""
    await until(lambda: app.engine.record(key) is not None)
    app.post_message(OpenJob(key))
    await screen_opened(app, JobScreen)
    reads = ("history", "input", "earlier", "prices")
    await until(lambda: not any(worker.group in reads and not worker.is_finished for worker in app.workers))
    await painted(app)
    assert isinstance(app.screen, JobScreen)
    return app.screen


async def scroll_through(screen: JobScreen) -> str:
    """Scroll from the top to the end, and return all text."""
    story = screen.query_one("#story")
    seen = [screen_text(screen.app)]
    while story.scroll_y < story.max_scroll_y:
        story.scroll_page_down(animate=False)
        await painted(screen.app)
        check_screen(screen.app)
        seen.append(screen_text(screen.app))
    lines = [line for text in seen for line in text.splitlines()]
    beside = [line.partition("│") for line in lines]  # what stands side by side is wrapped by itself
    return "\n".join([left for left, _, _ in beside] + [right for _, _, right in beside])


def footer(app: TbatchApp) -> str:
    """What the footer names that is possible just now."""
    actions = [action for action in screen_actions(app.screen) if action.enabled and action.show]
    return "  ".join(f"{action.displays[0]} {action.description}" for action in actions)


TEXTS = {
    "active": [
        "64 %",
        "/h",
        "done about 13:2",
        "deadline tomorrow 12:22",
        "median 58 m, 5 jobs",
        "queue is long today",
    ],
    "failed": ["✗ Failed", "invalid JSON", "x fixes", "Submitted", "not billed"],
    "completed_with_errors": ["1,980 ok + 17 errors + 3 missing", "Downloaded", "1,980 rows", "the second prompt"],
    "expired": ["⊘ Expired", "It expired before", "downloading"],
    "cancelled": ["Cancelled", "Cancelling", "returned and billed"],
    "uncertain": ["Answer lost", "The answer to the create is lost", "40 s"],
    "unknown": ["HIBERNATING", "Unknown status", "1 h 00 m"],
    "elsewhere": ["Not from here", "theirs.jsonl", "not uploaded from here", "not downloaded; press d to download"],
}
KEYS = {
    "active": ("c Cancel", "d Download"),
    "failed": ("p Page", "o Results"),
    "completed_with_errors": ("o Results", "c Cancel"),
    "elsewhere": ("d Download", "p Page"),
    "uncertain": ("p Page", "v Raw"),
}
DRAWN = ("active", "failed", "completed_with_errors")


@pytest.mark.parametrize("state", STATES)
async def test_each_state_shows_its_texts_and_looks_as_before(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compare with snapshots; `TBATCH_SNAPSHOTS=write pytest tests/tui/screens/test_job.py` writes them again."""
    app, key = app_on(tmp_path, state, monkeypatch)
    async with app.run_test(size=SIZES[-1]) as pilot:
        screen = await open_job(app, key)
        if state == "completed_with_errors":
            await until(lambda: screen.current is not None and screen.current.counts is not None)
        for size in SIZES:
            await resize(app, pilot, size)
            screen.query_one("#story").scroll_home(animate=False)
            await painted(app)
            check_screen(app)
            if state in DRAWN:
                same_as_before(screen_text(app) + "\n", f"job-{state.replace('_', '-')}-{size[0]}x{size[1]}.txt")
            has, has_not = KEYS.get(state, ("v Raw", "Fix"))
            assert has in footer(app) and has_not not in footer(app)
            text = " ".join((await scroll_through(screen)).replace("│", " ").split())
            assert not [words for words in TEXTS[state] if words not in text], text
        for rule in screen.query("#story > Divider"):
            below = screen.query_one(f"#{(rule.id or '').removesuffix('-rule')}")
            assert not rule.display or below.display, "a title over nothing"


async def test_keys_scroll_and_the_clock_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, key = app_on(tmp_path, "active", monkeypatch)
    async with app.run_test(size=(60, 20)) as pilot:
        screen = await open_job(app, key)
        story = screen.query_one("#story")
        await pilot.press("j", "j", "k")
        assert story.scroll_y == 1
        await pilot.press("G")
        assert story.scroll_y == story.max_scroll_y > 5
        await pilot.press("pageup")
        at = story.scroll_y
        assert 0 < at < story.max_scroll_y
        screen._tick()
        await pilot.pause()
        assert story.scroll_y == at
        await pilot.press("g")
        assert story.scroll_y == 0


async def test_an_unchanged_widget_is_not_painted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, key = app_on(tmp_path, "active", monkeypatch)
    async with app.run_test(size=(140, 40)):
        screen = await open_job(app, key)
        refreshed: list[Widget] = []
        for widget in screen.query("#story > *"):
            monkeypatch.setattr(widget, "refresh", lambda *_, widget=widget, **__: refreshed.append(widget))
        screen._tick()
        assert refreshed == []
        screen.engine._runtime.options = replace(screen.engine.options, now=lambda: NOW + 1)
        screen._tick()
        assert [widget.id for widget in refreshed] == []  # times are shown in minutes: a second changes nothing


async def test_the_json_is_shown_and_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, key = app_on(tmp_path, "failed", monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_job(app, key)
        await pilot.press("v")
        await until(lambda: '"status": "FAILED"' in screen_text(app))
        assert "From this machine" in screen_text(app)
        await pilot.press("escape")
        assert app.screen is screen and not screen.has_class("-raw")
        await pilot.press("v", "v", "escape")
        await until(lambda: app.screen is app.jobs)


async def test_the_json_is_the_servers_own(still_sandbox: Sandbox, tmp_path: Path) -> None:
    job_id = still_sandbox.add_job("COMPLETED")
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_job(app, job_id)
        await pilot.press("v")
        await until(lambda: '"user_id": "user-sandbox"' in screen_text(app))


async def test_y_copies_the_id_and_e_edits_the_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, key = app_on(tmp_path, "failed", monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_job(app, key)
        await pilot.press("y")
        assert app.clipboard == JOB_ID
        await pilot.press("e", *" two", "enter")
        await until(lambda: "reviews-march two" in screen_text(app))
        record = screen.current
        assert isinstance(record, JobRecord) and record.label == "reviews-march two"


# -- files ---------------------------------------------------------------------------------------------


def set_pager(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set PAGER to a script that logs its arguments, and return the log."""
    log, script = folder / "paged.txt", folder / "my pager"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{log}"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PAGER", f'"{script}" --flag')
    return log


async def test_p_reads_the_one_file_in_the_pager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, key = app_on(tmp_path, "failed", monkeypatch)
    log = set_pager(tmp_path, monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_job(app, key)
        monkeypatch.setattr(app, "suspend", nullcontext)
        await pilot.press("p")
        await until(log.exists)
        await until(lambda: len(log.read_text().splitlines()) == 2)
        assert log.read_text().splitlines() == ["--flag", str(tmp_path / "evals" / "reviews-march.jsonl")]


async def test_of_several_files_one_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, key = app_on(tmp_path, "completed_with_errors", monkeypatch)
    log = set_pager(tmp_path, monkeypatch)
    async with app.run_test(size=(60, 20)) as pilot:
        screen = await open_job(app, key)
        monkeypatch.setattr(app, "suspend", nullcontext)
        await pilot.press("p")
        await screen_opened(app, ChooseFile)
        await pilot.pause()
        check_screen(app)
        assert all(name in screen_text(app) for name in ("Output", "Errors", "Input"))
        await pilot.press("escape")
        assert app.screen is screen
        await pilot.press("p")
        await screen_opened(app, ChooseFile)
        await pilot.press("j", "enter")
        await until(lambda: log.exists() and ".errors.jsonl" in log.read_text())


async def test_a_file_that_cannot_be_opened_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, key = app_on(tmp_path, "failed", monkeypatch)
    monkeypatch.setenv("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22")
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await open_job(app, key)
        await pilot.press("P")
        await until(lambda: "There is no desktop over ssh" in screen_text(app))
        monkeypatch.setenv("PAGER", "no-such-pager-here")
        await pilot.press("p")
        await until(lambda: "Set PAGER to one that is" in screen_text(app))
        log = set_pager(tmp_path, monkeypatch)
        await pilot.press("p")  # a test's terminal cannot be lent
        await until(lambda: "Can't start another program" in screen_text(app))
        assert not log.exists()


async def test_a_changed_input_file_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, key = app_on(tmp_path, "completed_with_errors", monkeypatch)
    async with app.run_test(size=(140, 40)):
        screen = await open_job(app, key)
        assert "unchanged since it was submitted" in screen_text(app)
        path = tmp_path / "evals" / "reviews-march.jsonl"
        path.write_bytes(path.read_bytes().replace(b"a", b"b"))
        screen._check_input()
        await until(lambda: "changed since it was submitted" in screen_text(app))
        path.unlink()
        screen._check_input()
        await until(lambda: "no longer there" in screen_text(app))


# -- live ----------------------------------------------------------------------------------------------


def shows_progress(app: TbatchApp, percent: float) -> bool:
    return f"{percent:.0f} %" in screen_text(app) or percent == 0


async def test_a_job_is_followed_from_its_submission_to_its_files(tmp_path: Path) -> None:
    path = write_chat(tmp_path / "few.jsonl", [f"prompt {n}" for n in range(40)])
    with Sandbox(speed=0, pace=Pace(validating=30, starting=600, per_row=0)) as box:
        app = make_app(tmp_path, box)
        async with app.run_test(size=(140, 40)):
            await until(lambda: app.engine.listed_at is not None)
            key = await app.engine.submit_checked(path, Endpoint.CHAT, requests=40)
            screen = await open_job(app, key)
            await until(lambda: "Validating" in screen_text(app) and "Uploaded" in screen_text(app))
            for _ in range(5):
                box.advance(60)
                app.engine.refresh()
                await until(partial(shows_progress, app, box.jobs[0]["progress"]))
            await until(lambda: len(screen._history.points) > 5)
            assert "In progress" in screen_text(app) and "100 %" in screen_text(app)
            box.advance(600)
            await until(lambda: "✓ Completed" in screen_text(app) and "Downloaded" in screen_text(app))
            steps = [line.split()[1] for line in screen_text(app).splitlines() if line[2:3] in ("●", "✓")]
            assert steps == ["Submitted", "Uploaded", "Created", "Validating", "In", "Completed", "Downloaded"]


async def test_the_details_of_jobs_show_the_pace_of_the_job_under_the_cursor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _ = app_on(tmp_path, "active", monkeypatch)
    async with app.run_test(size=(110, 24)) as pilot:
        await until(lambda: "/h · done about 13:2" in screen_text(app))
        check_screen(app)
        await pilot.press("j")  # on a job that is over, there is no pace
        await until(lambda: "/h · done about" not in screen_text(app))
        await pilot.press("k")
        await until(lambda: "/h · done about 13:2" in screen_text(app))
        app.engine._runtime.options = replace(app.engine.options, now=lambda: NOW + 3_600)
        app.screen.query_one(JobDetails).show_again()  # after an hour without the server nothing is hoped for
        await until(lambda: "no contact with the server since 13:02" in screen_text(app))


async def test_the_keys_of_jobs_do_the_same_here(still_sandbox: Sandbox, tmp_path: Path) -> None:
    done, runs = still_sandbox.add_job("COMPLETED", rows=4), still_sandbox.add_job("IN_PROGRESS", rows=5)
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(110, 30)) as pilot:
        await open_job(app, done)
        await pilot.press("d")
        await until(lambda: "4 rows" in screen_text(app))
        await pilot.press("o")
        await until(lambda: getattr(app.screen, "NAME", "") == "Results")
        await pilot.press("escape", "escape")
        await until(lambda: app.screen is app.jobs)
        await open_job(app, runs)
        await pilot.press("c", "enter")
        assert still_sandbox.count("POST", f"/v1/batches/{runs}/cancel") == 0
        await pilot.press("c", "y")
        await until(lambda: "◍ Cancelling" in screen_text(app) or "◐ Cancelling" in screen_text(app))
        still_sandbox.advance(60)
        await pilot.press("r")
        await until(lambda: "○ Cancelled" in screen_text(app))


async def test_i_brings_the_input_file_of_a_job_from_elsewhere(still_sandbox: Sandbox, tmp_path: Path) -> None:
    key = still_sandbox.add_job("COMPLETED", rows=3)
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(110, 32)) as pilot:
        screen = await open_job(app, key)
        await pilot.press("i")
        await until(lambda: "inputs/" in screen_text(app).replace("\n", "") and "unchanged" in screen_text(app))
        record = app.engine.record(key)
        assert record is not None and record.submission is not None
        content = still_sandbox.file_bytes(still_sandbox.job(key)["input_file_id"])
        assert record.submission.path.read_bytes() == content
        assert screen.check_action("fetch_input", ()) is False
        assert screen.disabled_reason("fetch_input") == "Its input file is known: it was submitted from here"
