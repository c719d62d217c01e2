"""The parts of a file as the rows of the whole: read one by one, and the same as when all are merged by their ids."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import tracemalloc
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.domain.submission import JobGroup, first_requests
from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.groups.split import write_parts
from tbatch_tui.engine.local_files.fingerprint import read_fingerprint
from tbatch_tui.engine.results import (
    ExportFormat,
    MergedIndex,
    MergedMember,
    Outcome,
    ResultIndex,
    Sources,
    export_rows,
    search,
    usage_by_model,
)
from tbatch_tui.engine.results.index import jsonl, merged
from tbatch_tui.engine.results.index.parts import disk_columns, part_rows
from tbatch_tui.engine.results.index.parts.disk_columns import DiskColumn
from tests.helpers.result_rows import answer_row, encode_row, error_row, request_row, write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BOM = b"\xef\xbb\xbf"
KINDS = st.sampled_from(["ok", "error", "missing", "unreadable", "twice", "cut", "invalid"])


def job(
    folder: Path,
    name: str,
    requests: Sequence[bytes],
    kinds: dict[str, str],
    *,
    is_part: bool,
    numbers: Sequence[int] = (),
) -> MergedMember:
    """Return a job of these lines, with a response of this kind for each id."""
    path = write_rows(folder / f"{name}.jsonl", [*requests])
    rows: list[Any] = []
    for custom_id, kind in kinds.items():
        rows += {
            "ok": [answer_row(custom_id, f'{{"label": "{name}"}}')],
            "error": [error_row(custom_id, f"failed in {name}")],
            "unreadable": [b'{"custom_id": "%s", "resp' % custom_id.encode()],
            "cut": [answer_row(custom_id, "cut", reason="length")],
            "invalid": [answer_row(custom_id, "")],
            "twice": [answer_row(custom_id, "cut", reason="length"), answer_row(custom_id, f"again {name}")],
        }.get(kind, [])
    output = write_rows(folder / f"{name}.out", [*rows, answer_row("stranger")])
    sources = Sources(path, output, input_sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    return MergedMember(name, name, ResultIndex(sources), is_part=is_part, numbers=numbers)


class Drawn(NamedTuple):
    """A file, the parts that it was sent as, and what came back."""

    lines: list[bytes]
    """Of the whole file, with blank ones."""
    ahead: tuple[int, ...]
    """Which requests are the first part."""
    parts: list[list[str]]
    """The ids of each part."""
    kinds: list[dict[str, str]]
    """The response of each id, of each part and of each retry."""


@st.composite
def groups(draw: st.DrawFn) -> Drawn:
    """Draw a group: requests ahead or none, parts of any size, blank lines anywhere or nowhere, and retries."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    first = draw(st.sampled_from([0, 0, 1, 2, 5]))
    ids = [f"id-{number}" for number in range(sum(sizes) + first)]
    ahead = first_requests(len(ids), first)
    rest = iter([custom_id for number, custom_id in enumerate(ids) if number not in ahead])
    parts = [[*islice(rest, size)] for size in sizes]
    if first:
        parts.insert(0, [ids[number] for number in ahead])
    lines = [encode_row(request_row(custom_id)) for custom_id in ids]
    for at in draw(st.lists(st.integers(0, len(lines)), max_size=4)) if draw(st.booleans()) else ():
        lines.insert(at, draw(st.sampled_from([b"", b"  ", b"\t\r"])))
    retries = draw(st.lists(st.lists(st.sampled_from(ids), unique=True, min_size=1), max_size=2))
    kinds = [{custom_id: draw(KINDS) for custom_id in asked} for asked in [*parts, *retries]]
    return Drawn(lines, ahead, parts, kinds)


def rows_of(index: MergedIndex, folder: Path) -> list[Any]:
    """Return all that is shown, exported and counted of an index."""
    rows = range(len(index))
    export_rows(index, rows, folder / "export", ExportFormat.MERGED, job_id_of=index.job_id_of, replace=True)
    records = [index.record(number) for number in rows]
    locations = [index.answered_location(number) for number in range(len(index.requests))]
    return [
        list(index),
        # the byte order mark is of no request, where its part was read
        [replace(record, raw_request=(record.raw_request or b"").removeprefix(BOM)) for record in records],
        [index.read_bytes(location).removeprefix(BOM) for location in locations if location is not None],
        (folder / "export").read_bytes(),
        index.counts,
        bytes(search(index, "again")),
        [index.select([outcome]).tolist() for outcome in Outcome],
        usage_by_model(index, rows),
    ]


