"""`doctor`, as a shell runs it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import run, start

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.cli.conftest import Run

__all__ = ["run", "start"]


def test_all_is_well(run: Run, sandbox: Sandbox) -> None:
    done = run("doctor", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert {finding["state"] for finding in findings.values()} <= {"ok", "warning"}
    assert findings["Python"]["value"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert findings["account"]["value"] == "Acme / evals"
    assert findings["API key"]["value"] == "… from TOGETHER_API_KEY", "of a key so short nothing is shown"
    assert sandbox.key not in done.stdout
    assert {call.method for call in sandbox.requests} == {"GET"}, "it changes nothing"


def test_a_project_in_the_environment_is_said_to_do_nothing(run: Run) -> None:
    done = run("doctor", env={"TOGETHER_PROJECT_ID": "proj-other"})
    assert done.returncode == 0
    assert "! TOGETHER_PROJECT_ID" in done.stdout and "jobs belong to the project of the key" in done.stdout


def test_what_is_wrong_has_its_mend(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    done = run("doctor", "--output-dir", "out", env={"TOGETHER_API_KEY": None, "SSL_CERT_FILE": "none.pem"})
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    for name in ("results", "API key", "SSL_CERT_FILE"):
        [place] = [number for number, line in enumerate(lines) if line.startswith(f"  ✗ {name} ")]
        assert lines[place + 1].strip().startswith("→ ")
    assert lines[-1] == "A submit will not work from here: 3 to correct (✗)."


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("TOGETHER_BASE_URL", "ftp://x", "is not a web address"),
        ("TOGETHER_BASE_URL", "http://127.0.0.1:9", "No connection to 127.0.0.1"),
        ("TOGETHER_API_KEY", "another", "API key"),
    ],
)
def test_a_server_that_cannot_be_asked(run: Run, variable: str, value: str, words: str) -> None:
    done = run("doctor", env={variable: value})
    assert done.returncode == 1
    assert words in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(("path", "name"), [("/v3/whoami", "account"), ("/v2/supported-models", "models")])
def test_what_a_submit_can_do_without_is_a_warning(run: Run, sandbox: Sandbox, path: str, name: str) -> None:
    sandbox.plan_fault("status", path, status=404, to=None)
    done = run("doctor", "--json")
    assert done.returncode == 0
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert findings[name]["state"] == "warning"
    assert "404" in findings[name]["advice"]
    assert "jobs" in findings, "the rest is looked at all the same"


def test_live_wants_a_word_first(run: Run, sandbox: Sandbox) -> None:
    done = run("doctor", "--live")
    assert done.returncode == 2
    assert "That costs at most $0.0000" in done.stderr and "use --yes" in done.stderr
    assert sandbox.count("POST", "/v1/batches") == 0


def test_live_says_of_each_fact_whether_it_held(run: Run, sandbox: Sandbox) -> None:
    sandbox.plan_fault("status", "/v1/files/*/content", status=404, to=None)
    done = run("doctor", "--live", "--yes", "--json", "-m", "no/such")
    assert done.returncode == 1
    assert "no/such" in done.stderr
    sandbox.clear_faults()
    done = run("doctor", "--live", "--yes", "--json")
    assert done.returncode == 0
    facts = json.loads(done.stdout)["facts"]
    assert {fact["state"] for fact in facts} == {"held", "not seen"}
    assert "the job is COMPLETED" in done.stderr
    assert sandbox.key not in done.stdout + done.stderr
