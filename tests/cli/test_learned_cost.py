"""`make` and `submit` say what a batch is likely to cost, once a job of the prompt has run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.conftest import CHAT_MODEL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

SOON = ("--poll-interval", "0.2")
LIKELY = re.compile(r"(about|under) \$\d.* from 1 earlier job")


def test_the_second_file_of_a_prompt_is_estimated_by_the_first(run: Run, tmp_path: Path) -> None:
    for name, rows in (("march.csv", 3), ("april.csv", 5)):
        lines = "".join(f"{name} {n},It works {n}.\n" for n in range(rows))
        (tmp_path / name).write_text(f"id,review\n{lines}", encoding="utf-8")
    asked = ("-m", CHAT_MODEL, "-p", "Good? {{ review }}", "--max-tokens", "300")
    first = run("make", "march.csv", *asked)
    assert first.returncode == 0 and "earlier job" not in first.stderr
    done = run("submit", first.stdout.strip(), "--wait", *SOON)
    assert done.returncode == 0 and "earlier job" not in done.stderr, done.stderr
    assert re.search(r"^march.jsonl: up to about \$\d", done.stderr, re.M), done.stderr
    second = run("make", "april.csv", *asked)
    assert second.returncode == 0 and LIKELY.search(second.stderr), second.stderr
    sent = run("submit", second.stdout.strip(), *SOON)
    assert sent.returncode == 0 and LIKELY.search(sent.stderr), sent.stderr
    assert re.search(r"from 1 earlier job, up to about \$\d", sent.stderr), sent.stderr
