"""Launch to the first frame of Jobs with rows, beside a bare Textual app with a Header, DataTable and Footer.

    python -m benchmarks.startup [--runs 15] [--jobs 0 10000]

Both run in a pty of 120 × 40. The clock starts before the process and stops when the last line of the first frame has
been written. Runs alternate, so that other work on the machine slows both; medians are compared. Processor time is
printed too: on a machine that does other work it says more.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from tbatch_tui.engine.domain.job import Job
from tbatch_tui.engine.journal.journal import Journal

_BARE_PROGRAM = """
from textual.app import App
from textual.widgets import DataTable, Footer, Header

class Bare(App):
    TITLE = "bare"
    BINDINGS = [("q", "quit", "Quit"), ("n", "new", "LastKey")]
    def compose(self):
        yield Header()
        yield DataTable()
        yield Footer()
    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("status", "name", "model")
        for row in ROWS:
            table.add_row(*row)

ROWS = [("Completed", f"job-{n}", "model") for n in range(COUNT)]
Bare().run()
"""
_APP_PROGRAM = "import sys; from tbatch_tui.cli.dispatch import main; sys.exit(main())"


def first_frame(command: list[str], environment: dict[str, str], marker: bytes) -> tuple[float, float]:
    """Return the seconds from the start of the process until `marker` is painted, and those of the processor."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    began = time.perf_counter()
    child = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, close_fds=True, start_new_session=True
    )
    os.close(slave)
    output = b""
    try:
        while marker not in output:
            if time.perf_counter() - began > 20 or not select.select([master], [], [], 20)[0]:
                raise RuntimeError(f"nothing was painted: {output[-300:]!r}")
            output += os.read(master, 65536)
        seconds = time.perf_counter() - began
    finally:
        child.kill()
        _, child.returncode, used = os.wait4(child.pid, 0)
        os.close(master)
    return seconds, used.ru_utime + used.ru_stime


def fill_history(data_dir: Path, count: int) -> None:
    """Write a history of past jobs, under the account of the key that the benchmark uses."""
    journal = Journal(data_dir / "history.db")
    now = time.time()
    account = journal.accounts.at_start("http://127.0.0.1:9", "-key", now)
    jobs = [
        Job(
            f"{n:08x}-0000-4000-8000-000000000000",
            "COMPLETED" if n % 50 else "IN_PROGRESS",
            progress=40.0,
            model="meta-llama/Llama-3.3-70B-Instruct-Turbo",
            endpoint="/v1/chat/completions",
            input_file_id=f"file-{n}",
            created_at=now - n * 60,
        )
        for n in range(count)
    ]
    journal.jobs.apply(account.id, jobs, now, lambda _: False)
    journal.close()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument(
        "--jobs", type=int, nargs="+", default=[0, 10_000], metavar="N", help="past jobs (default 0 and 10,000)"
    )
    options = parser.parse_args()
    runs: int = options.runs
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "TOGETHER_LOG")}
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TOGETHER_API_KEY": "benchmark-key"}
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {runs} runs each, medians")
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        for count in options.jobs:
            data_dir = Path(folder) / str(count)
            fill_history(data_dir, count)
            ours_command = [
                sys.executable,
                "-c",
                _APP_PROGRAM,
                "--data-dir",
                str(data_dir),
                "--base-url",
                "http://127.0.0.1:9",
            ]
            bare_command = [sys.executable, "-c", _BARE_PROGRAM.replace("COUNT", str(min(count, 60)))]
            marker = b"In progress" if count else b"Asking for the list"
            ours: list[tuple[float, float]] = []
            bare: list[tuple[float, float]] = []
            for _ in range(runs + 2):
                bare.append(first_frame(bare_command, environment, b"LastKey"))
                ours.append(first_frame(ours_command, environment, marker))
            mine, theirs = (statistics.median(seconds for seconds, _ in each[2:]) for each in (ours, bare))
            used = [min(processor for _, processor in each[2:]) for each in (ours, bare)]
            print(
                f"first frame, {count:>6,} jobs: {mine * 1000:4.0f} ms, bare app {theirs * 1000:4.0f} ms: "
                f"{mine / theirs:.2f} × (bar 1.00)   processor, at least: {used[0] * 1000:.0f} and "
                f"{used[1] * 1000:.0f} ms, {used[0] / used[1]:.2f} ×"
            )
            missed += mine > theirs
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
