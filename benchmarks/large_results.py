"""The results of a file of 2,000,000 rows that went as 40 jobs: first rows, memory, export, join back, Values.

    python -m benchmarks.large_results [--rows N] [--length BYTES]

Each step runs in a process of its own, and its memory is what that needs above its imports. Nothing is kept of the
index before the first step; the second finds what that kept of each part, as the engine keeps it when a part arrives.
`--length` is that of an answer, and of a request; all files take some three times that a row while this runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.bars import exit_code, print_bar
from benchmarks.check import VOCABULARY

FIRST_ROWS, MEGABYTES = 0.3, 150.0
PART = 50_000
COMMON = """
import hashlib, json, re, resource, sys, threading, time
from pathlib import Path
from tbatch_tui.engine.answers import table, values
from tbatch_tui.engine.answers.fields import find_fields
from tbatch_tui.engine.results import ExportFormat, CachedIndex, IndexCache, MergedIndex, MergedMember
from tbatch_tui.engine.results import ResultIndex, Sources, export_rows, search
from tbatch_tui.engine.results.export import merged_jsonl
from tbatch_tui.engine.results.index import cache

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1e3

folder = Path(sys.argv[1])
hashes = json.loads((folder / "hashes.json").read_text())
kept = IndexCache(folder / "index", limit=4 << 30)
def group():
    def part(name):
        sources = Sources(
            folder / name, folder / f"{name}.output", folder / f"{name}.errors", input_sha256=hashes[name]
        )
        return MergedMember(name, name, CachedIndex(sources, kept, name), is_part=True)
    whole = ResultIndex(Sources(folder / "whole.jsonl", input_sha256=hashes["whole.jsonl"]))
    return MergedIndex([MergedMember("", "whole", whole), *[part(name) for name in hashes if name[:4] == "part"]])

def join(name):
    from tbatch_tui.engine.tables.join_back import join_back, open_table
    from tbatch_tui.engine.tables.recipe import Recipe, RecipeSource
    source = RecipeSource("table.csv", hashes["table.csv"], "csv", None, "utf-8", ",")
    recipe = Recipe("m", prompt="{{ text }}", id="id", source=source)
    table = open_table(str(folder / f"{name}.csv"), recipe)
    joined = join_back(recipe, table, index, folder / "joined.csv", replace=True)
    assert joined.rows == len(index) and sum(joined.outcomes.values()) == joined.rows, joined
    assert joined.is_changed == (name == "changed") and not joined.gone_total and not joined.new_total

index = group()
before, start, first = peak(), time.perf_counter(), 0.0
def look():
    global first
    while len(index) < 40:
        time.sleep(0.002)
    [index.row(number) for number in range(40)]
    first = time.perf_counter() - start
