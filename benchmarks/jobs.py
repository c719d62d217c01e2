"""The Jobs list with 10,000 jobs and a changed list each second: keys, ticks, the filter, and an idle app.

    python -m benchmarks.jobs [--only keys|loop|idle] [--jobs N]

Keys and the idle app are measured in a pty of 120 × 40, beside a DataTable app with as many rows and as many changes
each second. How long the event loop is held is measured inside the app, run headless on the same server: each callback
is timed, in wall time and in CPU time of its thread (which other work on the machine does not change). The server is a
process of its own that puts changed jobs into a prepared list.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bars import exit_code, print_bar
from benchmarks.job_server import CHANGED, serving
from benchmarks.terminal import Terminal

JOBS, ACTIVE = 10_000, 20
KEYS = 30
IDLE_SECONDS = 34.0
"""Longer than the poll interval, so that a poll is measured too."""
CURSOR = "▌".encode()
_APP_PROGRAM = "import sys; from tbatch_tui.cli.dispatch import main; sys.exit(main())"
_TABLE_PROGRAM = """
from textual.app import App
from textual.widgets import DataTable, Footer, Header

class Table(App):
    TITLE = "table"
    BINDINGS = [("j", "down", "Down")]
    def compose(self):
        yield Header()
        yield DataTable(cursor_type="row")
        yield Footer()
    def on_mount(self):
        self.table = table = self.query_one(DataTable)
        self.column = table.add_columns("status", "name", "model", "requests", "progress", "age")[4]
        for n in range(COUNT):
            table.add_row("Completed", f"job-{n}", "Llama-3.3-70B-Turbo", "12,000", "0 %", "1 m ago", key=str(n))
        self.progress = 0
        if CHANGING:
            self.set_interval(1.0, self.tick)
        self.call_after_refresh(lambda: self.notify("READY"))
    def tick(self):
        self.progress += 1
        for n in range(20):
            self.table.update_cell(str(n), self.column, f"{self.progress % 100} %")
    def action_down(self):
        self.table.action_cursor_down()

