"""`get` of a job that failed: what the server's report says of the lines of its input file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.cli.conftest import run
from tests.sandbox.conftest import chat_row, jsonl

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.cli.conftest import Run

__all__ = ["run"]

REPORT = {"valid": False, "nlines": 9, "error": "line 4: invalid JSON\nline 7: \x1b[31mbody is required"}


def test_the_lines_that_were_refused(run: Run, sandbox: Sandbox) -> None:
    job = sandbox.job(sandbox.add_job("FAILED", content=jsonl(chat_row("a")) * 2))
    told = run("get", job["id"]).stdout
    assert told.count("duplicate custom_id") == 1, "what the job says already is not said twice"
    report = json.loads(run("get", job["id"], "--json").stdout)["validation_report"]
    assert (report["valid"], report["lines"], report["error"]) == (False, 2, job["error"])
    assert report["refused"] == [{"line": 2, "within_chunk": True, "message": "duplicate custom_id: a"}]

    answer = {"id": job["input_file_id"], "validation_report": REPORT}
    sandbox.plan_fault("status", f"/v1/files/{job['input_file_id']}", method="GET", status=200, body=answer, to=None)
    told = run("get", job["id"]).stdout
    assert "report    line 4: invalid JSON\nreport    line 7: " in told and "\x1b" not in told
    report = json.loads(run("get", job["id"], "--json").stdout)["validation_report"]
    assert [refused["line"] for refused in report["refused"]] == [4, 7]


def test_only_a_job_that_failed_is_asked_about(run: Run, sandbox: Sandbox) -> None:
    failed, good = sandbox.add_job("FAILED"), sandbox.add_job("COMPLETED")
    run("ls", "--json")
    assert json.loads(run("get", good, "--json").stdout)["validation_report"] is None
    assert not [call.path for call in sandbox.requests if call.path.startswith("/v1/files/")]
    sandbox.stop()
    offline = run("get", failed, "--json")
    assert (offline.returncode, json.loads(offline.stdout)["validation_report"]) == (0, None)
