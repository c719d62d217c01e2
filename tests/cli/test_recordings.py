"""From a folder of recordings to subtitles, by the commands alone, over a bucket on loopback."""

from __future__ import annotations

import csv
import json
import urllib.request
import wave
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.s3_server import KEY, SECRET, S3Server, s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox
    from tests.cli.conftest import Run

MODEL = ("-m", "openai/whisper-large-v3", "--set", "response_format=verbose_json")
NAMES = ["a b.wav", "Grüße #1.wav", "sub/a b.wav", *(f"calls/{number:02d}.wav" for number in range(17))]


@pytest.fixture
def bucket() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


def write_talks(folder: Path) -> Path:
    for number, name in enumerate(NAMES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8_000, 0, "NONE", ""))
            file.writeframes(bytes([number, 0]) * 800)
    (folder / "notes.txt").write_text("no recording")
    return folder


def env_of(tmp_path: Path, bucket: S3Server) -> dict[str, str | None]:
    """Return an environment with the keys of the bucket and a config.toml that names it."""
    config = tmp_path / "config" / "tbatch-tui" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f'[audio]\nstore = "s3://talks/pre fix"\nendpoint = "{bucket.endpoint}"\n')
    keys: dict[str, str | None] = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    return {**keys, "AWS_SESSION_TOKEN": None, "XDG_CONFIG_HOME": str(config.parent.parent)}


def test_from_twenty_recordings_to_twenty_subtitles(
    run: Run, sandbox: Sandbox, bucket: S3Server, tmp_path: Path
) -> None:
    talks, env = write_talks(tmp_path / "talks"), env_of(tmp_path, bucket)
    asked = run("make", "talks", "--audio", *MODEL, env=env)
    assert asked.returncode == 1 and "Upload 20 recordings (" in asked.stderr and "Use --yes" in asked.stderr
    assert bucket.objects == {} and not (tmp_path / "talks.jsonl").exists()

    made = run("make", "talks", "--audio", *MODEL, "--yes", env=env)
    assert (made.returncode, made.stdout) == (0, "talks.jsonl\n"), made.stderr
    lines = [json.loads(line) for line in (tmp_path / "talks.jsonl").read_text().splitlines()]
    assert sorted(line["custom_id"] for line in lines) == sorted(NAMES)
    assert all(line["body"]["file"].startswith("s3://talks/pre fix/") for line in lines)
    assert len(bucket.stored) == len(NAMES)
    again = run("make", "talks", "--audio", *MODEL, env=env)
    assert again.returncode == 0 and "20 recordings already in s3://talks/pre fix" in again.stderr
    assert (tmp_path / "talks-2.jsonl").read_bytes() == (tmp_path / "talks.jsonl").read_bytes()
    assert run("check", "talks.jsonl", env=env).returncode == 0
    assert "file-url" in run("check", "talks.jsonl", env={"XDG_CONFIG_HOME": str(tmp_path / "none")}).stdout

    done = run("submit", "talks.jsonl", "--wait", "--poll-interval", "0.2", env=env)
    assert done.returncode == 0, done.stderr
    assert run("submit", "talks.jsonl", env=env).returncode == 1, "these bytes ran already"
    job_id = done.stdout.split()[0]
    uploaded = sandbox.file_bytes(sandbox.job(job_id)["input_file_id"])
    links = {line["custom_id"]: line["body"]["file"] for line in map(json.loads, uploaded.splitlines())}
    for name, link in links.items():
        with urllib.request.urlopen(link, timeout=10) as answer:
            assert answer.read() == (talks / name).read_bytes()
    assert "X-Amz-Expires=604800" in links["a b.wav"]
    for path in (tmp_path / "data").rglob("*"):
        if path.is_file():
            assert b"X-Amz-" not in path.read_bytes() and SECRET.encode() not in path.read_bytes(), path

    told = run("export", job_id, "--format", "srt", "-o", "subs", env=env)
    assert told.returncode == 0 and "20 files" in told.stderr, told.stderr
    written = sorted(path.relative_to(tmp_path / "subs").as_posix() for path in (tmp_path / "subs").rglob("*.srt"))
    assert written == sorted(name.replace(".wav", ".srt") for name in NAMES)
    joined = run("export", job_id, "--into", "talks", "-o", "talks.csv", env=env)
    assert joined.returncode == 0, joined.stderr
    with (tmp_path / "talks.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(NAMES) and {row["outcome"] for row in rows} == {"ok"}
    assert all(row["answer"] and row["duration"] and row["language"] for row in rows)

    fetched = run("fetch", job_id, env=env)
    assert "20 recordings (32.9 kB) of this stay in s3://talks/pre fix" in fetched.stderr, fetched.stderr
    asked = run("fetch", job_id, "--delete-recordings", env=env)
    assert asked.returncode == 2 and "Delete 20 recordings (32.9 kB) from s3://talks/pre fix?" in asked.stderr
    assert "nothing was deleted. Use --yes" in asked.stderr and len(bucket.objects) == len(NAMES)
    gone = run("fetch", job_id, "--delete-recordings", "--yes", env=env)
    assert gone.returncode == 0 and "20 recordings deleted" in gone.stderr and bucket.objects == {}, gone.stderr
    nothing = run("fetch", job_id, "--delete-recordings", "--yes", env=env)
    assert nothing.returncode == 0 and "nothing to delete" in nothing.stderr


def test_what_cannot_be_sent_is_named_and_nothing_is_uploaded(run: Run, bucket: S3Server, tmp_path: Path) -> None:
    talks = write_talks(tmp_path / "talks")
    size = sum((talks / name).stat().st_size for name in NAMES)
    plain: dict[str, Any] = {"XDG_CONFIG_HOME": str(tmp_path / "none")}
    refused = run("make", "talks", "--audio", *MODEL, "--yes", env=plain)
    assert refused.returncode != 0 and f"20 local files ({size / 1e3:.1f} kB)" in refused.stderr
    assert "public URL" in refused.stderr and "[audio] store" in refused.stderr
    (talks / "empty.mp3").touch()
    faulty = run("make", "talks", "--audio", *MODEL, "--yes", env=env_of(tmp_path, bucket))
    assert faulty.returncode == 1 and "empty.mp3: the file is empty" in faulty.stderr
    assert bucket.objects == {} and not (tmp_path / "talks.jsonl").exists()
    made = run("make", "talks", "--audio", *MODEL, "--yes", "--empty", "skip", env=env_of(tmp_path, bucket))
    assert made.returncode == 0 and "1 row left out" in made.stderr and len(bucket.objects) == 20, made.stderr
    assert len((tmp_path / "talks.jsonl").read_text().splitlines()) == 20
    token = run("make", "talks", "--audio", *MODEL, env={**env_of(tmp_path, bucket), "AWS_SESSION_TOKEN": "t"})
    assert token.returncode == 1 and "temporary" in token.stderr
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("x")
    assert "There are no recordings" in run("make", "texts", "--audio", *MODEL, env=plain).stderr