Table().run()
"""


# -- keys -----------------------------------------------------------------------------------------------


def app_command(url: str, folder: str, poll: float) -> list[str]:
    """Return the command of the app."""
    return [
        *(sys.executable, "-c", _APP_PROGRAM, "--base-url", url, "--poll-interval", str(poll)),
        *("--data-dir", f"{folder}/data", "--output-dir", f"{folder}/results"),
    ]


def table_command(count: int, *, changing: bool) -> list[str]:
    """Return the command of the DataTable app."""
    return [sys.executable, "-c", _TABLE_PROGRAM.replace("COUNT", str(count)).replace("CHANGING", str(changing))]


def key_times(terminal: Terminal, marker: bytes) -> list[float]:
    """Return the milliseconds of `KEYS` keys, at random moments of the second in which a list arrives."""
    chance = random.Random(7)
    times = []
    for _ in range(KEYS):
        terminal.drain(0.15 + chance.random() * 0.4)
        times.append(terminal.key_to_screen(b"j", marker) * 1000)
    return times


def measure_keys(folder: str, count: int) -> None:
    """Measure key to screen in a pty, beside DataTable."""
    with serving(count, ACTIVE, changing=True) as url:
        terminal = Terminal(app_command(url, folder, 1.0))
        try:
            terminal.read(b"running")
            terminal.drain(max(8.0, count / 2_000))  # until all of them are in the list
            os.write(terminal.master, b"G")
            terminal.drain(1.0)
            os.write(terminal.master, b"g" + b"j" * ACTIVE)  # below the rows that change
            terminal.drain(1.5)
            mine = key_times(terminal, CURSOR)
            terminal.drain(1.0)
            os.write(terminal.master, b"/")
            terminal.drain(1.5)
            typed = []
            for letter in b"reviews-12":
                terminal.drain(0.5)
                typed.append(terminal.key_to_screen(bytes([letter]), "“".encode()) * 1000)
        finally:
            terminal.close()
    terminal = Terminal(table_command(count, changing=True))
    try:
        terminal.read(b"READY")
        terminal.drain(7.0)
        theirs = key_times(terminal, b"job-")
    finally:
        terminal.close()
    ratio = statistics.median(mine) / statistics.median(theirs)
    print_bar(
        f"key to screen, {count:,} jobs, a changed list each second: {statistics.median(mine):.1f} ms median, "
        f"{max(mine):.0f} ms worst of {KEYS} (bars 50, 120); DataTable {statistics.median(theirs):.1f} ms, "
        f"{max(theirs):.0f} ms: {ratio:.2f} ×",
        statistics.median(mine) <= 50 and max(mine) <= 120,
    )
    print(f"filter as you type, key to screen: {statistics.median(typed):.1f} ms median, {max(typed):.0f} ms worst")


# -- inside the event loop -----------------------------------------------------------------------------


class LoopHolds:
    """How long each callback holds the event loop, in milliseconds of wall and of CPU time."""

    def __init__(self) -> None:
        self.holds: list[tuple[float, float, str]] = []

    def __enter__(self) -> LoopHolds:
        self._run = run = asyncio.events.Handle._run

        def timed(handle: asyncio.Handle) -> None:
            wall, cpu = time.perf_counter(), time.thread_time()
            run(handle)
            spent = (time.perf_counter() - wall) * 1000
            if spent > 1.0:
                self.holds.append((spent, (time.thread_time() - cpu) * 1000, repr(handle)[:160]))

        asyncio.events.Handle._run = timed  # type: ignore[method-assign,assignment]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.events.Handle._run = self._run  # type: ignore[method-assign]

    @property
    def wall(self) -> float:
        """The longest hold in wall time."""
        return max((wall for wall, _, _ in self.holds), default=0.0)

    def summary(self) -> str:
        """Return the longest holds as text."""
        wall, cpu, _ = max(self.holds, default=(0.0, 0.0, ""))
        return f"{wall:.0f} ms wall, {max((c for _, c, _ in self.holds), default=0.0):.0f} ms CPU (at that {cpu:.0f})"


async def measure_loop(folder: str, count: int, verbose: bool) -> None:
    """Measure the longest holds: of ticks that change 20 of 10,000 jobs, and of keys in the filter."""
    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.tui.app import TbatchApp

    with serving(count, ACTIVE, changing=True) as url:
        options = EngineOptions(
            data_dir=Path(folder) / "data", output_dir=Path(folder), base_url=url, api_key="key", poll_interval=1.0
        )
        settings = Settings(data_dir=options.data_dir, output_dir=options.output_dir)
        app = TbatchApp(settings, lambda emit: BatchEngine(options, emit))
        app.load_first_rows(60)
        began = time.perf_counter()
        async with app.run_test(size=(120, 40)) as pilot:
            while app.jobs.table.row_count < count:
                await asyncio.sleep(0.1)
            print(f"{count:,} jobs in the list after {time.perf_counter() - began:.1f} s")
            while len(app.jobs._model._texts) < count:  # what a search searches is prepared in the background
                await asyncio.sleep(0.1)
            print(f"ready to be searched after {time.perf_counter() - began:.1f} s")
            await asyncio.sleep(5.0)
            with LoopHolds() as ticks:
                await asyncio.sleep(12.0)
            typed: list[LoopHolds] = []
            await pilot.press("slash")
            await asyncio.sleep(1.0)
            for letter in "reviews-12":
                with LoopHolds() as holds:
                    await pilot.press(letter)
                    await asyncio.sleep(0.3)
                typed.append(holds)
            assert app.jobs.table.row_count < count
            with LoopHolds() as narrowed:
                await asyncio.sleep(6.0)
            await pilot.press("escape", "s", "s", "s")
            await asyncio.sleep(2.0)
            with LoopHolds() as named:
                await asyncio.sleep(6.0)
    print_bar(
        f"longest hold of the loop, ticks that change {CHANGED} of {count:,}: {ticks.summary()} (bar 50)",
        ticks.wall <= 50,
    )
    print_bar(
        f"longest hold of the loop, a key in the filter: {max(typed, key=lambda h: max(h.holds)).summary()} (bar 50)",
        max(holds.wall for holds in typed) <= 50,
    )
    filtered, sorted_by_name = narrowed.summary(), named.summary()
    print(f"longest hold of the loop, ticks while filtered: {filtered}; sorted by name: {sorted_by_name} (bar 50)")
    if verbose:
        for name, holds in (("ticks", ticks), ("narrowed", narrowed), ("named", named)):
            for hold in sorted(holds.holds, reverse=True)[:6]:
                print("   ", name, hold)
        for letter, holds in zip("reviews-12", typed, strict=True):
            for hold in sorted(holds.holds, reverse=True)[:2]:
                print("   ", letter, hold)


# -- an idle app ---------------------------------------------------------------------------------------


def idle_percent(command: list[str], marker: bytes) -> float:
    """Return the percent of a core that a program takes while nothing happens."""
    terminal = Terminal(command)
    try:
        terminal.read(marker)
        terminal.drain(6.0)
        cpu, began = terminal.cpu(), time.perf_counter()
        terminal.drain(IDLE_SECONDS)
        return (terminal.cpu() - cpu) / (time.perf_counter() - began) * 100
    finally:
        terminal.close()


def measure_idle(folder: str) -> None:
    """Measure the CPU with 10 active jobs and no changes, beside a Textual app that does nothing."""
    with serving(200, 10, changing=False) as url:
        mine = idle_percent(app_command(url, folder, 30.0), b"running")
    theirs = idle_percent(table_command(200, changing=False), b"READY")
    print_bar(f"idle with 10 active jobs: {mine:.2f} % of a core (bar 1.00); DataTable app {theirs:.2f} %", mine <= 1)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["keys", "loop", "idle"])
    parser.add_argument("--verbose", action="store_true", help="name the longest holds")
    parser.add_argument("--jobs", type=int, default=JOBS, metavar="N", help=f"in the list (default {JOBS:,})")
    options = parser.parse_args()
    count: int = options.jobs
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    for name in [options.only] if options.only else ["keys", "loop", "idle"]:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            if name == "keys":
                measure_keys(folder, count)
            elif name == "loop":
                asyncio.run(measure_loop(folder, count, options.verbose))
            else:
                measure_idle(folder)
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
