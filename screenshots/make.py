"""Make an SVG of each screen of the demo (dark, wide, and light): `python -m screenshots.make [FOLDER]`.

Clock, seed and time zone are fixed, so that a picture changes only if the screen does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tbatch_tui.config.settings import Settings
from tbatch_tui.demo import add_group
from tbatch_tui.engine.domain.job import LocalStatus
from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.sandbox.demo.past_jobs import LLAMA
from tbatch_tui.sandbox.demo.review_table import RUNS
from tbatch_tui.sandbox.demo.samples import encode_line, questions, write_samples
from tbatch_tui.sandbox.testing import Sandbox
from tbatch_tui.tui.app import TbatchApp
from tbatch_tui.tui.messages import OpenPaths
from tbatch_tui.tui.screens.check.several.screen import CheckFilesScreen
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
"""For each session the end of the file names, the size and the theme."""
TIMEOUT = 30.0
"""Seconds to wait for a screen."""
REVIEWS = 2_000
INPUTS = (("safety-eval.jsonl", 240, 41, "case"), ("support-tickets.jsonl", 800, 43, "ticket"))
"""The input files next to the samples: name, requests, the seed of their texts, and how their ids begin."""


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("a screen did not get into the expected state")
        await asyncio.sleep(0.02)


class Stage:
    """The app on the demo's sandbox, both on one clock that only `advance` moves."""

    def __init__(self, box: Sandbox, data_dir: Path, theme: str) -> None:
        self.box = box
        self._elapsed = 0.0
        options = EngineOptions(
            data_dir=data_dir,
            output_dir=Path("batch-results"),
            base_url=box.base_url,
            api_key=box.key,
            poll_interval=0.3,
            lookup_interval=0.3,
            first_retry_delay=0.1,
            server_name="demo",
            now=lambda: NOW + self._elapsed,
        )
        settings = Settings(data_dir=options.data_dir, output_dir=options.output_dir, demo=True, theme=theme)
        self.app = TbatchApp(settings, lambda emit: BatchEngine(options, emit), None)
        self.app.load_first_rows(60)

    def advance(self, seconds: float) -> None:
        """Move the clock of the server and of the app."""
        self._elapsed += seconds
        self.box.advance(seconds)

    @property
    def records(self) -> list[JobRecord]:
        """The records on the Jobs screen."""
        table = self.app.jobs.table
        return [row.record for row in map(table.source.row, range(table.row_count))]

    async def wait_until_listed(self) -> None:
        """Wait until all past jobs are listed by name, and the parts of one file are a group that is counted."""
        await until(
            lambda: (
                len(self.records) > 20
                and all(r.name != r.key[:8] for r in self.records if r.job and r.job.input_file_id)
            )
        )
        engine = self.app.engine
        await add_group(engine, await engine.records(), Path.cwd().parent / "sent")
        parts = [record.key for record in await engine.records() if record.group]
        for key in parts:
            await engine.download(key)
        await until(lambda: all(map(self.has_results, parts)))

    async def submit(self, path: Path, requests: int) -> str:
        """Submit a file and return the job's id."""
        key = await self.app.engine.submit_checked(path, Endpoint.CHAT, requests=requests)
        await until(lambda: (record := self.app.engine.record(key)) is not None and record.job is not None)
        record = self.app.engine.record(key)
        assert record is not None and record.job is not None
        return record.job.id

    async def submit_a_few_first(self, path: Path, requests: int) -> str:
        """Submit a few requests of a file first and wait for their results; return the key of the other requests."""
        groups, fingerprint = self.app.engine.groups, await self.app.engine.fingerprint(path)
        key = await groups.submit(
            path, Endpoint.CHAT, requests=requests, fingerprint=fingerprint, label="reviews-december", first=10
        )
        rest = (await groups.parts(key))[1].key
        await until(lambda: any(r.label == "reviews-december" and r.job for r in self.records))
        self.advance(300)
        await until(lambda: any(r.key == rest and r.status == LocalStatus.READY for r in self.records))
        return rest

    async def wait_for_poll(self) -> None:
        """Wait until the app has polled the present state."""
        before = self.box.count("GET", "/v1/batches")
        await until(lambda: self.box.count("GET", "/v1/batches") > before + 1)

    async def wait_for_screen(self, name: str) -> None:
        """Wait for a screen and its content."""
        await until(lambda: getattr(self.app.screen, "NAME", "") == name)
        if name == "Check":
            await until(lambda: self.app.screen.session.report and not self.app.screen.session.activity)  # type: ignore[attr-defined]
        elif name == "Results":
            await until(lambda: self.app.screen.session.index.is_built)  # type: ignore[attr-defined]
        else:
            await until(lambda: getattr(self.app.screen, "is_ready", True))

    def has_results(self, key: str) -> bool:
        """Return whether the results of a job are downloaded and counted."""
        record = self.app.engine.record(key)
        return (
            record is not None
            and record.counts is not None
            and all(transfer.state is TransferState.FETCHED for transfer in record.transfers)
        )

    def picture(self) -> str:
        """Return the present screen as SVG."""
        # Without this, converters that are no browsers drop spaces at the start of a text.
        return self.app.export_screenshot(title="tbatch-tui").replace("<svg ", '<svg xml:space="preserve" ', 1)


