"""Values and a comparison of 50,000 answers beside the obvious script, which loads both files with pandas.

    python -m benchmarks.values [--rows 50000]

Each runs in its own interpreter, on the same files, one after the other. Memory does not include imports and, of ours,
not the index, which Results has built already. Processor time is told beside the wall time, as a busy machine only
stretches the latter.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.bars import exit_code, print_bar

BAR_SECONDS, BAR_MEGABYTES = 0.5, 80.0
COMMON = """
import json, re, resource, sys, time
from pathlib import Path

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1e3

def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

folder = Path(sys.argv[1])
"""
OURS = (
    COMMON
    + """
from tbatch_tui.engine.answers.compare import compare
from tbatch_tui.engine.answers.table import read_table
from tbatch_tui.engine.answers.values import values_as_data
from tbatch_tui.engine.results import ResultIndex, Sources

first, second = (ResultIndex(Sources(folder / "input.jsonl", folder / name)) for name in ("a.jsonl", "b.jsonl"))
first.build(), second.build()
before = rss()
start, used = time.perf_counter(), time.process_time()
data = values_as_data(read_table(first))
values, values_cpu = time.perf_counter() - start, time.process_time() - used
grown = max(0.0, peak() - before)
start, used = time.perf_counter(), time.process_time()
found = compare(first, second, "label")
compared, compared_cpu = time.perf_counter() - start, time.process_time() - used
label = dict(map(tuple, data["fields"]["label"]["values"]))
print(json.dumps([values, values_cpu, grown, compared, compared_cpu, label, found.pairs, found.same]))
"""
)
PANDAS = (
    COMMON
    + """
import pandas as pd

def answers(name):
    rows = pd.read_json(folder / name, lines=True)
    content = rows["response"].map(lambda response: response["body"]["choices"][0]["message"]["content"])
    return pd.DataFrame(list(content.map(json.loads)), index=rows["custom_id"])

before = rss()
start, used = time.perf_counter(), time.process_time()
first = answers("a.jsonl")
label = first["label"].value_counts()
first["score"].describe(), first["why"].value_counts()
values, values_cpu = time.perf_counter() - start, time.process_time() - used
grown = peak() - before
start, used = time.perf_counter(), time.process_time()
both = answers("a.jsonl").merge(answers("b.jsonl"), left_index=True, right_index=True)
same = int((both["label_x"] == both["label_y"]).sum())
matrix = pd.crosstab(both["label_x"], both["label_y"])
compared, compared_cpu = time.perf_counter() - start, time.process_time() - used
print(json.dumps([values, values_cpu, grown, compared, compared_cpu, label.to_dict(), len(both), same]))
"""
)


def write_corpus(folder: Path, rows: int) -> None:
    """Write requests with a schema, and the output files of two jobs over them, in no order."""
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(2000)]
    labels = ["positive", "negative", "neutral"]
    schema = {"type": "object", "properties": {"label": {"enum": labels}, "score": {"type": "number"}, "why": {}}}
    asked = {"type": "json_schema", "json_schema": {"name": "review", "schema": schema}}
    with (folder / "input.jsonl").open("w") as file:
        for number in range(rows):
            messages = [{"role": "user", "content": " ".join(chance.choices(words, k=40))}]
            body = {"model": "m/chat", "messages": messages, "response_format": asked}
            file.write(json.dumps({"custom_id": f"row-{number:06}", "body": body}) + "\n")
    for name in ("a.jsonl", "b.jsonl"):
        order = list(range(rows))
        chance.shuffle(order)
        with (folder / name).open("w") as file:
            for number in order:
                why = " ".join(chance.choices(words, k=12))
                answer = {"label": chance.choice(labels), "score": round(chance.random(), 2), "why": why}
                message = {"role": "assistant", "content": json.dumps(answer)}
                body = {
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 60, "completion_tokens": 40, "total_tokens": 100},
                }
                row = {"custom_id": f"row-{number:06}", "response": {"status_code": 200, "body": body}}
                file.write(json.dumps(row) + "\n")


def run(script: str, folder: Path) -> list[object]:
    """Run a script in its own interpreter, and return what it measured."""
    done = subprocess.run([sys.executable, "-c", script, str(folder)], check=True, capture_output=True, text=True)
    return list(json.loads(done.stdout))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus(folder, rows)
        print(f"{rows:,} answers of three fields, in two jobs")
        measured = {}
        for who, script in (("ours", OURS), ("pandas", PANDAS)):
            values, values_cpu, grown, compared, compared_cpu, label, pairs, same = run(script, folder)
            measured[who] = (values, label, pairs, same, grown)
            print(f"  {who:<7} values {values:5.2f} s, processor {values_cpu:5.2f} s, +{grown:4.0f} MB")
            print(f"  {who:<7} compare {compared:5.2f} s, processor {compared_cpu:5.2f} s")
    ours, theirs = measured["ours"], measured["pandas"]
    print_bar("both count the same", ours[1:4] == theirs[1:4])
    print_bar(f"values: {ours[0]:.2f} s (bar {BAR_SECONDS} s)", float(str(ours[0])) <= BAR_SECONDS)
    print_bar(f"values: +{ours[4]:.0f} MB (bar {BAR_MEGABYTES:.0f} MB)", float(str(ours[4])) <= BAR_MEGABYTES)
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
