"""A file as several jobs, on the screens: chosen on Create, decided on Jobs, read together on Results."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.record import JobRecord
from tbatch_tui.engine.domain.submission import JobGroup, Submission, SubmissionState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.tui.messages import CreateBatch
from tbatch_tui.tui.render.job import name_cell
from tbatch_tui.tui.screens.check.screen import CheckScreen
from tbatch_tui.tui.screens.create.screen import CreateScreen
from tbatch_tui.tui.screens.create.send_choice import SendChoice
from tbatch_tui.tui.screens.jobs.screen import JobsScreen
from tbatch_tui.tui.screens.results.exporting.dialog import ExportDialog
from tbatch_tui.tui.screens.results.family import Family
from tests.conftest import until, write_chat
from tests.helpers.app_host import SIZES, make_app
from tests.helpers.drawn import check_screen, screen_opened, screen_text
from tests.helpers.new_batch_host import offline, shown
from tests.tui.scenarios.test_main_path import on, shows

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp

COUNT = 60


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_chat(tmp_path / "reviews.jsonl", [f"Say {number}." for number in range(COUNT)])


async def open_create(app: TbatchApp, pilot: Pilot[str]) -> None:
    await until(lambda: on(app, "Check") and shows(app, "No problems"))
    await pilot.press("enter")
    await until(lambda: on(app, "Create") and shows(app, "Submit"))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_ten_requests_go_ahead_and_the_person_sends_the_rest(
    sandbox: Sandbox, tmp_path: Path, file: Path, size: tuple[int, int]
) -> None:
    app = make_app(tmp_path, sandbox, file=file)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.engine.health.state is HealthState.OK)
        await open_create(app, pilot)
        app.screen.query_one(SendChoice).focus()
        await pilot.press("right")
        await until(lambda: shows(app, "(•) 10 first, then ask"))
        check_screen(app)
        await pilot.press("enter", "enter")
        await until(lambda: on(app, "Jobs") and shows(app, "▸ reviews · 2 parts"))
        await until(lambda: shows(app, "◆ Ready") and shows(app, "w decides"))
        check_screen(app)
        await pilot.press("g", "enter")

        await until(lambda: shows(app, "▾ ") and shows(app, "    first 10") and shows(app, "    the rest"))
        check_screen(app)
        await pilot.press("enter")
        await until(lambda: shows(app, "▸ "))
        assert len(sandbox.jobs) == 1
        rest = next(record for record in await app.engine.records() if record.is_waiting)
        assert isinstance(app.screen, JobsScreen)
        assert app.screen.current is not None and app.screen.current.key == rest.key
        await pilot.press("w")
        await until(lambda: shows(app, "Send the other 50 of reviews?") and shows(app, "10 ok"))
        check_screen(app)
        await pilot.press("escape")
        await until(lambda: on(app, "Jobs"))
        assert len(sandbox.jobs) == 1, "escape lets it wait"
        await pilot.press("w")
        await until(lambda: shows(app, "Send the rest"))
        await pilot.press("j", "enter")
        await until(lambda: len(sandbox.jobs) == 2)
        await app.engine.wait_until(rest.key, lambda record: record.has_results_here)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_group_is_paused_and_continues_stage_by_stage(
    still_sandbox: Sandbox, tmp_path: Path, file: Path, size: tuple[int, int]
) -> None:
    app = make_app(tmp_path, still_sandbox, requests_per_job=20)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.engine.health.state is HealthState.OK)
        fingerprint = await app.engine.fingerprint(file)
        key = await app.engine.groups.submit(
            file, Endpoint.CHAT, requests=COUNT, fingerprint=fingerprint, stages=(1,), auto_continue=True
        )
        await app.engine.wait_until(key, lambda record: record.job is not None)
        await until(lambda: shows(app, "▸ reviews · 3 parts"))
        await pilot.press("g", "w")
        await until(lambda: shows(app, "Send the other 40 of reviews?") and shows(app, "1 of 3 parts are sent."))
        assert shows(app, "Pause") and not shows(app, "Continue")
        check_screen(app)
        await pilot.press("j", "enter")
        await until(lambda: on(app, "Jobs"))
        parts = await app.engine.groups.parts(key)
        assert parts[0].group is not None and parts[0].group.is_held
        still_sandbox.advance(3_600)
        await app.engine.wait_until(key, lambda record: record.counts is not None)
        await app.engine.groups.resume()
        assert len(still_sandbox.jobs) == 1, "its stage has passed, and nothing more is sent"

        await pilot.press("w")
        await until(lambda: shows(app, "On hold: nothing is sent until you continue") and shows(app, "20 ok"))
        assert "so the rest should cost about $0" in flat(screen_text(app)).replace("│ ", "").replace(" │", "")
        assert shows(app, "Continue") and not shows(app, "Pause")
        check_screen(app)
        await pilot.press("j", "j", "enter")
        await until(lambda: on(app, "Jobs"))
        await until(lambda: len(still_sandbox.jobs) == 3)


async def test_what_was_refused_is_one_of_the_things_to_do_where_others_wait(
    still_sandbox: Sandbox, tmp_path: Path, file: Path
) -> None:
    """Else a group with a refused part could not be paused by its row."""
    still_sandbox.plan_fault("status", "/v1/batches", method="POST", first=1, last=1, status=402, body="{}")
    app = make_app(tmp_path, still_sandbox, requests_per_job=20, parts_at_once=1)
    async with app.run_test(size=(60, 20)) as pilot:
        await until(lambda: app.engine.health.state is HealthState.OK)
        fingerprint = await app.engine.fingerprint(file)
        await app.engine.groups.submit(file, Endpoint.CHAT, requests=COUNT, fingerprint=fingerprint)
        await until(lambda: len(still_sandbox.jobs) == 1)
        await until(lambda: shows(app, "▸ reviews") and shows(app, "1 not submitted"))
        await pilot.press("g", "w")
        await until(lambda: shows(app, "1 part that was not sent") and shows(app, "Pause"))
        assert (
            shows(app, "all 20 requests, each billed") and "…" not in screen_text(app).split("Send the other")[1][:600]
        )
        check_screen(app)
        await pilot.press("down", "enter")
        await until(lambda: shows(app, "Send reviews · 1 of 3 again?"))
        await pilot.press("y")
        await until(lambda: on(app, "Jobs") and shows(app, "waiting") and not shows(app, "not submitted"))


async def test_results_of_the_parts_are_read_as_one(
    sandbox: Sandbox, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(tmp_path, sandbox, requests_per_job=25)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(lambda: app.engine.health.state is HealthState.OK)
        fingerprint = await app.engine.fingerprint(file)
        keys = [
            await app.engine.groups.submit(file, Endpoint.CHAT, requests=COUNT, fingerprint=fingerprint, label=label)
            for label in ("mine", "second")
        ]
        for record in [part for key in keys for part in await app.engine.groups.parts(key)]:
            await app.engine.wait_until(record.key, lambda record: record.counts is not None)
        await until(
            lambda: shows(app, "▸ mine · 3 parts") and shows(app, "▸ second · 3 parts") and shows(app, "all ok")
        )
        jobs = app.screen
        assert isinstance(jobs, JobsScreen)
        jobs.go_to(keys[0])
        await pilot.press("m")
        await until(lambda: on(app, "Results") and shows(app, "60 in = 60 ok") and shows(app, "merged from 3 jobs"))
        await pilot.press("escape")
        await until(lambda: on(app, "Jobs"))
        load = Family.load

        async def load_late(family: Family) -> None:
            await asyncio.sleep(0.3)  # the files of the first part are read sooner
            await load(family)

        with monkeypatch.context() as late:
            late.setattr(Family, "load", load_late)
            await pilot.press("x")
            await screen_opened(app, ExportDialog)
            await until(lambda: shows(app, "Export mine ") and shows(app, "(•) all "))
        assert shows(app, "(•) all 60 rows"), "of all parts, not of the first"
        await pilot.press("escape", "escape")
        await until(lambda: on(app, "Jobs"))
        await pilot.press("enter", "j", "enter")
        await until(lambda: on(app, "Job") and shows(app, "Other parts") and shows(app, "Part of"))
        await pilot.press("o")
        await until(lambda: on(app, "Results") and shows(app, " in = "))
        await pilot.press("m")
        await until(lambda: shows(app, "60 in = 60 ok") and shows(app, "merged from 3 jobs"))
        assert not shows(app, "#2"), "a part is not a second try"
        check_screen(app)
        await pilot.press("escape", "escape")
        await until(lambda: on(app, "Jobs"))
        jobs.table.mark(["group:1", "group:2"])
        await pilot.press("C")
        await until(lambda: on(app, "Compare") and shows(app, "60 pairs") and shows(app, "mine with second"))
        check_screen(app)
        await pilot.press("b")
        await until(lambda: shows(app, "group of"))
        assert not shows(app, "mine · 1 of 3"), "it is not compared with itself"
        await pilot.press("escape", "enter")
        await until(lambda: on(app, "Results") and shows(app, "merged from 3 jobs"))


def over_limits(path: Path) -> CheckReport:
    """Return the report that the file would have with 50,001 requests."""
    report = check_file(path)
    return report._replace(notes=1, jobs=2, counts=report.counts | {"too-many-requests": 1})


async def test_a_file_over_the_limits_is_offered_as_several_jobs(tmp_path: Path, file: Path) -> None:
    report = over_limits(file)
    assert report.can_be_split and report.is_ok
    assert not report._replace(errors=1).can_be_split, "a line is faulty, too"
    report = report._replace(requests=50_001)
    async with shown(offline(tmp_path), lambda engine, bridge: CreateScreen(engine, bridge, report)) as (app, _):
        await until(lambda: "Jobs        2 jobs of about 25,001; Results merges them" in app.text)
        assert "It goes as 2 jobs." in app.text


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_stages_and_what_lets_the_next_follow_are_typed_on_create(
    tmp_path: Path, file: Path, size: tuple[int, int]
) -> None:
    report = over_limits(file)._replace(jobs=24)
    async with shown(offline(tmp_path), lambda engine, bridge: CreateScreen(engine, bridge, report), size) as (
        app,
        pilot,
    ):
        await until(lambda: "Stages" in app.text)
        app.screen.query_one("#stages").focus()
        await pilot.press(*"2,rest")
        await until(lambda: "2 of 24 parts are sent first; the next follow if every answer is whole." in flat(app.text))
        check_screen(app)
        await pilot.press("tab", *"98, cost=40")
        await until(lambda: "if 98 % of the answers are whole and all of it costs at most $40.00." in flat(app.text))
        check_screen(app)
        await pilot.press(*"x")
        await until(lambda: "! '98, cost=40x' is not a gate: write 98, cost=40" in flat(app.text))
        await pilot.press("backspace", "shift+tab", "home", *"3")
        await until(lambda: "! There are 24 parts, so nothing is left for the last stage" in flat(app.text))
        check_screen(app)


def flat(text: str) -> str:
    """The text of a screen without where its lines end."""
    return " ".join(text.split())


async def test_a_file_of_50_001_requests_can_go_on(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    line = '{"custom_id": "%d", "body": {"model": "m/m", "messages": [{"role": "user", "content": "x"}]}}\n'
    path.write_text("".join(line % number for number in range(50_001)))
    async with shown(offline(tmp_path), lambda engine, bridge: CheckScreen(engine, bridge, path)) as (app, pilot):
        await until(lambda: "1 note" in app.text and "It goes as 2 jobs." in app.text)
        assert "error" not in app.text and "✗" not in app.text
        await pilot.press("enter")
        await until(lambda: any(isinstance(message, CreateBatch) for message in app.posted))


def test_the_part_is_shown_even_if_the_name_must_be_cut(file: Path) -> None:
    group = JobGroup(1, file, 1, "", COUNT, parts=2, first=10)
    submission = Submission(2, file, 1, "", Endpoint.CHAT, "", COUNT - 10, 0.0, SubmissionState.WAITING, part=2)
    rest = JobRecord("submission:2", submission=submission, label="reviews of a long year", group=group)
    assert rest.status == LocalStatus.WAITING
    assert name_cell(rest, 48) == rest.name == "reviews of a long year · the rest"
    assert name_cell(rest, 20) == "reviews … · the rest"
