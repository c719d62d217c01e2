"""Results of 50,000 rows beside the obvious script: first rows, index, a page, a search, a merge, and memory.

    python -m benchmarks.results [--rows 50000] [--megabytes 100] [--jq ROWS]

The obvious script reads both result files with `json.loads` into a dict, goes through the input file, and writes each
request with its answer. Each runs in its own interpreter; memory does not include its imports. `--megabytes` is the
size of all three files. jq, if it is installed, takes minutes for 50,000 rows, so it merges the first `--jq` of them,
and the same rows are merged by us beside it.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from benchmarks.bars import exit_code, print_bar

OURS = """
import json, re, resource, sys, threading, time
from pathlib import Path
from tbatch_tui.engine.results import ExportFormat, CachedIndex, IndexCache, ResultIndex, Sources, export_rows, search

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1e3

def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

folder = Path(sys.argv[1])
index = ResultIndex(Sources(folder / "input.jsonl", folder / "output.jsonl", folder / "errors.jsonl"))
before = rss()
start = time.perf_counter()
first = 0.0
def progress(done, total):
    global first
    if not first and len(index) >= 40:
        [index.row(number) for number in range(40)]
        first = time.perf_counter() - start
counts = index.build(progress=progress)
indexed = time.perf_counter() - start
grown = peak() - before
start = time.perf_counter()
middle = len(index) // 2
[index.row(number) for number in range(middle, middle + 40)]
page = time.perf_counter() - start
start = time.perf_counter()
for number in range(0, len(index), len(index) // 100):
    index.record(number)
record = (time.perf_counter() - start) / 100
start = time.perf_counter()
hits = sum(search(index, "needle-777"))
searched = time.perf_counter() - start
start = time.perf_counter()
export_rows(index, range(len(index)), folder / "ours.jsonl", ExportFormat.MERGED, replace=True)
merged = time.perf_counter() - start
by_all = peak() - before
cache = IndexCache(folder / "index")
start = time.perf_counter()
cache.save("job", index)
stored = time.perf_counter() - start
start = time.perf_counter()
again = CachedIndex(index.sources, cache, "job")
assert again.build() == counts and again.row(middle) == index.row(middle)
opened = time.perf_counter() - start
print(json.dumps([first, indexed, grown, page, record, searched, hits, merged, by_all, stored, opened, str(counts)]))
"""

OBVIOUS = """
import json, re, resource, sys, time
from pathlib import Path

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1e3

def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

folder = Path(sys.argv[1])
before = rss()
start = time.perf_counter()
results = {}
for name in ("output.jsonl", "errors.jsonl"):
    with open(folder / name, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            results[row["custom_id"]] = row
with open(folder / "input.jsonl", encoding="utf-8") as file, open(folder / "theirs.jsonl", "w") as merged:
    for line in file:
        request = json.loads(line)
        result = results.get(request["custom_id"], {})
        row = {"custom_id": request["custom_id"], "request": request["body"]}
        merged.write(json.dumps({**row, "response": result.get("response"), "error": result.get("error")}) + "\\n")
print(json.dumps([time.perf_counter() - start, peak() - before]))
"""

JQ = """
INDEX($output[], $errors[]; .custom_id) as $came | inputs
| {custom_id, request: .body, response: $came[.custom_id].response, error: $came[.custom_id].error}
"""


def write_corpus(folder: Path, rows: int, megabytes: int) -> None:
    """Write a job's three files: chat rows of varied length, 1 % errors, 0.1 % missing, answers out of order."""
    chance = random.Random(7)
    words = [
        "".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(chance.randint(2, 10))) for _ in range(2000)
    ]
    half = max(100, megabytes * 1_000_000 // rows // 2 - 330)

    def text() -> str:
        prose = " ".join(chance.choices(words, k=half // 7))
        return prose[: half // 2] + '\n\n"quoted" – ' + prose[half // 2 :]

    answers: list[bytes] = []
    with (folder / "input.jsonl").open("wb") as requests, (folder / "errors.jsonl").open("wb") as errors:
        for number in range(rows):
            custom_id = f"request-{number:06}"
            prompt = text() + (" needle-777" if number % 5000 == 0 else "")
            messages = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": prompt}]
            body = {"model": "meta-llama/Llama-3.3-70B-Instruct-Turbo", "messages": messages, "max_tokens": 512}
            requests.write(json.dumps({"custom_id": custom_id, "body": body}, ensure_ascii=False).encode() + b"\n")
            if number % 1000 == 3:
                continue
            if number % 100 == 5:
                error = {"message": f"Request timeout after {number} ms", "code": "batch_client_error"}
                errors.write(json.dumps({"custom_id": custom_id, "error": error}).encode() + b"\n")
                continue
            message = {"role": "assistant", "content": text(), "tool_calls": []}
            body = {
                "id": "oE8k2Xg",
                "object": "chat.completion",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
                "usage": {"prompt_tokens": 120, "completion_tokens": 240, "total_tokens": 360},
            }
            row = {"id": f"r{number}", "custom_id": custom_id, "response": {"status_code": 200, "body": body}}
            answers.append(json.dumps(row, ensure_ascii=False).encode())
    for start in range(0, len(answers), 500):  # nearly in order, as a server's workers finish them
        part = answers[start : start + 500]
        chance.shuffle(part)
        answers[start : start + 500] = part
    (folder / "output.jsonl").write_bytes(b"\n".join(answers) + b"\n")


def run(script: str, folder: Path) -> list[float]:
    """Run a script in its own interpreter and return the numbers it prints."""
    done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True)
    printed: list[float] = json.loads(done.stdout)
    return printed


def merge_with_jq(folder: Path, rows: int) -> tuple[float, float]:
    """Return the seconds that jq takes to merge the first rows, and that we take, the index included."""
    small = folder / "small"
    small.mkdir()
    for name in ("input.jsonl", "output.jsonl", "errors.jsonl"):
        with (folder / name).open("rb") as whole, (small / name).open("wb") as part:
            part.writelines(islice(whole, rows))
    files = ("--slurpfile", "output", "output.jsonl", "--slurpfile", "errors", "errors.jsonl", "input.jsonl")
    start = time.perf_counter()
    with (small / "jq.jsonl").open("wb") as merged:
        subprocess.run(["jq", "-cn", JQ, *files], cwd=small, stdout=merged, check=True)
    seconds = time.perf_counter() - start
    ours = run(OURS, small)
    return seconds, ours[1] + ours[7]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jq", type=int, default=2_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus(folder, options.rows, options.megabytes)
        size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        print(f"{options.rows:,} rows, {size:.0f} MB in all, best of {options.runs}")
        # In turns: other work on the machine slows both.
        runs = [(run(OURS, folder), run(OBVIOUS, folder)) for _ in range(options.runs)]
        ours = min((our for our, _ in runs), key=lambda numbers: numbers[1] + numbers[7])
        theirs = min((their for _, their in runs), key=lambda numbers: numbers[0])
        by_jq = merge_with_jq(folder, options.jq) if shutil.which("jq") and options.jq else None
    first, indexed, grown, page, record, searched, hits, merged, grown_by_all, stored, opened, counts = ours
    print_bar(f"first rows      {first * 1e3:8.1f} ms   (bar 300)", first <= 0.3)
    print_bar(f"all indexed     {indexed * 1e3:8.0f} ms   (bar 1,500)", indexed <= 1.5)
    print(f"opened again    {opened * 1e3:8.0f} ms   from what is kept of it; to keep it took {stored * 1e3:.0f} ms")
    less = theirs[1] / grown
    print_bar(f"memory          {grown:8.0f} MB   (bar 80)      {less:.1f} × less than the script", grown <= 80)
    print(f"  and the merge {grown_by_all:8.0f} MB")
    print_bar(f"a page of rows  {page * 1e3:8.1f} ms   (bar 16)", page <= 0.016)
    print(f"one record      {record * 1e3:8.1f} ms")
    print(f"search          {searched * 1e3:8.0f} ms   ({hits:.0f} hits)")
    whole = indexed + merged
    print(f"merged          {merged * 1e3:8.0f} ms                 {theirs[0] / merged:.1f} × faster than the script")
    ratio = theirs[0] / whole
    print_bar(f"  and indexed   {whole * 1e3:8.0f} ms   (bar 4 ×)     {ratio:.1f} × faster than the script", ratio >= 4)
    print(f"obvious script  {theirs[0] * 1e3:8.0f} ms   {theirs[1]:.0f} MB")
    if by_jq is not None:
        ratio, rows = by_jq[0] / by_jq[1], options.jq
        print(f"jq              {by_jq[0] * 1e3:8.0f} ms   for {rows:,} rows: ours, indexed too, {ratio:.0f} × faster")
    print(counts)
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
