"""Make an SVG of each screen from the demo: `python -m screenshots.make [FOLDER]`. Dark, wide, and light.

Clock, seed and time zone are fixed, so that a picture changes only when the screen does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.config.settings import Settings
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.sandbox.demo.samples import encode_line, questions, write_samples
from tbatch_tui.sandbox.testing import Sandbox
from tbatch_tui.tui.app import TbatchApp
from tbatch_tui.tui.screens.pick.screen import PickScreen
from tbatch_tui.tui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from textual.pilot import Pilot

    from tbatch_tui.engine.domain.record import JobRecord

NOW = 1_772_802_120.0
"""2026-03-06 13:02 UTC."""
WIDE, NORMAL = (140, 40), (110, 30)
SESSIONS = (("", NORMAL, "tbatch"), ("-wide", WIDE, "tbatch"), ("-light", NORMAL, "tbatch-light"))
"""What a picture's name ends in, its size, and its theme."""
PATIENCE = 30.0
REVIEWS = 2_000


async def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("a screen did not come to be as it should")
        await asyncio.sleep(0.02)


class Stage:
    """The app on the demo's sandbox, both on one clock that only moves when it is told to."""

    def __init__(self, box: Sandbox, data_dir: Path, theme: str) -> None:
        self.box = box
        self._later = 0.0
        options = EngineOptions(
            data_dir=data_dir,
            output_dir=Path("batch-results"),
            base_url=box.base_url,
            api_key=box.key,
            poll_interval=0.3,
            look_up_every=0.3,
            first_wait=0.1,
            server_name="demo",
            now=lambda: NOW + self._later,
        )
        settings = Settings(data_dir=options.data_dir, output_dir=options.output_dir, demo=True, theme=theme)
        self.app = TbatchApp(settings, lambda emit: BatchEngine(options, emit), None)
        self.app.load_first_rows(60)

    def advance(self, seconds: float) -> None:
        """Let time pass, for the server and for the app."""
        self._later += seconds
        self.box.advance(seconds)

    @property
    def records(self) -> list[JobRecord]:
        """The records on the Jobs screen."""
        table = self.app.jobs.table
        return [row.record for row in map(table.source.row, range(table.row_count))]

    async def listed(self) -> None:
        """All past jobs are there, each by its name."""
        await until(
            lambda: (
                len(self.records) > 20
                and all(r.name != r.key[:8] for r in self.records if r.job and r.job.input_file_id)
            )
        )

    async def submitted(self, path: Path, requests: int) -> str:
        """Submit a file; the job's id."""
        key = await self.app.engine.submit(path, Endpoint.CHAT, requests=requests)
        await until(lambda: (record := self.app.engine.record(key)) is not None and record.job is not None)
        record = self.app.engine.record(key)
        assert record is not None and record.job is not None
        return record.job.id

    async def first_are_back(self, path: Path, requests: int) -> str:
        """Send a few requests of a file ahead, and wait until they are back; the key of the rest."""
        groups, fingerprint = self.app.engine.groups, await self.app.engine.fingerprint(path)
        key = await groups.submit(
            path, Endpoint.CHAT, requests=requests, fingerprint=fingerprint, label="reviews-december", first=10
        )
        rest = (await groups.parts(key))[1].key
        await until(lambda: any(r.submission and r.group and r.job for r in self.records))
        self.advance(300)
        await until(lambda: any(r.key == rest and r.status == LocalStatus.READY for r in self.records))
        return rest

    async def polled(self) -> None:
        """Wait until the app has seen how things stand now."""
        before = self.box.count("GET", "/v1/batches")
        await until(lambda: self.box.count("GET", "/v1/batches") > before + 1)

    async def at(self, name: str) -> None:
        """Wait for a screen that has all it shows."""
        await until(lambda: getattr(self.app.screen, "NAME", "") == name)
        if name == "Check":
            await until(lambda: self.app.screen.session.report and not self.app.screen.session.activity)  # type: ignore[attr-defined]
        elif name == "Results":
            await until(lambda: self.app.screen.session.index.is_built)  # type: ignore[attr-defined]
        else:
            await until(lambda: getattr(self.app.screen, "is_ready", True))

    def is_home(self, key: str) -> bool:
        """Whether the results of a job are here and counted."""
        record = self.app.engine.record(key)
        return (
            record is not None
            and record.counts is not None
            and all(transfer.state is TransferState.FETCHED for transfer in record.transfers)
        )

    def picture(self) -> str:
        """The screen as it is now."""
        # Without this, converters that are not browsers drop the spaces a run of text begins with.
        return self.app.export_screenshot(title="tbatch-tui").replace("<svg ", '<svg xml:space="preserve" ', 1)


