"""The check beside the SDK's `check_file`, `json`, orjson and simdjson, as ratios.

    python benchmarks/check.py           98 MB and 15 MB of 50,000 lines each, every command a fresh process
    python benchmarks/check.py --big     memory on 2 GB and 5 million lines

Each is run several times in turns, and its best run counts: other work on the machine slows some runs, but not all.
Bytecode is written first, so that no run pays for compiling.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = 50_000
OURS = "import sys; from tbatch_tui.cli.dispatch import main; sys.exit(main())"
"""The program of the installed command."""
PEERS = {
    "ours, 2 processes": f"{OURS} --processes 2",
    "ours, 1 process": f"{OURS} --processes 1",
    "SDK check_file": "import sys; from together.lib.utils.files import check_file as c;"
    " assert c(sys.argv[1], purpose='batch-api')['is_check_passed']",
    "json.loads": "import sys, json\nfor line in open(sys.argv[1], encoding='utf-8'): json.loads(line)",
    "orjson": "import sys, orjson\nfor line in open(sys.argv[1], 'rb'): orjson.loads(line)",
    "simdjson": "import sys, simdjson\nparse = simdjson.Parser().parse\n"
    "for line in open(sys.argv[1], 'rb'): parse(line)",
}
OPTIONAL = ("orjson",)
"""Peers that are measured if they are installed; the project does not need them."""
BARS = {"ours, 2 processes": (6.0, 5.0), "ours, 1 process": (4.5, 4.0)}
VOCABULARY = (  # noqa: SIM905 - a hundred quoted words would be harder to read
    "the of and to in a is that it was for on are as with his they at be this have from or one had by word but not "
    "what all were we when your can said there use an each which she do how their if will up other about out many "
    "then them these so some her would make like him into time has look two more write go see number no way could "
    "people my than first water been call who oil its now find long down day did get come made may part review "
    "classify sentiment positive negative customer delivery “quoted” isn’t café naïve Zürich — … 東京 отзыв 🙂"
).split()


def request_lines(lines: int, words: int, seed: int = 7) -> Iterator[bytes]:
    """Yield chat requests like those people send: a system prompt, a text with line breaks, a few parameters."""
    chance = random.Random(seed)
    pool = [" ".join(chance.choices(VOCABULARY, k=words)) for _ in range(500)]
    for number in range(lines):
        text = f'Classify "{number}":\n{chance.choice(pool)}\n{chance.choice(pool)[: chance.randrange(1, words * 3)]}'
        messages = [{"role": "system", "content": "You are a careful judge."}, {"role": "user", "content": text}]
        body = {"model": "meta-llama/Llama-3.3-70B-Instruct-Turbo", "messages": messages, "max_tokens": 200}
        line = {"custom_id": f"review-{number:07d}", "body": {**body, "temperature": 0.2}}
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"


def write_corpus(path: Path, lines: int, words: int) -> None:
    """Write an input file and print its size."""
    with path.open("wb") as file:
        file.writelines(request_lines(lines, words))
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, {lines:,} lines")


def wall_time(peer: str, path: Path) -> float:
    """Return the seconds that a new process takes."""
    code, *options = PEERS[peer].split(" --processes ")
    ours = ["check", "--processes", *options] if options else []
    command = [sys.executable, "-c", code, *ours, str(path)]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    return time.perf_counter() - began


def environment() -> dict[str, str]:
    """Return an environment in which Python writes bytecode."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def compare(path: Path, size: int, rounds: int) -> bool:
    """Measure all peers on a file and print them; return whether the bars are met.

    Args:
        size: Which of the bars in `BARS` apply.
    """
    peers = [peer for peer in PEERS if peer not in OPTIONAL or find_spec(peer) is not None]
    times: dict[str, list[float]] = {peer: [] for peer in peers}
    for peer in peers:
        wall_time(peer, path)  # bytecode, page cache
    for _ in range(rounds):
        for peer in peers:
            times[peer].append(wall_time(peer, path))
    sdk = min(times["SDK check_file"])
    is_met = True
    for peer, seconds in times.items():
        best = min(seconds)
        median = sorted(seconds)[len(seconds) // 2]
        bar = BARS.get(peer, (0.0, 0.0))[size]
        is_met &= sdk / best >= bar
        bar_text = f"   bar {bar:.1f} ×" if bar else ""
        print(f"  {peer:20} best {best:6.3f} s   median {median:6.3f} s   {sdk / best:5.1f} × the SDK{bar_text}")
    return is_met


def memory(folder: Path) -> bool:
    """Measure the memory of checking 2 GB, 5 million lines; return whether the bar is met."""
    path = folder / "huge.jsonl"
    write_corpus(path, 5_000_000, 19)
    is_met = True
    for processes in ("2", "1"):
        began = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-c", OURS, "check", "--processes", processes, str(path)],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, _, usage = os.wait4(child.pid, 0)
        peak = usage.ru_maxrss / (1 << 10 if sys.platform != "darwin" else 1 << 20)
        is_met &= peak <= 150
        print(f"  {processes} process(es): {time.perf_counter() - began:.1f} s, {peak:.0f} MB at most   bar 150 MB")
    return is_met


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--big", action="store_true", help="memory on 2 GB instead")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.big:
            return 0 if memory(folder) else 1
        is_met = True
        for size, (stem, words) in enumerate((("long", 263), ("short", 13))):
            path = folder / f"{stem}.jsonl"
            write_corpus(path, LINES, words)
            is_met &= compare(path, size, options.rounds)
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())
