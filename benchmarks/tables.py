"""`make` and `export --into` beside the obvious pandas scripts, on a table of 200,000 rows, and their memory.

    python -m benchmarks.tables [--rows N]

Each is a process of its own, run in turns, and its best run counts. Bytecode is written first. What `make` takes
includes the check of what it wrote. Joining back finds the results counted, as they are once a job was downloaded here;
once it counts them itself. Processor time is printed too: it says more where others use the machine. Needs pandas.
"""

from __future__ import annotations

import argparse
import csv
import json
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
JOIN_TIMES_FASTER = 3.0
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
JOIN_SCRIPT = """
import sys
import pandas as pd
table = pd.read_csv(sys.argv[1])
table["custom_id"] = [f"row-{number:04d}" for number in range(1, len(table) + 1)]
lines = pd.read_json(sys.argv[2], lines=True)
lines["answer"] = [row["body"]["choices"][0]["message"]["content"] for row in lines["response"]]
joined = table.merge(lines[["custom_id", "answer"]], on="custom_id", how="left")
joined.drop(columns="custom_id").to_csv(sys.argv[3], index=False)
"""
JOIN = """
import sys
from pathlib import Path
from tbatch_tui.engine.results import CachedIndex, IndexCache, Sources
from tbatch_tui.engine.tables.join_back import join_back, open_table
from tbatch_tui.engine.tables.recipe_file import read_recipe
source, output, out, made = map(Path, sys.argv[1:])
recipe = read_recipe(made.with_name(f"{made.stem}.recipe.toml"))
index = CachedIndex(Sources(input=made, output=output), IndexCache(Path("index")), "job")
index.build()
joined = join_back(recipe, open_table(str(source), recipe), index, out, replace=True)
assert joined.outcomes == {"ok": joined.rows}, joined
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
        ours, theirs = race(make, pandas, folder, options.rounds)
        memory = max(each.megabytes for each in ours)
        is_fast = report("make", ours, theirs, TIMES_FASTER)
        print(f"  {memory:.0f} MB, bar {MEGABYTES} MB")
        write_answers(folder / "ours.jsonl", folder / "output.jsonl")
        join = [sys.executable, "-c", JOIN, "reviews.csv", "output.jsonl", "joined.csv", "ours.jsonl"]
        pandas = [sys.executable, "-c", JOIN_SCRIPT, "reviews.csv", "output.jsonl", "pandas.csv"]
        first = run(join, folder)
        print(f"  join, with the results counted first   {first.seconds:6.2f} s   processor {first.processor:6.2f} s")
        is_join_fast = report("join", *race(join, pandas, folder, options.rounds), JOIN_TIMES_FASTER)
    return 0 if is_fast and is_join_fast and memory <= MEGABYTES else 1


def write_answers(requests: Path, output: Path) -> None:
    """Write an answer to each request, in no order, as the server does."""
    chance = random.Random(7)
    ids = [json.loads(line)["custom_id"] for line in requests.open(encoding="utf-8")]
    chance.shuffle(ids)
    with output.open("w", encoding="utf-8") as file:
        for number, custom_id in enumerate(ids):
            message = {"role": "assistant", "content": " ".join(chance.choices(VOCABULARY, k=12))}
            body = {
                "id": f"chatcmpl-{number}",
                "object": "chat.completion",
                "model": MODEL[1],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
                "usage": {"prompt_tokens": 130, "completion_tokens": 16, "total_tokens": 146},
            }
            row = {"id": f"r-{number}", "custom_id": custom_id, "response": {"status_code": 200, "body": body}}
            file.write(json.dumps({**row, "error": None}) + "\n")


def race(command: list[str], peer: list[str], folder: Path, rounds: int) -> tuple[list[Run], list[Run]]:
    """Run two commands in turns."""
    pairs = [(run(command, folder), run(peer, folder)) for _ in range(rounds)]
    return [ours for ours, _ in pairs], [theirs for _, theirs in pairs]


def report(name: str, ours: list[Run], theirs: list[Run], bar: float) -> bool:
    """Print what both took; return whether the bar was held."""
    best, peer = min(ours), min(theirs)
    ratio = peer.seconds / best.seconds
    least, most = min(each.processor for each in ours), min(each.processor for each in theirs)
    for words, seconds, processor, runs in (("pandas", peer, most, theirs), (name, best, least, ours)):
        memory = max(each.megabytes for each in runs)
        print(f"  {words:<6}  best {seconds.seconds:6.2f} s   processor {processor:6.2f} s   {memory:4.0f} MB")
    print(f"  {ratio:.1f} × faster, bar {bar:.0f} ×; {most / least:.1f} × less processor time")
    return ratio >= bar


if __name__ == "__main__":
    sys.exit(main())
