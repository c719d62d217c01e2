"""The command that prints the key of a profile: no shell, a time limit, and nothing of its output in an error."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from tbatch_tui.config.key_command import run_key_command
from tbatch_tui.config.settings import Profile, SettingsError
from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.redaction import add_secret

KEY = "tgp_v1_key-of-a-command-0123"


def python(code: str) -> Profile:
    return Profile("work", key_command=(sys.executable, "-S", "-E", "-c", code))


def profile(*command: str) -> Profile:
    return Profile("work", key_command=command)


def test_the_key_is_what_it_prints_without_the_line_end() -> None:
    assert run_key_command(profile("printf", f"  {KEY}\\r\\n")) == KEY


def test_no_shell_reads_its_arguments(tmp_path: Path) -> None:
    assert run_key_command(profile("printf", "%s", "$(touch${IFS}x);`id`")) == "$(touch${IFS}x);`id`"
    assert not (tmp_path / "x").exists()


def test_it_gets_no_key_of_ours_and_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", "other-key-0123456")
    monkeypatch.setenv("HOME_KEY", "tgp_v1_key-of-another-profile")
    add_secret("tgp_v1_key-of-another-profile")
    code = (
        "import os, sys; print(*sorted({'TOGETHER_API_KEY', 'HOME_KEY', 'HOME'} & {*os.environ}), sep=',', end=','); "
    )
    assert run_key_command(python(code + "print(repr(sys.stdin.read()))")) == "HOME,''"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/no/such/program",), "did not start: No such file"),
        (("sh", "-c", f"echo {KEY} >&2; echo {KEY}; exit 3"), "sh failed with 3"),
        (("true",), "printed nothing"),
        (("printf", f"{KEY}\\n{KEY}\\n"), "something else than one key"),
        (("printf", f"{KEY} expires tomorrow"), "something else than one key"),
        (("printf", "k\\303\\251y"), "something else than one key"),
        (("yes", KEY), "more than a key"),
    ],
)
def test_what_goes_wrong_is_said_without_a_word_of_the_output(
    command: tuple[str, ...], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        run_key_command(profile(*command))
    assert words in str(caught.value) and "'work'" in str(caught.value)
    assert KEY not in str(caught.value) and caught.value.__cause__ is None
    assert KEY not in "".join(capfd.readouterr())


def test_one_that_takes_too_long_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    command = profile("sh", "-c", f"sleep 60 & echo $! > {tmp_path / 'child'}; wait")
    with pytest.raises(SettingsError, match=r"took longer than 0.3 s"):
        run_key_command(command, own_session=True, time_limit=0.3)
    assert_gone(int((tmp_path / "child").read_text()))


def assert_gone(pid: int) -> None:
    """A killed child of a child is reaped by whoever adopts it."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.01)
    raise AssertionError(f"{pid} still runs")


def test_what_it_leaves_running_is_not_waited_for() -> None:
    started = time.monotonic()
    assert run_key_command(profile("sh", "-c", f"sleep 20 & echo {KEY}"), own_session=True) == KEY
    assert time.monotonic() - started < 10


async def test_it_can_be_cancelled_and_holds_no_loop(tmp_path: Path) -> None:
    stop = threading.Event()
    mark = tmp_path / "pid"
    command = profile("sh", "-c", f"echo $$ > {mark}.new; mv {mark}.new {mark}; exec sleep 60")
    waiting = asyncio.create_task(asyncio.to_thread(run_key_command, command, stop.is_set))
    while not mark.exists():
        await asyncio.sleep(0.01)
    stop.set()
    with pytest.raises(OperationCancelledError):
        await waiting
    assert_gone(int(mark.read_text()))
