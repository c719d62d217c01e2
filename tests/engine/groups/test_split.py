"""Every request is in exactly one part, byte for byte, and each part is under the limits."""

from __future__ import annotations

import hashlib
import os
import shutil
import tracemalloc
from bisect import bisect_right
from collections import namedtuple
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.check.scan.job_count import count_jobs
from tbatch_tui.engine.domain.check_report import CheckReport
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.groups import line_blocks, line_ends
from tbatch_tui.engine.groups import split as split_module
from tbatch_tui.engine.groups.joined_input import _join as join
from tbatch_tui.engine.groups.joined_input import slices_in_files
from tbatch_tui.engine.groups.part_files import PartFiles
from tbatch_tui.engine.groups.split import equal_counts, write_parts
from tbatch_tui.engine.local_files.file_slices import SlicedFile
from tbatch_tui.engine.local_files.fingerprint import read_fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.domain.submission import FileSlice, PartFile

LINE = st.binary(min_size=0, max_size=40).map(lambda data: data.replace(b"\n", b"n"))


class ListedEnds(list[int]):
    """Ends that are all in memory."""

    def count(self, size: int) -> int:
        return bisect_right(self, size)


def split(path: Path, home: Path, **more: Any) -> list[PartFile]:
    data = path.read_bytes()
    requests = len(requests_of(data))
    limits = {"requests_max": 50_000, "bytes_max": 100_000_000} | more
    return write_parts(path, home, fingerprint=read_fingerprint(path), requests=requests, **limits)


def requests_of(data: bytes) -> list[bytes]:
    return requests_in(data.removeprefix(b"\xef\xbb\xbf"))


def requests_in(data: bytes) -> list[bytes]:
    """Return the requests of a part, where a byte order mark belongs to its line."""
    return [line for line in data.split(b"\n") if line and not line.isspace()]


@settings(max_examples=50)
@given(
    lines=st.lists(LINE, max_size=40),
    bom=st.booleans(),
    ended=st.booleans(),
    requests_max=st.integers(1, 9),
    bytes_max=st.integers(42, 200),
)
def test_the_check_counts_as_many_jobs_as_there_will_be_parts(
    lines: list[bytes], bom: bool, ended: bool, requests_max: int, bytes_max: int
) -> None:
    data = b"\xef\xbb\xbf" * bom + b"\n".join(lines) + b"\n" * ended
    limits: Any = {"requests_max": requests_max, "bytes_max": bytes_max}
    with TemporaryDirectory() as name:
        path = Path(name) / "reviews.jsonl"
        path.write_bytes(data)
        requests = len(requests_of(data))
        with path.open("rb", buffering=0) as file:
            jobs = count_jobs(file, 3 * bom, len(data), requests, **limits)
        if requests:
            assert jobs == len(split(path, Path(name) / "parts", **limits))


def in_slices(slices: Sequence[FileSlice]) -> bytes | None:
    """Return the bytes in slices of files; None where there are no slices."""
    if not slices:
        return None
    with SlicedFile(slices) as file:
        return file.read()


