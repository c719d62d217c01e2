"""Compose over a table of 200,000 rows, 100 MB: a key to the screen, while all rows are read for its sums.

    python -m benchmarks.compose [--rows 200000]

Keys are typed into the prompt in a pty of 120 × 40, each after a pause in which the rows are being read again.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.bars import exit_code, print_bar
from benchmarks.tables import ROWS, write_table
from benchmarks.terminal import Terminal

KEYS = 30
MEDIAN, WORST = 50, 120
"""Milliseconds."""
_APP_PROGRAM = "import sys; from tbatch_tui.cli.dispatch import main; sys.exit(main())"


def main() -> int:
    """Run the benchmark; return 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args()
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "reviews.csv"
        write_table(path, options.rows)
        command = [sys.executable, "-c", _APP_PROGRAM, str(path), "--data-dir", f"{name}/data"]
        terminal = Terminal([*command, "--base-url", "http://127.0.0.1:9"])
        try:
            terminal.read(b"What to ask of each row")
            terminal.drain(2.0)
            terminal.key_to_screen(b"{{ review }} ", b"prompt tokens")
            times = []
            for number in range(KEYS):
                terminal.drain(chance.uniform(0.4, 1.2))
                letter = b"QZXJKWVY"[number % 8 :][:1]
                times.append(terminal.key_to_screen(letter, letter) * 1000)
            whole = terminal.key_to_screen(b"!", f"{options.rows:,} rows ·".encode())
        finally:
            terminal.close()
    median, worst = statistics.median(times), max(times)
    print_bar(
        f"key to screen in the prompt, {options.rows:,} rows: {median:.1f} ms median, {worst:.0f} ms worst of {KEYS} "
        f"(bars {MEDIAN}, {WORST})",
        median <= MEDIAN and worst <= WORST,
    )
    print(f"sums of all rows, {whole:.1f} s after the last key")
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
