"""`docs/reference/outcomes.md` says how each shape is counted, shown, retried and exported: the table is held to it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tbatch_tui.engine.results import (
    OUTCOME_OPTIONS,
    ExportFormat,
    Outcome,
    ResultIndex,
    errors_by_message,
    export_rows,
    rows_to_retry,
)
from tbatch_tui.tui.screens.results.reading.record_blocks import record_blocks
from tests.helpers.result_rows import answer_row, build_index, encode_row, error_row, request_row, response_row

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "outcomes.md"
CALL = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
LOGPROBS = {"content": [{"token": "Yes", "logprob": -0.01, "top_logprobs": [{"token": "No", "logprob": -4.6}]}]}
JSON_OBJECT = {"response_format": {"type": "json_object"}}
LABEL = {"type": "object", "properties": {"label": {"enum": ["positive", "negative"]}}}
JSON_SCHEMA = {"response_format": {"type": "json_schema", "json_schema": {"name": "label", "schema": LABEL}}}
OBJECT_WITH_SCHEMA = {"response_format": {"type": "json_object", "schema": LABEL}}


def tool(name: str) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": name, "parameters": {"required": ["town"]}}}]}


def choices(*answers: tuple[str, str]) -> dict[str, Any]:
    made = [{"message": {"role": "assistant", "content": text}, "finish_reason": reason} for text, reason in answers]
    return response_row("a", {"choices": made})


def choice(**parts: Any) -> dict[str, Any]:
    return response_row("a", {"choices": [parts]})


class Shape(NamedTuple):
    """A row that came back, and what else the request asked."""

    row: Any
    asked: dict[str, Any] = {}  # noqa: RUF012 - not changed


NO_ERRORS: tuple[Any, ...] = ({}, "", None, {"message": "", "code": None}, [])
BLANKS: tuple[Any, ...] = ("", "  \n", "\u00a0", None, [])
PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "42"}]
SHAPES: dict[str, tuple[Shape, ...]] = {
    "a whole answer": (Shape(answer_row("a", "fine")),),
    '`"error": {}`, `""` or null with an answer': tuple(
        Shape({**answer_row("a", "fine"), "error": error}) for error in NO_ERRORS
    ),
    'a status spelled as text: `"200"`': (
        Shape(response_row("a", answer_row("a", "fine")["response"]["body"], "200")),
    ),
    "a refusal": (Shape(answer_row("a", None, refusal="I cannot help with that.")),),
    "tool calls": (
        Shape(answer_row("a", None, reason="tool_calls", tool_calls=[CALL])),
        Shape(answer_row("a", "", reason="tool_calls", tool_calls=[CALL]), JSON_OBJECT),
    ),
    "a legacy `function_call`": (
        Shape(answer_row("a", None, reason="x", function_call={"name": "lookup", "arguments": '{"q":1}'})),
    ),
    "several answers (`n`)": (Shape(choices(("answer 1", "stop"), ("answer 2", "stop"))),),
    "several answers, one of them cut short": (
        Shape(choices(("answer 1", "stop"), ("answer 2", "length"))),
        Shape(choices(("answer 1", "error"), ("answer 2", "length"))),
    ),
    "several answers, one of them empty": (Shape(choices((" ", "stop"), ("answer 2", "stop"))),),
    "an answer that a filter stopped": (Shape(answer_row("a", "Partial answ", reason="content_filter")),),
    "`<think>` in the content": (
        Shape(answer_row("a", "<think>\nlong\n</think>\n\nParis")),
        Shape(encode_row(answer_row("a", "<think>\nlong\n</think>\n\nParis")).replace(b"<", b"\\u003c")),
        Shape(answer_row("a", "\n" * 90 + "<think>long</think> Paris")),
        Shape(answer_row("a", "long, without the opening tag\n</think>\nParis")),
    ),
    "reasoning in parts of the content": (Shape(answer_row("a", PARTS)),),
    "a spoken answer": (Shape(answer_row("a", None, audio={"data": "UklGRAAA", "transcript": "hello there"})),),
    "the text of a legacy completion": (Shape(choice(text="legacy completion", finish_reason="stop")),),
    "a transcript": (Shape(response_row("a", {"text": "hello", "duration": 1.5, "language": "en"})),),
    "a transcript of silence": (Shape(response_row("a", {"text": "", "duration": 1.5})),),
    "logprobs": (
        Shape(choice(message={"content": "Yes"}, logprobs=LOGPROBS)),
        Shape(choice(message={"content": "Yes"}, logprobs={"tokens": ["Yes"], "token_logprobs": [-0.01]})),
    ),
    "NaN or an infinity in the row": tuple(
        Shape(encode_row(answer_row("a", "fine")).replace(b'"index": 0', b'"logprobs": [%b]' % number))
        for number in (b"NaN", b"-Infinity", b"1e999")
    ),
    "stopped at the token limit": (Shape(answer_row("a", "Half", reason="length")),),
    "nothing before the token limit": (
        Shape(answer_row("a", "", reason="length")),
        Shape(answer_row("a", None, reason="length")),
    ),
    "empty or blank content": tuple(Shape(answer_row("a", text)) for text in BLANKS),
    "nothing but reasoning": (
        Shape(answer_row("a", "", reasoning_content="hm hm")),
        Shape(answer_row("a", "<think>hm hm</think>\n")),
        Shape(answer_row("a", "<think>hm hm")),
    ),
    "`finish_reason: error`": (Shape(answer_row("a", "half an ans", reason="error")),),
    "an error in the body of a 200": (
        Shape(response_row("a", {"error": {"message": "Rate limit hit", "type": "rate_limit"}})),
        Shape(response_row("a", {"error": "Rate limit hit", "choices": []})),
    ),
    "a body that is a string of JSON": (
        Shape(response_row("a", json.dumps(answer_row("a", "fine")["response"]["body"]))),
    ),
    "a body that is another string": (Shape(response_row("a", "<html>")),),
    "no body": (Shape(response_row("a", None)),),
    "no choices": (Shape(response_row("a", {"choices": []})),),
    "no JSON where `json_object` was asked": (Shape(answer_row("a", "positive"), JSON_OBJECT),),
    "a list where `json_object` was asked": (Shape(answer_row("a", "[1]"), JSON_OBJECT),),
    "JSON that does not fit the schema": (
        Shape(answer_row("a", '{"label": "unsure"}'), JSON_SCHEMA),
        Shape(answer_row("a", '{"label": "unsure"}'), OBJECT_WITH_SCHEMA),
    ),
    "several answers, one of them does not fit the schema": (
        Shape(choices(('{"label": "positive"}', "stop"), ('{"label": 3}', "stop")), JSON_SCHEMA),
    ),
    "text that does not match the regular expression": (
        Shape(answer_row("a", "positive, I think"), {"response_format": {"type": "regex", "pattern": "positive"}}),
    ),
    "a tool call that does not fit the tool's parameters": (
        Shape(answer_row("a", None, reason="tool_calls", tool_calls=[CALL]), tool("weather")),
    ),
    "a call of a tool that the request does not have": (
        Shape(answer_row("a", None, reason="tool_calls", tool_calls=[CALL]), tool("look_up")),
    ),
    "JSON in a fence, after `<think>`": (
        Shape(answer_row("a", '<think>hm</think>\n```json\n{"label": 1}\n```'), JSON_OBJECT),
    ),
    "a row that cannot be read, with an id": (
        Shape(b'{"id": "r", "custom_id": "a", "response": {"status_code": 200, "bo'),
    ),
    "an error with a message": (
        Shape(error_row("a")),
        Shape(response_row("a", {"error": {"message": "Request timeout"}}, 408)),
    ),
    "an error with a code and no message": (Shape({"custom_id": "a", "error": {"code": "batch_client_error"}}),),
    "a status and no message": (Shape(response_row("a", {}, 503)), Shape({**response_row("a", {}, 503), "error": {}})),
    "status 0": (Shape({**response_row("a", {}, 0), "error": None}),),
    "a status other than 200 with an answer": (
        Shape(response_row("a", answer_row("a", "fine")["response"]["body"], 202)),
    ),
    "an error with an answer": (Shape({**answer_row("a", "fine"), "error": {"message": "Too late"}}),),
    "neither response nor error": (Shape({"custom_id": "a"}), Shape({"custom_id": "a", "response": None})),
    "no row": (Shape(None),),
}


class Promise(NamedTuple):
    """A row of the table."""

    shape: str
    outcome: str
    shown: str
    answer: str
    error: str
    retry: str


def promises() -> Iterator[Promise]:
    for line in PAGE.read_text(encoding="utf-8").partition("## Every shape")[2].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "shape":
            yield Promise(cells[0], cells[1], *map(literal, cells[2:]))


def literal(cell: str) -> str:
    return cell.strip("` ").replace("↵", "\n") if not cell.startswith("````") else cell[5:-5].replace("↵", "\n")


PROMISES = list(promises())
CASES = [
    pytest.param(promise, shape, id=f"{promise.shape}-{number}")
    for promise in PROMISES
    for number, shape in enumerate(SHAPES.get(promise.shape, ()))
]


def test_the_table_has_every_shape() -> None:
    assert [promise.shape for promise in PROMISES] == list(SHAPES)


def index_of(shape: Shape, folder: Path) -> ResultIndex:
    request = request_row("a")
    request["body"] |= shape.asked
    output = [shape.row] if shape.row is not None else []
    return build_index(folder, requests=[request], output=[*output, answer_row("stranger")])


@pytest.mark.parametrize(("promise", "shape"), CASES)
def test_a_shape_is_counted_shown_and_retried_as_the_table_says(promise: Promise, shape: Shape, tmp_path: Path) -> None:
    index = index_of(shape, tmp_path)
    assert index.counts is not None
    assert {name: count for name, count in index.counts.outcomes.items() if count} == {promise.outcome: 1}
    assert sum(index.counts.outcomes.values()) == index.counts.requests == 1
    assert index.outcome(0).words == promise.outcome
    text = "\n".join(
        "".join(part for part, _ in block.lead) + block.text for block in record_blocks(index.record(0)).blocks
    )
    assert promise.shown in text
    retried = {
        option
        for option in OUTCOME_OPTIONS
        if list(
            rows_to_retry(
                index,
                groups=errors_by_message(index) if option == "errors" else (),
                missing=option == "missing",
                cut_short=option == "cut-short",
                invalid=option == "invalid",
            )
        )
    }
    assert retried == ({promise.retry} if promise.retry else set())


@pytest.mark.parametrize(("promise", "shape"), CASES)
def test_a_shape_is_exported_as_the_table_says(promise: Promise, shape: Shape, tmp_path: Path) -> None:
    index = index_of(shape, tmp_path)
    paths = {export_format: tmp_path / export_format.value for export_format in ExportFormat}
    columns = ["outcome", "answer", "error"]
    for export_format, path in paths.items():
        export_rows(index, [0], path, export_format, columns=columns)
    merged = json.loads(paths[ExportFormat.MERGED].read_bytes(), parse_constant=pytest.fail)
    assert merged["outcome"] == promise.outcome
    assert merged.get("reason", "") == (promise.error if promise.outcome == "invalid" else "")
    if isinstance(shape.row, dict):
        assert {key: merged.get(key) for key in ("response", "error")} == {
            key: shape.row.get(key) for key in ("response", "error")
        }
    answer = json.loads(paths[ExportFormat.ANSWERS].read_bytes(), parse_constant=pytest.fail)
    assert (answer["answer"] or "").strip() == promise.answer
    with paths[ExportFormat.CSV].open(newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["outcome"], row["answer"].strip().removeprefix("'"), row["error"]) == (
        promise.outcome,
        promise.answer,
        promise.error,
    )
    from pyarrow import parquet

    [stored] = parquet.read_table(paths[ExportFormat.PARQUET]).to_pylist()
    assert (stored["outcome"], stored["answer"].strip(), stored["error"]) == (
        promise.outcome,
        promise.answer,
        promise.error,
    )
    markdown = paths[ExportFormat.MARKDOWN].read_text()
    assert f"\n*{promise.outcome} · m/chat*" in markdown
    for text in (promise.answer, promise.error):
        assert all(f"> {line}".rstrip() in markdown for line in text.splitlines())
    assert "<think>" not in markdown


def test_reasoning_is_exported_where_it_is_asked_for(tmp_path: Path) -> None:
    index = index_of(Shape(answer_row("a", "<think>\nlong\n</think>\n\nParis")), tmp_path)
    answers, table, markdown = tmp_path / "a", tmp_path / "t", tmp_path / "m"
    export_rows(index, [0], answers, ExportFormat.ANSWERS, reasoning=True)
    assert json.loads(answers.read_bytes()) == {"custom_id": "a", "answer": "Paris", "reasoning": "long"}
    export_rows(index, [0], table, ExportFormat.CSV, columns=["answer", "reasoning"])
    assert table.read_text().splitlines()[1] == "Paris,long"
    export_rows(index, [0], markdown, ExportFormat.MARKDOWN, reasoning=True)
    assert "**reasoning**\n\n> long\n\n**answer**\n\n> Paris" in markdown.read_text()


def test_calls_logprobs_and_several_answers_have_a_place_of_their_own(tmp_path: Path) -> None:
    table = tmp_path / "t"

    def cells(shape: Shape) -> list[str]:
        index = index_of(shape, tmp_path)
        export_rows(index, [0], table, ExportFormat.CSV, columns=["tool_calls", "logprobs"], replace=True)
        with table.open(newline="") as file:
            return list(csv.reader(file))[1]

    assert json.loads(cells(SHAPES["tool calls"][0])[0]) == [CALL]
    assert json.loads(cells(SHAPES["logprobs"][0])[1]) == LOGPROBS
    assert cells(SHAPES["NaN or an infinity in the row"][1])[1] == "[null]"
    index = index_of(SHAPES["several answers (`n`)"][0], tmp_path)
    export_rows(index, [0], tmp_path / "a", ExportFormat.ANSWERS)
    assert json.loads((tmp_path / "a").read_bytes())["answers"] == ["answer 1", "answer 2"]


def test_a_row_without_an_id_stands_beside_the_sum(tmp_path: Path) -> None:
    index = build_index(tmp_path, requests=[request_row("a")], output=[b"{half", answer_row("b"), answer_row("a")])
    assert index.counts is not None and index.counts.outcomes["ok"] == 1 == index.counts.requests
    assert (index.counts.unreadable, index.counts.unknown) == (1, 1)
    assert list(index.select(list(Outcome))) == [0] and list(index.extra_rows) == [1, 2]
    export_rows(index, range(3), tmp_path / "m", ExportFormat.MERGED)
    lines = [json.loads(line) for line in (tmp_path / "m").read_bytes().splitlines()]
    assert [line.get("issue") for line in lines] == [None, "unreadable", "unknown id"]
