"""An index is the same whether its lines are read many at once, in small pieces, or one by one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.results import ExportFormat, ResultIndex, Sources, export_rows
from tbatch_tui.engine.results.index import jsonl
from tests.helpers.result_rows import answer_row, encode_row, error_row, request_row

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "required": ["a"]}}}
IDS = [f"r{number}" for number in range(6)]
REQUESTS = [
    *(encode_row(request_row(custom_id)) for custom_id in IDS),
    encode_row({"custom_id": "r1", "body": {"model": "m/other", "messages": [], "response_format": SCHEMA}}),
    b"",
    b"  ",
    b'{"custom_id": "split", "body": {"model": "m",',  # an object over two lines, and two objects on one
    b'"messages": []}} {"custom_id": "second", "body": {"model": "m"}}',
    b'{"custom_id": "x", "body": {"a": {}',
    b'{"custom_id": "r5"}',
    b"not JSON",
    b'{"custom_id": "\\ud800", "body": {}}',
]
RESPONSES = [
    *(encode_row(answer_row(custom_id, f"answer to {custom_id}")) for custom_id in [*IDS, "r1", "unknown"]),
    encode_row(answer_row("r2", "half", reason="length")),
    encode_row(answer_row("r3", '{"a": 1}')),
    encode_row(answer_row("r1", "no JSON", tool_calls=[])),
    encode_row(answer_row("r4", "<think>so</think>then")),
    encode_row(answer_row("r4", "text", tool_calls=[{"function": {"name": "f", "arguments": "{}"}}])),
    encode_row(error_row("r5")),
    b"",
    b'{"custom_id": "r0", "response": {"status_code": 200,',
    b'"body": {}}}',
    b"\xff\xfe",
]


def lines(rows: list[bytes], end: bytes) -> bytes:
    return b"".join(row + end for row in rows)


def built(folder: Path, what: str, requests: bytes, responses: bytes) -> tuple[ResultIndex, list[Any], bytes]:
    (folder / "in.jsonl").write_bytes(requests)
    (folder / "out.jsonl").write_bytes(responses)
    index = ResultIndex(Sources(input=folder / "in.jsonl", output=folder / "out.jsonl"))
    index.build()
    export_rows(index, range(len(index)), folder / what, ExportFormat.MERGED, replace=True)
    columns = [*index.requests.columns(), *index.responses.columns(), index.extras, index.counts]
    return index, [columns, [*map(index.row, range(len(index)))]], (folder / what).read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(REQUESTS), max_size=12),
    st.lists(st.sampled_from(RESPONSES), max_size=12),
    st.sampled_from([b"\n", b"\r\n"]),
    st.integers(1, 90),
)
def test_many_at_once_and_one_by_one(
    tmp_path: Path, requests: list[bytes], responses: list[bytes], end: bytes, piece: int
) -> None:
    files = lines(requests, end), lines(responses, end)[:-1]
    _, at_once, merged = built(tmp_path, "a", *files)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonl, "PIECE_SIZE", piece)
        _, in_pieces, merged_too = built(tmp_path, "b", *files)
    assert in_pieces == at_once and merged_too == merged
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonl.LineBatch, "has_an_object_a_line", False)
        _, one_by_one, merged_too = built(tmp_path, "c", *files)
    assert one_by_one == at_once and merged_too == merged


def test_a_file_of_answers_is_read_and_merged_many_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [f"r{number}" for number in range(700)]
    files = (
        lines([encode_row(request_row(each)) for each in ids], b"\n"),
        lines([encode_row(answer_row(each, f"answer {each}")) for each in reversed(ids)], b"\n"),
    )
    monkeypatch.setattr(jsonl.LineBatch, "lines", None)  # what would be read line by line fails
    index, _, merged = built(tmp_path, "a", *files)
    assert index.counts is not None and index.counts.ok == 700
    rows = [json.loads(line) for line in merged.splitlines()]
    assert [row["custom_id"] for row in rows] == ids
    assert [row["response"]["body"]["choices"][0]["message"]["content"] for row in rows] == [f"answer {i}" for i in ids]


def test_a_line_that_is_too_long_stands_between_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "LINE_MAX", 5_000)
    monkeypatch.setattr(jsonl, "PIECE_SIZE", 1_000)
    rows = [
        answer_row("a", "x"),
        answer_row("b", "long " * 3_000),
        answer_row("c", "y"),
        answer_row("d", "long " * 3_000),
    ]
    responses = lines([*map(encode_row, rows)], b"\n")
    index, _, _ = built(tmp_path, "a", lines([encode_row(request_row(each)) for each in "abcd"], b"\n"), responses)
    assert [index.outcome(number).words for number in range(4)] == ["ok", "invalid", "ok", "invalid"]
    offsets = index.responses.locations.offset
    assert [responses[offset : offset + 1] for offset in offsets] == [b"{"] * 4
    assert [*index.responses.locations.length] == [*map(len, responses.splitlines())]
