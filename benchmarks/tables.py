"""`make` beside the obvious pandas script, on a table of 200,000 rows, and its memory.

    python -m benchmarks.tables [--rows N]

Each is a process of its own, run in turns, and its best run counts. Bytecode is written first. What `make` takes
includes the check of what it wrote. Processor time is printed too: it says more where others use the machine. Needs
pandas.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.check import VOCABULARY

ROWS = 200_000
TIMES_FASTER, MEGABYTES = 5.0, 60
PROMPT = "Is this review positive, negative or neutral?\n\n{{ review }}"
SCRIPT = """
import json, sys
import pandas as pd
prompt = "Is this review positive, negative or neutral?\\n\\n{review}"
table = pd.read_csv(sys.argv[1])
with open(sys.argv[2], "w") as file:
    for number, row in table.iterrows():
        messages = [{"role": "user", "content": prompt.format(**row)}]
        body = {"model": "meta-llama/Llama-3.3-70B-Instruct-Turbo", "messages": messages, "max_tokens": 10}
        file.write(json.dumps({"custom_id": f"row-{number + 1}", "body": body}) + "\\n")
"""
MODEL = ["-m", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "--max-tokens", "10"]


class Run(NamedTuple):
    """What a process took."""

    seconds: float
    processor: float
    """Seconds of processor time."""
    megabytes: float
    """The most memory of one of its processes."""


def write_table(path: Path, rows: int) -> None:
    """Write a table with texts that hold quotes, line ends and braces."""
    chance = random.Random(7)
    words = [*VOCABULARY, '"so', 'called"', "{name}", "{{", "}}"]
    pool = [" ".join(chance.choices(words, k=85)) for _ in range(500)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "review", "stars", "lang", "label"))
        for number in range(rows):
            text = f"{chance.choice(pool)}\n{chance.choice(pool)[: chance.randrange(20, 80)]}"
            label = chance.choice(("positive", "negative"))
            writer.writerow((f"r{number:07d}", text, chance.randrange(1, 6), chance.choice(("en", "de")), label))
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, {rows:,} rows")


def run(command: list[str], folder: Path) -> Run:
    """Run a command to its end, and return what it took."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    reader, writer = os.pipe()
    began = time.perf_counter()
    child = os.fork()
    if not child:  # a process between them, so that only this command's memory is in its children's
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = (
            f"{time.perf_counter() - began} {used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024} {done.returncode}"
        )
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        seconds, processor, megabytes, code = pipe.read().split()
    os.waitpid(child, 0)
    if code != "0":
        raise SystemExit(f"{command[:4]} failed")
    return Run(float(seconds), float(processor), float(megabytes))


def main() -> int:
    """Run the benchmark; return 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "reviews.csv", options.rows)
        tbatch = [sys.executable, "-c", "import sys; from tbatch_tui.cli.dispatch import main; sys.exit(main())"]
        make = [
            *tbatch,
            "make",
            "reviews.csv",
            "-p",
            PROMPT,
            *MODEL,
            "-o",
            "ours.jsonl",
            "--force",
            "--data-dir",
            "data",
        ]
        pandas = [sys.executable, "-c", SCRIPT, "reviews.csv", "pandas.jsonl"]
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(run(make, folder))
            theirs.append(run(pandas, folder))
    best, peer = min(ours), min(theirs)
    ratio = peer.seconds / best.seconds
    least, most = min(each.processor for each in ours), min(each.processor for each in theirs)
    memory = max(each.megabytes for each in ours)
    print(f"  pandas  best {peer.seconds:6.2f} s   processor {most:6.2f} s   {peer.megabytes:4.0f} MB")
    print(f"  make    best {best.seconds:6.2f} s   processor {least:6.2f} s   {memory:4.0f} MB")
    print(f"  {ratio:.1f} × faster, bar {TIMES_FASTER:.0f} ×; {most / least:.1f} × less processor time")
    print(f"  {memory:.0f} MB, bar {MEGABYTES} MB")
    return 0 if ratio >= TIMES_FASTER and memory <= MEGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
