"""Results on the screen of a file of 2,000,000 rows that went as 40 jobs: first rows, keys, holds of the loop, memory.

    python -m benchmarks.large_screen [--rows N] [--length BYTES] [--folder PATH] [--verbose]

The app runs headless in 120 × 40, with a history in which all parts are downloaded. Nothing is kept of the index. A key
is over once the list and the record beside it show another row. Holds and memory as in `benchmarks.results_screen`.
With `--folder` the files are kept there for the next run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from textual.events import Key

from benchmarks.bars import exit_code, print_bar
from benchmarks.jobs import LoopHolds
from benchmarks.large_results import FIRST_ROWS, MEGABYTES, write_group
from benchmarks.results_screen import HELD, _drawn, _peak, _resident
from tbatch_tui.tui.screens.results.listing.browser import RowBrowser

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.tui.app import TbatchApp

KEYS, WAIT = 30, 300.0
KEY, SLOWEST_KEY = 50.0, 120.0


async def _until(condition: Callable[[], object], within: float = WAIT) -> None:
    end = time.perf_counter() + within
    while not condition():
        assert time.perf_counter() < end, "the app did not come so far"
        await asyncio.sleep(0.005)


async def note_group(engine: BatchEngine, folder: Path, rows: int) -> str:
    """Save in the history that the parts were jobs whose results are here; return the key of the first."""
    from tbatch_tui.engine.domain.job import FileKind, Job
    from tbatch_tui.engine.domain.submission import NewGroup, PartFile
    from tbatch_tui.engine.domain.transfer import Transfer, TransferState
    from tbatch_tui.engine.endpoint import Endpoint

    hashes: dict[str, str] = json.loads((folder / "hashes.json").read_text())
    store = engine._store
    names = [name for name in hashes if name.startswith("part")]
    whole, now, runs = folder / "whole.jsonl", time.time(), []
    for name in names:
        path = folder / name
        requests = path.read_bytes().count(b"\n")
        output, errors = f"{name}-out", f"{name}-err"
        job = Job(
            name, "COMPLETED", endpoint=Endpoint.CHAT, created_at=now, output_file_id=output, error_file_id=errors
        )
        runs.append((PartFile(path, path.stat().st_size, hashes[name], requests), job))
    size, sha256 = whole.stat().st_size, hashes["whole.jsonl"]
    await store.groups.add_runs(NewGroup(whole, size, sha256, Endpoint.CHAT, "", rows, 0, False), runs)
    for name in names:
        for kind, suffix in ((FileKind.OUTPUT, "output"), (FileKind.ERRORS, "errors")):
            path = folder / f"{name}.{suffix}"
            transfer = Transfer(kind, f"{name}-{suffix[:3]}", TransferState.FETCHED, path, path.stat().st_size)
            await store.save_transfer(name, transfer)
    return names[0]


async def _keys(app: TbatchApp, *keys: str) -> list[float]:
    """Press keys; return the milliseconds until list and record show another row, or other rows are listed."""
    times = []
    for key in keys:
        await asyncio.sleep(0.15)
        (rows, cursor, record), began = _shown(app), time.perf_counter()
        app.post_message(Key(key, key if len(key) == 1 else None))
        while True:
            await asyncio.sleep(0.001)
            now = _shown(app)
            if now[0] != rows or (now[1] != cursor and now[2] is not record):
                break
            assert time.perf_counter() - began < WAIT, f"{key} shows no other row"
        times.append((time.perf_counter() - began) * 1e3)
    return times


def _shown(app: TbatchApp) -> tuple[int, int | None, object]:
    """Return how many rows are listed, on which the cursor is, and what is shown of its record."""
    browser = app.screen.query_one(RowBrowser)
    return browser.table.row_count, browser.table.cursor_index, browser.pane._blocks


async def measure(folder: Path, rows: int, *, verbose: bool) -> None:
    """Open the results, and do with them what people do."""
    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.tui.app import TbatchApp
    from tbatch_tui.tui.messages import OpenResults
    from tbatch_tui.tui.screens.results.exporting.dialog import ExportDialog
    from tbatch_tui.tui.screens.results.screen import ResultsScreen
    from tbatch_tui.tui.screens.values.screen import ValuesScreen

    options = EngineOptions(data_dir=folder / "data", output_dir=folder / "out", connect=False, background_work=False)
    settings = Settings(data_dir=options.data_dir, output_dir=options.output_dir)
    app = TbatchApp(settings, lambda emit: BatchEngine(options, emit))
    app.load_first_rows(60)
    steps: dict[str, LoopHolds] = {}
    took: dict[str, float] = {}
    memory: dict[str, float] = {}
    async with app.run_test(size=(120, 40)) as pilot:
        await asyncio.sleep(1.0)  # the engine has started, and its modules are loaded
        key = await note_group(app.engine, folder, rows)
        await asyncio.sleep(0.5)
        before, began = _resident(), time.perf_counter()
        with LoopHolds() as steps["opening"]:
            app.post_message(OpenResults(key, merged=True))
            await _until(lambda: "request-0000005" in _drawn(app))
            took["first rows on the screen"] = time.perf_counter() - began
            await _until(lambda: '"good' in _drawn(app) or '"bad' in _drawn(app))
            took["  with their answers"] = time.perf_counter() - began
            screen = app.screen
            assert isinstance(screen, ResultsScreen)

            def is_idle() -> bool:
                return screen.session.index.is_built and not screen.session.activity

            await _until(is_idle)
            took["all rows"] = time.perf_counter() - began
            await asyncio.sleep(2.0)
        memory["reading"] = _peak() - before
        with LoopHolds() as steps["moving"]:
            times = await _keys(app, *["j"] * (KEYS - 10), *["pagedown"] * 10)
            ends = await _keys(app, "G", "g", "G", "k", "K", "K", "J", "g")
        with LoopHolds() as steps["outcomes and causes"]:
            began = time.perf_counter()
            outcomes = await _keys(app, "f", "j", "f", "G", "f")
            await pilot.press("E", "enter", "j", "escape", "escape")
            await asyncio.sleep(2.0)
            await _until(is_idle)
        assert screen.row_filter.kind == "all" and screen.table.row_count == rows, screen.row_filter
        with LoopHolds() as steps["searching"]:
            began = time.perf_counter()
            await pilot.press("slash", *"needle-777", "enter")
            await _until(lambda: screen.session.hits is not None and screen.session.hits.is_complete)
            await _until(is_idle)
            took["search"] = time.perf_counter() - began
            await pilot.press("n", "n", "escape")
        memory["search"] = _peak() - before
        with LoopHolds() as steps["sorting"]:
            began = time.perf_counter()
            await pilot.press(*"ss")
            await asyncio.sleep(0.2)
            await _until(is_idle)
            took["sort"] = time.perf_counter() - began
            await pilot.press("G", "g", "j")
            await asyncio.sleep(0.5)
        memory["sort"] = _peak() - before
        with LoopHolds() as steps["exporting"]:
            began = time.perf_counter()
            await pilot.press("x")
            await _until(lambda: isinstance(app.screen, ExportDialog))
            await pilot.press("enter")
            exporter = screen.exporter
            await _until(lambda: not isinstance(app.screen, ExportDialog) and exporter.progress is not None)
            await _keys(app, *"jjj")
            await _until(lambda: exporter.progress is None)
            took["export"] = time.perf_counter() - began
        memory["export"] = _peak() - before
        with LoopHolds() as steps["values"]:
            began = time.perf_counter()
            await pilot.press("V")
            await _until(lambda: isinstance(app.screen, ValuesScreen) and app.screen.session.table is not None)
            took["values"] = time.perf_counter() - began
            await asyncio.sleep(0.5)
        memory["values"] = _peak() - before
    first = took.pop("first rows on the screen")
    print_bar(f"first rows on the screen     {first:6.2f} s    (bar {FIRST_ROWS})", first <= FIRST_ROWS)
    for name, seconds in took.items():
        print(f"{name:28} {seconds:6.2f} s")
    median, worst = statistics.median(times), max(times)
    print_bar(
        f"a key in the list            {median:6.0f} ms median, {worst:.0f} worst of {KEYS} (bars {KEY:.0f}, "
        f"{SLOWEST_KEY:.0f}); ends and records {max(ends):.0f} worst; outcomes {max(outcomes):.0f} worst",
        median <= KEY and worst <= SLOWEST_KEY,
    )
    for name, megabytes in memory.items():
        print_bar(f"memory, {name:20} {megabytes:6.0f} MB   (bar {MEGABYTES:.0f})", megabytes <= MEGABYTES)
    for name, holds in steps.items():
        held = max((cpu for _, cpu, _ in holds.holds), default=0.0)
        print_bar(f"loop held, {name:20} {holds.summary()} (bar {HELD:.0f})", held <= HELD)
        for hold in sorted(holds.holds, key=lambda each: each[1], reverse=True)[: 4 if verbose else 0]:
            print("   ", hold)


def main() -> int:
    """Run the benchmark; return 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--length", type=int, default=500, metavar="BYTES", help="of a request, and of an answer")
    parser.add_argument("--folder", type=Path, help="where the files are kept for the next run")
    parser.add_argument("--verbose", action="store_true", help="name the longest holds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        folder.mkdir(exist_ok=True)
        if not (folder / "hashes.json").exists():
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # the memory it needs is its own
                pool.submit(write_group, folder, options.rows, options.length).result()
        for kept in ("data", "out"):
            shutil.rmtree(folder / kept, ignore_errors=True)
        asyncio.run(measure(folder, options.rows, verbose=options.verbose))
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
