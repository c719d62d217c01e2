"""A cached index equals one that is built again, and is not used if it or the files have changed."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.results import CachedIndex, IndexCache, Outcome, ResultIndex, Sources, search, usage_by_model
from tbatch_tui.engine.results.sources import Download, Source
from tests.engine.results.test_counts import Case, cases
from tests.helpers.result_rows import answer_row, encode_row, error_row, request_row, response_row, write_rows

INPUT = [request_row("a"), request_row("b\ud800"), request_row("c"), request_row("d")]
OUTPUT = [answer_row("a", "Hi – \U0001f600"), answer_row("b\ud800", "cut", reason="length"), answer_row("nobody\udfff")]
ERRORS = [
    error_row("c", "no \ud800"),
    b"{half",
    answer_row("a", "twice"),
    response_row("d", {"text": "", "duration": 3.5}),
]


class ObservedIndex(CachedIndex):
    """A cached index that records whether it was restored or read from the files."""

    was_restored = True

    def _read(self, *args: Any, **kwargs: Any) -> bool:
        self.was_restored = False
        return super()._read(*args, **kwargs)


def write_sources(folder: Path) -> Sources:
    """Write the three files and return their paths."""
    return Sources(
        write_rows(folder / "in.jsonl", INPUT),
        write_rows(folder / "out.jsonl", OUTPUT),
        write_rows(folder / "err.jsonl", ERRORS),
    )


def open_index(sources: Sources, cache: IndexCache, job_id: str = "job") -> ObservedIndex:
    index = ObservedIndex(sources, cache, job_id)
    index.build()
    return index


def assert_same(one: ResultIndex, other: ResultIndex) -> None:
    assert one.counts == other.counts and len(one) == len(other)
    assert (one.has_input, one.input_changed, one.file_stamps) == (
        other.has_input,
        other.input_changed,
        other.file_stamps,
    )
    for row in range(len(one)):
        assert one.row(row) == other.row(row)
        assert (one.request_location(row), one.response_location(row)) == (
            other.request_location(row),
            other.response_location(row),
        )
        assert one.record(row) == other.record(row)
    assert usage_by_model(one) == usage_by_model(other)
    assert list(one.select([Outcome.OK])) == list(other.select([Outcome.OK]))


def test_the_files_are_read_once(tmp_path: Path) -> None:
    sources, cache = write_sources(tmp_path), IndexCache(tmp_path / "index")
    first, again = open_index(sources, cache), open_index(sources, cache)
    assert (first.was_restored, again.was_restored) == (False, True)
    assert_same(first, again)
    assert bytes(search(again, "twice")).count(1) == 1
    [path] = (tmp_path / "index").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700


@settings(max_examples=25)
@given(case=cases())
def test_any_index_is_restored_as_it_was_built(case: Case) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = Sources(
            write_rows(folder / "in.jsonl", [request_row(f"id-{number}") for number in range(case.requests)]),
            write_rows(folder / "out.jsonl", case.output),
            write_rows(folder / "err.jsonl", case.errors),
        )
        first, again = (open_index(sources, IndexCache(folder / "index")) for _ in range(2))
        assert again.was_restored and again.counts == case.expected
        assert_same(first, again)


@pytest.mark.parametrize("which", ["in.jsonl", "out.jsonl", "err.jsonl"])
@pytest.mark.parametrize("how", ["longer", "touched", "replaced", "gone"])
def test_a_file_that_changed_is_read_again(which: str, how: str, tmp_path: Path) -> None:
    sources, cache = write_sources(tmp_path), IndexCache(tmp_path / "index")
    open_index(sources, cache)
    path = tmp_path / which
    data = path.read_bytes()
    if how == "longer":
        path.write_bytes(data + encode_row(request_row("e")) + b"\n")
    elif how == "touched":
        os.utime(path, ns=(1, 1))
    elif how == "replaced":
        stat = path.stat()
        path.with_suffix(".new").write_bytes(data)
        path.with_suffix(".new").replace(path)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    else:
        path.unlink()
    fresh = ResultIndex(sources)
    fresh.build()
    again = open_index(sources, cache)
    assert not again.was_restored
    assert_same(again, fresh)


def test_a_damaged_index_is_built_again(tmp_path: Path) -> None:
    sources, cache = write_sources(tmp_path), IndexCache(tmp_path / "index")
    first, path = open_index(sources, cache), cache.path("job")
    intact = path.read_bytes()
    offsets = [*range(0, len(intact), max(1, len(intact) // 25)), len(intact) - 1]
    damaged = [intact[:at] for at in offsets]
    damaged += [intact[:at] + bytes([intact[at] ^ 1]) + intact[at + 1 :] for at in offsets]
    for data in [*damaged, b"", intact + b"x", b"\xff" * 5000]:
        path.write_bytes(data)
        again = open_index(sources, cache)
        assert not again.was_restored
        assert again.counts == first.counts
        assert path.read_bytes() == intact
    assert open_index(sources, cache).was_restored


def test_another_submission_of_the_file_is_another_index(tmp_path: Path) -> None:
    sources, cache = write_sources(tmp_path), IndexCache(tmp_path / "index")
    open_index(sources, cache)
    other = open_index(Sources(sources.input, sources.output, sources.errors, "0" * 64), cache)
    assert not other.was_restored and other.input_changed
    assert open_index(Sources(sources.input, sources.output, sources.errors, "0" * 64), cache).input_changed
    assert not open_index(Sources(None, sources.output, sources.errors), cache).was_restored
    again = open_index(Sources(None, sources.output, sources.errors), cache)
    assert again.was_restored and not again.has_input


@pytest.mark.parametrize("older", [b"index 1", b"index 2"])  # the first knew no invalid answers, the second no schemas
def test_an_index_that_was_made_by_other_rules_is_built_again(older: bytes, tmp_path: Path) -> None:
    sources, cache = write_sources(tmp_path), IndexCache(tmp_path / "index")
    open_index(sources, cache)
    path = cache.path("job")
    path.write_bytes(path.read_bytes().replace(b"index 3", older, 1))
    assert not open_index(sources, cache).was_restored
    assert open_index(sources, cache).was_restored


def test_the_folder_has_a_limit_and_the_longest_unused_index_is_deleted(tmp_path: Path) -> None:
    sources = write_sources(tmp_path)
    open_index(sources, IndexCache(tmp_path / "index"), "one")
    size = IndexCache(tmp_path / "index").path("one").stat().st_size
    cache = IndexCache(tmp_path / "index", limit=5 * size)
    for number, name in enumerate(("one", "two", "three", "four", "five")):
        open_index(sources, cache, name)
        os.utime(cache.path(name), (number, number))
    assert open_index(sources, cache, "one").was_restored  # used again
    open_index(sources, cache, "six")
    assert {path.stem for path in (tmp_path / "index").iterdir()} == {"one", "three", "four", "five", "six"}
    small = IndexCache(tmp_path / "small", limit=size)
    assert not open_index(sources, small).was_restored and not open_index(sources, small).was_restored


def test_without_a_usable_folder_the_files_are_read_each_time(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file, not a folder")
    sources, cache = write_sources(tmp_path), IndexCache(tmp_path / "index")
    assert open_index(sources, cache).counts == open_index(sources, cache).counts
    with pytest.raises(OperationCancelledError):
        CachedIndex(sources, cache, "job").build(cancelled=lambda: True)
    assert IndexCache(tmp_path / "x").path("../../etc/passwd").parent == tmp_path / "x"


@pytest.mark.parametrize("later", [False, True])
def test_a_changed_result_file_stays_known_as_one(tmp_path: Path, later: bool) -> None:
    plain, cache = write_sources(tmp_path), IndexCache(tmp_path / "index")
    assert plain.output is not None
    data = plain.output.read_bytes()
    downloads = {Source.OUTPUT: Download(len(data), hashlib.sha256(data).hexdigest(), plain.output.stat().st_mtime)}
    sources = replace(plain, downloads=downloads)
    assert open_index(sources, cache).changed_downloads == ()
    plain.output.write_bytes(data.replace(b"s", b"z"))  # as many bytes as before
    if later:
        os.utime(plain.output, (2e9, 2e9))
    for was_restored in (False, True):
        index = open_index(sources, cache)
        assert (index.was_restored, index.changed_downloads) == (was_restored, (plain.output,))


def test_a_file_that_was_written_before_its_download_ended_is_not_hashed(tmp_path: Path) -> None:
    plain, cache = write_sources(tmp_path), IndexCache(tmp_path / "index")
    assert plain.output is not None
    stat = plain.output.stat()
    sources = replace(plain, downloads={Source.OUTPUT: Download(stat.st_size, "0" * 64, stat.st_mtime + 1)})
    assert open_index(sources, cache).changed_downloads == ()
