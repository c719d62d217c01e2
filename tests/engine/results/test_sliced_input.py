"""Results whose input file has no copy any more: read from where the bytes are in another file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.domain.submission import FileSlice
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.results import CachedIndex, IndexCache, ResultIndex, Sources
from tests.helpers.result_rows import answer_row, encode_row, request_row, write_rows

if TYPE_CHECKING:
    from pathlib import Path

LINES = [encode_row(request_row(f"id-{number}")) + b"\n" for number in range(3)]


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    """The second and third of three requests, each answered: in a copy, and in the file."""
    copy, whole = tmp_path / "copy.jsonl", tmp_path / "whole.jsonl"
    part = b"".join(LINES[1:])
    copy.write_bytes(part)
    whole.write_bytes(b"".join(LINES))
    return Sources(
        copy,
        write_rows(tmp_path / "out.jsonl", [answer_row("id-1", "one"), answer_row("id-2", "two")]),
        input_sha256=hashlib.sha256(part).hexdigest(),
        input_slices=(FileSlice(whole, len(LINES[0]), len(part), len(LINES[0])),),
    )


def copy_of(sources: Sources) -> Path:
    assert sources.input is not None
    return sources.input


def test_a_copy_is_removed_before_and_while_its_results_are_read(sources: Sources, tmp_path: Path) -> None:
    index = ResultIndex(sources)
    index.build()
    records = [index.record(row) for row in range(2)]
    copy_of(sources).unlink()
    assert [index.record(row) for row in range(2)] == records, "the index is in memory, its lines are elsewhere now"
    later = ResultIndex(sources)
    later.build()
    assert later.has_input and [later.record(row) for row in range(2)] == records
    assert [row.line for row in later] == [1, 2], "of the part"
    assert later.paths()[0] == tmp_path / "whole.jsonl"


def test_an_index_that_was_stored_is_restored_without_the_copy(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = IndexCache(tmp_path / "index")
    CachedIndex(sources, cache, "job").build()
    copy_of(sources).unlink()
    monkeypatch.setattr(ResultIndex, "build", None)
    assert CachedIndex(sources, cache, "job").build().answered == 2
    monkeypatch.setattr("tbatch_tui.engine.results.index.cache.is_as_submitted", None)
    assert CachedIndex(sources, cache, "job").build().answered == 2, "hashed once"


@pytest.mark.parametrize("what", ["before", "inside"])
def test_only_a_change_of_the_slice_is_one(sources: Sources, tmp_path: Path, what: str) -> None:
    index = ResultIndex(sources)
    index.build()
    cache = IndexCache(tmp_path / "index")
    CachedIndex(sources, cache, "job").build()
    copy_of(sources).unlink()
    whole = tmp_path / "whole.jsonl"
    data = b"".join(LINES)
    at = 3 if what == "before" else len(data) - 3
    whole.write_bytes(data[:at] + b"~" + data[at + 1 :])
    later = CachedIndex(sources, cache, "job")
    later.build()
    if what == "before":
        assert later.has_input and index.record(0).raw_request == LINES[1][:-1]
        return
    assert later.input_changed and later.changed_inputs == (whole,) and len(later) == 2
    record = index.record(0)
    assert record.raw_request is None and "whole.jsonl has changed since it was read" in record.issues[0]
    with pytest.raises(LocalFileError), index.open_file(0):
        pass
    whole.unlink()
    gone = ResultIndex(replace(sources))
    gone.build()
    assert not gone.has_input and not gone.input_changed