looking = threading.Thread(target=look)  # as a screen does
looking.start()
index.build()
built = time.perf_counter() - start
looking.join()
numbers = {"first": first, "built": built, "memory": peak() - before, "rows": len(index)}
start = time.perf_counter()
"""
STEPS = {
    "read": "[index.row(number) for number in range(len(index) // 2, len(index) // 2 + 40)]",
    "read again": "[index.row(number) for number in range(len(index) // 2, len(index) // 2 + 40)]",
    "search": "numbers['found'] = sum(search(index, 'needle-777'))",
    "export": "export_rows(index, range(len(index)), folder / 'export.jsonl', ExportFormat.MERGED, "
    "job_id_of=index.job_id_of, replace=True)",
    "join back": "join('table')",
    "join by id": "join('changed')",
    "values": "rows = range(len(index)); fields = find_fields(index, rows, lambda: False); "
    "found = table.read_table(index, rows, [field.name for field in fields.own]); values.describe(found, 'label')",
}
END = """
numbers |= {"step": time.perf_counter() - start, "all": peak() - before}
print(json.dumps(numbers))
"""


def write_group(folder: Path, rows: int, length: int) -> int:
    """Write a file, its parts and what came back for each: answers nearly in order, 1 % errors; return all bytes.

    And a table that it may have been made of, also with its rows in another order.
    """
    chance = random.Random(7)
    pool = [" ".join(chance.choices(VOCABULARY, k=length // 6))[: length - 180] for _ in range(500)]
    hashes = {"whole.jsonl": ""}
    with (folder / "whole.jsonl").open("wb") as whole:
        for first in range(0, rows, PART):
            name = f"part{first // PART:04}.jsonl"
            requests, answers, errors = [], [], []
            for number in range(first, min(first + PART, rows)):
                custom_id = f"request-{number:07}"
                text = chance.choice(pool) + (" needle-777" if number % 50_000 == 7 else "")
                body = {"model": "meta-llama/Llama-3.3-70B-Instruct-Turbo",
                        "messages": [{"role": "user", "content": text}]}  # fmt: skip
                requests.append(json.dumps({"custom_id": custom_id, "body": body}).encode())
                if number % 100 == 5:
                    error = {"message": "Request timeout", "code": "batch_client_error"}
                    errors.append(json.dumps({"custom_id": custom_id, "error": error}).encode())
                    continue
                content = json.dumps({"label": chance.choice(("good", "bad")), "why": chance.choice(pool)})
                choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
                usage = {"prompt_tokens": 120, "completion_tokens": 240, "total_tokens": 360}
                response = {"status_code": 200, "body": {"choices": [choice], "usage": usage}}
                answers.append(json.dumps({"custom_id": custom_id, "response": response}).encode())
            for start in range(0, len(answers), 500):
                some = answers[start : start + 500]
                chance.shuffle(some)
                answers[start : start + 500] = some
            data = b"\n".join([*requests, b""])
            whole.write(data)
            (folder / name).write_bytes(data)
            (folder / f"{name}.output").write_bytes(b"\n".join([*answers, b""]))
            (folder / f"{name}.errors").write_bytes(b"\n".join([*errors, b""]))
            hashes[name] = ""
    lines = [f"request-{number:07},text {number}\n" for number in range(rows)]
    (folder / "table.csv").write_text("id,text\n" + "".join(lines))
    for first in range(0, rows, 1000):
        lines[first : first + 1000] = lines[first : first + 1000][::-1]
    (folder / "changed.csv").write_text("id,text\n" + "".join(lines))
    hashes["table.csv"] = ""
    for name in hashes:
        with (folder / name).open("rb") as file:
            hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
    (folder / "hashes.json").write_text(json.dumps(hashes))
    return sum(path.stat().st_size for path in folder.iterdir())


def main() -> int:
    """Run the benchmark; return 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--length", type=int, default=1000, metavar="BYTES", help="of a request, and of an answer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write_group(folder, options.rows, options.length)
        print(f"{options.rows:,} rows in {-(-options.rows // PART)} parts, {size / 1e9:.1f} GB in all")
        for step, script in STEPS.items():
            code = COMMON + script + END
            done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=True)
            report(step, json.loads(done.stdout))
    return exit_code()


def report(step: str, numbers: dict[str, float]) -> None:
    """Print what a step took."""
    if step.startswith("read"):
        print_bar(f"{step:<11} first rows {numbers['first']:6.2f} s (bar {FIRST_ROWS})", numbers["first"] <= FIRST_ROWS)
        print_bar(
            f"{step:<11} all        {numbers['built']:6.1f} s, + {numbers['memory']:4.0f} MB (bar {MEGABYTES:.0f})",
            numbers["memory"] <= MEGABYTES,
        )
        return
    is_fine = numbers["all"] <= MEGABYTES
    print_bar(f"{step:<11} {numbers['step']:17.1f} s, + {numbers['all']:4.0f} MB (bar {MEGABYTES:.0f})", is_fine)


if __name__ == "__main__":
    sys.exit(main())
