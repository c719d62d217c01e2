"""A file split into parts, beside `split -l`, with and without a sync after it, and its memory.

    python -m benchmarks.large [--gigabytes N] [--length BYTES] [--rounds N]

Each is a process of its own, run in turns, and its best run counts. Ours is all that a submit does to write parts:
the file is held against its check, each part is hashed, synced and named. `split -l` gets the number of
lines that makes as many parts; it hashes and syncs nothing. Processor time is printed too: it says more where others
use the machine. What is written is compared with the file once, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.bars import exit_code, print_bar
from benchmarks.check import VOCABULARY
from benchmarks.tables import Run, run

PACE, MEGABYTES = 0.5, 150
OURS = """
import sys
from pathlib import Path
from tbatch_tui.engine.check.limits import FILE_MEGABYTES, MEGABYTE, REQUESTS_MAX
from tbatch_tui.engine.groups.split import write_parts
from tbatch_tui.engine.local_files.fingerprint import Fingerprint
path, requests = Path(sys.argv[1]), int(sys.argv[2])
size, mtime_ns, sha256 = Path("fingerprint").read_text().split()
write_parts(
    path, Path("parts"), fingerprint=Fingerprint(int(size), sha256, int(mtime_ns)), requests=requests,
    requests_max=REQUESTS_MAX, bytes_max=FILE_MEGABYTES * MEGABYTE,
)
"""
FINGERPRINT = """
import sys
from pathlib import Path
from tbatch_tui.engine.local_files.fingerprint import read_fingerprint
found = read_fingerprint(Path(sys.argv[1]))
Path("fingerprint").write_text(f"{found.size} {found.mtime_ns} {found.sha256}")
"""
SPLIT = 'split -l "$1" -a 5 "$2" split/x'


def write_requests(path: Path, size: int, length: int) -> int:
    """Write a file of about `size` bytes, with lines of about `length`; return how many requests it has."""
    chance = random.Random(7)
    pool = []
    for _ in range(500):
        text = " ".join(chance.choices(VOCABULARY, k=length // 6))[: length - chance.randrange(120, 160)]
        pool.append(b'", "body": {"model": "meta-llama/Llama-3.3-70B-Instruct-Turbo", "messages": '
                    b'[{"role": "user", "content": "%s"}]}}\n' % text.encode())  # fmt: skip
    requests = written = 0
    with path.open("wb") as file:
        while written < size:
            written += file.write(b'{"custom_id": "r%09d' % requests + chance.choice(pool))
            requests += 1
    return requests


def main() -> int:
    """Run the benchmark; return 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=10.0)
    parser.add_argument("--length", type=int, default=500, metavar="BYTES", help="of a line")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "requests.jsonl"
        requests = write_requests(path, int(options.gigabytes * 1e9), options.length)
        run([sys.executable, "-c", FINGERPRINT, path.name], folder)
        ours = [sys.executable, "-c", OURS, path.name, str(requests)]
        os.sync()  # what was written is on the disk before anything is measured
        runs: dict[str, list[Run]] = {"ours": [], "split -l": [], "split -l, then sync": []}
        for _ in range(options.rounds):
            runs["ours"].append(run(ours, folder))
            parts = sorted(
                (folder / "parts").rglob("*.jsonl"), key=lambda part: int(part.suffixes[-2][5:].split("of")[0])
            )
            if len(runs["ours"]) == 1:
                assert are_together(path, parts), "the parts are not the file"
                print(f"{path.stat().st_size / 1e9:.1f} GB, {requests:,} requests, {len(parts)} parts")
            lines = str(-(-requests // len(parts)))
            shutil.rmtree(folder / "parts")
            for peer, script in (("split -l", SPLIT), ("split -l, then sync", f"{SPLIT} && sync split/*")):
                (folder / "split").mkdir()
                runs[peer].append(run(["sh", "-c", script, "sh", lines, path.name], folder))
                shutil.rmtree(folder / "split")
        report(runs, path.stat().st_size)
    return exit_code()


def are_together(path: Path, parts: list[Path]) -> bool:
    """Return whether the parts one after the other are the file."""
    with path.open("rb") as whole:
        for part in parts:
            with part.open("rb") as file:
                while piece := file.read(1 << 20):
                    if piece != whole.read(len(piece)):
                        return False
        return not whole.read(1)


def report(runs: dict[str, list[Run]], size: int) -> None:
    """Print what each took, and the bars."""
    best = {name: min(each).seconds for name, each in runs.items()}
    for name, each in runs.items():
        processor = min(one.processor for one in each)
        rate = size / best[name] / 1e6
        print(f"  {name:<20} best {best[name]:6.2f} s   processor {processor:6.2f} s   {rate:6,.0f} MB/s")
    pace = best["split -l"] / best["ours"]
    print_bar(f"ours beside split -l: {pace:.2f} × (bar {PACE})", pace >= PACE)
    print(f"ours beside split -l, then sync: {best['split -l, then sync'] / best['ours']:.2f} × (as ours: on the disk)")
    memory = max(one.megabytes for one in runs["ours"])
    print_bar(f"ours, memory of the process: {memory:.0f} MB at most (bar {MEGABYTES})", memory <= MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
