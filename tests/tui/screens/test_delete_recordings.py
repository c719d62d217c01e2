"""`D` on Job: what was uploaded for a job is deleted from the store, on a question, once its results are here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.tui.dialogs.confirm import Confirm
from tbatch_tui.tui.messages import OpenJob
from tbatch_tui.tui.screens.job.screen import JobScreen
from tests.conftest import until
from tests.engine.audio.test_unneeded import bucket, settings, upload, write_input  # noqa: F401 - fixtures
from tests.helpers.app_host import make_app
from tests.helpers.drawn import screen_opened, screen_text

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.options import AudioStore
    from tbatch_tui.sandbox.testing import Sandbox
    from tbatch_tui.tui.app import TbatchApp
    from tests.helpers.s3_server import S3Server


def toasts(app: TbatchApp) -> str:
    return "\n".join(f"{note.title} {note.message}" for note in app._notifications)


async def test_recordings_are_deleted_on_a_question(
    still_sandbox: Sandbox,
    bucket: S3Server,  # noqa: F811
    settings: AudioStore,  # noqa: F811
    tmp_path: Path,
) -> None:
    made = upload(settings, tmp_path, "a.wav", "b.wav")
    app = make_app(tmp_path, still_sandbox, audio_store=settings)
    async with app.run_test(size=(80, 24)) as pilot:
        record = await app.engine.submit(write_input(tmp_path / "talks.jsonl", made), check=False)
        app.post_message(OpenJob(record.key))
        await screen_opened(app, JobScreen)
        screen = app.screen
        assert isinstance(screen, JobScreen)
        assert screen.check_action("delete_recordings", ()) is False
        assert "once it has ended" in screen.disabled_reason("delete_recordings")
        still_sandbox.advance(3600)
        await app.engine.wait(record)
        await until(lambda: "2 recordings (1.0 kB) in s3://talks/2026" in screen_text(app))
        await pilot.press("D")
        await screen_opened(app, Confirm)
        assert "Delete 2 recordings (1.0 kB) from s3://talks/2026?" in screen_text(app)
        await pilot.press("n")
        await screen_opened(app, JobScreen)
        assert len(bucket.objects) == 2
        await pilot.press("D")
        await screen_opened(app, Confirm)
        await pilot.press("y")
        await until(lambda: bucket.objects == {} and "2 recordings deleted from s3://talks/2026" in toasts(app))
        await until(lambda: "(1.0 kB) in s3://" not in screen_text(app))
        await pilot.press("D")
        await until(lambda: "There is nothing to delete in s3://talks/2026" in toasts(app))
