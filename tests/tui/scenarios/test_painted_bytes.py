"""The bytes sent to the terminal: hostile data adds no kind of control sequence that plain data does not cause."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.helpers.hostile_text import NASTY
from tests.helpers.terminal import Terminal
from tests.tui.scenarios.test_hostile_server import fill

if TYPE_CHECKING:
    from pathlib import Path

SEQUENCE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    rb"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC
    rb"|\x1b[P_^X][^\x1b]*\x1b\\"  # DCS and its like
    rb"|\x1b[ -/]*[0-~]"  # the rest
)
CONTROLS = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
PLAIN = ["request-1", "a plain text", "日本語"]


def kinds(wire: bytes) -> set[str]:
    """Return the kinds of sequences and control characters in the bytes: `CSI N;N H`, `OSC 52`, `\\x07`."""
    sequences = {_kind(sequence) for sequence in SEQUENCE.findall(wire)}
    return sequences | set(map(ascii, CONTROLS.findall(SEQUENCE.sub(b"", wire).decode("utf-8", "replace"))))


def _kind(sequence: bytes) -> str:
    text = sequence.decode("latin-1")
    if text[1] in "]P_^X":
        return f"string {text[1]}{re.split('[;?]', text[2:])[0][:4]}"
    return ascii(text) if text[-1] in "JKhl" else re.sub(r"[0-9:]+", "N", re.sub(r"[0-9:;]+m", "Nm", ascii(text)))


@pytest.mark.parametrize(
    "harm", ["\x1b]52;c;eA==\x07", "\u202egnp", "\x9b2J", "\x00", "ab\x08", "\x1b[2J", "\x1b]8;;x\x07"]
)
def test_harm_is_of_a_kind_of_its_own(harm: str) -> None:
    assert kinds(f"\x1b[1mplain {harm}".encode()) - kinds("\x1b[1mplain \x1b[0m\x1b[10;20H ✓ 日本".encode())


Run = Callable[..., bytes]


@pytest.fixture
def run() -> Iterator[Run]:
    """A function that starts the app, presses keys one after the other, quits, and returns all that was written."""
    opened: list[Terminal] = []

    def run_it(*arguments: str, sign: bytes, keys: list[bytes], folder: Path) -> bytes:
        terminal = Terminal(
            *arguments,
            *("--data-dir", str(folder / "data")),
            cwd=folder,
            TOGETHER_API_KEY="a-key-of-the-test",
            TOGETHER_BASE_URL="http://127.0.0.1:9",
        )
        opened.append(terminal)
        terminal.read_until(sign)
        for key in [*keys, b"\x1b", b"\x1b"]:
            os.write(terminal.master, key)
            terminal.settle()
        os.write(terminal.master, b"q")
        terminal.drain()
        assert terminal.child.returncode == 0
        return terminal.seen

    yield run_it
    for terminal in opened:
        terminal.close()


def both(plain: Callable[[], bytes], hostile: Callable[[], bytes]) -> tuple[bytes, bytes]:
    """Run both at the same time: most of either is waiting until nothing more is painted."""
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.submit(plain), threads.submit(hostile)
        return first.result(), second.result()


def test_jobs_and_job(run: Run, tmp_path: Path) -> None:
    """Every field of every job is hostile."""

    def on(name: str, texts: list[str]) -> bytes:
        folder = tmp_path / name
        folder.mkdir()
        fill(folder, texts, "http://127.0.0.1:9")
        keys = [b"jj", b"\r", b"\x1b", b"jjjjjjj", b"\r", b"\x1b", b"G", b"\r"]
        return run(sign=b"Keys", keys=keys, folder=folder)

    plain, hostile = both(lambda: on("plain", PLAIN), lambda: on("hostile", NASTY))
    assert b"a plain text" in plain, "the jobs are shown"
    assert kinds(hostile) <= kinds(plain)


def test_check(run: Run, tmp_path: Path) -> None:
    """The lines of a file are hostile, and so are its name and its folder's."""

    def on(name: str, texts: list[str]) -> bytes:
        folder = tmp_path / name
        folder.mkdir()
        path = folder / f"{name}.jsonl"
        lines = [json.dumps({"custom_id": text, "body": {text: text}}, ensure_ascii=False) for text in texts]
        path.write_bytes(b"\n".join(line.encode("utf-8", "surrogatepass") for line in lines))
        return run(path.name, sign=b"error", keys=[b" ", b"jjjj", b"jjjj", b"G", b"k", b"y"], folder=folder)

    plain, hostile = both(lambda: on("plain", PLAIN), lambda: on("hostile \x1b[2J[bold]\u202e", NASTY))
    assert kinds(hostile) <= kinds(plain)