async def session(folder: Path, data_dir: Path, name: str, size: tuple[int, int], theme: str) -> list[Path]:
    """Walk through the app at this size and take the pictures; the files made."""
    made: list[Path] = []
    with demo_box() as box:
        stage = Stage(box, data_dir, theme)
        app = stage.app

        async def take(pilot: Pilot[str], shown: str) -> None:
            await pilot.pause()
            made.append(folder / f"{shown}{name}.svg")
            made[-1].write_text(stage.picture(), encoding="utf-8")

        async with app.run_test(size=size) as pilot:
            await stage.listed()
            evaluated = await stage.submitted(Path("safety-eval.jsonl"), 240)
            for past in [r for r in stage.records if r.name in ("eval-nightly", "red-team")]:
                await app.engine.fetch(past.key)
            stage.advance(90)
            await until(lambda: stage.is_home(evaluated))
            await until(lambda: all(stage.is_home(r.key) for r in stage.records if r.name == "red-team"))
            await stage.submitted(Path("samples/reviews-2000.jsonl"), REVIEWS)
            for _ in range(4):
                stage.advance(4)
                await stage.polled()
            await until(lambda: any(r.submission and r.job and r.job.progress for r in stage.records if r.is_active))
            app.clear_notifications()
            app.jobs.table.move_cursor(index=0)
            await take(pilot, "jobs")
            app.jobs.go_to(evaluated)
            await pilot.press("enter")
            await stage.at("Job")
            await take(pilot, "job")
            await pilot.press("o")
            await stage.at("Results")
            await pilot.press("j", "j")
            await take(pilot, "results")
            await pilot.press("E")
            await pilot.pause()
            await take(pilot, "results-errors")
            await pilot.press("question_mark")
            await take(pilot, "keys")
            await pilot.press("escape")
            while app.screen is not app.jobs:
                await pilot.press("escape")
                await pilot.pause()
            await pilot.press("F")
            await stage.at("Files")
            await until(lambda: app.screen.query_one(RecordTable).row_count > 10)
            await take(pilot, "files")
            await pilot.press("escape")
            for place in (Path("batch-results"), Path("safety-eval.jsonl")):
                os.utime(place, (NOW - 60, NOW - 60))
            app.push_screen(PickScreen(app.engine, app.bridge, Path.cwd(), Path("samples")))
            await stage.at("Pick")
            await take(pilot, "pick")
            app.open_check(Path("samples/with-faults.jsonl"))
            await stage.at("Check")
            await take(pilot, "check-faults")
            await pilot.press("x")
            await until(lambda: app.screen.is_modal)
            await take(pilot, "fix")
            await pilot.press("escape")
            app.open_check(Path("samples/chat.jsonl"))
            await until(lambda: app.screen.session.path.name == "chat.jsonl")  # type: ignore[attr-defined]
            await stage.at("Check")
            await take(pilot, "check-clean")
            await pilot.press("enter")
            await stage.at("Create")
            await take(pilot, "create")
            while app.screen is not app.jobs:
                await pilot.press("escape")
                await pilot.pause()
            rest = await stage.first_are_back(Path("samples/reviews-2000.jsonl"), REVIEWS)
            app.jobs.go_to(rest)
            await pilot.press("w")
            await until(lambda: app.screen.is_modal)
            app.clear_notifications()
            await take(pilot, "rest")
    return made


def demo_box() -> Sandbox:
    """The demo's server, as the command runs it, at a fixed time."""
    return Sandbox(demo=True, speed=0, start=NOW, failure_rate=0.01, cut_rate=0.02)


@contextmanager
def studio() -> Iterator[Path]:
    """A folder to work in, with the samples, as home and as the working folder, in UTC."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as work:
        os.environ["HOME"] = work
        place = Path(work) / "evals"
        place.mkdir()
        write_samples(place / "samples")
        with (place / "safety-eval.jsonl").open("wb") as file:
            file.writelines(map(encode_line, questions(240, 41, prefix="case")))
        for made in (place / "samples", place / "safety-eval.jsonl", *(place / "samples").iterdir()):
            os.utime(made, (NOW - 60, NOW - 60))
        os.chdir(place)
        try:
            yield Path(work)
        finally:
            os.chdir(before)


async def make(folder: Path, sessions: Sequence[tuple[str, tuple[int, int], str]] = SESSIONS) -> list[Path]:
    """Make the pictures of these sessions; the files made."""
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for name, size, theme in sessions:
        with studio() as work:
            made += await session(folder, work / "data", name, size, theme)
    return made


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=Path(__file__).parent, type=Path)
    options = parser.parse_args()
    for path in asyncio.run(make(options.folder.absolute())):
        print(path.name)


if __name__ == "__main__":
    main()
