"""`--profile` on the commands: whose key and server they use, and that they never use another's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tbatch_tui
from tbatch_tui.config.settings import SettingsError
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import write_chat

if TYPE_CHECKING:
    from tests.cli.conftest import Run

WORK_KEY = "tgp_v1_key-of-work-0123"
NEEDING_A_KEY = ["ls", "get x", "submit x", "results x", "export x", "cancel x", "fetch x", "watch", "values x"]


def write_config(text: str) -> None:
    config = Path.home() / ".config" / "tbatch-tui" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(text)


def test_a_named_profile_brings_key_server_and_folder_and_that_is_said_once(run: Run, tmp_path: Path) -> None:
    with Sandbox(speed=40, key=WORK_KEY) as work:
        write_config(
            f'[profiles.work]\nkey_env = "WORK_KEY"\nbase_url = "{work.base_url}"\noutput_dir = "{tmp_path / "work"}"\n'
        )
        file = write_chat(tmp_path / "requests.jsonl", ["Hello"])
        done = run(
            "submit", str(file), "--wait", "--poll-interval", "0.2", "--profile", "work", env={"WORK_KEY": WORK_KEY}
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("TOGETHER_API_KEY and TOGETHER_BASE_URL are not used: the profile 'work'") == 1
        assert len(work.jobs) == 1
        assert [path.name for path in (tmp_path / "work").glob("*.output.jsonl")]
        named = run("ls", "--json", env={"WORK_KEY": WORK_KEY, "TBATCH_PROFILE": "work"})
        assert [job["label"] or job["name"] for job in json.loads(named.stdout)] == ["requests"]
    own = run("ls", "--json")
    assert (own.returncode, json.loads(own.stdout), own.stderr) == (0, [], "")


@pytest.mark.parametrize("command", NEEDING_A_KEY)
def test_a_profile_without_its_key_is_bad_use_and_falls_back_to_no_other(command: str, run: Run) -> None:
    write_config('[profiles.work]\nkey_env = "WORK_KEY"\n')
    done = run(*command.split(), "--profile", "work")
    assert (done.returncode, done.stdout) == (2, "")
    assert "takes its key from WORK_KEY, which is not set" in done.stderr


@pytest.mark.parametrize("command", ["ls", "make x.csv", "edit x.jsonl", "check x.jsonl", "doctor --json"])
def test_an_unknown_profile_names_the_nearest(command: str, run: Run) -> None:
    write_config('[profiles.work]\nkey_env = "WORK_KEY"\n')
    done = run(*command.split(), "--profile", "wokr")
    assert done.returncode == (1 if "doctor" in command else 2)
    assert "did you mean 'work'? There are work." in done.stdout + done.stderr


def test_what_needs_no_key_asks_for_none(run: Run, tmp_path: Path) -> None:
    write_config(f'[profiles.work]\nkey_command = ["touch", "{tmp_path / "asked"}"]\n')
    table = tmp_path / "table.csv"
    table.write_text("text\nHello\n")
    made = run("make", str(table), "-m", "some/model", "-p", "{{ text }}", "--profile", "work")
    assert made.returncode == 0, made.stderr
    path = made.stdout.strip()
    assert run("check", path, "--profile", "work").returncode == 0
    assert run("edit", path, "-m", "other/model", "--profile", "work").returncode == 0
    assert not (tmp_path / "asked").exists()
    assert run("ls", "--offline", "--profile", "work").returncode == 2
    assert (tmp_path / "asked").exists()


def test_a_key_command_is_asked_and_the_key_is_in_no_file_and_in_no_process(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    helper = tmp_path / "bin" / "key-helper"
    helper.write_text(f'#!/bin/sh\ncat /proc/$PPID/environ /proc/$PPID/cmdline >> "{tmp_path / "seen"}"\nrev "$1"\n')
    helper.chmod(0o755)
    secret = tmp_path / "bin" / "secret"
    secret.write_text(WORK_KEY[::-1])
    with Sandbox(speed=40, key=WORK_KEY) as work:
        write_config(f'[profiles.work]\nkey_command = ["{helper}", "{secret}"]\nbase_url = "{work.base_url}"\n')
        file = write_chat(tmp_path / "requests.jsonl", ["Hello"])
        results = ["--output-dir", str(tmp_path / "results"), "--profile", "work"]
        assert run("submit", str(file), "--wait", "--poll-interval", "0.2", *results).returncode == 0
        work.plan_fault("status", "/v1/**", status=401)
        outputs = [run("ls", *results), run("doctor", *results)]
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path != secret]
    assert {"history.db", "tbatch-tui.log", "seen"} <= {path.name for path in written}
    for path in written:
        assert WORK_KEY.encode() not in path.read_bytes(), path
    for done in outputs:
        assert WORK_KEY not in done.stdout + done.stderr
    assert "…0123 from its key_command" in outputs[1].stdout


async def test_a_script_names_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(speed=40, key=WORK_KEY) as work:
        write_config(
            f'[profiles.work]\nkey_command = ["printf", "{WORK_KEY}"]\nbase_url = "{work.base_url}"\n'
            '[profiles.gone]\nkey_command = ["false"]\n'
        )
        monkeypatch.setenv("TOGETHER_API_KEY", "other-key-0123456")
        data, results = tmp_path / "data", tmp_path / "results"
        engine = tbatch_tui.connect(profile="work", poll_interval=0.2, data_dir=data, output_dir=results)
        async with engine:
            job = await engine.wait(await engine.submit(write_chat(tmp_path / "requests.jsonl", ["Hello"])))
            assert job.paths and len(work.jobs) == 1
        with pytest.raises(SettingsError, match="false failed with 1"):
            await tbatch_tui.connect(profile="gone", data_dir=data).open()
    with pytest.raises(SettingsError, match="both a key and a profile"):
        tbatch_tui.connect(profile="work", api_key="x")
    monkeypatch.setenv("TBATCH_PROFILE", "gone")
    assert tbatch_tui.connect(api_key="a-key-of-my-own", data_dir=data).options.profile_name == ""
