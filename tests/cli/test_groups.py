"""A group on the command line: one line, one object, and a name that every command takes."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import TYPE_CHECKING

from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.options import EngineOptions
from tests.conftest import write_chat
from tests.helpers.copied import make_copied

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.cli.conftest import Run

SOON = ("--poll-interval", "0.2")


def test_a_group_is_one_line_one_object_and_one_name(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    file = write_chat(tmp_path / "words.jsonl", [f"Say {number}." for number in range(12)])
    alone = write_chat(tmp_path / "alone.jsonl", ["Hello."])
    done = run("submit", str(file), "--first", "3", "--wait", *SOON)
    assert done.returncode == 0, done.stderr
    assert run("submit", str(alone), "--wait", *SOON).returncode == 0
    jobs = [job["id"] for job in sandbox.jobs]

    _, *lines = run("ls").stdout.splitlines()
    assert len(lines) == 2 and sum("words · 2 parts" in line for line in lines) == 1
    _, *lines = run("ls", "--parts").stdout.splitlines()
    assert len(lines) == 4
    at = next(number for number, line in enumerate(lines) if line.startswith("group:"))
    assert [line.split()[0] for line in lines[at + 1 : at + 3]] == jobs[:2]
    assert "words · first 3" in lines[at + 1] and "words · the rest" in lines[at + 2]

    listed = json.loads(run("ls", "--json").stdout)
    assert {each.get("kind", "job") for each in listed} == {"group", "job"}
    [group] = [each for each in listed if each.get("kind") == "group"]
    assert group["name"] == "words" and [part["id"] for part in group["parts"]] == jobs[:2]
    assert group["outcomes"] == {"ok": 12, "cut short": 0, "invalid": 0, "error": 0, "missing": 0}
    assert json.loads(run("get", "words", "--json").stdout) == group
    assert json.loads(run("get", group["key"], "--json").stdout) == group
    assert json.loads(run("get", "words · first 3", "--json").stdout)["id"] == jobs[0], "a part is a job"
    told = run("get", "words").stdout
    assert "2 completed" in told and "12 in = 12 ok + 0 missing" in told and jobs[1] in told

    rows = [json.loads(line) for line in run("results", "words", "--json").stdout.splitlines()]
    assert [row["custom_id"] for row in rows] == [f"request-{number}" for number in range(1, 13)]
    assert {row["job"] for row in rows} == set(jobs[:2]), "each row names the job that answered it"
    exported = run("export", "words", "-o", "all.jsonl")
    assert exported.returncode == 0 and "12 rows" in exported.stderr and "provisional" not in exported.stderr
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 12
    assert json.loads(run("values", "words", "--json").stdout)["rows"] == 12
    assert json.loads(run("compare", "words", "words", "--json").stdout)["pairs"] == 12
    retried = run("retry", "words")
    assert retried.returncode == 1 and "every request has a complete answer" in retried.stderr
    fetched = run("fetch", "words", *SOON)
    assert fetched.returncode == 0 and len(fetched.stdout.splitlines()) == 2
    watched = run("watch", "words", *SOON)
    assert watched.returncode == 0 and [line.split()[0] for line in watched.stdout.splitlines()] == jobs[:2]


def test_a_name_that_two_things_have_is_refused(run: Run, still_sandbox: Sandbox, tmp_path: Path) -> None:
    env = {"TOGETHER_API_KEY": still_sandbox.key, "TOGETHER_BASE_URL": still_sandbox.base_url}
    file = write_chat(tmp_path / "words.jsonl", [f"Say {number}." for number in range(6)])
    alone = write_chat(tmp_path / "other.jsonl", ["Hello."])
    still_sandbox.plan_fault("status", "/v1/batches", method="POST", first=1, last=1, status=402, body="{}")
    run("submit", str(file), "--first", "3", *SOON, env=env)  # the first is refused, so the rest is not sent
    assert run("submit", str(alone), "--label", "words", *SOON, env=env).returncode == 0
    refused = run("get", "words", env=env)
    assert refused.returncode == 2 and "2 jobs are called 'words'" in refused.stderr and "group:1" in refused.stderr
    assert json.loads(run("get", "group:1", "--json", env=env).stdout)["outcomes"]["missing"] == 6
    assert run("results", "group:1", env=env).returncode == 1
    waiting = run("cancel", "group:1", "--yes", env=env)
    assert waiting.returncode == 0 and "1 part that waited will not be sent" in waiting.stderr
    assert len(still_sandbox.jobs) == 1


def test_a_group_is_held_and_continued_from_the_shell(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    line = '{"custom_id": "%d", "body": {"model": "m/m", "messages": [{"role": "user", "content": "x"}]}}\n'
    file.write_text("".join(line % number for number in range(100_001)))
    wrong = run("submit", str(file), "--stages", "3,rest", *SOON)
    assert wrong.returncode == 2 and "the file has 3 parts" in wrong.stderr
    assert run("submit", str(file), "--stages", "rest").returncode == 2
    sandbox.plan_fault("status", "/v1/batches", method="POST", first=1, last=1, status=402, body="{}")
    sent = run("submit", str(file), "--stages", "1,rest", "--gate", "ask", "--group", "big", *SOON)
    assert sent.returncode == 1 and "big: 2 parts not sent yet" in sent.stderr
    held = run("hold", "big")
    assert held.returncode == 0 and "big: 2 parts on hold" in held.stderr and not sandbox.jobs
    assert "waits for  you: 2 parts on hold, tbatch-tui continue sends them" in run("get", "big").stdout
    assert "big: 2 parts on hold: `tbatch-tui continue NAME` sends them" in run("ls").stderr
    group = json.loads(run("get", "big", "--json").stdout)
    assert group["is_held"] and group["states"]["NOT_SUBMITTED"] == 1
    done = run("continue", "big", *SOON)
    if done.returncode == 4:  # the submit had ended before it was decided about the first part
        assert "tbatch-tui continue again sends them" in done.stderr and not sandbox.jobs
        done = run("continue", "big", *SOON)
    assert done.returncode == 0 and len(done.stdout.split()) == 2, done.stderr
    assert run("continue", "big", *SOON).returncode == 1
    assert run("hold", "big").returncode == 1, "nothing is left to hold"
    again = run("submit", str(file), "--stages", "1,rest", *SOON)
    assert again.returncode == 0 and "1 of 3 parts was not sent before" in again.stderr
    assert len(sandbox.jobs) == 3


def test_a_gate_of_cost_keeps_the_rest_and_says_why(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    file = write_chat(tmp_path / "words.jsonl", [f"Say {number}." for number in range(12)])
    wrong = run("submit", str(file), "--first", "3", "--gate", "often", *SOON)
    assert wrong.returncode == 2 and "'often' is not a gate" in wrong.stderr
    held = run("submit", str(file), "--first", "3", "--gate", "50,cost=0", "--wait", *SOON)
    assert held.returncode == 4, held.stderr
    assert "3 ok; all requests would cost about" in held.stderr and "above $0.00" in held.stderr
    assert "waits for  you: tbatch-tui continue sends the rest" in run("get", "words").stdout
    watched = run("watch", "words", *SOON)
    assert watched.returncode == 3
    assert "words: The rest was not sent: 3 ok; all requests would cost about" in watched.stderr
    assert watched.stderr.count("`tbatch-tui continue words` sends it") == 1
    assert len(sandbox.jobs) == 1


def test_parts_without_room_for_their_tokens_are_named(run: Run, still_sandbox: Sandbox, tmp_path: Path) -> None:
    env = {"TOGETHER_API_KEY": still_sandbox.key, "TOGETHER_BASE_URL": still_sandbox.base_url}
    config = tmp_path / "config" / "tbatch-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("[groups]\nenqueued_tokens = 900\n")
    env["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    names = [write_chat(tmp_path / f"{name}.jsonl", [f"{name} {n}." for n in range(3)]) for name in "ab"]
    names[1].write_text(names[1].read_text().replace("request-", "other-"))
    sent = run("submit", *map(str, names), "--group", "both", *SOON, env=env)
    why = "of 900 tokens are enqueued for"
    assert sent.returncode == 0 and "both: 1 part not sent yet: " in sent.stderr and why in sent.stderr, sent.stderr
    listed = run("ls", env=env)
    assert "both: parts wait: " in listed.stderr and why in listed.stderr
    assert why in run("get", "both", env=env).stdout
    group = json.loads(run("get", "both", "--json", env=env).stdout)
    assert why in group["waits_for"] and [part["status"] for part in group["parts"]][1] == "WAITING"
    assert len(still_sandbox.jobs) == 1


def test_what_waits_in_a_copied_history_is_continued_from_the_shell(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    file = write_chat(tmp_path / "words.jsonl", ["Hello."])

    async def submit() -> None:
        options = EngineOptions(
            data_dir=tmp_path / "data", output_dir=tmp_path, base_url=sandbox.base_url, api_key=sandbox.key,
            background_work=False,
        )  # fmt: skip
        async with BatchEngine(options) as engine:
            await engine.submit_checked(file, Endpoint.CHAT)

    asyncio.run(submit())
    make_copied(tmp_path / "data")
    again = run("submit", str(file), *SOON)
    assert "1 part or file waits" in again.stderr and "from gpu-3:/home/ada/data" in again.stderr
    assert "`tbatch-tui continue NAME` sends it from here" in again.stderr
    assert again.returncode == 1 and "and it waits: `tbatch-tui continue words` sends it" in again.stderr
    assert not sandbox.jobs
    assert run("hold", "words").returncode == 1
    shutil.copytree(tmp_path / "data", tmp_path / "other")
    dropped = run("cancel", "words", "--yes", "--data-dir", str(tmp_path / "other"))
    assert dropped.returncode == 0 and "words: it waited, and will not be sent" in dropped.stderr
    sent = run("continue", "words", *SOON)
    assert sent.returncode == 0 and sent.stdout.strip() == sandbox.jobs[0]["id"], sent.stderr
    assert run("continue", "words", *SOON).returncode == 1
