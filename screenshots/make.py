"""Make an SVG of each screen from the demo: `python -m screenshots.make [FOLDER] [--theme NAME]`.

Clock, seed and time zone are fixed, so that a picture changes only when the screen does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tbatch_tui.engine.controller import Controller
from tbatch_tui.engine.model import JobRecord, TransferState
from tbatch_tui.engine.options import Options
from tbatch_tui.sandbox.samples import write_samples
from tbatch_tui.sandbox.testing import Sandbox
from tbatch_tui.settings import Settings
from tbatch_tui.tui.app import TbatchApp
from tbatch_tui.tui.screens.pick import PickScreen

NOW = 1_772_802_120.0
"""2026-03-06 13:02 UTC."""
WIDE, NORMAL = (140, 40), (110, 30)
PATIENCE = 30.0


async def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("a screen did not come to be as it should")
        await asyncio.sleep(0.02)


def known(app: TbatchApp) -> list[JobRecord]:
    """The records on the Jobs screen."""
    return [row.record for row in map(app.jobs.table.source.row, range(app.jobs.table.row_count))]


class Photographer:
    """One app at a time, on the demo's sandbox, at a fixed time."""

    def __init__(self, box: Sandbox, work: Path, folder: Path, theme: str | None) -> None:
        self.box, self.work, self.folder, self.theme = box, work, folder, theme
        self.made: list[Path] = []

    async def session(self, size: tuple[int, int], name: str) -> None:
        """Walk through the app at this size and take the pictures."""
        options = Options(
            data_dir=self.work / f"data-{name}",
            output_dir=Path("batch-results"),
            base_url=self.box.base_url,
            api_key=self.box.key,
            poll_interval=0.5,
            server_name="demo",
            now=lambda: NOW,
        )
        settings = Settings(data_dir=options.data_dir, output_dir=options.output_dir, demo=True, theme=self.theme)
        app = TbatchApp(settings, lambda emit: Controller(options, emit), None)
        app.load_first_rows(60)
        async with app.run_test(size=size) as pilot:

            def records() -> int:
                return app.jobs.table.row_count

            def settled() -> bool:
                return records() > 20 and all(r.name != r.key[:8] for r in known(app) if r.job and r.job.input_file_id)

            await until(settled)
            for record in [r for r in known(app) if r.name in ("eval-nightly", "red-team")]:
                await app.engine.fetch(record.key)
            await until(
                lambda: (
                    sum(
                        all(t.state is TransferState.FETCHED for t in r.transfers) and bool(r.transfers)
                        for r in known(app)
                    )
                    >= 3
                )
            )
            app.clear_notifications()
            await self.take(app, pilot, f"jobs{name}")
            target = next(r for r in known(app) if r.name == "eval-nightly")
            app.jobs.go_to(target.key)
            await pilot.press("enter")
            await self.take(app, pilot, f"job{name}")
            await pilot.press("o")
            await until(lambda: getattr(app.screen, "NAME", "") == "Results")
            await until(lambda: getattr(app.screen, "is_ready", True))
            await self.take(app, pilot, f"results{name}")
            await pilot.press("escape", "escape")
            os.utime("batch-results", (NOW - 60, NOW - 60))
            app.push_screen(PickScreen(app.engine, app.bridge, Path.cwd(), Path("samples")))
            await until(lambda: getattr(app.screen, "NAME", "") == "Pick")
            await until(lambda: getattr(app.screen, "is_ready", True))
            await self.take(app, pilot, f"pick{name}")
            for file, shown in (("with-faults.jsonl", "check-faults"), ("reviews-2000.jsonl", "check-clean")):
                app.open_check(Path("samples") / file)
                await until(lambda: getattr(app.screen, "report", None) is not None)
                await self.take(app, pilot, f"{shown}{name}")
            await pilot.press("enter")
            await until(lambda: getattr(app.screen, "NAME", "") == "Create")
            await until(lambda: getattr(app.screen, "is_ready", True))
            await self.take(app, pilot, f"create{name}")

    async def take(self, app: TbatchApp, pilot: object, name: str) -> None:
        """One picture of the screen as it is now."""
        await pilot.pause()  # type: ignore[attr-defined]
        path = self.folder / f"{name}.svg"
        # Without this, converters that are not browsers drop the spaces a run of text begins with.
        svg = app.export_screenshot(title="tbatch-tui").replace("<svg ", '<svg xml:space="preserve" ', 1)
        path.write_text(svg, encoding="utf-8")
        self.made.append(path)


def demo_box() -> Sandbox:
    """The demo's server, as the command runs it, at a fixed time."""
    return Sandbox(demo=True, speed=0, start=NOW, failure_rate=0.01, cut_rate=0.02)


async def make(folder: Path, theme: str | None = None) -> list[Path]:
    """Make them all; the files made."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as work,
        Sandbox(demo=True, speed=0, start=NOW, failure_rate=0.01, cut_rate=0.02) as box,
    ):
        os.environ["HOME"] = work
        place = Path(work) / "evals"
        place.mkdir()
        write_samples(place / "samples")
        for sample in (place / "samples", *(place / "samples").iterdir()):
            os.utime(sample, (NOW - 60, NOW - 60))
        before = Path.cwd()
        os.chdir(place)
        try:
            photographer = Photographer(box, Path(work) / "kept", folder, theme)
            await photographer.session(NORMAL, "")
            await photographer.session(WIDE, "-wide")
        finally:
            os.chdir(before)
        return photographer.made


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=Path(__file__).parent, type=Path)
    parser.add_argument("--theme")
    options = parser.parse_args()
    for path in asyncio.run(make(options.folder.absolute(), options.theme)):
        print(path.name)


if __name__ == "__main__":
    main()
