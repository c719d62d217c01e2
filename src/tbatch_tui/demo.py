"""The demo's private server: a child process that ends with the app, even when the app is killed."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.engine.tables.make import MadeFile

_SERVER_NAME = "demo"
_JOBS_WITH_RESULTS = 5
"""The latest past jobs whose results are there when the demo is opened for the first time: both runs of the table."""
_MORE_WITH_RESULTS = 14
"""Those before them whose results follow at leisure; the oldest are left for the person to download."""
_INPUTS = "inputs"
"""Where the input files of those runs are, in the demo's folder."""
_RESULTS = "results"
"""Where results go, in the demo's folder: they are not real, and have no place among those that are."""
_STOPS_WITHIN = 3.0
"""Seconds the server may take to end by itself before it is killed."""


class DemoServer:
    """A sandbox with past jobs, in a process of its own.

    `start` and `stop` block for a moment: call them in a thread.
    """

    def __init__(self, data_dir: Path) -> None:
        """Take the demo's folder in `data_dir`, the app's own.

        It is a temporary one while another demo uses that, or where it cannot be written.

        Raises:
            OSError: There can be no temporary folder either.
        """
        self.folder = data_dir.absolute() / "demo"
        self.unwritable = ""
        """Why the demo's own folder cannot be used, so that what is done in the demo goes with it; empty if it can."""
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._lock = FileLock(self.folder / "demo.lock", thread_local=False)
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # `parents` would make it for all to see
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self._lock.acquire(blocking=False)
            tempfile.TemporaryFile(dir=self.folder).close()
        except (Timeout, OSError) as error:
            if not isinstance(error, Timeout):
                self.unwritable = error.strerror or str(error)
                self._lock.release(force=True)
            self._temporary = tempfile.TemporaryDirectory(prefix="tbatch-tui-demo-")
            self.folder = Path(self._temporary.name)
        self._process: subprocess.Popen[str] | None = None
        self._key = f"{secrets.token_hex(16)}-demo"
        """Another one each time, with the last characters by which the history knows the demo's account."""

    @property
    def samples(self) -> Path:
        """The folder of sample input files, which `start` writes."""
        return self.folder / "samples"

    def options_from(self, options: EngineOptions, output_dir: Path | None = None) -> EngineOptions:
        """Return the options of an engine that works on this server, with its history in the demo's folder.

        Results are there too, unless `output_dir` is given.
        The address is not among them: it is known after `start`, and the port changes each time.
        """
        return replace(
            options,
            data_dir=self.folder,
            output_dir=output_dir or self.folder / _RESULTS,
            base_url=None,
            api_key=self._key,
            login=False,
            server_name=_SERVER_NAME,
        )

    def start(self) -> str:
        """Write the samples, start the server and return its base URL. Raises OSError when it does not start."""
        from tbatch_tui.sandbox.demo.samples import write_samples

        write_samples(self.samples)
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tbatch_tui.sandbox", "--demo", "--with-parent", "--quiet", "--port", "0"),
                *("--data-dir", str(self.folder / "sandbox")),
            ],
            env={**os.environ, "TBATCH_SANDBOX_KEY": self._key},  # arguments can be read by every user
            stdin=subprocess.PIPE,  # with --with-parent the server ends when this is closed, for whatever reason
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # ctrl-c in the terminal is for the app alone
        )
        assert self._process.stdout is not None
        _, prefix, url = self._process.stdout.readline().strip().partition("TOGETHER_BASE_URL=")
        if not prefix:
            raise OSError("the demo's server did not start")
        return url.strip("'\"")

    async def add_past_jobs(self, engine: BatchEngine) -> None:
        """Download the results of the latest past jobs, the first time the demo is opened. Raises BatchError.

        They are stored in the demo's folder: nothing is written to the working folder before the person asks for it.
        """
        if await engine.recall("demo.filled") is None:
            await engine.prefetch(_JOBS_WITH_RESULTS, self.folder / _RESULTS)
            await self._add_table_runs(engine)
            await engine.remember("demo.filled", "yes")

    async def add_older_results(self, engine: BatchEngine) -> None:
        """Download the results of more past jobs, so that Spend and Models have something to add up. Raises BatchError.

        It takes longer than `add_past_jobs`, and is for after it.
        """
        if await engine.recall("demo.filled.older") is None:
            await engine.prefetch(_MORE_WITH_RESULTS, self.folder / _RESULTS)
            await add_group(engine, await engine.records(), self.folder / _INPUTS)
            await engine.remember("demo.filled.older", "yes")

    async def _add_table_runs(self, engine: BatchEngine) -> None:
        """Make the two past jobs over the table known as submitted here, with their recipes. Raises BatchError."""
        runs = await asyncio.to_thread(self._make_inputs)
        for record in await engine.records():
            if record.submission is None and (made := runs.pop(record.input_name, None)) is not None:
                await engine.recipes.note_run(record, made)
                engine.recount(record.key)

    def _make_inputs(self) -> dict[str, MadeFile]:
        """Make the input files of the past jobs over the table, as `make` does; their bytes are what the jobs ran."""
        from tbatch_tui.engine.tables.make import make_input
        from tbatch_tui.engine.tables.readers.open_source import open_source
        from tbatch_tui.engine.tables.recipe_file import parse_recipe
        from tbatch_tui.sandbox.demo.review_table import RUNS, recipe_text

        folder = self.folder / _INPUTS
        folder.mkdir(mode=0o700, exist_ok=True)
        source = str(self.samples / "reviews.csv")
        return {
            name: make_input(parse_recipe(recipe_text(model)), open_source(source), folder / name, replace_files=True)
            for name, model in RUNS.items()
        }

    def stop(self) -> None:
        """Stop the server. Its jobs and files stay for the next demo."""
        if self._process is not None:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.close()
            try:
                self._process.wait(timeout=_STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process.stdout.close()
        if self._temporary is not None:
            self._temporary.cleanup()
        self._lock.release(force=True)


async def add_group(engine: BatchEngine, records: Iterable[JobRecord], folder: Path) -> None:
    """Make the past jobs that ran the parts of one file known as submitted here, as a group. Raises BatchError.

    Args:
        engine: the engine, connected.
        records: those of its list.
        folder: where the input files are written, absolute.
    """
    from tbatch_tui.sandbox.demo.past_jobs import IN_PARTS, parts_of_a_file
    from tbatch_tui.sandbox.demo.samples import encode_line

    found = {record.input_name: record for record in records if record.submission is None}
    parts = parts_of_a_file()
    if found.keys() >= parts.keys():
        contents = {name: b"".join(map(encode_line, rows)) for name, rows in parts.items()}
        contents[IN_PARTS] = b"".join(contents.values())

        def write() -> None:
            folder.mkdir(mode=0o700, exist_ok=True)
            for name, content in contents.items():
                (folder / name).write_bytes(content)

        await asyncio.to_thread(write)
        await engine.groups.note_runs(
            folder / IN_PARTS, [(folder / name, len(rows), found[name]) for name, rows in parts.items()]
        )
        for name in parts:
            engine.recount(found[name].key)
