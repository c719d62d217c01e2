"""The Jobs list with 10,000 jobs, a changed list arriving each second: keys, ticks, the filter, and doing nothing.

    python -m benchmarks.jobs [--only keys|loop|idle]

Keys and idling are measured on the real app in a pty of 120 × 40, beside a DataTable app with as many rows, of which
as many cells change each second. How long the loop is held is measured inside of the app, run headless on the same
server: each callback of the loop is timed, by the wall and by the CPU time of its thread (what a busy machine cannot
make longer). The server is a process of its own that splices changed jobs into a ready list.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import http.server
import os
import pty
import random
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bars import exit_code, told

if TYPE_CHECKING:
    from collections.abc import Iterator

JOBS, CHANGED, ACTIVE = 10_000, 20, 20
KEYS = 30
IDLE_SECONDS = 34.0
"""Longer than the poll interval, so that a poll is among what is measured."""
CURSOR = "▌".encode()
_OURS = "import sys; from tbatch_tui.cli.dispatch import main; sys.exit(main(sys.argv[1:]))"
_TABLE = """
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


# The server.


def job_bytes(n: int, now: float, progress: int | None = None) -> bytes:
    """One job as the list has it; with `progress` it is running."""
    model = ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "openai/gpt-oss-120b", "Qwen/Qwen3-235B-A22B")[n % 3]
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - n * 60))
    ended = (
        f'"completed_at":"{made}","output_file_id":"file-out-{n}","progress":100,"status":'
        f'"{"FAILED" if n % 97 == 0 else "COMPLETED"}"'
        if progress is None
        else f'"progress":{progress},"status":"IN_PROGRESS"'
    )
    return (
        f'{{"id":"{n:08x}-0000-4000-8000-000000000000","model_id":"{model}","endpoint":"/v1/chat/completions",'
        f'"input_file_id":"file-in-{n % 500}","file_size_bytes":{n * 1000},"created_at":"{made}",'
        f'"job_deadline":"{made}","user_id":"user","error":null,{ended}}}'
    ).encode()


class Lists:
    """The list of jobs as it is now: the newest are active, and `CHANGED` of them move with every second."""

    def __init__(self, count: int, active: int, changing: bool) -> None:
        self.now = time.time()
        self.jobs = [job_bytes(n, self.now, 10 if n < active else None) for n in range(count)]
        self.active, self.changing = active, changing
        self.asked = 0
        self.body = self._body()

    def _body(self) -> bytes:
        return b"[" + b",".join(self.jobs) + b"]"

    def next(self) -> bytes:
        """What is answered now."""
        self.asked += 1
        if self.changing:
            for n in range(min(CHANGED, self.active)):
                self.jobs[n] = job_bytes(n, self.now, self.asked % 99 + 1)
            self.body = self._body()
        return self.body


def serve(count: int, active: int, changing: bool) -> None:
    """Answer until standard input closes."""
    lists = Lists(count, active, changing)
    names = ",".join(f'{{"id":"file-in-{n}","filename":"reviews-{n}.jsonl"}}' for n in range(500))

    class Answering(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known = {"/v1/batches": lists.next, "/v1/files": lambda: b'{"data":[' + names.encode() + b"]}"}
            make = known.get(self.path.partition("?")[0])
            body = make() if make else b'{"error":"no such thing"}'
            self.send_response(200 if make else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


@contextlib.contextmanager
def serving(count: int, active: int, *, changing: bool) -> Iterator[str]:
    """Its address, while it runs."""
    command = [sys.executable, "-m", "benchmarks.jobs", "--serve", str(count), str(active), str(int(changing))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin and child.stdout
        yield child.stdout.readline().strip()
        child.stdin.close()


# An app in a terminal.


class Terminal:
    """A program in a pty, read by a thread of its own so that it never waits for us."""

    def __init__(self, command: list[str]) -> None:
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "TOGETHER_LOG")}
        environment = kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TOGETHER_API_KEY": "benchmark-key"}
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.child = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)

    def read(self, sign: bytes, within: float = 60.0) -> float:
        """Read until the sign is painted; when it was."""
        seen = b""
        end = time.perf_counter() + within
        while sign not in seen:
            left = end - time.perf_counter()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise RuntimeError(f"{sign!r} was not painted: {seen[-300:]!r}")
            seen = seen[-200:] + os.read(self.master, 65536)
        return time.perf_counter()

    def drain(self, seconds: float) -> None:
        """Read what comes, for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self.master], [], [], left)[0]:
                os.read(self.master, 65536)

    def key_to_screen(self, key: bytes, sign: bytes) -> float:
        """Seconds from the key to the paint that bears the sign."""
        began = time.perf_counter()
        os.write(self.master, key)
        return self.read(sign) - began

    def cpu(self) -> float:
        """Seconds of CPU it has had, all threads together."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        self.child.kill()
        self.child.wait()
        os.close(self.master)


def ours(url: str, folder: str, poll: float) -> list[str]:
    return [
        *(sys.executable, "-c", _OURS, "--base-url", url, "--poll-interval", str(poll)),
        *("--data-dir", f"{folder}/data", "--output-dir", f"{folder}/results"),
    ]


def table(count: int, *, changing: bool) -> list[str]:
    return [sys.executable, "-c", _TABLE.replace("COUNT", str(count)).replace("CHANGING", str(changing))]


def key_times(terminal: Terminal, sign: bytes) -> list[float]:
    """Milliseconds of so many keys, at odd moments of the second in which a list arrives."""
    chance = random.Random(7)
    times = []
    for _ in range(KEYS):
        terminal.drain(0.15 + chance.random() * 0.4)
        times.append(terminal.key_to_screen(b"j", sign) * 1000)
    return times


