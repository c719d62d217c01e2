"""Run every row of the table of sizes beside its peer and write `docs/dev/benchmarks.md`: `python -m benchmarks`.

    python -m benchmarks [--only check,results] [--quick]

What each script printed stands there to the letter; a bar that was missed is marked, not left out. A quiet machine is
wanted: it takes about a quarter of an hour. `--quick` leaves out what writes gigabytes; `--only` runs some of them
and keeps what the page says of the others.
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
    """One run: its heading and the bars it is held against, the module, its arguments."""

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
    "jobs": Script(
        "Jobs with 10,000 jobs and a changed list every second; idle with 10 active jobs",
        "key to screen ≤ 50 ms median and ≤ 120 ms worst of 30; loop held ≤ 50 ms; idle ≤ 1 % of a core",
        "benchmarks.jobs",
    ),
    "results": Script(
        "Results of 50,000 rows, 100 MB; merge into input order",
        "first rows ≤ 0.3 s, all indexed ≤ 1.5 s, +80 MB at most; merge ≥ 3 × faster than the obvious script",
        "benchmarks.results",
    ),
    "download": Script(
        "Download of 500 MB over loopback", "≥ 0.9 × curl and ≥ 1 × `tg batches download`", "benchmarks.download"
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(SCRIPTS), metavar="NAMES")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    kept = sections(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    missed = 0
    for name in options.only:
        script = SCRIPTS[name]
        if options.quick and script.slow:
            continue
        kept[name], code = measured(script)
        missed += bool(code)
        PAGE.write_text(page(kept), encoding="utf-8")  # what has been measured is kept, whatever comes next
    return 1 if missed else 0


def measured(script: Script) -> tuple[str, int]:
    """Run a script; its section of the page, and its exit code, which is not 0 when a bar was missed."""
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
    said = re.sub(r"/\S*/(?=[\w.-]+)", "", done.stdout.rstrip())
    print(said, done.stderr[-2_000:], sep="\n", flush=True)
    verdict = "" if done.returncode == 0 else "**A bar was missed, or the script failed.**\n\n"
    when = f"{time.strftime('%Y-%m-%d')}, {time.monotonic() - began:.0f} s"
    ran = " ".join(("python -m", script.module, *script.arguments))
    return f"Bars: {script.bars}.\n\n{verdict}`{ran}` ({when}):\n\n```\n{said}\n```\n", done.returncode


def page(kept: dict[str, str]) -> str:
    """The whole page, in the order of the scripts."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("textual", "together", "msgspec", "pysimdjson"))
    head = (
        "# Benchmarks\n\n"
        "Written by `python -m benchmarks`: what each script printed, beside its peer, in one run on one machine.\n"
        "Ratios carry over to other machines better than seconds do.\n\n"
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}; Python {platform.python_version()}, "
        f"{versions}.\n"
    )
    parts = [f"\n## {SCRIPTS[name].title}\n\n<!-- {name} -->\n{kept[name]}" for name in SCRIPTS if name in kept]
    return head + "".join(parts)


def sections(text: str) -> dict[str, str]:
    """What a page that was written before says under each heading."""
    found = re.findall(r"<!-- ([\w-]+) -->\n(.*?)(?=\n## |\Z)", text, re.DOTALL)
    return {name: body.rstrip("\n") + "\n" for name, body in found if name in SCRIPTS}


if __name__ == "__main__":
    sys.exit(main())