@settings(max_examples=15, deadline=None)
@given(group=groups(), bom=st.booleans(), ended=st.booleans(), on_disk=st.booleans())
def test_parts_read_one_by_one_are_what_they_are_merged(group: Drawn, bom: bool, ended: bool, on_disk: bool) -> None:
    parts, kinds = group.parts, group.kinds
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        whole = folder / "whole.jsonl"
        whole.write_bytes(BOM * bom + b"\n".join(group.lines) + b"\n" * ended)
        sha256 = hashlib.sha256(whole.read_bytes()).hexdigest()

        def new_index() -> MergedIndex:
            jobs = []
            for n, part in enumerate(parts):
                sent = [encode_row(request_row(custom_id)) for custom_id in part]
                numbers = group.ahead if not n else ()
                jobs.append(job(folder, f"part{n}", sent, kinds[n], is_part=True, numbers=numbers))
            for number, asked in enumerate(kinds[len(parts) :]):
                again = [encode_row(request_row(custom_id, "again")) for custom_id in asked]
                jobs.append(job(folder, f"retry{number}", again, asked, is_part=False))
            return MergedIndex([MergedMember("", "whole", ResultIndex(Sources(whole, input_sha256=sha256))), *jobs])

        patch.setattr(part_rows, "_IN_MEMORY", 0 if on_disk else 100)
        patch.setattr(disk_columns, "_PIECE", 2)
        index = new_index()
        index.build()
        assert all(not member.index.is_built for member in index.members if member.is_part), "they are freed"
        rows = rows_of(index, folder)
        patch.setattr(merged, "may_be_parts_of", lambda *_: False)
        other = new_index()
        other.build()
        assert all(member.index.is_built for member in other.members)
        for one, same in zip(rows, rows_of(other, folder), strict=True):
            assert one == same


def two_parts(folder: Path, whole: bytes | None = None) -> MergedIndex:
    lines = [encode_row(request_row(f"id-{number}")) for number in range(4)]
    jobs = [
        job(folder, f"part{n}", lines[2 * n : 2 * n + 2], {f"id-{2 * n}": "ok", f"id-{2 * n + 1}": "ok"}, is_part=True)
        for n in range(2)
    ]
    path = folder / "whole.jsonl"
    path.write_bytes(b"\n".join([*lines, b""]) if whole is None else whole)
    sha256 = hashlib.sha256(b"\n".join([*lines, b""])).hexdigest()
    return MergedIndex([MergedMember("", "whole", ResultIndex(Sources(path, input_sha256=sha256))), *jobs])


def test_rows_can_be_read_while_parts_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "PIECE_SIZE", 150)
    monkeypatch.setattr(part_rows, "_SCREENFUL", 1)
    index = two_parts(tmp_path)
    shown: list[list[str]] = []

    def look(build: Callable[..., Any], **options: Any) -> Any:
        shown.append([f"{index.row(number).custom_id} {index.outcome(number).words}" for number in range(len(index))])
        asked = [index.read_bytes(location) for n in range(len(index)) if (location := index.request_location(n))]
        assert [json.loads(line)["custom_id"] for line in asked] == [each.split()[0] for each in shown[-1]]
        return build(**options)

    for part in (member.index for member in index.members[1:]):
        part.build = partial(look, part.build)  # type: ignore[method-assign]
    index.build()
    assert len(index) == 6, "and a stranger in each part"
    assert shown == [["id-0 reading"], ["id-0 ok", "id-1 ok"]]


def test_requests_ahead_are_those_that_the_split_takes(tmp_path: Path) -> None:
    """All parts are read one by one, as they were written."""
    lines = [encode_row(request_row(f"id-{number}")) for number in range(23)]
    path = tmp_path / "whole.jsonl"
    path.write_bytes(b"\n".join([*lines[:9], b"", *lines[9:], b" "]))
    known = read_fingerprint(path)
    parts = write_parts(
        path, tmp_path / "parts", fingerprint=known, requests=23, first=3, requests_max=8, bytes_max=10_000
    )
    group = JobGroup(1, path, known.size, known.sha256, 23, len(parts), first=3)
    jobs = [
        MergedMember(str(n), "", ResultIndex(Sources(part.path, input_sha256=part.sha256)), True, group.numbers_of(n))
        for n, part in enumerate(parts, start=1)
    ]
    index = MergedIndex([MergedMember("", "whole", ResultIndex(Sources(path, input_sha256=known.sha256))), *jobs])
    index.build()
    assert not any(member.index.is_built for member in index.members) and len(parts) == 4
    assert [row.custom_id for row in index] == [f"id-{number}" for number in range(23)]
    assert [row.line for row in index] == [*range(1, 10), *range(11, 25)]


def test_each_of_two_lines_with_one_id_has_its_own_response(tmp_path: Path) -> None:
    """Also where one of them went ahead, and where the first of them has none."""
    lines = [encode_row(request_row(custom_id, text)) for custom_id, text in zip("aabac", "12345", strict=True)]
    jobs = [
        job(tmp_path, "ahead", lines[1:2], {"a": "error"}, is_part=True, numbers=[1]),
        job(tmp_path, "rest1", [lines[0], *lines[2:3]], {"b": "ok"}, is_part=True),
        job(tmp_path, "rest2", lines[3:], {"a": "ok", "c": "cut"}, is_part=True),
    ]
    path = write_rows(tmp_path / "whole.jsonl", [*lines])
    index = MergedIndex([MergedMember("", "whole", ResultIndex(Sources(path))), *jobs])
    index.build()
    shown = [(index.row(n).custom_id, index.outcome(n).words, index.job_id_of(n)) for n in range(5)]
    assert shown == [
        ("a", "missing", ""),
        ("a", "error", "ahead"),
        ("b", "ok", "rest1"),
        ("a", "ok", "rest2"),
        ("c", "cut short", "rest2"),
    ]


