"""Bytes in slices of other files are read as one file is, from any offset, by any number of bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.domain.submission import FileSlice, format_slices, parse_slices
from tbatch_tui.engine.local_files.file_slices import CopiedSlice, InputPlace

PIECES = st.lists(st.tuples(st.binary(max_size=9), st.binary(min_size=1, max_size=9), st.booleans()), max_size=5)


@given(pieces=PIECES, offset=st.integers(0, 50), size=st.integers(1, 50), copied=st.booleans())
def test_slices_are_read_as_one_file(
    pieces: list[tuple[bytes, bytes, bool]], offset: int, size: int, copied: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        slices: list[FileSlice | CopiedSlice] = []
        whole = b""
        for number, (before, data, lacks_end) in enumerate(pieces):
            path = folder / f"{number % 2}"
            begin = path.stat().st_size if path.exists() else 0
            path.write_bytes((path.read_bytes() if begin else b"") + before + data)
            found = FileSlice(path, begin + len(before), len(data) + lacks_end, len(whole), lacks_end)
            whole += data + b"\n" * lacks_end
            slices.append(CopiedSlice(found, folder / "copy", found.at) if copied and number % 3 else found)
        assert not any(
            isinstance(each, FileSlice) and each not in parse_slices(format_slices([each])) for each in slices
        )
        for _ in range(2):
            place = InputPlace(folder / "gone", tuple(slices))
            if not pieces:
                assert place.stamp is None
                continue
            with place.open() as (file, stamp):
                assert (file.read(), stamp) == (whole, place.stamp)
                assert stamp.size == len(whole)
                file.seek(offset)
                assert file.read(size) == whole[offset : offset + size]
            (folder / "copy").write_bytes(whole)


def test_a_file_of_its_own_comes_first(tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(b"0123456789")
    place = InputPlace(tmp_path / "part", (FileSlice(tmp_path / "whole", 2, 3, 2),))
    assert place.files == (tmp_path / "whole",)
    (tmp_path / "part").write_bytes(b"own")
    with place.open() as (file, _):
        assert file.read() == b"own"
    assert place.files == (tmp_path / "part",) and not place.is_sliced


def test_a_file_that_changes_while_it_is_read_is_not_read_on(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"0123456789")
    place = InputPlace(tmp_path / "part", tuple(FileSlice(tmp_path / name, 0, 10, 0) for name in "ab"))
    before = place.stamp
    with place.open() as (file, _):
        file.read(4)
        (tmp_path / "b").write_bytes(b"01234567")
        with pytest.raises(OSError, match="it has changed"):
            file.read()
    assert place.stamp != before
    (tmp_path / "b").unlink()
    assert place.stamp is None
    with pytest.raises(FileNotFoundError), place.open():
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"paths":[],"slices":[[0,0,1,2,0]]}', '{"paths":["a"],"slices":[1]}'])
def test_what_is_not_slices_is_none(text: str) -> None:
    assert parse_slices(text) == ()


def test_names_that_are_no_text_are_stored(tmp_path: Path) -> None:
    path = tmp_path / "\udcff.jsonl"
    slices = (FileSlice(path, 3, 10, 3), FileSlice(path, 20, 5, 20, lacks_end=True))
    assert parse_slices(format_slices(slices)) == slices
