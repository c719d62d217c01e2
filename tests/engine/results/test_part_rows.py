"""The parts of a file as the rows of the whole: read one by one, and the same as when all are merged by their ids."""

from __future__ import annotations

import hashlib
import json
import tempfile
import tracemalloc
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.domain.submission import first_requests
from tbatch_tui.engine.errors import BatchError, OperationCancelledError
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
from tbatch_tui.engine.results.index import merged
from tbatch_tui.engine.results.index.parts import disk_columns, part_rows
from tbatch_tui.engine.results.index.parts.disk_columns import DiskColumn
from tests.helpers.result_rows import answer_row, encode_row, error_row, request_row, write_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

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


@settings(max_examples=25, deadline=None)
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


def test_rows_can_be_read_while_later_parts_are_read(tmp_path: Path) -> None:
    index = two_parts(tmp_path)
    shown: list[list[str]] = []
    last = index.members[2].index
    build = last.build

    def look(**options: Any) -> Any:
        shown.append([f"{index.row(number).custom_id} {index.outcome(number).words}" for number in range(len(index))])
        return build(**options)

    last.build = look  # type: ignore[method-assign]
    index.build()
    assert shown == [["id-0 ok", "id-1 ok"]] and len(index) == 6, "and a stranger in each part"


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


def test_memory_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_rows, "_IN_MEMORY", 0)
    parts, each = 8, 500
    lines = [encode_row(request_row(f"id-{number:05}", "x" * 50)) for number in range(parts * each)]
    jobs = []
    for number in range(parts):
        own = lines[number * each : (number + 1) * each]
        jobs.append(
            job(tmp_path, f"part{number}", own, {json.loads(line)["custom_id"]: "ok" for line in own}, is_part=True)
        )
    whole = write_rows(tmp_path / "whole.jsonl", [*lines])
    index = MergedIndex([MergedMember("", "whole", ResultIndex(Sources(whole))), *jobs])
    tracemalloc.start()
    try:
        counts = index.build()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counts.answered == parts * each and kept < 60 * parts * each, "in memory each row has 200 bytes"