@example(lines=[b"\xef\xbb\xbf"], bom=True, ended=True, first=0, requests_max=1, bytes_max=42, block=8, long=0)
@example(lines=[b"a" * 20, b"b" * 20], bom=False, ended=False, first=0, requests_max=9, bytes_max=42, block=8, long=150)
@given(
    lines=st.lists(LINE, max_size=40),
    bom=st.booleans(),
    ended=st.booleans(),
    first=st.integers(0, 12),
    requests_max=st.integers(1, 9),
    bytes_max=st.integers(42, 200),
    block=st.sampled_from([1, 8, 64, 1 << 19]),
    long=st.sampled_from([0, 150]),
)
def test_every_request_is_in_exactly_one_part(
    lines: list[bytes], bom: bool, ended: bool, first: int, requests_max: int, bytes_max: int, block: int, long: int
) -> None:
    data = b"\xef\xbb\xbf" * bom + b"\n".join(lines) + b"\n" * ended
    asked = requests_of(data)
    if first >= len(asked):
        first = 0
    with TemporaryDirectory() as name:
        path = Path(name) / "reviews.jsonl"
        path.write_bytes(data)
        if not asked:
            return
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(line_blocks, "_BLOCK", block)
            patch.setattr(line_ends, "_LONG", long)
            parts = split(path, Path(name) / "parts", first=first, requests_max=requests_max, bytes_max=bytes_max)
        in_parts = [requests_in(part.path.read_bytes()) for part in parts]
        for part, inside in zip(parts, in_parts, strict=True):
            written = part.path.read_bytes()
            assert (part.size, part.requests) == (len(written), len(inside))
            assert part.sha256 == hashlib.sha256(written).hexdigest()
            assert written.endswith(b"\n")
            assert in_slices(part.slices) in (written, None)
            assert part.slices or any(not line or line.isspace() for line in lines), "only blank lines part slices"
        rest = in_parts[1:] if first else in_parts
        assert all(len(inside) <= requests_max for inside in rest)
        assert all(sum(len(line) + 1 for line in inside) <= bytes_max or len(inside) == 1 for inside in rest)
        together = [line for inside in rest for line in inside]
        ends = list(accumulate(len(line) + 1 for line in together))
        is_last_ahead = bool(first) and (first - 1) * len(asked) // first == len(asked) - 1
        if data.endswith(asked[-1]) and not is_last_ahead:
            ends[-1] -= 1  # it gets its line end in the part
        assert [len(inside) for inside in rest] == equal_counts(ListedEnds(ends), requests_max, bytes_max - 1)
        if not first:
            assert together == asked
        else:
            assert len(in_parts[0]) == first
            chosen = [number * len(asked) // first for number in range(first)]
            assert in_parts[0] == [asked[number] for number in chosen]
            assert together == [line for number, line in enumerate(asked) if number not in set(chosen)]


@settings(max_examples=40, deadline=None)
@given(
    files=st.lists(st.integers(1, 9), min_size=1, max_size=6), first=st.integers(0, 5), requests_max=st.integers(1, 9)
)
def test_no_part_has_lines_of_two_files(files: list[int], first: int, requests_max: int) -> None:
    """But for the first requests, which are taken from all over them."""
    asked = [b"%d.%d" % (file, number) for file, count in enumerate(files) for number in range(count)]
    first = first if first < len(asked) else 0
    with TemporaryDirectory() as name:
        path = Path(name) / "joined.jsonl"
        path.write_bytes(b"\n".join(asked) + b"\n")
        parts = split(path, Path(name) / "parts", first=first, files=files, requests_max=requests_max)
        in_parts = [requests_in(part.path.read_bytes()) for part in parts]
    rest = in_parts[1:] if first else in_parts
    assert sorted(line for lines in in_parts for line in lines) == sorted(asked)
    assert all(len({line.split(b".")[0] for line in lines}) == 1 and len(lines) <= requests_max for lines in rest)
    ahead = set(in_parts[0]) if first else set()
    left = [sum(b"%d.%d" % (file, number) not in ahead for number in range(count)) for file, count in enumerate(files)]
    assert len(rest) == sum(-(-count // requests_max) for count in left)


@settings(max_examples=30, deadline=None)
@given(
    files=st.lists(st.tuples(st.lists(LINE.map(b"{%b}".__mod__), min_size=1, max_size=5), st.booleans(), st.booleans()),
        min_size=1, max_size=4),
    first=st.integers(0, 5),
    requests_max=st.integers(1, 4),
)  # fmt: skip
def test_the_parts_of_several_files_are_slices_of_those(
    files: list[tuple[list[bytes], bool, bool]], first: int, requests_max: int
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        reports = []
        for number, (lines, bom, ended) in enumerate(files):
            path = folder / f"{number}.jsonl"
            path.write_bytes(b"\xef\xbb\xbf" * bom + b"\n".join(lines) + b"\n" * ended)
            size, time = path.stat().st_size, path.stat().st_mtime_ns
            reports.append(CheckReport(path, size, time, len(lines), len(lines), None, "", {}, (), {}, 0, {}))
        joined = join(reports, folder / "parts", "week")
        requests = sum(len(lines) for lines, _, _ in files)
        first = first if first < requests else 0
        counts = [file.requests for file in joined.files]
        parts = split(joined.path, folder / "parts", first=first, files=counts, requests_max=requests_max)
        shutil.rmtree(joined.path.parent)
        found = [slices_in_files(part.slices, joined.files) for part in parts]
        assert [in_slices(slices) for slices in found] == [part.path.read_bytes() for part in parts]
        whole = sorted((each for slices in found for each in slices), key=lambda each: each.at)
        assert in_slices(whole) == b"".join(line + b"\n" for lines, _, _ in files for line in lines)


def test_parts_are_named_after_the_file_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_bytes(b"{}\n" * 25)
    home = tmp_path / "data" / "parts"
    assert [part.path.name for part in split(path, home, requests_max=10)] == [
        "reviews.part1of3.jsonl",
        "reviews.part2of3.jsonl",
        "reviews.part3of3.jsonl",
    ]
    ahead = split(path, home, first=10)
    assert [(part.path.name, part.requests) for part in ahead] == [
        ("reviews.first10.jsonl", 10),
        ("reviews.rest.jsonl", 15),
    ]
    assert home.stat().st_mode & 0o077 == 0
    assert ahead[0].path.parent.stat().st_mode & 0o077 == 0


def test_a_name_that_is_too_long_or_unusual_is_changed(tmp_path: Path) -> None:
    path = tmp_path / f"\x1b[2J{'x' * 240}.jsonl"
    path.write_bytes(b"{}\n" * 25)
    [first, rest] = split(path, tmp_path / "parts", first=10)
    assert first.path.name.startswith("_[2Jxxx") and first.path.name.endswith("x.first10.jsonl")
    assert rest.path.exists()


def test_a_file_that_changed_leaves_nothing_behind(tmp_path: Path) -> None:
    path, home = tmp_path / "reviews.jsonl", tmp_path / "parts"
    path.write_bytes(b"{}\n" * 25)
    fingerprint = read_fingerprint(path)
    path.write_bytes(b"[]\n" * 25)
    with pytest.raises(LocalFileError, match="changed since it was checked"):
        write_parts(path, home, fingerprint=fingerprint, requests=25, requests_max=9, bytes_max=99)
    assert list(home.iterdir()) == []


def test_a_large_file_is_known_by_its_time_and_hashed_when_that_is_another(tmp_path: Path) -> None:
    path, home = tmp_path / "reviews.jsonl", tmp_path / "parts"
    line = b'{"text": "%s"}\n' % (b"x" * (1 << 20))
    path.write_bytes(line * 65)
    fingerprint = read_fingerprint(path)
    limits: Any = {"requests": 65, "requests_max": 40, "bytes_max": 100_000_000}
    os.utime(path)
    assert len(write_parts(path, home, fingerprint=fingerprint, **limits)) == 2, "another time, the same bytes"
    with path.open("r+b") as file:
        file.write(b"[")
    with pytest.raises(LocalFileError, match="changed since it was checked"):
        write_parts(path, home, fingerprint=fingerprint, **limits)
    assert len(list(home.iterdir())) == 1


@pytest.mark.parametrize("length", [10, 1000])
def test_where_the_bytes_decide_parts_are_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """What an average part would have says so; where lines differ only, the first attempt shows it."""
    path = tmp_path / "reviews.jsonl"
    path.write_bytes(b"".join(b"{%s}\n" % (b"x" * (length + number // 99 * 500)) for number in range(100)))
    attempts: list[PartFiles] = []

    def attempt(*args: Any) -> PartFiles:
        attempts.append(PartFiles(*args))
        return attempts[-1]

    monkeypatch.setattr(split_module, "PartFiles", attempt)
    parts = split(path, tmp_path / "parts", requests_max=50, bytes_max=1000 if length == 10 else 20_000)
    assert len(attempts) == (2 if length == 10 else 1)
    assert b"".join(part.path.read_bytes() for part in parts) == path.read_bytes()


def test_memory_does_not_grow_with_the_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_bytes(b"{}\n" * 200_000)
    monkeypatch.setattr(line_blocks, "_BLOCK", 1 << 12)
    tracemalloc.start()
    try:
        ends = line_ends.LineEnds(path)
        assert [ends[number] for number in range(3_000, 200_000, 3_000)][-1] == 3 * 198_001
        assert (len(ends), ends.count(300_000), ends.count(10**9)) == (200_000, 100_000, 200_000)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 400_000, "8 bytes of each would be 1.6 MB"


def test_blocks_that_wait_to_be_written_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part that is full has to wait for its sync too: that adds none."""
    path = tmp_path / "reviews.jsonl"
    path.write_bytes(b"{}\n" * 5000)
    monkeypatch.setattr(line_blocks, "_BLOCK", 30)
    waiting: list[int] = []
    add = PartFiles.add

    def count(files: PartFiles, block: line_blocks.LineBlock) -> None:
        add(files, block)
        waiting.append(len(files._in_flight))

    monkeypatch.setattr(PartFiles, "add", count)
    assert len(split(path, tmp_path / "parts", requests_max=50)) == 100
    assert max(waiting) <= 16


def test_cancelling_leaves_nothing_behind(tmp_path: Path) -> None:
    path, home = tmp_path / "reviews.jsonl", tmp_path / "parts"
    path.write_bytes(b"{}\n" * 25)
    with pytest.raises(OperationCancelledError):
        split(path, home, cancelled=lambda: True)
    assert list(home.iterdir()) == []


def test_blank_lines_between_requests_are_seen_by_their_number(tmp_path: Path) -> None:
    """No line is taken apart in a block that has as many lines as requests, and this one has more."""
    lines = [b'{"custom_id": "r%07d"}' % number for number in range(40_000)]
    path = tmp_path / "reviews.jsonl"
    path.write_bytes(b"\n".join([*lines[:30_000], b"", b" \t", *lines[30_000:], b"", b"  "]))
    parts = split(path, tmp_path / "parts", requests_max=15_000)
    assert [part.requests for part in parts] == [13_334, 13_334, 13_332]
    assert b"".join(part.path.read_bytes() for part in parts) == b"\n".join([*lines, b""])
    assert len(list((tmp_path / "parts").rglob("*.*"))) == 3, "and no others are left"


def test_nothing_is_written_to_a_disk_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, home = tmp_path / "reviews.jsonl", tmp_path / "parts"
    path.write_bytes(b"{}\n" * 500_000)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 1_400_000, 1_400_000))
    with pytest.raises(
        LocalFileError, match=r"The parts of reviews\.jsonl need 1\.5 MB, and 1\.4 MB are free in"
    ) as caught:
        write_parts(path, home, fingerprint=read_fingerprint(path), requests=500_000, requests_max=9, bytes_max=99)
    assert "nothing was written" in caught.value.hint
    assert list(home.iterdir()) == []
    report = CheckReport(path, 500_000, path.stat().st_mtime_ns, 1, 1, None, "", {}, (), {}, 0, {})
    with pytest.raises(LocalFileError, match=r"The 2 files, joined and then in parts, need 2\.0 MB, and 1"):
        join([report, report], home, "week")
    assert list(home.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path, home = tmp_path / "reviews.jsonl", tmp_path / "parts"
    path.write_bytes(b"{}\n")
    home.write_text("a file where the folder should be")
    with pytest.raises(LocalFileError, match=r"cannot be written .*parts") as caught:
        write_parts(path, home, fingerprint=read_fingerprint(path), requests=1, requests_max=9, bytes_max=99)
    assert "Nothing was submitted" in caught.value.hint


@example(lengths=[1, 3, 9, 1, 1, 1], requests_max=4, bytes_max=16)
@example(lengths=[1] * 10, requests_max=4, bytes_max=100)
@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=60),
    requests_max=st.integers(1, 12),
    bytes_max=st.integers(10, 300),
)
def test_parts_are_as_few_as_can_be_and_the_largest_is_small(
    lengths: list[int], requests_max: int, bytes_max: int
) -> None:
    ends = ListedEnds(accumulate(lengths))
    counts = equal_counts(ends, requests_max, bytes_max)
    assert sum(counts) == len(lengths) and max(counts) <= requests_max
    sizes = [sum(lengths[end - count : end]) for count, end in zip(counts, accumulate(counts), strict=True)]
    assert all(size <= bytes_max or count == 1 for size, count in zip(sizes, counts, strict=True))
    if 2 * requests_max * max(lengths) < bytes_max:  # at no share of the limits do the bytes decide
        assert len(counts) == -(-len(lengths) // requests_max)
        assert max(counts) == -(-len(lengths) // len(counts)), "no full ones and a crumb"