@dataclass
class Walk:
    """A walk through the app that takes a picture of each screen."""

    stage: Stage
    pilot: Pilot[str]
    folder: Path
    suffix: str
    """Added to the name of each picture."""
    pictures: list[Path] = field(default_factory=list)

    async def take(self, name: str) -> None:
        """Take a picture of the present screen."""
        await self.pilot.pause()
        path = self.folder / f"{name}{self.suffix}.svg"
        path.write_text(self.stage.picture(), encoding="utf-8")
        self.pictures.append(path)

    async def back_to_jobs(self) -> None:
        """Close all screens above Jobs."""
        while self.stage.app.screen is not self.stage.app.jobs:
            await self.pilot.press("escape")
            await self.pilot.pause()

    async def jobs(self) -> str:
        """Take Jobs with jobs in many states; return the key of one with results."""
        stage, app = self.stage, self.stage.app
        await stage.wait_until_listed()
        evaluated = await stage.submit(Path("safety-eval.jsonl"), 240)
        for past in [r for r in stage.records if r.name in ("eval-nightly", "red-team")]:
            await app.engine.download(past.key)
        stage.advance(90)
        await until(lambda: stage.has_results(evaluated))
        await until(lambda: all(stage.has_results(r.key) for r in stage.records if r.name == "red-team"))
        await stage.submit(Path("samples/reviews-2000.jsonl"), REVIEWS)
        for _ in range(4):
            stage.advance(4)
            await stage.wait_for_poll()
        await until(lambda: any(r.submission and r.job and r.job.progress for r in stage.records if r.is_active))
        app.clear_notifications()
        app.jobs.table.move_cursor(index=0)
        await self.take("jobs")
        return evaluated

    async def job_and_results(self, key: str) -> None:
        """Take Job and Results of a job, the errors by cause, and the help."""
        stage, pilot = self.stage, self.pilot
        stage.app.jobs.go_to(key)
        await pilot.press("enter")
        await stage.wait_for_screen("Job")
        await self.take("job")
        await pilot.press("o")
        await stage.wait_for_screen("Results")
        await pilot.press("j", "j")
        await self.take("results")
        await pilot.press("E")
        await pilot.pause()
        await self.take("results-errors")
        await pilot.press("question_mark")
        await self.take("keys")
        await pilot.press("escape")
        await self.back_to_jobs()

    async def answers(self) -> None:
        """Take Values of what a model answered, and Compare of what two did."""
        stage, app, pilot = self.stage, self.stage.app, self.pilot
        keys = {record.name: record.key for record in stage.records if f"{record.name}.jsonl" in RUNS}
        for key in keys.values():
            await app.engine.download(key)
        await until(lambda: all(map(stage.has_results, keys.values())))
        app.clear_notifications()
        app.jobs.go_to(keys["reviews-llama-8b"])
        await pilot.press("o")
        await stage.wait_for_screen("Results")
        await pilot.press("V")
        await stage.wait_for_screen("Values")
        await until(lambda: "positive" in stage.picture())
        await self.take("values")
        await self.back_to_jobs()
        app.jobs.table.mark(frozenset(keys.values()))
        await pilot.press("C")
        await stage.wait_for_screen("Compare")
        await until(lambda: "pairs" in stage.picture())
        await self.take("compare")
        await self.back_to_jobs()
        app.jobs.table.mark(frozenset())

    async def files(self) -> None:
        """Take Files."""
        app = self.stage.app
        await self.pilot.press("F")
        await self.stage.wait_for_screen("Files")
        await until(lambda: app.screen.query_one(RecordTable).row_count > 10)
        await self.take("files")
        await self.pilot.press("escape")

    async def models_and_spend(self) -> None:
        """Take Models and Spend of what most of the past jobs used."""
        stage, app, pilot = self.stage, self.stage.app, self.pilot
        waiting = [r for r in stage.records if r.job and r.job.output_file_id and not r.transfers][:14]
        await asyncio.gather(*(app.engine.download(record.key) for record in waiting))
        await until(lambda: all(stage.has_results(record.key) for record in waiting))
        app.clear_notifications()
        await pilot.press("M")
        await stage.wait_for_screen("Models")
        await until(lambda: app.screen.query_one(RecordTable).row_count > 20)
        app.screen.query_one(RecordTable).move_cursor(key=LLAMA)
        await self.take("models")
        await pilot.press("escape", "dollar_sign")
        await stage.wait_for_screen("Spend")
        await until(lambda: app.screen.query_one(RecordTable).row_count > 5)
        await self.take("spend")
        await self.back_to_jobs()

    async def pick_check_and_create(self) -> None:
        """Take Pick, Compose, Check with and without problems and of several files, the fix dialog, and Create."""
        stage, app, pilot = self.stage, self.stage.app, self.pilot
        for path in (Path("batch-results"), *(Path(name) for name, *_ in INPUTS)):
            os.utime(path, (NOW - 60, NOW - 60))
        app.push_screen(PickScreen(app.engine, app.bridge, Path.cwd(), Path("samples")))
        await stage.wait_for_screen("Pick")
        await self.take("pick")
        await app.open_path(Path("samples/reviews.recipe.toml"))
        await stage.wait_for_screen("Compose")
        await until(lambda: "500&#160;requests" in stage.picture())
        await self.take("compose")
        await self.back_to_jobs()
        app.open_check(Path("samples/with-faults.jsonl"))
        await stage.wait_for_screen("Check")
        await self.take("check-faults")
        await pilot.press("x")
        await until(lambda: app.screen.is_modal)
        await self.take("fix")
        await pilot.press("escape")
        app.open_check(Path("samples/chat.jsonl"))
        await until(lambda: app.screen.session.path.name == "chat.jsonl")  # type: ignore[attr-defined]
        await stage.wait_for_screen("Check")
        await self.take("check-clean")
        app.post_message(OpenPaths([*(Path(name) for name, *_ in INPUTS), Path("samples/with-faults.jsonl")]))
        await until(lambda: isinstance(app.screen, CheckFilesScreen) and app.screen.session.is_compared)
        await self.take("check-files")
        app.open_check(Path("support-tickets.jsonl"))  # of which a few requests can go first
        await until(lambda: app.screen.session.path.name == "support-tickets.jsonl")  # type: ignore[attr-defined]
        await stage.wait_for_screen("Check")
        await pilot.press("enter")
        await stage.wait_for_screen("Create")
        await until(lambda: " out = " in stage.picture().replace("&#160;", " "))
        await self.take("create")
        await self.back_to_jobs()

    async def rest_dialog(self) -> None:
        """Take the question about the other requests of a file, of which a few were sent first."""
        app = self.stage.app
        rest = await self.stage.submit_a_few_first(Path("samples/reviews-2000.jsonl"), REVIEWS)
        app.jobs.go_to(rest)
        await self.pilot.press("w")
        await until(lambda: app.screen.is_modal)
        app.clear_notifications()
        await self.take("rest")


