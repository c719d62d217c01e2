"""The check as a whole: unreadable files, progress and stopping, two processes, other threads, what it loads."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.check import check_file, read_line
from tbatch_tui.engine.check.lines.url_hosts import host_of, is_private
from tbatch_tui.engine.check.scan import duplicates, reader
from tbatch_tui.engine.check.scan.reader import Piece, longest_line
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tests.helpers.check_lines import chat, dumped, saved

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 MB of valid lines, of which the first and the last have the same id."""
    text = "word " * 100
    line = dumped(chat("ID", messages=[{"role": "user", "content": text}]))
    content = b"".join(line.replace(b"ID", b"%d" % (index % 29_999)) for index in range(30_000))
    return saved(tmp_path_factory.mktemp("large"), content)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    for path, title in (
        (tmp_path / "none.jsonl", "does not exist"),
        (tmp_path, "is a folder"),
        (tmp_path / "pipe.jsonl", "is not a regular file"),
        (tmp_path / "a\0b.jsonl", "cannot be read"),
        (tmp_path / ("x" * 300), "cannot be read"),
    ):
        with pytest.raises(LocalFileError) as caught:
            check_file(path)
        assert caught.value.title.startswith(f"{path} {title}")
        assert caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission(tmp_path: Path) -> None:
    path = saved(tmp_path, dumped(chat()))
    path.chmod(0)
    with pytest.raises(LocalFileError, match="permission denied"):
        check_file(path)


def test_two_processes_find_the_same(large: Path) -> None:
    one, two = check_file(large), check_file(large, processes=2)
    assert one._replace(seconds=0) == two._replace(seconds=0)
    assert [(p.line, p.message) for p in one.problems if p.rule == "duplicate-custom-id"] == [
        (30_000, "duplicate custom_id (first used on line 1)")
    ]


def test_the_half_of_a_lost_child_is_scanned_again(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = check_file(large)
    monkeypatch.setattr("tbatch_tui.engine.check.scan.parallel.msgspec.msgpack.encode", lambda _: os._exit(9))
    assert check_file(large, processes=2).problems == expected.problems


def test_many_ids_are_compared_in_buckets(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = check_file(large)
    monkeypatch.setattr(duplicates, "_ONE_SET_MAX", 100)
    assert check_file(large).problems == expected.problems


def test_equal_hashes_of_different_ids_are_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("scan.scan", "scan.duplicates"):
        monkeypatch.setattr(f"tbatch_tui.engine.check.{module}.hash", lambda _: 7, raising=False)
    report = check_file(saved(tmp_path, dumped(chat("a"), chat("b"), chat("c"), chat("b"))))
    assert [(p.line, p.message) for p in report.problems] == [(4, "duplicate custom_id (first used on line 2)")]


def test_progress_and_stopping(large: Path) -> None:
    calls: list[tuple[int, int]] = []
    check_file(large, progress=lambda done, total: calls.append((done, total)))
    size = large.stat().st_size
    assert calls == sorted(calls)
    assert calls[-1] == (size, size)
    assert len(calls) > size // 300_000
    for processes in (1, 2):
        asked = iter(range(1000))
        with pytest.raises(OperationCancelledError):
            check_file(large, processes=processes, cancelled=lambda asked=asked: next(asked) > 3)  # type: ignore[misc]


def test_stopping_among_very_many_short_lines(tmp_path: Path) -> None:
    """All of them are in one piece, which takes a second: `cancelled` is asked once in 500 lines."""
    path = saved(tmp_path, b"{}\n" * 60_000)
    assert path.stat().st_size < reader.PIECE_BYTES
    asked = iter(range(1000))
    with pytest.raises(OperationCancelledError):
        check_file(path, cancelled=lambda: next(asked) > 20)
    assert next(asked) == 22


def test_problems_over_the_maximum_are_only_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("scan.partial", "scan.duplicates", "totals"):
        monkeypatch.setattr(f"tbatch_tui.engine.check.{module}.MAX_PROBLEMS", 100)
    report = check_file(saved(tmp_path, b"{}\n" * 60 + dumped(chat("a")) * 200))
    assert len(report.problems) == 100
    assert report.counts == {"custom-id-missing": 60, "body-missing": 60, "duplicate-custom-id": 199}
    assert report.errors == 60 + 60 + 199


def test_other_threads_can_run_meanwhile(large: Path) -> None:
    """The longest time that the check keeps another thread waiting. A busy machine adds some of its own most times."""
    waits = [math.inf]
    while min(waits) >= 0.05 and len(waits) < 20:
        thread = threading.Thread(target=check_file, args=(large,))
        longest_wait = 0.0
        thread.start()
        before = time.perf_counter()
        while thread.is_alive():
            time.sleep(0.001)
            now = time.perf_counter()
            longest_wait = max(longest_wait, now - before)
            before = now
        waits.append(longest_wait)
    assert min(waits) < 0.05, waits


def test_read_line(tmp_path: Path) -> None:
    path = saved(tmp_path, b"one\ntwo\n")
    assert read_line(path, 4, 3) == b"two"
    assert read_line(path, 400, 3) == b""


@pytest.mark.parametrize("known", [0, 1, 3, 5, 700])
def test_longest(known: int) -> None:
    for lines in ([b""], [b"abc"], [b"", b"abcde", b"ab"], [b"a" * 9, b"", b"a" * 8], [b"a"] * 50):
        for end in (b"", b"\n"):
            data = b"\n".join(lines) + end
            expected = max(known, *map(len, lines))
            piece = Piece(0, len(data), bytearray(b"[" + data + b"more"))
            assert longest_line(piece, known) == longest_line(piece, known, len(lines)) == expected


def test_hosts() -> None:
    assert host_of("HTTPS://user:pw@Example.COM:8080/a?b") == "example.com"
    assert host_of("http://[::1]:80/") == "::1"
    assert host_of("https://") == host_of("file:///a") == host_of("//a") == host_of("http://a b/") == ""
    unusual = (
        "127.1",
        "0x7f.1",
        "2130706433",
        "::ffff:10.0.0.1",
        "::ffff:7f00:1",
        "0:0:0:0:0:0:0:1",
        "fe80::1%eth0",
        "fd00::nothing",
        "224.0.0.1",
        "256.1.1.1",
        "a.home.arpa",
        "x.test",
        "fe80::1",
    )
    for host in (
        "localhost",
        "127.0.0.1",
        "10.1.2.3",
        "172.31.0.1",
        "100.64.0.1",
        "::1",
        "fd00::1",
        "nas",
        "a.local",
        *unusual,
    ):
        assert is_private(host), host
    for host in (
        "example.com",
        "172.32.0.1",
        "8.8.8.8",
        "10.example.com",
        "2606:4700::1",
        "localhost.example.com",
        "::ffff:8.8.8.8",
    ):
        assert not is_private(host), host


def test_what_is_loaded(tmp_path: Path) -> None:
    """The command takes a tenth of a second, and a third of that is what it loads."""
    code = (
        "import sys; from tbatch_tui.cli import dispatch as cli; cli._load_msgspec();"
        "assert cli.main(['check', sys.argv[1]]) == 0;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    command = [sys.executable, "-c", code, str(saved(tmp_path, dumped(chat())))]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    unwanted = {"textual", "rich", "together", "httpx", "pydantic", "asyncio", "sqlite3", "hashlib", "tempfile"}
    unwanted |= {"argparse", "shutil", "dataclasses", "inspect", "json", "typing_extensions"}
    assert not unwanted & set(loaded)
