"""Run all benchmarks and write `docs/dev/benchmarks.md`: `python -m benchmarks`.

    python -m benchmarks [--only check,results] [--quick]

The page has what each script printed, unchanged; a missed bar is marked. Run it on a machine that does nothing else: it
takes about a quarter of an hour. `--quick` leaves out the slow ones, which write gigabytes; `--only` runs some of them
and keeps the other sections of the page.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "dev" / "benchmarks.md"


class Script(NamedTuple):
    """A benchmark: the heading and the bars for the page, the module, its arguments."""

    title: str
    bars: str
    module: str
    arguments: Sequence[str] = ()
    slow: bool = False


SCRIPTS = {
    "startup": Script(
        "Launch to the first frame of Jobs with rows",
        "≤ 1.0 × a bare Textual app with a Header, DataTable and Footer, with 0 and with 10,000 past jobs",
        "benchmarks.startup",
    ),
    "check": Script(
        "Check of 50,000 lines, 98 MB and 15 MB, the command's whole wall time",
        "≥ 6 × and ≥ 5 × faster than the SDK's `check_file` on two cores, ≥ 4.5 × and ≥ 4 × in one process",
        "benchmarks.check",
    ),
    "check-big": Script(
        "Check of 2 GB, 5 million lines", "≤ 150 MB of memory", "benchmarks.check", ("--big",), slow=True
    ),
    "large": Script(
        "Split of 10 GB into parts",
        "≥ 0.5 × the pace of `split -l`, ≤ 150 MB of memory",
        "benchmarks.large",
        slow=True,
    ),
    "large-results": Script(
        "Results of a group: 2,000,000 rows in 40 parts",
        "first rows ≤ 0.3 s; reading, search, export, join back and values +150 MB at most",
        "benchmarks.large_results",
        slow=True,
    ),
    "large-screen": Script(
        "Results of a group on the screen: 2,000,000 rows in 40 parts",
        "first rows ≤ 0.3 s, key to screen ≤ 50 ms median, event loop held ≤ 50 ms, +150 MB at most",
        "benchmarks.large_screen",
        slow=True,
    ),
    "jobs": Script(
        "Jobs with 10,000 jobs and a changed list every second; idle with 10 active jobs",
        "key to screen ≤ 50 ms median and ≤ 120 ms worst of 30; loop held ≤ 50 ms; idle ≤ 1 % of a core",
        "benchmarks.jobs",
    ),
    "values": Script(
        "Values and a comparison of 50,000 answers",
        "values ≤ 0.5 s and +80 MB at most",
        "benchmarks.values",
    ),
    "results": Script(
        "Results of 50,000 rows, 100 MB; merge into input order",
        "first rows ≤ 0.3 s, all indexed ≤ 1.5 s, +80 MB at most; index and merge ≥ 4 × faster than the obvious script",
        "benchmarks.results",
    ),
    "results-screen": Script(
        "Results on the screen: 50,000 rows, 100 MB",
        "first rows ≤ 0.3 s, event loop held ≤ 50 ms, +80 MB at most",
        "benchmarks.results_screen",
    ),
    "tables": Script(
        "From a table to an input file: 200,000 rows, 100 MB of CSV",
        "≥ 5 × faster than the obvious pandas script, ≤ 60 MB of memory; the check of what was written included",
        "benchmarks.tables",
    ),
    "compose": Script(
        "Compose over a table: 200,000 rows, 100 MB of CSV",
        "key to screen ≤ 50 ms median, ≤ 120 ms worst of 30, while all rows are read for the sums",
        "benchmarks.compose",
    ),
    "download": Script(
        "Download of 500 MB over loopback",
        "≥ 0.85 × curl, ≥ 0.9 × curl followed by sync, ≥ 1 × `tg batches download`",
        "benchmarks.download",
    ),
    "crash": Script(
        "SIGKILL at 200 seeded random moments",
        "no duplicate, no orphan, no truncated file, no job unfetched",
        "benchmarks.crash",
        slow=True,
    ),
    "sandbox": Script(
        "The sandbox under load", "none promised: how much a test suite may ask of it", "benchmarks.sandbox", slow=True
    ),
}


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(SCRIPTS), metavar="NAMES")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    page_sections = read_sections(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    missed = 0
    for name in options.only:
        script = SCRIPTS[name]
        if options.quick and script.slow:
            continue
        page_sections[name], code = measure(script)
        missed += bool(code)
        PAGE.write_text(format_page(page_sections), encoding="utf-8")  # at once: a later script may fail
    return 1 if missed else 0


def measure(script: Script) -> tuple[str, int]:
    """Run a script; return its section of the page and its exit code, which is not 0 if a bar was missed."""
    print(f"== {script.title}", flush=True)
    began = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-m", script.module, *script.arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    output = re.sub(r"/\S*/(?=[\w.-]+)", "", done.stdout.rstrip())
    print(output, done.stderr[-2_000:], sep="\n", flush=True)
    warning = "" if done.returncode == 0 else "**A bar was missed, or the script failed.**\n\n"
    when = f"{time.strftime('%Y-%m-%d')}, {time.monotonic() - began:.0f} s"
    command = " ".join(("python -m", script.module, *script.arguments))
    return f"Bars: {script.bars}.\n\n{warning}`{command}` ({when}):\n\n```\n{output}\n```\n", done.returncode


def format_page(page_sections: dict[str, str]) -> str:
    """Return the page, its sections in the order of the scripts."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("textual", "together", "msgspec", "pysimdjson"))
    head = (
        "# Benchmarks\n\n"
        "Written by `python -m benchmarks`: what each script printed, beside its peer, in one run on one machine.\n"
        "Ratios carry over to other machines better than seconds do.\n\n"
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}; Python {platform.python_version()}, "
        f"{versions}.\n"
    )
    parts = [
        f"\n## {SCRIPTS[name].title}\n\n<!-- {name} -->\n{page_sections[name]}"
        for name in SCRIPTS
        if name in page_sections
    ]
    return head + "".join(parts)


def read_sections(text: str) -> dict[str, str]:
    """Return the sections of a page that was written before, by name."""
    matches = re.findall(r"<!-- ([\w-]+) -->\n(.*?)(?=\n## |\Z)", text, re.DOTALL)
    return {name: body.rstrip("\n") + "\n" for name, body in matches if name in SCRIPTS}


if __name__ == "__main__":
    sys.exit(main())
