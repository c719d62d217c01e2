"""The SDK 2.x: the tutorial in a process of its own, with the base URL of either major version."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.sandbox.testing import Sandbox
from tests.sandbox.conftest import CHAT, chat_row, decode_rows, jsonl, write_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # it installs the SDK first

TRANSCRIPTIONS = "/v1/audio/transcriptions"
WHISPER = "openai/whisper-large-v3"
TUTORIAL = """
import sys, time
import together
source, endpoint, target = sys.argv[1:]
client = together.Together()
file = client.files.upload(file=source, purpose="batch-api", check=False)
job = client.batches.create(input_file_id=file.id, endpoint=endpoint).job
while job.status not in ("COMPLETED", "FAILED", "EXPIRED", "CANCELLED"):
    time.sleep(0.05)
    job = client.batches.retrieve(job.id)
assert [batch.id for batch in client.batches.list()] == [job.id]
assert file.id in [listed.id for listed in client.files.list().data]
assert client.files.retrieve(file.id).bytes == file.bytes
with open(target, "wb") as output:
    output.write(client.files.content(job.output_file_id).read())
again = client.files.upload(file=source, purpose="batch-api", check=False)
assert again.id == file.id
assert client.files.delete(file.id).deleted
print(together.__version__, job.status)
"""


INPUTS = {
    CHAT: [chat_row("a"), chat_row("b")],
    TRANSCRIPTIONS: [
        {"custom_id": "a", "method": "FILE", "body": {"file": "https://example.org/a.mp3", "model": WHISPER}}
    ],
}


def test_the_tutorial(tmp_path: Path) -> None:
    """One test for all cases, so that the SDK is installed once, however many workers there are."""
    packages = tmp_path / "packages"
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(packages), "together>=2,<3"]
    installed = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if installed.returncode:
        pytest.skip(f"together 2.x cannot be installed here: {installed.stderr.strip()[-200:]}")
    for base in ("/v1", ""):
        for endpoint, rows in INPUTS.items():
            run(packages, tmp_path, base, endpoint, rows)


def run(packages: Path, folder: Path, base: str, endpoint: str, rows: list[dict[str, Any]]) -> None:
    """Run the tutorial once, on a sandbox of its own."""
    source, target = write_file(folder / "requests.jsonl", jsonl(*rows)), folder / "output.jsonl"
    with Sandbox(speed=200) as box:
        env = os.environ | {"PYTHONPATH": str(packages)}
        env |= {"TOGETHER_BASE_URL": box.base_url + base, "TOGETHER_API_KEY": box.key}
        command = [sys.executable, "-c", TUTORIAL, str(source), endpoint, str(target)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        version, status = done.stdout.split()
        assert version.startswith("2.") and status == "COMPLETED"
        assert target.read_bytes() == box.file_bytes(box.jobs[0]["output_file_id"])
    answered = decode_rows(target.read_bytes())
    assert {row["custom_id"] for row in answered} == {row["custom_id"] for row in rows}
    assert all(row["response"]["status_code"] == 200 for row in answered)
