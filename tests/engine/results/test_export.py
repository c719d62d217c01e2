"""An export can be read by other programs, has every row once, and replaces no file by accident."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.errors import BatchError, LocalFileError, OperationCancelledError
from tbatch_tui.engine.results import COLUMNS, ExportFormat, Outcome, ResultIndex, export_rows, has_parquet
from tbatch_tui.engine.results.export.tables import _csv_line, escape_formula
from tests.helpers.hostile_text import NASTY
from tests.helpers.result_rows import answer_row, build_index, encode_row, error_row, request_row

if TYPE_CHECKING:
    from pathlib import Path

csv.field_size_limit(50_000_000)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(NASTY) | st.text(max_size=20), min_size=1, max_size=5))
def test_every_row_is_exported_once_whatever_its_text(tmp_path: Path, texts: list[str]) -> None:
    folder = tmp_path / str(abs(hash(tuple(texts))))
    index = build_index(
        folder,
        requests=[request_row(f"id {number}", text) for number, text in enumerate(texts)],
        output=[answer_row(f"id {number}", text) for number, text in enumerate(texts)] + [b'{"custom_id": "x", "re'],
    )
    rows = range(len(index))
    paths = {
        export_format: folder / f"out{export_format.suffix}"
        for export_format in ExportFormat
        if export_format is not ExportFormat.PARQUET
    }
    for export_format, path in paths.items():
        export_rows(index, rows, path, export_format, columns=list(COLUMNS), replace=True)
    as_stored = [text.encode("utf-8", "replace").decode() for text in texts]
    merged = [json.loads(line) for line in paths[ExportFormat.MERGED].read_bytes().split(b"\n")[:-1]]
    assert [row["custom_id"] for row in merged[:-1]] == [f"id {number}" for number in range(len(texts))]
    assert [row["response"]["body"]["choices"][0]["message"]["content"] for row in merged[:-1]] == texts
    assert [row["request"]["messages"][0]["content"] for row in merged[:-1]] == texts
    assert merged[-1]["unreadable"] == '{"custom_id": "x", "re'
    with paths[ExportFormat.CSV].open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    assert table[0] == list(COLUMNS) and len(table) == 1 + len(index)
    plain = [json.loads(line) for line in paths[ExportFormat.ANSWERS].read_bytes().split(b"\n")[:-1]]
    assert len(plain) == len(index) and plain[-1]["answer"] is None
    assert [row["answer"] for row in plain[:-1]] == as_stored
    column = table[0].index("prompt")
    assert [row[column] for row in table[1:-1]] == [escape_formula(text) for text in as_stored]
    assert paths[ExportFormat.MARKDOWN].read_text(encoding="utf-8").count("\n*ok") <= len(index)


def test_a_table_has_the_outcome_of_each_row(tmp_path: Path) -> None:
    index = build_index(
        tmp_path,
        requests=[request_row("a", "Why?"), request_row("b"), request_row("c")],
        output=[answer_row("a", "Because, \"so\".", tokens=12)],
        errors=[error_row("b", "Request timeout")],
    )  # fmt: skip
    path = tmp_path / "sub" / "t.csv"
    export_rows(index, range(3), path, ExportFormat.CSV, columns=["custom_id", "outcome", "answer", "error"])
    with path.open(newline="") as file:
        assert list(csv.reader(file))[1:] == [
            ["a", "ok", 'Because, "so".', ""],
            ["b", "error", "", "Request timeout"],
            ["c", "missing", "", ""],
        ]


def test_no_file_is_replaced_by_default_and_a_cancel_leaves_nothing(tmp_path: Path) -> None:
    index = build_index(tmp_path, requests=[request_row("a")], output=[answer_row("a")])
    path = tmp_path / "there.csv"
    path.write_text("mine")
    with pytest.raises(LocalFileError, match="already"):
        export_rows(index, [0], path, ExportFormat.CSV)
    with pytest.raises(OperationCancelledError):
        export_rows(index, [0], path, ExportFormat.CSV, replace=True, cancelled=lambda: True)
    assert path.read_text() == "mine"
    export_rows(index, [0], path, ExportFormat.CSV, replace=True)
    assert path.read_text().startswith("line,custom_id")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl", "there.csv"]


# -- merged ------------------------------------------------------------------------------------------


def merge(index: ResultIndex, rows: Any, path: Path, **more: Any) -> list[Any]:
    """Export merged lines and return them decoded."""
    export_rows(index, rows, path, ExportFormat.MERGED, replace=True, **more)
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


UNUSUAL_LINES = st.sampled_from(
    [
        b'{"custom_id": "r1", "response": {"status_code": 200, "body": {"choices": [{"text": "\xff"}]}}}',
        b'{"custom_id": "r2", "response": {"status_code": 200, "body": {"n": 123456789012345678901234567890}}}',
        b'{"custom_id": "r3", "response": {"status_code": 500, "body": null}, "error": null}',
        b'{"custom_id": 4, "response": {"status_code": 200, "body": {}}}',
        b'{"custom_id": "stranger", "error": {"message": "\\ud800"}}',
        b'{"custom_id": null, "response": {"status_code": 200, "body": {}}}',
        b'{"custom_id": "r1", "resp',
        b"not json",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.sampled_from(NASTY) | st.text(max_size=8), max_size=12),
    unusual=st.lists(UNUSUAL_LINES, max_size=3),
    chance=st.randoms(use_true_random=False),
    lost=st.sets(st.integers(0, 12), max_size=4),
)
def test_merged_has_each_input_line_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    unusual: list[bytes],
    chance: random.Random,
    lost: set[int],
) -> None:
    folder = tmp_path_factory.mktemp("m")
    requests = [request_row(f"r{number}", text) for number, text in enumerate(texts)]
    responses: list[Any] = [
        answer_row(f"r{number}", text) if chance.random() < 0.7 else error_row(f"r{number}", text)
        for number, text in enumerate(texts)
        if number not in lost
    ]
    responses += unusual + chance.sample(responses, min(2, len(responses)))
    chance.shuffle(responses)
    index = build_index(
        folder,
        requests=requests,
        output=[row for row in responses if isinstance(row, bytes) or "response" in row],
        errors=[row for row in responses if not isinstance(row, bytes) and "error" in row],
    )
    merged = merge(index, range(len(index)), folder / "m.jsonl", job_id_of=lambda row: f"job-{row % 2}")
    assert [(row["custom_id"], row["request"]) for row in merged[: len(requests)]] == [
        (line["custom_id"], line["body"]) for line in requests
    ]
    assert all("request" not in row for row in merged[len(requests) :])
    assert [row["outcome"] for row in merged] == [index.outcome(number).words for number in range(len(index))]
    assert [row["job"] for row in merged] == [f"job-{number % 2}" for number in range(len(index))]
    for number, row in enumerate(merged):
        record = index.record(number)
        if record.raw_response is None:
            assert not {"response", "error", "unreadable"} & row.keys()
        elif "unreadable" in row:
            assert row["unreadable"] == record.raw_response.decode("utf-8", "replace")
        else:
            source = json.loads(record.raw_response.decode("utf-8", "replace"))
            assert {key: row[key] for key in ("response", "error") if key in row} == {
                key: source[key] for key in ("response", "error") if key in source
            }
    chosen = index.select([Outcome.OK, Outcome.MISSING])
    assert merge(index, chosen, folder / "m.jsonl") == [
        {key: part for key, part in merged[number].items() if key != "job"} for number in chosen
    ]


def test_merged_lines_keep_the_bytes_of_the_files_and_need_no_input_file(tmp_path: Path) -> None:
    row = b'{"custom_id":"a","response":{"status_code":200,"body":{"cost":1.10,"s":"\\u00e9"}}}'
    index = build_index(tmp_path, output=[row], errors=[error_row("b")])
    path = tmp_path / "m.jsonl"
    export_rows(index, range(2), path, ExportFormat.MERGED)
    first, second = path.read_bytes().splitlines()
    assert first == (
        b'{"custom_id":"a","outcome":"invalid","reason":"There is no answer",'
        b'"response":{"status_code":200,"body":{"cost":1.10,"s":"\\u00e9"}}}'
    )
    assert json.loads(second)["error"] == error_row("b")["error"]


def test_rows_far_from_each_other_are_merged(tmp_path: Path) -> None:
    count = 700
    rows = [answer_row(f"r{number}", "x" * 300) for number in range(count)]
    random.Random(3).shuffle(rows)
    index = build_index(tmp_path, requests=[request_row(f"r{number}") for number in range(count)], output=rows)
    merged = merge(index, range(count), tmp_path / "m.jsonl")
    assert [row["custom_id"] for row in merged] == [f"r{number}" for number in range(count)]
    assert all(row["response"]["body"]["usage"]["completion_tokens"] == 7 for row in merged)


def test_a_file_that_changed_is_not_merged(tmp_path: Path) -> None:
    index = build_index(tmp_path, requests=[request_row("a")], output=[answer_row("a")])
    (tmp_path / "out.jsonl").write_bytes(encode_row(answer_row("a")) + b"\n\n")
    with pytest.raises(LocalFileError, match="changed"):
        merge(index, [0], tmp_path / "m.jsonl")
    assert not (tmp_path / "m.jsonl").exists()


# -- tables ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_plain", [True, False])
def test_a_row_with_a_response_and_an_error_keeps_both(is_plain: bool, tmp_path: Path) -> None:
    """A lone surrogate in its text makes the line be decoded instead of copied."""
    text = "overloaded" if is_plain else "overloaded \ud800"
    row = {
        "custom_id": "a",
        "response": {"status_code": 500, "body": {"detail": "try later"}},
        "error": {"message": text, "code": "server_error"},
    }
    index = build_index(tmp_path, requests=[request_row("a")], errors=[row])
    export_rows(index, range(1), tmp_path / "merged", ExportFormat.MERGED)
    merged = json.loads((tmp_path / "merged").read_bytes())
    assert (merged["outcome"], merged["response"], merged["error"]) == ("error", row["response"], row["error"])
    assert index.row(0).preview.startswith("overloaded")


@pytest.mark.parametrize(
    ("cell", "escaped"),
    [
        ("=1+1", "'=1+1"),
        ("+SUM(A1)", "'+SUM(A1)"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\n\n=1", "'\n\n'=1"),
        ("ok;=1+cmd|' /C calc'!A0", "ok;'=1+cmd|' /C calc'!A0"),
        ("ok\t=1\r\n@SUM(1)\n+1+1|-x", "ok\t'=1\r\n'@SUM(1)\n'+1+1|'-x"),
        ('ok; "=1"; ;-A1', """ok; "'=1"; ;'-A1"""),
        ("a ;＝1", "a ;'＝1"),
        ("first \n=1 \n=2", "first \n'=1 \n'=2"),
        ("a;-5;+3.2e-4|-1,204.50\n-5 \n", "a;'-5;'+3.2e-4|'-1,204.50\n'-5 \n"),
        ("a;-5+1", "a;'-5+1"),
        ("a = b, c - d;e = f", "a = b, c - d;e = f"),
        (" =1", "' =1"),
        ("\n\nThe answer", "\n\nThe answer"),
        ("\tindented", "'\tindented"),
        (" -5\n", " -5\n"),
        ("＝1+1", "'＝1+1"),
        ("- a list", "'- a list"),
        ("-", "'-"),
        ("-5", "-5"),
        ("+3.2e-4", "+3.2e-4"),
        ("-1,204.50", "-1,204.50"),
        ("-5 %", "'-5 %"),
        ("a=1", "a=1"),
        ("'=1", "'=1"),
        ("", ""),
        (-5, -5),
        (-0.5, -0.5),
        (None, None),
    ],
)
def test_no_cell_is_a_formula_and_numbers_stay_numbers(cell: Any, escaped: Any) -> None:
    assert escape_formula(cell) == escaped