@pytest.mark.parametrize("numbers", [(0,), (2,), (1, 2)])
def test_other_requests_ahead_than_it_says_are_merged_by_their_ids(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    lines = [encode_row(request_row(f"id-{number}")) for number in range(3)]
    jobs = [
        job(tmp_path, "ahead", lines[1:2], {"id-1": "error"}, is_part=True, numbers=numbers),
        job(tmp_path, "rest", [lines[0], lines[2]], {"id-0": "ok", "id-2": "ok"}, is_part=True),
    ]
    path = write_rows(tmp_path / "whole.jsonl", [*lines])
    index = MergedIndex([MergedMember("", "whole", ResultIndex(Sources(path))), *jobs])
    index.build()
    assert [index.outcome(number).words for number in range(3)] == ["ok", "error", "ok"]
    assert [index.row(number).custom_id for number in range(3)] == ["id-0", "id-1", "id-2"]


def test_parts_in_another_order_are_merged_by_their_ids(tmp_path: Path) -> None:
    """As a few requests from all over the file that went first."""
    lines = [encode_row(request_row(f"id-{number}")) for number in (2, 3, 0, 1)]
    index = two_parts(tmp_path, b"\n".join([*lines, b""]))
    index.members[0].index.sources = Sources(index.sources.input)
    index.build()
    assert [index.row(number).custom_id for number in range(4)] == ["id-2", "id-3", "id-0", "id-1"]
    assert [index.job_id_of(number) for number in range(4)] == ["part1", "part1", "part0", "part0"]


def test_a_whole_file_that_changed_is_still_refused(tmp_path: Path) -> None:
    lines = [encode_row(request_row(f"id-{number}")) for number in (0, 1, 2, 9)]
    with pytest.raises(BatchError, match="has changed since it was submitted"):
        two_parts(tmp_path, b"\n".join([*lines, b""])).build()


def test_reading_parts_can_be_stopped(tmp_path: Path) -> None:
    with pytest.raises(OperationCancelledError):
        two_parts(tmp_path).build(cancelled=lambda: True)


@pytest.mark.parametrize("typecode", ["B", "H", "i", "I", "Q", "d"])
def test_a_column_on_disk_is_an_array(typecode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_columns, "_PIECE", 4)
    column, values = DiskColumn(typecode), [*range(10)]
    column.extend(values[:5])
    assert [column[4], column[-1], column[0]] == [4, 4, 0]
    for value in values[5:]:
        column.append(value)
    assert (len(column), [*column], column[6]) == (10, values, 6), "also where a piece was read before it was full"
    assert column[2:5].tolist() == [2, 3, 4] and column[8:99].tolist() == [8, 9] and column[5:2].tolist() == []
    column[6] = 60
    assert column[6] == 60 and column[4:8].tolist() == [4, 5, 60, 7]
    for number in (10, -11):
        with pytest.raises(IndexError):
            column[number]


def test_a_piece_of_a_column_is_read_without_giving_the_interpreter_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread at work would have it for 5 ms each time that the event loop needs a value."""
    column, values = DiskColumn("Q"), [*range(100_000)]
    column.extend(values[:50_000])
    assert column[40_000] == 40_000
    column.extend(values[50_000:])
    monkeypatch.setattr(os, "pread", None)
    scattered = range(0, 100_000, 777)
    assert [column[number] for number in scattered] == [*scattered], "also behind what was mapped before"
    assert [*column] == values
    assert column[99_990:].tolist() == values[99_990:]


def test_memory_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where some requests went ahead, and blank lines were left out."""
    monkeypatch.setattr(part_rows, "_IN_MEMORY", 0)
    parts, each, ahead = 8, 500, (0, 1700, 3000)
    lines = [encode_row(request_row(f"id-{number:05}", "x" * 50)) for number in range(parts * each)]
    rest = [line for number, line in enumerate(lines) if number not in ahead]
    first = {f"id-{number:05}": "ok" for number in ahead}
    jobs = [job(tmp_path, "ahead", [lines[n] for n in ahead], first, is_part=True, numbers=ahead)]
    for number in range(parts):
        own = rest[number * each : (number + 1) * each]
        jobs.append(
            job(tmp_path, f"part{number}", own, {json.loads(line)["custom_id"]: "ok" for line in own}, is_part=True)
        )
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(b"\n".join([*lines[:9], b"", *lines[9:], b"\n"]))
    index = MergedIndex([MergedMember("", "whole", ResultIndex(Sources(whole))), *jobs])
    tracemalloc.start()
    try:
        counts = index.build()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counts.answered == parts * each and kept < 60 * parts * each, "in memory each row has 200 bytes"
