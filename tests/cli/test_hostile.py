"""No command passes a control character on to the terminal, whatever is in jobs, rows and answers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.conftest import CHAT_MODEL
from tests.helpers.hostile_text import NASTY
from tests.tui.scenarios.test_hostile_server import fill

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.cli.conftest import Run

CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
SERVER = "http://127.0.0.1:9"
NOWHERE: dict[str, str | None] = {"TOGETHER_API_KEY": "a-key-of-the-test", "TOGETHER_BASE_URL": SERVER}


def test_jobs_of_a_hostile_server(run: Run, tmp_path: Path) -> None:
    count = fill(tmp_path, server=SERVER)
    plain, as_json = run("ls", "--offline", env=NOWHERE), run("ls", "--offline", "--json", env=NOWHERE)
    for done in (plain, as_json, run("get", "\x1b[2J\u202e\x9b", env=NOWHERE)):
        assert not CONTROLS.search(done.stdout + done.stderr)
    assert plain.stdout.count("\n") == count + 1
    assert len(json.loads(as_json.stdout)) == count


def test_hostile_rows(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    names = [f"{number} {text[:40]}" for number, text in enumerate(NASTY)]
    body = {"model": CHAT_MODEL, "max_tokens": 20}
    path = tmp_path / "hostile.jsonl"
    path.write_text(
        "".join(
            json.dumps({"custom_id": name, "body": body | {"messages": [{"role": "user", "content": text[:200]}]}})
            + "\n"
            for name, text in zip(names, NASTY, strict=True)
            if "\ud800" not in text and text.strip()
        )
    )
    done = run("submit", str(path), "--label", "\x1b]0;\x07\u202e", "--wait", "--poll-interval", "0.2")
    assert done.returncode == 4, done.stderr  # 20 tokens are too few for most of the answers
    job_id = sandbox.jobs[0]["id"]
    outputs = [run("results", job_id), run("get", job_id), run("get", job_id, "--json"), run("fetch", job_id)]
    for output in (done, *outputs):
        assert output.returncode in (0, 4) and not CONTROLS.search(output.stdout + output.stderr), output
    assert outputs[0].stdout.count("\n") == 1 + path.read_text().count("\n")
