"""Compose on a folder of recordings: a question, the upload, Check, Create, without the shell."""

from __future__ import annotations

import json
import wave
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.tui.dialogs.confirm import Confirm
from tbatch_tui.tui.messages import OpenPath
from tbatch_tui.tui.screens.check.screen import CheckScreen
from tbatch_tui.tui.screens.compose.screen import ComposeScreen
from tbatch_tui.tui.screens.create.screen import CreateScreen
from tests.conftest import until
from tests.engine.audio.test_unneeded import bucket, settings  # noqa: F401 - fixtures
from tests.helpers.app_host import make_app
from tests.helpers.drawn import screen_opened, screen_text

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from tbatch_tui.engine.options import AudioStore
    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp
    from tests.helpers.s3_server import S3Server


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    for number, name in enumerate(("a b.wav", "Grüße.wav", "calls/a b.wav")):
        path = tmp_path / "talks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8_000, 0, "NONE", ""))
            file.writeframes(bytes([number, 0]) * 800)
    (tmp_path / "talks" / "notes.txt").write_text("no recording")
    return tmp_path / "talks"


async def open_compose(app: TbatchApp, folder: Path) -> ComposeScreen:
    app.post_message(OpenPath(folder))
    await until(lambda: isinstance(app.screen, ComposeScreen) and "Row 1" in screen_text(app))
    assert isinstance(app.screen, ComposeScreen)
    return app.screen


async def go_on(app: TbatchApp, pilot: Pilot[str]) -> None:
    compose = app.screen
    assert isinstance(compose, ComposeScreen)
    compose.set_focus(compose.pane.view)
    await pilot.press("enter")


async def test_a_folder_of_recordings_becomes_a_batch_without_the_shell(
    sandbox: Sandbox,
    bucket: S3Server,  # noqa: F811
    settings: AudioStore,  # noqa: F811
    talks: Path,
    tmp_path: Path,
) -> None:
    app = make_app(tmp_path, sandbox, audio_store=settings)
    async with app.run_test(size=(110, 40)) as pilot:
        await app.engine.remember("compose.model", "openai/whisper-large-v3")
        compose = await open_compose(app, talks)
        await until(lambda: "s3://talks/2026/" in screen_text(app) and "verbose_json" in screen_text(app))
        await until(lambda: (summary := compose.session.summary) and summary.is_whole and summary.requests == 3)
        await go_on(app, pilot)
        await screen_opened(app, Confirm)
        assert "Upload 3 recordings (4.9 kB) to s3://talks/2026?" in screen_text(app)
        await pilot.press("n")
        await until(lambda: isinstance(app.screen, ComposeScreen) and not compose.writing.label)
        assert bucket.objects == {} and not (tmp_path / "talks.jsonl").exists()
        await go_on(app, pilot)
        await screen_opened(app, Confirm)
        await pilot.press("y")
        await until(lambda: isinstance(app.screen, CheckScreen) and "No problems" in screen_text(app))
        lines = [json.loads(line) for line in (tmp_path / "talks.jsonl").read_text().splitlines()]
        assert [line["custom_id"] for line in lines] == ["Grüße.wav", "a b.wav", "calls/a b.wav"]
        assert all(line["body"]["response_format"] == "verbose_json" for line in lines)
        assert sorted(line["body"]["file"] for line in lines) == sorted(f"s3://talks/{key}" for key in bucket.objects)
        assert sorted(bucket.objects.values()) == sorted(path.read_bytes() for path in talks.rglob("*.wav"))
        await pilot.press("enter")
        await screen_opened(app, CreateScreen)
        record = await app.engine.wait(await app.engine.submit(tmp_path / "talks.jsonl"))
        assert record.counts is None or record.counts.errors == 0
        assert len(await app.engine.recordings.unneeded([record])) == 4


async def test_without_a_store_it_is_said_what_together_needs(sandbox: Sandbox, talks: Path, tmp_path: Path) -> None:
    app = make_app(tmp_path, sandbox)
    async with app.run_test(size=(110, 40)) as pilot:
        await app.engine.remember("compose.model", "openai/whisper-large-v3")
        await open_compose(app, talks)
        await until(lambda: "talks has 3 local files (4.9 kB)" in " ".join(screen_text(app).split()))
        await go_on(app, pilot)
        await until(lambda: any("3 local files (4.9 kB)" in note.title + note.message for note in app._notifications))
        assert isinstance(app.screen, ComposeScreen)
