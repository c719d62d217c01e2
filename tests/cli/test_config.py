"""`config`: where settings come from, what cannot be used, and labels that go to a colleague."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.journal.journal import Journal
from tests.cli.test_profiles import write_config
from tests.helpers.commands import run_command

if TYPE_CHECKING:
    import subprocess

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.cli.conftest import Run

KEY = "tgp_v1_key-of-mine-9876"
CONFIG = """output_dir = "~/all"
theme = "tbatch-light"

[notify]
bell = false

[profiles.work]
key_command = ["pass", "show", "secret-argument"]
base_url = "https://work.example"
"""


def run_alone(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_command(["config", *arguments], Path.home(), {"HOME": str(Path.home()), "PATH": "/nowhere"} | variables)


def test_the_path_is_told_also_of_a_file_that_is_not_there() -> None:
    done = run_alone("path")
    assert done.stdout == f"{Path.home() / '.config' / 'tbatch-tui' / 'config.toml'}\n"
    assert done.stderr.count("not there yet") == 1
    write_config("")
    assert run_alone("path").stderr == ""
    assert json.loads(run_alone("path", "--json").stdout)["exists"] is True


def test_each_setting_is_shown_with_where_it_comes_from_and_never_the_key() -> None:
    write_config(CONFIG)
    environment = {"TOGETHER_API_KEY": KEY, "TOGETHER_BASE_URL": "https://variable.example"}
    own = run_alone("show", "--json", "--data-dir", "history", **environment)
    rows: dict[str, Any] = {row["name"]: row for row in json.loads(own.stdout)["settings"]}
    origins = {name: (row["value"], row["from"], row["where"], row["line"]) for name, row in rows.items()}
    assert origins["api_key"] == ("…9876", "environment", "TOGETHER_API_KEY", None)
    assert origins["base_url"] == ("https://variable.example", "environment", "TOGETHER_BASE_URL", None)
    assert origins["output_dir"] == (str(Path.home() / "all"), "file", None, 1)
    assert origins["theme"] == ("tbatch-light", "file", None, 2)
    assert origins["data_dir"] == ("history", "flag", "--data-dir", None)
    assert origins["poll_interval"] == (30, "default", None, None)
    assert origins["notify.bell"] == (False, "file", None, 5)
    assert origins["notify.toast"] == (True, "default", None, None)
    named = run_alone("show", "--profile", "work", **environment)
    assert "what pass prints" in named.stdout and "https://work.example" in named.stdout
    assert "--profile" in named.stdout and "profile work" in named.stdout
    for done in (own, named):
        assert KEY not in done.stdout + done.stderr and "secret-argument" not in done.stdout


def test_a_check_names_each_line_and_what_to_write() -> None:
    write_config('theme = "solarised-lite"\n[keys]\n"job.cancle" = "C"\n')
    done = run_alone("check")
    config = Path.home() / ".config" / "tbatch-tui" / "config.toml"
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{config}:1: There is no theme 'solarised-lite'; did you mean 'solarized-light'?")
    assert second.startswith(f"{config}:3: ") and "job.cancle" in second
    write_config(f'mouse = 1\napi_key = "{KEY}"\n[profiles.a]\nkey_env = "{KEY}"\n')
    found = run_alone("check", "--json")
    assert KEY not in found.stdout + found.stderr
    assert [problem["line"] for problem in json.loads(found.stdout)["problems"]] == [1, 2, 4]
    write_config(CONFIG)
    assert (run_alone("check").returncode, run_alone("check").stdout) == (0, "")
    assert run_alone("show", "--profile", "wokr").returncode == 2


def labels_of(data: Path) -> dict[str, tuple[str, str]]:
    journal = Journal(data / "history.db")
    rows = journal.database.execute("SELECT key, label, note FROM records").fetchall()
    journal.close()
    return {row["key"]: (row["label"], row["note"]) for row in rows}


def annotate(data: Path, key: str, label: str, note: str, now: float) -> None:
    journal = Journal(data / "history.db")
    [account] = journal.database.execute("SELECT account_id FROM records WHERE key = ?", (key,)).fetchone()
    journal.records.annotate(account, key, label, note, now)
    journal.close()


def test_labels_go_to_a_colleague_and_come_back_without_a_key(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    first, second, third = (sandbox.add_job(rows=1) for _ in range(3))
    assert run("ls").returncode == 0
    mine = tmp_path / "data"
    annotate(mine, first, "march", "the second prompt", 1_900_000_000.0)
    annotate(mine, second, "april", "", 1_900_000_000.0)
    file = tmp_path / "labels.jsonl"
    done = run("config", "export-labels", str(file))
    assert done.returncode == 0 and "2 jobs with a label or a note" in done.stderr
    assert sandbox.key not in file.read_text()
    assert run("config", "export-labels", str(file)).returncode == 2  # the name is taken
    exported = run("config", "export-labels", "-")
    assert exported.stdout == file.read_text()
    assert {json.loads(line)["job"] for line in exported.stdout.splitlines()} == {first, second}

    theirs = tmp_path / "theirs"
    assert run("ls", "--data-dir", str(theirs)).returncode == 0
    annotate(theirs, second, "newer here", "", 2_000_000_000.0)
    annotate(theirs, third, "only here", "", 1.0)
    taken = run("config", "import-labels", str(file), "--json", "--data-dir", str(theirs))
    assert json.loads(taken.stdout) == {"new": 1, "replaced": 0, "same": 0, "kept": 1, "no_job": 0}
    assert "kept 'newer here', which is newer than 'april'" in taken.stderr
    assert labels_of(theirs) == {
        first: ("march", "the second prompt"),
        second: ("newer here", ""),
        third: ("only here", ""),
    }
    forced = run("config", "import-labels", str(file), "--force", "--data-dir", str(theirs))
    assert "'newer here' is now 'april'" in forced.stderr and "1 the same already" in forced.stderr
    assert labels_of(theirs)[second] == ("april", "")


def test_labels_of_another_account_or_job_are_counted_and_touch_nothing(
    run: Run, sandbox: Sandbox, tmp_path: Path
) -> None:
    job = sandbox.add_job(rows=1)
    assert run("ls").returncode == 0
    annotate(tmp_path / "data", job, "march", "", 1.0)
    [line] = run("config", "export-labels", "-").stdout.splitlines()
    value = json.loads(line) | {"label": "theirs", "changed_at": "2040-01-01T00:00:00+00:00"}
    changes = ({"project": "another"}, {"server": "https://elsewhere"}, {"job": "no-such-job"})
    others = [value | change for change in changes]
    file = tmp_path / "labels.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in others))
    done = run("config", "import-labels", str(file))
    assert done.returncode == 0 and "3 of jobs that are not in this history" in done.stderr
    assert labels_of(tmp_path / "data") == {job: ("march", "")}
    file.write_text(json.dumps(value) + "\n")
    assert "'march' is now 'theirs'" in run("config", "import-labels", str(file)).stderr
    for broken in ("{", "[]", "{}", json.dumps(value | {"label": 3}), json.dumps(value | {"changed_at": "soon"})):
        file.write_text(json.dumps(value | {"label": "half"}) + f"\n{broken}\n")
        refused = run("config", "import-labels", str(file))
        assert refused.returncode == 2 and f"{file}:2" in refused.stderr
    assert labels_of(tmp_path / "data") == {job: ("theirs", "")}


@pytest.mark.parametrize("arguments", [["export-labels"], ["show", "FILE"], ["nothing"]])
def test_a_file_belongs_to_labels_alone(arguments: list[str]) -> None:
    assert run_alone(*arguments).returncode == 2