@given(st.lists(st.text(alphabet=' =+-@＝;|\t\r\n",a1', max_size=12), min_size=1, max_size=3))
@example(['"', ";=1"])
@example(["\t-1;"])
def test_no_reader_finds_a_formula_whatever_parts_its_cells(row: list[str]) -> None:
    written = _csv_line([escape_formula(cell) for cell in row]).decode()
    for delimiter in ",;\t|":
        for line in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter):
            for cell in line:
                text = cell.strip()
                # A cell that is a number stays one; where commas do not part cells, the next cell follows it.
                assert not text.startswith(("=", "+", "-", "@", "＝")) or re.fullmatch(
                    r"[+-][0-9][0-9.,]*\s*\"?(,.*)?", text, re.DOTALL
                ), (delimiter, written)


def test_a_long_cell_is_guarded_in_no_time() -> None:
    began = time.process_time()
    for text in (
        "\n" * 1_000_000,
        ";" * 1_000_000 + "x",
        '"' * 1_000_000,
        "\n- 5" * 200_000,
        "\n-5" * 200_000,
        "-" * 1_000_000,
    ):
        escape_formula(text)
    assert time.process_time() - began < 5


@given(st.lists(st.lists(st.text(max_size=8) | st.sampled_from(NASTY), min_size=2, max_size=2), max_size=5))
def test_any_text_can_be_read_back_from_csv(rows: list[list[str]]) -> None:
    written = b"".join(_csv_line([escape_formula(cell) for cell in row]) for row in rows).decode()
    expected = [[escape_formula(cell.encode("utf-8", "replace").decode()) for cell in row] for row in rows]
    assert list(csv.reader(io.StringIO(written, newline=""))) == expected


