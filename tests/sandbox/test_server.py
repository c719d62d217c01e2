"""The command: its output, its errors, how it stops, and what it keeps."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

import tbatch_tui
from tbatch_tui.sandbox.server import main
from tests.sandbox.conftest import CHAT, chat_row, decode_rows, jsonl, write_file

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = jsonl(*(chat_row(f"row-{n}") for n in range(10)))


class Running:
    """A sandbox in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.stdout = process.stdout
        first, second, _ = (shlex.split(self.stdout.readline()) for _ in range(3))
        assert (first[0], second[0]) == ("export", "export")
        self.base_url = first[1].removeprefix("TOGETHER_BASE_URL=")
        self.key = second[1].removeprefix("TOGETHER_API_KEY=")

    def client(self) -> httpx.Client:
        """Return a client for it."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.base_url, headers=headers, trust_env=False, timeout=20)


@contextmanager
def sandbox(*args: str) -> Iterator[Running]:
    """Run the command, and check that it stops without errors."""
    command = [sys.executable, "-W", "error", "-m", "tbatch_tui.sandbox", *args]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield Running(process)
        finally:
            process.terminate()
            stderr = process.communicate(timeout=30)[1]
    assert (process.returncode, stderr) == (0, "")


def test_three_lines_for_the_shell_and_one_for_each_request() -> None:
    with sandbox("--key", "a key; with 'quotes'") as box, box.client() as http:
        assert box.key == "a key; with 'quotes'"
        assert box.base_url.startswith("http://127.0.0.1:")
        assert http.get("/v1/batches").json() == []
        http.get("/v1/%1b]0;title%07")
        assert box.stdout.readline().split()[:4] == ["1", "GET", "/v1/batches", "200"]
        escaped = box.stdout.readline()
        assert "\x1b" not in escaped and "%1B%5D0%3Btitle%07" in escaped


def test_a_shell_can_eval_them(tmp_path: Path) -> None:
    """As in `docs/sandbox.md`: `head` closing the pipe must not stop the sandbox."""
    command = f"{shlex.quote(sys.executable)} -m tbatch_tui.sandbox"
    script = f"""
        {command} > sandbox.log & box=$!
        until [ "$(wc -l < sandbox.log)" -ge 3 ]; do kill -0 $box && sleep 0.05 || exit 1; done
        eval "$(head -n 3 sandbox.log)"
        echo "$TOGETHER_BASE_URL $TOGETHER_API_KEY"
        kill $box; wait $box
    """
    env = os.environ | {"PYTHONPATH": str(Path(tbatch_tui.__file__).parents[1])}  # the package under test
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=30, check=True
    )
    url, key = done.stdout.split()
    assert url.startswith("http://127.0.0.1:") and key.startswith("sandbox-")


def test_nobody_has_to_read_its_output() -> None:
    with sandbox() as box, box.client() as http:
        box.stdout.close()
        for _ in range(3):
            assert http.get("/v1/batches").status_code == 200


def test_with_parent_it_stops_when_its_input_ends() -> None:
    with sandbox("--with-parent", "--quiet") as box:
        assert box.process.stdin is not None
        with box.client() as http:
            assert http.get("/v1/batches").status_code == 200
        box.process.stdin.close()
        assert box.process.wait(timeout=20) == 0
        box.process.stdin = None


def test_with_parent_it_stops_with_a_killed_parent() -> None:
    code = (
        "import subprocess, sys, time\n"
        "command = [sys.executable, '-m', 'tbatch_tui.sandbox', '--with-parent']\n"
        "child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sys.stdout)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        for _ in range(3):
            assert parent.stdout.readline().startswith("export ")
        parent.send_signal(signal.SIGKILL)
        assert parent.stdout.read() == ""  # the pipe ends when the child is gone too


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with sandbox() as box, box.client() as http:
        form = {"file": ("a.jsonl", BODY)}
        assert (
            http.post("/v1/files/upload", data={"purpose": "batch-api", "file_name": "a.jsonl"}, files=form).status_code
            == 200
        )
        assert list(tmp_path.iterdir())
        box.process.send_signal(number)
        assert box.process.wait(timeout=20) == 0
    assert not list(tmp_path.iterdir())


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    args = ["--data-dir", str(tmp_path), "--seed", "1", "--speed", "0", "--failure-rate", "0", "--key", "k"]
    with sandbox(*args) as box, box.client() as http:
        form = {"file": ("a.jsonl", BODY)}
        file = http.post("/v1/files/upload", data={"purpose": "batch-api", "file_name": "a.jsonl"}, files=form).json()
        create = {"input_file_id": file["id"], "endpoint": CHAT}
        done = http.post("/v1/batches", json=create).json()["job"]["id"]
        http.post("/_sandbox/advance", json={"seconds": 3600})
        running = http.post("/v1/batches", json=create).json()["job"]["id"]
        http.post("/_sandbox/advance", json={"seconds": 10})
        jobs = http.get("/v1/batches").json()
        output = http.get(f"/v1/files/{jobs[0]['output_file_id']}/content").content
        refused = subprocess.run(
            [sys.executable, "-m", "tbatch_tui.sandbox", *args], capture_output=True, text=True, timeout=30, check=False
        )
        assert refused.returncode == 2 and "another sandbox is using" in refused.stderr
        box.process.kill()  # without a chance to clean up
        box.process.wait()
        box.process.returncode = 0
    with (tmp_path / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"type":"job","id":"cut sh')
    with sandbox(*args) as box, box.client() as http:
        again = {job["id"]: job for job in http.get("/v1/batches").json()}
        assert again[done] == jobs[0]
        assert again[running]["status"] == "IN_PROGRESS"
        assert http.get(f"/v1/files/{jobs[0]['output_file_id']}/content").content == output
        assert http.get(f"/v1/files/{file['id']}/content").content == BODY
        new = http.post("/v1/batches", json=create).json()["job"]["id"]  # the same seed, and yet a new id
        assert new not in again
        http.post("/_sandbox/advance", json={"seconds": 3600})
        ended = http.get(f"/v1/batches/{running}").json()
        assert ended["status"] == "COMPLETED"
        assert len(decode_rows(http.get(f"/v1/files/{ended['output_file_id']}/content").content)) == 10


def test_the_demo_has_past_jobs() -> None:
    with sandbox("--demo", "--quiet", "--seed", "7") as box, box.client() as http:
        jobs = http.get("/v1/batches").json()
        statuses = {job["status"] for job in jobs}
        assert statuses == {"COMPLETED", "FAILED", "EXPIRED", "CANCELLED", "IN_PROGRESS"}
        assert len({job.get("model_id") for job in jobs}) > 5
        names = {file["id"]: file["filename"] for file in http.get("/v1/files").json()["data"]}
        for job in jobs:
            assert job["input_file_id"] in names
            for key in ("output_file_id", "error_file_id"):
                assert key not in job or decode_rows(http.get(f"/v1/files/{job[key]}/content").content)
        expired = next(job for job in jobs if job["status"] == "EXPIRED")
        assert 0 < expired["progress"] < 100 and "output_file_id" in expired


def test_a_plan_from_a_file(tmp_path: Path) -> None:
    plan = write_file(tmp_path / "plan.json", b'[{"path": "/v1/batches", "kind": "status", "status": 503}]')
    with sandbox("--faults", str(plan)) as box, box.client() as http:
        assert [http.get("/v1/batches").status_code for _ in range(2)] == [503, 200]
        assert "[status]" in box.stdout.readline()


def test_an_invalid_plan_stops_it_with_a_suggestion(tmp_path: Path) -> None:
    plan = write_file(tmp_path / "plan.json", b'[{"kind": "close"}, {"kind": "clsoe"}]')
    command = [sys.executable, "-m", "tbatch_tui.sandbox", "--faults", str(plan)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{plan}: entry 2: kind 'clsoe' is not known; did you mean 'close'?" in done.stderr


def test_quiet_prints_three_lines_and_no_more() -> None:
    with sandbox("--quiet", "--port", "0") as box:
        with box.client() as http:
            assert http.get("/v1/batches").status_code == 200
        assert int(box.base_url.rpartition(":")[2]) > 0
        box.process.terminate()
        assert box.stdout.read() == ""


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["--host", "::"], "not a loopback address"),
        (["--host", "0.0.0.0"], "not a loopback address"),
        (["--host", "example.com"], "not a loopback address"),
        (["--host", "192.168.0.1"], "not a loopback address"),
        (["--port", "70000"], "not a port"),
        (["--port", "-1"], "not a port"),
        (["--speed", "fast"], "not a factor"),
        (["--speed", "nan"], "not a factor"),
        (["--failure-rate", "2"], "not a rate"),
        (["--key", ""], "a key is plain ASCII"),
        (["--faults", "none.json"], "none.json: cannot be read"),
        (["--frobnicate"], "unrecognized arguments"),
    ],
)
def test_arguments_it_refuses(args: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(args) == 2
    captured = capsys.readouterr()
    assert error in captured.err
    assert captured.out == ""


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with sandbox() as box:
        port = box.base_url.rpartition(":")[2]
        assert main(["--port", port]) == 2
    assert f"cannot start on 127.0.0.1 port {port}" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"], prog="tbatch-tui sandbox") == 0
    assert capsys.readouterr().out.startswith("usage: tbatch-tui sandbox")


def test_on_the_other_loopback() -> None:
    if not Path("/proc/net/if_inet6").exists() and os.name == "posix":
        pytest.skip("no IPv6 here")
    with sandbox("--host", "::1") as box, box.client() as http:
        assert box.base_url.startswith("http://[::1]:")
        assert http.get("/v1/batches").status_code == 200