async def session(folder: Path, data_dir: Path, suffix: str, size: tuple[int, int], theme: str) -> list[Path]:
    """Walk through the app at this size and take the pictures; return the files."""
    with demo_sandbox() as box:
        stage = Stage(box, data_dir, theme)
        async with stage.app.run_test(size=size) as pilot:
            walk = Walk(stage, pilot, folder, suffix)
            evaluated = await walk.jobs()
            await walk.job_and_results(evaluated)
            await walk.answers()
            await walk.models_and_spend()
            await walk.files()
            await walk.pick_check_and_create()
            await walk.rest_dialog()
    return walk.pictures


def demo_sandbox() -> Sandbox:
    """Return the demo's server, as `--demo` runs it, at a fixed time."""
    return Sandbox(demo=True, speed=0, start=NOW, failure_rate=0.01, cut_rate=0.02)


@contextmanager
def studio() -> Iterator[Path]:
    """Make a folder with the samples the home and the working folder, and UTC the time zone; yield it."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as work:
        os.environ["HOME"] = work
        folder = Path(work) / "evals"
        folder.mkdir()
        write_samples(folder / "samples")
        for name, requests, seed, prefix in INPUTS:
            with (folder / name).open("wb") as file:
                file.writelines(map(encode_line, questions(requests, seed, prefix=prefix)))
        for path in (*folder.iterdir(), *(folder / "samples").iterdir()):
            os.utime(path, (NOW - 60, NOW - 60))
        os.chdir(folder)
        try:
            yield Path(work)
        finally:
            os.chdir(before)


async def make(folder: Path, sessions: Sequence[tuple[str, tuple[int, int], str]] = SESSIONS) -> list[Path]:
    """Make the pictures of these sessions; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures: list[Path] = []
    for name, size, theme in sessions:
        with studio() as work:
            pictures += await session(folder, work / "data", name, size, theme)
    return pictures


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=Path(__file__).parent, type=Path)
    options = parser.parse_args()
    for path in asyncio.run(make(options.folder.absolute())):
        print(path.name)


if __name__ == "__main__":
    main()
