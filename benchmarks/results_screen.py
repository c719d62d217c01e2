"""Results on the screen, with 50,000 rows and 100 MB: first rows, how long the event loop is held, and memory.

    python -m benchmarks.results_screen [--rows 50000] [--megabytes 100] [--verbose]

The app runs headless in 120 × 40 and opens an output file whose input file lies beside it. Holds are told in wall time
and in processor time of the loop's thread, which other work on the machine does not change. Threads that read rows take
turns with the loop, so wall time counts them too. Memory is what the app needs beyond what it had before.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bars import exit_code, print_bar
from benchmarks.jobs import LoopHolds
from benchmarks.results import write_corpus

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_ROWS, HELD, MEGABYTES = 0.3, 50.0, 80.0


def _peak() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) / 1e3 if found else 0.0


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 1e6


async def _until(condition: Callable[[], object]) -> None:
    end = time.perf_counter() + 60
    while not condition():
        assert time.perf_counter() < end, "the app did not come so far"
        await asyncio.sleep(0.005)


async def measure(folder: Path, *, verbose: bool) -> None:
    """Open the results, and do with them what people do."""
    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.tui.app import TbatchApp
    from tbatch_tui.tui.messages import OpenResults
    from tbatch_tui.tui.screens.results.screen import ResultsScreen
    from tbatch_tui.tui.screens.values.screen import ValuesScreen

    options = EngineOptions(data_dir=folder / "data", output_dir=folder / "out", connect=False)
    settings = Settings(data_dir=options.data_dir, output_dir=options.output_dir)
    app = TbatchApp(settings, lambda emit: BatchEngine(options, emit))
    app.load_first_rows(60)
    steps: dict[str, LoopHolds] = {}
    async with app.run_test(size=(120, 40)) as pilot:
        await asyncio.sleep(1.0)  # the engine has started, and its modules are loaded
        record = await app.engine.opened.open(folder / "output.jsonl")
        before = _resident()
        began = time.perf_counter()
        with LoopHolds() as steps["opening"]:
            app.post_message(OpenResults(record.key))
            await _until(lambda: isinstance(app.screen, ResultsScreen) and app.screen.table.row_count >= 30)
            await _until(lambda: "request-000005" in _drawn(app))
            first = time.perf_counter() - began
            screen = app.screen
            assert isinstance(screen, ResultsScreen)
            await _until(lambda: screen.session.index.is_built and not screen.session.activity)
            indexed = time.perf_counter() - began
            await asyncio.sleep(0.5)
        with LoopHolds() as steps["moving"]:
            await pilot.press(*["j"] * 20, "pagedown", "pagedown", "G", "k", "g")
        with LoopHolds() as steps["searching"]:
            await pilot.press("slash", *"prompt: needle-777", "enter")
            await _until(lambda: screen.session.hits is not None and not screen.session.activity)
            await pilot.press("n", "n", "escape")
        with LoopHolds() as steps["sorting"]:
            await pilot.press(*"sss")
            await asyncio.sleep(0.2)
            await _until(lambda: not screen.session.activity)
            await asyncio.sleep(0.3)
        with LoopHolds() as steps["outcomes and causes"]:
            await pilot.press("f", "f", "E", "escape")
            await asyncio.sleep(0.3)
        with LoopHolds() as steps["marking all"]:
            await pilot.press("a", "a")
            await asyncio.sleep(0.3)
        reading = _peak() - before
        with LoopHolds() as steps["values"]:
            await pilot.press("V")
            await _until(lambda: isinstance(app.screen, ValuesScreen) and app.screen.session.table is not None)
            await asyncio.sleep(0.5)
    print_bar(f"first rows on the screen   {first * 1e3:6.0f} ms   (bar 300)", first <= FIRST_ROWS)
    print(f"all indexed                {indexed * 1e3:6.0f} ms")
    print_bar(f"memory                     {reading:6.0f} MB   (bar 80)", reading <= MEGABYTES)
    print(f"  and Values               {_peak() - before:6.0f} MB")
    for name, holds in steps.items():
        held = max((cpu for _, cpu, _ in holds.holds), default=0.0)
        print_bar(f"loop held, {name:20} {holds.summary()} (bar 50)", held <= HELD)
        for hold in sorted(holds.holds, reverse=True)[: 4 if verbose else 0]:
            print("   ", hold)


def _drawn(app: object) -> str:
    from textual.app import App

    assert isinstance(app, App)
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def main() -> int:
    """Run the benchmark; return 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # the memory that it needs is its own
            pool.submit(write_corpus, folder, options.rows, options.megabytes).result()
        asyncio.run(measure(folder, verbose=options.verbose))
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
