"""A whole job from the keyboard, from a file to its results, with the SDK talking HTTP to the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import until, write_chat
from tests.helpers.app_host import SIZES, make_app
from tests.helpers.drawn import screen_text

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.tui.app import TbatchApp


def on(app: TbatchApp, name: str) -> bool:
    return getattr(app.screen, "NAME", "") == name


def shows(app: TbatchApp, text: str) -> bool:
    return text in screen_text(app)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("kind", ["chat", "audio"])
async def test_from_a_file_to_its_results(
    kind: str,
    size: tuple[int, int],
    sandbox: Sandbox,
    tmp_path: Path,
    chat_file: Path,
    audio_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = chat_file if kind == "chat" else audio_file
    app = make_app(tmp_path, sandbox)
    async with app.run_test(size=size) as pilot:
        await until(lambda: shows(app, "No jobs yet"))
        await pilot.press("n")
        await until(lambda: on(app, "Pick"))
        await pilot.press("slash", *f"./{path.name}", "enter")
        await until(lambda: on(app, "Check") and shows(app, "No problems"))
        await pilot.press("enter")
        await until(lambda: on(app, "Create") and shows(app, "Submit"))
        await pilot.press("enter")
        await until(lambda: on(app, "Jobs"))
        await until(lambda: shows(app, "Completed"))
        await until(lambda: shows(app, "all ok"))
        [job] = sandbox.jobs
        output = tmp_path / "results" / f"{path.stem}-{job['id'][:8]}.output.jsonl"
        assert output.read_bytes() == sandbox.file_bytes(job["output_file_id"])
        assert sandbox.file_bytes(job["input_file_id"]) == path.read_bytes()
        await pilot.press("enter")
        await until(lambda: on(app, "Job") and shows(app, job["id"][:8]))
        await pilot.press("o")
        first = "request-1" if kind == "chat" else "transcription-1"
        await until(lambda: on(app, "Results") and shows(app, first[:8]))
        await pilot.press("escape", "escape")
        await until(lambda: on(app, "Jobs"))
        await pilot.press("q")
        await until(lambda: not app.is_running)


async def test_with_a_file_the_app_starts_on_check(sandbox: Sandbox, tmp_path: Path, chat_file: Path) -> None:
    app = make_app(tmp_path, sandbox, file=chat_file)
    async with app.run_test():
        await until(lambda: on(app, "Check") and shows(app, "No problems"))


async def test_a_file_with_errors_cannot_be_submitted(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"custom_id": "a", "body": {"model": "m/m", "messages": [{"role": "user", "content": "x"}]}}\n{\n')
    app = make_app(tmp_path, sandbox, file=path)
    async with app.run_test() as pilot:
        await until(lambda: on(app, "Check") and shows(app, "1 error"))
        await pilot.press("enter")
        await pilot.pause()
        assert on(app, "Check")
    assert sandbox.count("POST", "/v1/files") == 0


async def test_cancel_asks_first_and_no_is_the_default(still_sandbox: Sandbox, tmp_path: Path) -> None:
    job_id = still_sandbox.add_job(rows=30)
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test() as pilot:
        await until(lambda: shows(app, "Validating"))
        await pilot.press("c", "enter")
        await pilot.pause()
        assert still_sandbox.count("POST", f"/v1/batches/{job_id}/cancel") == 0
        await pilot.press("c", "y")
        await until(lambda: shows(app, "Cancelling"))
        still_sandbox.advance(60)
        await until(lambda: shows(app, "Cancelled"))


async def test_without_a_key_the_screen_names_where_to_get_one(tmp_path: Path) -> None:
    app = make_app(tmp_path, None)
    async with app.run_test() as pilot:
        await until(lambda: shows(app, "TOGETHER_API_KEY"))
        assert shows(app, "api.together.ai")
        await until(lambda: shows(app, "t Try the demo"))
        app.engine._runtime.set_health(ConnectionHealth(HealthState.OK))
        await until(lambda: not shows(app, "t Try the demo"))
        app.engine._runtime.set_health(ConnectionHealth(HealthState.NO_KEY))
        await until(lambda: shows(app, "t Try the demo"))
        await pilot.press("t")
    assert app.return_value == "demo"


async def test_a_wrong_key_is_reported_and_the_history_stays_readable(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_job("COMPLETED")
    app = make_app(tmp_path, sandbox)
    async with app.run_test():
        await until(lambda: shows(app, "Completed"))
    app = make_app(tmp_path, sandbox, api_key="not-the-right-key-at-all")
    async with app.run_test(size=(140, 40)):
        await until(lambda: shows(app, "refused"))
        assert shows(app, "Completed")
        assert not shows(app, "not-the-right-key")


async def test_offline_the_screen_shows_since_when_and_the_next_try_and_recovers(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.add_job("COMPLETED")
    app = make_app(tmp_path, sandbox)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(lambda: shows(app, "Completed"))
        sandbox.stop()
        await until(lambda: shows(app, "Offline since"))
        assert shows(app, "retrying in")
        assert shows(app, "Completed")
        sandbox.start()
        await pilot.press("r")
        await until(lambda: not shows(app, "Offline"))


async def test_the_past_is_there_in_the_first_frame(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_many_jobs(80)
    app = make_app(tmp_path, sandbox)
    async with app.run_test():
        await until(lambda: app.jobs.table.row_count == 80)
    sandbox.stop()
    app = make_app(tmp_path, sandbox)
    async with app.run_test():
        assert app.jobs.table.row_count >= 60
        await until(lambda: app.jobs.table.row_count == 80)


async def test_a_toast_counts_answered_and_failed_rows(tmp_path: Path) -> None:
    path = write_chat(tmp_path / "many.jsonl", [f"prompt {n}" for n in range(60)])
    with Sandbox(speed=60, failure_rate=0.2) as box:
        app = make_app(tmp_path, box, file=path)
        async with app.run_test(size=(140, 40), notifications=True) as pilot:
            await until(lambda: shows(app, "No problems"))
            await pilot.press("enter")
            await until(lambda: on(app, "Create"))
            await pilot.press("enter")
            await until(lambda: on(app, "Jobs"))
            await until(lambda: shows(app, " err"), within=30)
            await until(lambda: shows(app, "results downloaded"))
        [job] = box.jobs
        assert (tmp_path / "results" / f"many-{job['id'][:8]}.errors.jsonl").exists()


async def test_the_filter_and_the_next_filter(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.add_job("FAILED", rows=2)
    sandbox.add_job("COMPLETED", rows=4)
    app = make_app(tmp_path, sandbox)
    async with app.run_test() as pilot:
        await until(lambda: app.jobs.table.row_count == 2)
        await pilot.press("slash", *"failed")
        await until(lambda: app.jobs.table.row_count == 1)
        await pilot.press("escape")
        await until(lambda: app.jobs.table.row_count == 2)
        for count in (0, 0, 2):  # active, attention: both were made elsewhere before the first start; done
            await pilot.press("f")
            assert app.jobs.table.row_count == count
            assert f"{count} of 2" in screen_text(app)
        await pilot.press("escape")
        assert app.jobs.table.row_count == 2
