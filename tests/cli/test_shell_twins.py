"""`export`, `watch`, `submit --first`, and what works without a key or a network."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.cli.commands.export import FORMATS
from tbatch_tui.cli.exit_codes import gravest
from tbatch_tui.cli.parser import EXPORT_FORMATS
from tbatch_tui.engine.audio.transcript_files import TranscriptFormat
from tbatch_tui.sandbox.demo.samples import chat_request, encode_line
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import until, write_chat

if TYPE_CHECKING:
    from tests.cli.conftest import Run, Start

SOON = ("--poll-interval", "0.2")
Env = dict[str, str | None]
NO_KEY: Env = {"TOGETHER_API_KEY": None}


def test_formats_are_those_of_the_parser() -> None:
    assert tuple(FORMATS) == EXPORT_FORMATS


@pytest.mark.parametrize(
    ("codes", "code"), [([], 0), ([0, 4], 4), ([4, 3, 0], 3), ([1, 3, 4], 1), ([1, 2, 4], 2), ([0, 0], 0)]
)
def test_of_several_jobs_the_gravest_counts(codes: list[int], code: int) -> None:
    assert gravest(codes) == code


# -- export ------------------------------------------------------------------------------------------


def test_each_format_is_written_and_its_path_printed(run: Run, chat_file: Path, tmp_path: Path) -> None:
    job_id = run("submit", str(chat_file), "--wait", *SOON).stdout.split()[0]
    requests = len(chat_file.read_text().splitlines())
    for form in EXPORT_FORMATS:
        if form in [*TranscriptFormat]:
            assert run("export", job_id, "--format", form, env=NO_KEY).returncode == 1, "there are no recordings"
            continue
        done = run("export", job_id, "--format", form, env=NO_KEY)
        path = Path(done.stdout.strip())
        assert done.returncode == 0 and path.stat().st_size, done.stderr
        assert path.parent == tmp_path / "batch-results" and path.name.startswith(f"{chat_file.stem}-{job_id[:8]}.")
        assert f"{requests} in =" in done.stderr
    table = tmp_path / "batch-results" / f"{chat_file.stem}-{job_id[:8]}.csv"
    rows = [*csv.DictReader(io.StringIO(table.read_text()))]
    assert len(rows) == requests and {row["outcome"] for row in rows} == {"ok"}


def test_transcripts_are_a_folder_with_a_file_for_each_recording(run: Run, audio_file: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in audio_file.read_text().splitlines()]
    lines[0]["body"]["response_format"] = "verbose_json"
    audio_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    job_id = run("submit", str(audio_file), "--wait", *SOON).stdout.split()[0]
    folder = tmp_path / "batch-results" / f"{audio_file.stem}-{job_id[:8]}.srt"
    done = run("export", job_id, "--format", "srt", env=NO_KEY)
    assert (done.returncode, done.stdout) == (0, f"{folder}\n"), done.stderr
    assert "1 file. 1 without a file: asked without verbose_json 1" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["clip-1.srt"]
    assert " --> " in (folder / "clip-1.srt").read_text()
    named = run("export", job_id, "-o", "subs/text.txt", "--json", env=NO_KEY)
    assert json.loads(named.stdout) == {"path": str(tmp_path / "subs" / "text.txt"), "rows": 2}
    assert run("export", job_id, "-o", "subs/text.txt", env=NO_KEY).returncode == 2, "the name is taken"
    assert run("export", job_id, "-o", "subs/text.txt", "--force", env=NO_KEY).returncode == 0
    table = run("export", job_id, "--format", "csv", env=NO_KEY).stdout.strip()
    rows = [*csv.DictReader(io.StringIO(Path(table).read_text()))]
    assert [float(row["duration"]) > 0 and bool(row["language"] and row["answer"]) for row in rows] == [True, True]


def test_the_ending_decides_the_format_and_a_name_that_is_taken_is_refused(
    run: Run, chat_file: Path, tmp_path: Path
) -> None:
    job_id = run("submit", str(chat_file), "--wait", *SOON).stdout.split()[0]
    out = tmp_path / "out.csv"
    assert run("export", job_id, "-o", str(out), "--columns", "custom_id,answer").stdout.strip() == str(out)
    assert out.read_text().splitlines()[0] == "custom_id,answer"
    out.write_text("mine")
    refused = run("export", job_id, "-o", str(out))
    assert (refused.returncode, refused.stdout, out.read_text()) == (2, "", "mine") and "--force" in refused.stderr
    assert run("export", job_id, "-o", str(out), "--force").returncode == 0
    assert out.read_text().startswith("line,custom_id")
    for _ in range(2):
        assert run("export", job_id).returncode == 0
    names = {path.name for path in (tmp_path / "batch-results").glob("*.merged.jsonl")}
    assert names == {f"{chat_file.stem}-{job_id[:8]}.merged.jsonl", f"{chat_file.stem}-{job_id[:8]}_2.merged.jsonl"}
    unknown = run("export", job_id, "--columns", "prose", "--format", "csv")
    assert unknown.returncode == 1 and "There is no column 'prose'" in unknown.stderr


def test_a_report_has_the_values_and_the_comparison_with_another_job(run: Run, tmp_path: Path) -> None:
    words = ["I love it.", "It broke.", "Great!", "Awful."]
    ids = []
    for name, system in (("a", "Answer positive or negative."), ("b", "Classify as positive or negative.")):
        rows = [chat_request(f"r{n}", word, system=system) for n, word in enumerate(words)]
        source = tmp_path / f"{name}.jsonl"
        source.write_bytes(b"".join(map(encode_line, rows)))
        ids.append(run("submit", str(source), "--wait", *SOON).stdout.split()[0])
    done = run("export", ids[0], "-o", "report.html", "--compare", ids[1], env=NO_KEY)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "4 in = 4 ok + 0 missing" in page and "<h3>answer</h3>" in page
    assert "<h2>answer: a and b</h2>" in page and "4 pairs" in page and "agreement" in page
    refused = run("export", ids[0], "--format", "csv", "--compare", ids[1])
    assert refused.returncode == 2 and "--format html" in refused.stderr


def test_a_merged_export_has_the_answers_of_retries(run: Run, tmp_path: Path) -> None:
    source = write_chat(tmp_path / "asked.jsonl", ["Hello"] * 9)
    with Sandbox(speed=40, failure_rate=0.5) as box:
        env: Env = {"TOGETHER_API_KEY": box.key, "TOGETHER_BASE_URL": box.base_url}
        done = run("submit", str(source), "--wait", *SOON, env=env)
        assert done.returncode == 4, done.stderr
        job_id = done.stdout.split()[0]
        retried = run("retry", job_id, "--submit", "--wait", *SOON, env=env)
        retry_id = retried.stdout.split()[0]
        alone, retry = (_outcomes(run, each, env=env) for each in (job_id, retry_id))
        merged = _outcomes(run, job_id, "--merged", env=env)
    assert len(merged) == len(alone) == 9 and "ok" in retry.values()
    assert merged == alone | {name: "ok" for name, outcome in retry.items() if outcome == "ok"}


def _outcomes(run: Run, job_id: str, *options: str, env: Env) -> dict[str, str]:
    """Return the outcome of each request in an export, by its custom_id."""
    path = Path(run("export", job_id, *options, env=env).stdout.strip())
    rows = map(json.loads, path.read_text().splitlines())
    return {row["custom_id"]: row["outcome"] for row in rows}


def test_the_results_of_a_job_that_are_not_here_cannot_be_written(run: Run, sandbox: Sandbox) -> None:
    job_id = sandbox.add_job("COMPLETED", rows=2)
    assert run("ls").returncode == 0
    done = run("export", job_id)
    assert done.returncode == 1 and "tbatch-tui fetch" in done.stderr


# -- without a key, without a network ----------------------------------------------------------------


@pytest.mark.parametrize("nobody", [False, True], ids=["no key", "nobody answers"])
def test_the_history_is_told_where_the_server_cannot_be_asked(
    run: Run, chat_file: Path, nobody: bool, sandbox: Sandbox
) -> None:
    job_id = run("submit", str(chat_file), "--wait", *SOON).stdout.split()[0]
    env = {} if nobody else NO_KEY
    if nobody:
        sandbox.stop()
    listed = run("ls", "--json", env=env)
    assert listed.returncode == 0 and [job["id"] for job in json.loads(listed.stdout)] == [job_id]
    assert "showing the history on this machine as of 20" in listed.stderr
    got = run("get", job_id[:8], env=env)
    assert got.returncode == 0 and "outcome" in got.stdout and "showing the history" in got.stderr
    for command in (("results", job_id), ("export", job_id), ("retry", job_id)):
        done = run(*command, env=env)
        assert "showing the history" not in done.stderr  # nothing was asked
        assert done.returncode == 0 or "Nothing to retry" in done.stderr
    refused = run("fetch", job_id, env=env)
    assert refused.returncode in (1, 3) and not refused.stdout


def test_what_needs_no_server_sends_nothing(run: Run, sandbox: Sandbox, chat_file: Path) -> None:
    job_id = run("submit", str(chat_file), "--wait", *SOON).stdout.split()[0]
    before = len(sandbox.requests)
    for command in (("results", job_id), ("export", job_id), ("retry", job_id), ("ls", "--offline")):
        run(*command)
    assert len(sandbox.requests) == before


def test_get_tells_outcome_tokens_and_cost(run: Run, chat_file: Path, tmp_path: Path) -> None:
    run("submit", str(chat_file), "--wait", "--label", "march", *SOON)
    printed = run("get", "march").stdout
    requests = len(chat_file.read_text().splitlines())
    facts = dict(line.split("  ", 1) for line in printed.splitlines())
    facts = {name: value.strip() for name, value in facts.items()}
    assert facts["label"] == "march"
    assert facts["outcomes"].startswith(f"{requests} in = {requests} ok")
    assert facts["tokens"].endswith(" out") and "$" in facts["cost"]
    folder = tmp_path / "config" / "tbatch-tui"
    folder.mkdir(parents=True)
    model = json.loads(chat_file.read_text().splitlines()[0])["body"]["model"]
    (folder / "config.toml").write_text(f'[prices]\n"{model}" = {{ input = 1.0, output = 2.0 }}\n')
    env: Env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert "at your own prices" in run("get", "march", env=env).stdout
    assert json.loads(run("get", "march", "--json", env=env).stdout)["cost"] > 0


# -- watch -------------------------------------------------------------------------------------------


async def test_watch_follows_what_runs_until_it_has_ended(
    run: Run, still_sandbox: Sandbox, chat_file: Path, tmp_path: Path
) -> None:
    env: Env = {"TOGETHER_API_KEY": still_sandbox.key, "TOGETHER_BASE_URL": still_sandbox.base_url}
    job_id = run("submit", str(chat_file), *SOON, env=env).stdout.strip()
    lists = still_sandbox.count("GET", "/v1/batches")
    watching = asyncio.ensure_future(asyncio.to_thread(run, "watch", *SOON, env=env))
    await until(lambda: still_sandbox.count("GET", "/v1/batches") > lists + 1)
    still_sandbox.advance(60 * 60)
    watched = await watching
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout.startswith(f"{job_id}  {chat_file.stem}  Completed · ")
    assert f"{chat_file.stem}: Completed" in watched.stderr
    assert [*(tmp_path / "batch-results").glob("*.output.jsonl")]
    nothing = run("watch", *SOON, env=env)
    assert (nothing.returncode, nothing.stdout) == (0, "") and "No job is running." in nothing.stderr
    [as_json] = json.loads(run("watch", job_id[:8], "--json", *SOON, env=env).stdout)
    assert as_json["id"] == job_id


def test_watch_has_the_exit_code_of_the_gravest_job(run: Run, sandbox: Sandbox) -> None:
    failed = sandbox.add_job("FAILED")
    expired = sandbox.add_job("EXPIRED")
    whole = sandbox.add_job("COMPLETED", rows=2)
    assert run("watch", whole, *SOON).returncode == 0
    assert run("watch", whole, expired, *SOON).returncode == 4
    done = run("watch", whole, expired, failed, *SOON)
    assert done.returncode == 1 and failed in done.stdout


# -- a few requests first ----------------------------------------------------------------------------


def test_first_sends_a_few_and_then_the_rest(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    file = write_chat(tmp_path / "many.jsonl", ["Hello"] * 30)
    done = run("submit", str(file), "--first", "3", "--wait", *SOON)
    assert done.returncode == 0, done.stderr
    ids = [line for line in done.stdout.splitlines() if "/" not in line]
    assert len(ids) == 2 == len(sandbox.jobs) and "submitting the rest" in done.stderr
    names = {path.name for path in (tmp_path / "batch-results").glob("*.output.jsonl")}
    assert len(names) == 2
    again = run("submit", str(file), "--rest", *SOON)
    assert again.returncode == 1 and "This file has no rest" in again.stderr
    assert len(sandbox.jobs) == 2

    # The results of all parts are a table, in the order of the file.
    made = run("make", "job:many", "-m", "m", "-p", "{{ job }} {{ custom_id }} {{ answer }}", env=NO_KEY)
    assert made.returncode == 0, made.stderr
    assert Path(made.stdout.strip()).name == "many-answers.jsonl"
    requests = [json.loads(line) for line in Path(made.stdout.strip()).read_text().splitlines()]
    asked = [request["body"]["messages"][0]["content"].split() for request in requests]
    assert [words[1] for words in asked] == [json.loads(line)["custom_id"] for line in file.read_text().splitlines()]
    assert {words[0] for words in asked} == {job["id"] for job in sandbox.jobs} and all(len(w) > 2 for w in asked)


def test_first_that_fails_keeps_the_rest_until_it_is_asked_for(run: Run, tmp_path: Path) -> None:
    file = write_chat(tmp_path / "many rows.jsonl", ["Hello"] * 30)
    with Sandbox(speed=40, failure_rate=1.0) as box:
        env: Env = {"TOGETHER_API_KEY": box.key, "TOGETHER_BASE_URL": box.base_url}
        done = run("submit", str(file), "--first", "3", *SOON, env=env)
        assert done.returncode == 4 and "The other 27 requests are on hold" in done.stderr, done.stderr
        assert f"`tbatch-tui submit '{file}' --rest`" in done.stderr
        assert len(box.jobs) == 1 and done.stdout.strip() == box.jobs[0]["id"]
        again = run("submit", str(file), "--first", "3", *SOON, env=env)
        assert again.returncode == 4 and len(box.jobs) == 1
        rest = run("submit", str(file), "--rest", "--json", *SOON, env=env)
        assert rest.returncode == 0 and json.loads(rest.stdout)["requests"] == 27, rest.stderr
        assert len(box.jobs) == 2


async def test_first_that_was_interrupted_is_followed_again(
    run: Run, start: Start, sandbox: Sandbox, tmp_path: Path
) -> None:
    file = write_chat(tmp_path / "many.jsonl", ["Hello"] * 30)
    arguments = ("submit", str(file), "--first", "3", *SOON)
    command = start(*arguments)
    await until(lambda: len(sandbox.jobs) == 1)
    command.kill()
    done = await asyncio.to_thread(run, *arguments)
    assert done.returncode == 0 and len(sandbox.jobs) == 2, done.stderr