def test_a_table_has_job_and_tokens(tmp_path: Path) -> None:
    row = answer_row("a", "=1")
    row["response"]["body"]["usage"] |= {"cached_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 5}}
    index = build_index(tmp_path, requests=[request_row("a"), request_row("b")], output=[row])
    path = tmp_path / "t.csv"
    columns = ["job", "answer", "completion_tokens", "reasoning_tokens", "cached_tokens"]
    export_rows(index, range(2), path, ExportFormat.CSV, columns=columns, job_id_of=lambda _row: "job-1")
    with path.open(newline="") as file:
        assert list(csv.reader(file))[1:] == [["job-1", "'=1", "7", "5", "2"], ["job-1", "", "", "", ""]]


@pytest.mark.skipif(not has_parquet(), reason="the extra parquet is not installed")
def test_parquet_has_the_types_of_its_columns(tmp_path: Path) -> None:
    from pyarrow import parquet

    index = build_index(
        tmp_path,
        requests=[request_row("a"), request_row("b", "=x")],
        output=[answer_row("a", "=1 \ud800")],
        errors=[error_row("b")],
    )
    path = tmp_path / "t.parquet"
    export_rows(index, range(2), path, ExportFormat.PARQUET, columns=list(COLUMNS), job_id_of=lambda _row: "job-1")
    table = parquet.read_table(path).to_pylist()
    assert [
        (row["custom_id"], row["answer"], row["completion_tokens"], row["seconds"], row["job"]) for row in table
    ] == [
        ("a", "=1 ?", 7, None, "job-1"),
        ("b", "", None, None, "job-1"),
    ]
    export_rows(index, [], path, ExportFormat.PARQUET, columns=["line"], replace=True)
    assert parquet.read_table(path).num_rows == 0


def test_without_pyarrow_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert not has_parquet()
    index = build_index(tmp_path, requests=[request_row("a")])
    with pytest.raises(BatchError, match="pyarrow"):
        export_rows(index, [0], tmp_path / "t.parquet", ExportFormat.PARQUET)


@pytest.mark.parametrize("form", list(ExportFormat))
def test_reasoning_is_left_out_unless_it_is_asked_for(tmp_path: Path, form: ExportFormat) -> None:
    index = build_index(tmp_path, requests=[request_row("a")], output=[answer_row("a", "<think>hm hm</think>Paris")])
    for reasoning in (False, True):
        path = tmp_path / f"{reasoning}{form.suffix}"
        export_rows(index, [0], path, form, reasoning=reasoning)
        assert b"Paris" in path.read_bytes()
        assert (b"hm hm" in path.read_bytes()) == (reasoning or form is ExportFormat.MERGED)


def test_several_answers_to_one_request_stand_in_a_column_of_their_own(tmp_path: Path) -> None:
    texts = ["Yes.", 'No, "never"', "=SUM(A1)", None]
    several = answer_row("a")
    several["response"]["body"]["choices"] = [
        {"index": at, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for at, text in enumerate(texts)
    ]
    requests = [request_row("a"), request_row("b"), request_row("c")]
    index = build_index(tmp_path, requests=requests, output=[several, answer_row("b", "One.")])
    export_rows(index, range(3), tmp_path / "out.csv", ExportFormat.CSV, columns=["custom_id", "answers", "outcome"])
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        _, first, second, third = csv.reader(file)
    assert json.loads(first[1]) == [text or "" for text in texts]
    assert (second, third) == (["b", "", "ok"], ["c", "", "missing"])
    assert first[2] == "invalid"  # of several answers the worst counts, and one of them is empty