def keys(folder: str) -> None:
    """Key to screen in a pty, beside DataTable."""
    with serving(JOBS, ACTIVE, changing=True) as url:
        terminal = Terminal(ours(url, folder, 1.0))
        try:
            terminal.read(b"running")
            terminal.drain(8.0)
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
    terminal = Terminal(table(JOBS, changing=True))
    try:
        terminal.read(b"READY")
        terminal.drain(7.0)
        theirs = key_times(terminal, b"job-")
    finally:
        terminal.close()
    ratio = statistics.median(mine) / statistics.median(theirs)
    told(
        f"key to screen, {JOBS:,} jobs, a changed list each second: {statistics.median(mine):.1f} ms median, "
        f"{max(mine):.0f} ms worst of {KEYS} (bars 50, 120); DataTable {statistics.median(theirs):.1f} ms, "
        f"{max(theirs):.0f} ms: {ratio:.2f} ×",
        statistics.median(mine) <= 50 and max(mine) <= 120,
    )
    print(f"filter as you type, key to screen: {statistics.median(typed):.1f} ms median, {max(typed):.0f} ms worst")


# Inside of the loop.


class Holds:
    """How long each callback holds the loop, in milliseconds of wall and of CPU time."""

    def __init__(self) -> None:
        self.found: list[tuple[float, float, str]] = []

    def __enter__(self) -> Holds:
        self._run = run = asyncio.events.Handle._run

        def timed(handle: asyncio.Handle) -> None:
            wall, cpu = time.perf_counter(), time.thread_time()
            run(handle)
            spent = (time.perf_counter() - wall) * 1000
            if spent > 1.0:
                self.found.append((spent, (time.thread_time() - cpu) * 1000, repr(handle)[:160]))

        asyncio.events.Handle._run = timed  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.events.Handle._run = self._run  # type: ignore[method-assign]

    @property
    def wall(self) -> float:
        return max((wall for wall, _, _ in self.found), default=0.0)

    def told(self) -> str:
        wall, cpu, _ = max(self.found, default=(0.0, 0.0, ""))
        return f"{wall:.0f} ms wall, {max((c for _, c, _ in self.found), default=0.0):.0f} ms CPU (at that {cpu:.0f})"


async def loop_held(folder: str, verbose: bool) -> None:
    """The longest hold of ticks that change 20 of 10,000, and of keys in the filter."""
    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.tui.app import TbatchApp

    with serving(JOBS, ACTIVE, changing=True) as url:
        options = EngineOptions(
            data_dir=Path(folder) / "data", output_dir=Path(folder), base_url=url, api_key="key", poll_interval=1.0
        )
        settings = Settings(data_dir=options.data_dir, output_dir=options.output_dir)
        app = TbatchApp(settings, lambda emit: BatchEngine(options, emit))
        app.load_first_rows(60)
        async with app.run_test(size=(120, 40)) as pilot:
            while app.jobs.table.row_count < JOBS:
                await asyncio.sleep(0.1)
            await asyncio.sleep(5.0)
            with Holds() as ticks:
                await asyncio.sleep(12.0)
            typed: list[Holds] = []
            await pilot.press("slash")
            await asyncio.sleep(1.0)
            for letter in "reviews-12":
                with Holds() as holds:
                    await pilot.press(letter)
                    await asyncio.sleep(0.3)
                typed.append(holds)
            assert app.jobs.table.row_count < JOBS
            with Holds() as narrowed:
                await asyncio.sleep(6.0)
            await pilot.press("escape", "s", "s", "s")
            await asyncio.sleep(2.0)
            with Holds() as named:
                await asyncio.sleep(6.0)
    told(
        f"longest hold of the loop, ticks that change {CHANGED} of {JOBS:,}: {ticks.told()} (bar 50)", ticks.wall <= 50
    )
    told(
        f"longest hold of the loop, a key in the filter: {max(typed, key=lambda h: max(h.found)).told()} (bar 50)",
        max(holds.wall for holds in typed) <= 50,
    )
    print(f"longest hold of the loop, ticks while filtered: {narrowed.told()}; sorted by name: {named.told()} (bar 50)")
    if verbose:
        for name, holds in (("ticks", ticks), ("narrowed", narrowed), ("named", named)):
            for found in sorted(holds.found, reverse=True)[:6]:
                print("   ", name, found)
        for letter, holds in zip("reviews-12", typed, strict=True):
            for found in sorted(holds.found, reverse=True)[:2]:
                print("   ", letter, found)


# Doing nothing.


def share(command: list[str], sign: bytes) -> float:
    """Percent of a core that it takes while nothing happens."""
    terminal = Terminal(command)
    try:
        terminal.read(sign)
        terminal.drain(6.0)
        cpu, began = terminal.cpu(), time.perf_counter()
        terminal.drain(IDLE_SECONDS)
        return (terminal.cpu() - cpu) / (time.perf_counter() - began) * 100
    finally:
        terminal.close()


def idle(folder: str) -> None:
    """CPU with 10 active jobs and nothing that changes, beside a Textual app that does nothing."""
    with serving(200, 10, changing=False) as url:
        mine = share(ours(url, folder, 30.0), b"running")
    theirs = share(table(200, changing=False), b"READY")
    told(f"idle with 10 active jobs: {mine:.2f} % of a core (bar 1.00); DataTable app {theirs:.2f} %", mine <= 1)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["keys", "loop", "idle"])
    parser.add_argument("--verbose", action="store_true", help="name the longest holds")
    parser.add_argument("--serve", nargs=3, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve[0], options.serve[1], bool(options.serve[2]))
        return 0
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    for name in [options.only] if options.only else ["keys", "loop", "idle"]:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            if name == "keys":
                keys(folder)
            elif name == "loop":
                asyncio.run(loop_held(folder, options.verbose))
            else:
                idle(folder)
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
