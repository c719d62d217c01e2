"""An index that is kept is what would be built anew, and is not believed when anything about it is not as it was."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from tbatch_tui.engine.errors import OperationCancelledError
from tbatch_tui.engine.results import CachedIndex, IndexCache, Outcome, ResultIndex, Sources, search, usage_by_model
from tests.engine.results.test_counts import Case, cases
from tests.helpers.result_rows import answered, asked, failed, line_of, with_body, write

INPUT = [asked("a"), asked("b\ud800"), asked("c"), asked("d")]
OUTPUT = [answered("a", "Hi – \U0001f600"), answered("b\ud800", "cut", reason="length"), answered("nobody\udfff")]
ERRORS = [failed("c", "no \ud800"), b"{half", answered("a", "twice"), with_body("d", {"text": "", "duration": 3.5})]


class Counted(CachedIndex):
    """Says whether the files were read."""

    is_taken = True

    def _read(self, *args, **kwargs):
        self.is_taken = False
        return super()._read(*args, **kwargs)


def sources(folder: Path) -> Sources:
    return Sources(
        write(folder / "in.jsonl", INPUT), write(folder / "out.jsonl", OUTPUT), write(folder / "err.jsonl", ERRORS)
    )


def opened(of: Sources, shelf: IndexCache, job_id: str = "job") -> Counted:
    index = Counted(of, shelf, job_id)
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


def test_it_is_read_once(tmp_path: Path) -> None:
    of, shelf = sources(tmp_path), IndexCache(tmp_path / "index")
    first, again = opened(of, shelf), opened(of, shelf)
    assert (first.is_taken, again.is_taken) == (False, True)
    assert_same(first, again)
    assert bytes(search(again, "twice")).count(1) == 1
    [kept] = (tmp_path / "index").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.parent.stat().st_mode & 0o777 == 0o700


@settings(max_examples=25, deadline=None)
@given(case=cases())
def test_whatever_is_in_the_files_it_comes_back_as_it_was(case: Case) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        of = Sources(
            write(folder / "in.jsonl", [asked(f"id-{number}") for number in range(case.requests)]),
            write(folder / "out.jsonl", case.output),
            write(folder / "err.jsonl", case.errors),
        )
        first, again = (opened(of, IndexCache(folder / "index")) for _ in range(2))
        assert again.is_taken and again.counts == case.expected
        assert_same(first, again)


@pytest.mark.parametrize("which", ["in.jsonl", "out.jsonl", "err.jsonl"])
@pytest.mark.parametrize("how", ["longer", "touched", "replaced", "gone"])
def test_a_file_that_changed_is_read_again(which: str, how: str, tmp_path: Path) -> None:
    of, shelf = sources(tmp_path), IndexCache(tmp_path / "index")
    opened(of, shelf)
    path = tmp_path / which
    data = path.read_bytes()
    if how == "longer":
        path.write_bytes(data + line_of(asked("e")) + b"\n")
    elif how == "touched":
        os.utime(path, ns=(1, 1))
    elif how == "replaced":
        stat = path.stat()
        path.with_suffix(".new").write_bytes(data)
        path.with_suffix(".new").replace(path)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    else:
        path.unlink()
    fresh = ResultIndex(of)
    fresh.build()
    again = opened(of, shelf)
    assert not again.is_taken
    assert_same(again, fresh)


def test_what_is_damaged_is_made_anew(tmp_path: Path) -> None:
    of, shelf = sources(tmp_path), IndexCache(tmp_path / "index")
    first, path = opened(of, shelf), shelf.path("job")
    whole = path.read_bytes()
    spots = [*range(0, len(whole), max(1, len(whole) // 25)), len(whole) - 1]
    damaged = [whole[:at] for at in spots] + [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in spots]
    for data in [*damaged, b"", whole + b"x", b"\xff" * 5000]:
        path.write_bytes(data)
        again = opened(of, shelf)
        assert not again.is_taken
        assert again.counts == first.counts
        assert path.read_bytes() == whole
    assert opened(of, shelf).is_taken


def test_another_submission_of_the_file_is_another_index(tmp_path: Path) -> None:
    of, shelf = sources(tmp_path), IndexCache(tmp_path / "index")
    opened(of, shelf)
    other = opened(Sources(of.input, of.output, of.errors, "0" * 64), shelf)
    assert not other.is_taken and other.input_changed
    assert opened(Sources(of.input, of.output, of.errors, "0" * 64), shelf).input_changed
    assert not opened(Sources(None, of.output, of.errors), shelf).is_taken
    again = opened(Sources(None, of.output, of.errors), shelf)
    assert again.is_taken and not again.has_input


def test_the_folder_is_bounded_and_the_longest_unused_goes_first(tmp_path: Path) -> None:
    of = sources(tmp_path)
    opened(of, IndexCache(tmp_path / "index"), "one")
    size = IndexCache(tmp_path / "index").path("one").stat().st_size
    shelf = IndexCache(tmp_path / "index", limit=5 * size)
    for number, name in enumerate(("one", "two", "three", "four", "five")):
        opened(of, shelf, name)
        os.utime(shelf.path(name), (number, number))
    assert opened(of, shelf, "one").is_taken  # looked at again
    opened(of, shelf, "six")
    assert {path.stem for path in (tmp_path / "index").iterdir()} == {"one", "three", "four", "five", "six"}
    small = IndexCache(tmp_path / "small", limit=size)
    assert not opened(of, small).is_taken and not opened(of, small).is_taken


def test_where_nothing_can_be_kept_it_is_read_each_time(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file, not a folder")
    of, shelf = sources(tmp_path), IndexCache(tmp_path / "index")
    assert opened(of, shelf).counts == opened(of, shelf).counts
    with pytest.raises(OperationCancelledError):
        CachedIndex(of, shelf, "job").build(cancelled=lambda: True)
    assert IndexCache(tmp_path / "x").path("../../etc/passwd").parent == tmp_path / "x"
