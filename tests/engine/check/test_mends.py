"""Requests in other shapes than a batch takes: what the fixed copy makes of them, and what it leaves alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.check import check_file, plan_fixes, write_fixed
from tbatch_tui.engine.check.fix.json_values import NotSeparableError, ValueSplitter, requests_in
from tbatch_tui.engine.check.fix.line_edits import fix_line, short_id
from tbatch_tui.engine.check.fix.mends import FIXABLE
from tbatch_tui.engine.check.lines.params import Kind
from tbatch_tui.engine.local_files.id_map import read_id_map
from tests.helpers.check_lines import MODEL, audio, chat, dumped, saved

if TYPE_CHECKING:
    from collections.abc import Callable

    from tbatch_tui.engine.check import FixedCopy

CASES = Path(__file__).parents[2] / "data" / "mends"
OTHER_MODEL = "openai/gpt-oss-20b"


def fixed_copy(folder: Path, content: bytes, model: str = "") -> FixedCopy:
    """Write the fixed copy of a file."""
    return write_fixed(plan_fixes(check_file(saved(folder, content)), model=model), model=model)


def mended(line: object, rules: frozenset[str] = FIXABLE, model: str = "") -> dict[str, Any]:
    """Return a request as it is after its mends."""
    text = line if isinstance(line, str) else json.dumps(line)
    value = json.loads(fix_line(text, 1, rules, Kind.CHAT, False, str, model))
    assert isinstance(value, dict)
    return value


# -- files that people had -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.jsonl")))
def test_a_file_that_somebody_had_is_mended(tmp_path: Path, name: str) -> None:
    copy = fixed_copy(tmp_path, (CASES / f"{name}.jsonl").read_bytes(), OTHER_MODEL)
    report = check_file(copy.path)
    assert (report.errors, report.requests, report.lines) == (0, 3, 3)
    assert set(report.models) == {OTHER_MODEL if name == "mistral" else MODEL}
    assert copy.fixed_lines == (1 if name == "concat" else 3)
    assert [path.suffix for path in tmp_path.iterdir() if ".part" in path.name] == []


def test_without_a_model_none_is_made_up(tmp_path: Path) -> None:
    report = check_file(saved(tmp_path, (CASES / "mistral.jsonl").read_bytes()))
    assert plan_fixes(report).steps == ()
    assert plan_fixes(report).unfixable == 3


def test_a_model_is_named_only_where_it_is_missing(tmp_path: Path) -> None:
    lines = [chat("a"), chat("b", model=None), chat("c", model=" "), chat("d", model=7)]
    copy = fixed_copy(tmp_path, dumped(*lines), OTHER_MODEL)
    written = [json.loads(line) for line in copy.path.read_bytes().splitlines()]
    assert [line["body"]["model"] for line in written] == [MODEL, OTHER_MODEL, OTHER_MODEL, 7]


# -- one request -----------------------------------------------------------------------------------------

MESSAGES = [{"role": "user", "content": "Hi"}]


def test_params_become_the_body_and_nothing_of_them_is_lost() -> None:
    parts = [{"type": "text", "text": "Be brief."}]
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    linked = {"type": "image", "source": {"type": "url", "url": "https://e.org/a.png"}}
    params: dict[str, Any] = {
        "model": MODEL,
        "system": parts,
        "messages": [{"role": "user", "content": [image, linked, *parts]}],
        "stop_sequences": ["END"],
        "tools": [{"name": "find", "description": "x", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "find"},
    }
    body = mended({"custom_id": "a", "params": params})["body"]
    assert body == {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": parts},
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                    {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}},
                    *parts,
                ],
            },
        ],
        "stop": ["END"],
        "tools": [
            {
                "type": "function",
                "function": {"name": "find", "description": "x", "parameters": {"type": "object"}},
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "find"}},
    }


@pytest.mark.parametrize(
    "params",
    [{"messages": MESSAGES, "system": [{"type": "image"}]}, {"messages": MESSAGES, "system": 7}, {"system": "x"}],
)
def test_params_that_would_lose_something_stay(params: object) -> None:
    line = {"custom_id": "a", "params": params}
    assert mended(line) == line


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (
            '{"custom_id": "a",  "model": "m", "messages": [ ], "top_k":1e1, "method": "POST"}',
            '{"custom_id": "a", "body": {"model": "m", "messages": [ ], "top_k":1e1}}',
        ),
        (
            '{"custom_id": "a", "body": {"messages": [1.50]}, "model" : "m"}',
            '{"custom_id": "a", "body": {"model" : "m", "messages": [1.50]}}',
        ),
        ('{"custom_id": "a", "body": {}, "model": "m"}', '{"custom_id": "a", "body": {"model": "m"}}'),
        (
            '{"custom_id": "a", "body": "{\\"model\\": \\"m\\",\\n \\"n\\": 1.0}"}',
            '{"custom_id": "a", "body": {"model": "m", "n": 1.0}}',
        ),
        ('{"custom_id": "a", "body": "no JSON"}', '{"custom_id": "a", "body": "no JSON"}'),
        ('{"custom_id": "a", "body": [{"model": "m"}]}', '{"custom_id": "a", "body": [{"model": "m"}]}'),
        ('{"custom_id": "a", "prompt": "x"}', '{"custom_id": "a", "prompt": "x"}'),
        (
            '{"custom_id": "a", "model": "m", "model": "n", "messages": []}',
            '{"custom_id": "a", "model": "m", "model": "n", "messages": []}',
        ),
        ('{"custom_id": "a", "method": "FILE", "body": {}}', '{"custom_id": "a", "body": {}}'),
    ],
)
def test_what_is_mended_keeps_its_spelling(text: str, after: str) -> None:
    assert fix_line(text, 1, FIXABLE, Kind.CHAT, False, str) == after


PLAIN_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"a": 1}}}


@pytest.mark.parametrize(
    ("tool", "after"),
    [
        ({"type": "function", "name": "f", "parameters": {"a": 1}}, PLAIN_TOOL),
        ({"name": "f", "input_schema": {"a": 1}}, PLAIN_TOOL),
        ({"type": "custom", "name": "f", "input_schema": {"a": 1}}, PLAIN_TOOL),
        ({"type": "function", "name": "f", "parameters": {"a": 1}, "x": 1}, {**PLAIN_TOOL, "x": 1}),
        (PLAIN_TOOL, PLAIN_TOOL),
        ({"type": "web_search_20250305", "name": "web_search"}, {"type": "web_search_20250305", "name": "web_search"}),
        ({"type": "function", "parameters": {}}, {"type": "function", "parameters": {}}),
        ({"name": 7, "input_schema": {}}, {"name": 7, "input_schema": {}}),
    ],
)
def test_a_tool_of_another_api_gets_its_function(tool: object, after: object) -> None:
    assert mended(chat(tools=[tool, tool]))["body"]["tools"] == [after, after]


@pytest.mark.parametrize(
    ("choice", "after"),
    [
        ({"type": "function", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "allowed_tools", "mode": "auto"}, {"type": "allowed_tools", "mode": "auto"}),
        ("auto", "auto"),
    ],
)
def test_a_tool_choice_goes_with_its_tools(choice: object, after: object) -> None:
    assert mended(chat(tools=[PLAIN_TOOL], tool_choice=choice))["body"]["tool_choice"] == after


# -- ids -------------------------------------------------------------------------------------------------


def test_long_ids_are_shortened_and_the_map_tells_what_they_were(tmp_path: Path) -> None:
    long, same_end = "x" * 80, "y" * 20 + "x" * 60
    content = dumped(chat(long), chat("short"), chat(same_end), chat(long), chat(short_id(long)))
    copy = fixed_copy(tmp_path, content)
    lines = copy.path.read_bytes().splitlines(keepends=True)
    ids = [json.loads(line)["custom_id"] for line in lines]
    assert len(set(ids)) == 5
    assert max(map(len, ids)) == 64
    assert (ids[1], ids[4]) == ("short", short_id(long))
    assert b"".join(lines[1:5:3]) == dumped(chat("short"), chat(short_id(long)))
    assert copy.id_map == tmp_path / "requests.fixed.ids.csv"
    with copy.id_map.open(newline="") as file:
        assert [*csv.reader(file)] == [
            ["custom_id", "original_id"],
            [ids[0], long],
            [ids[2], same_end],
            [ids[3], long],
        ]
    assert read_id_map(copy.path) == {ids[0]: long, ids[2]: same_end, ids[3]: long}


def test_without_long_ids_there_is_no_map(tmp_path: Path) -> None:
    assert fixed_copy(tmp_path, dumped(chat("a"), chat("a"))).id_map is None
    assert {path.name for path in tmp_path.iterdir()} == {"requests.jsonl", "requests.fixed.jsonl"}


def test_a_table_of_somebody_else_is_no_map(tmp_path: Path) -> None:
    path = saved(tmp_path, dumped(chat()))
    assert read_id_map(path) == {}
    saved(tmp_path, b"id,name\na,b\n", "requests.ids.csv")
    assert read_id_map(path) == {}


def test_a_map_in_the_way_is_left_alone(tmp_path: Path) -> None:
    saved(tmp_path, b"mine", "requests.fixed.ids.csv")
    copy = fixed_copy(tmp_path, dumped(chat("x" * 65)))
    assert copy.path.name == "requests.fixed2.jsonl"
    assert (tmp_path / "requests.fixed.ids.csv").read_bytes() == b"mine"


def test_a_duplicate_that_a_mend_reveals_is_mended_too(tmp_path: Path) -> None:
    content = dumped(dumped(chat("a"))[:-1] + dumped(chat("b"))[:-1], chat("a"))
    copy = fixed_copy(tmp_path, content)
    assert [json.loads(line)["custom_id"] for line in copy.path.read_bytes().splitlines()] == ["a", "b", "a-dup2"]


def test_only_the_rules_that_were_chosen_are_mended(tmp_path: Path) -> None:
    content = dumped(b'"%b"' % dumped(chat("x" * 65))[:-1].replace(b'"', b'\\"'))
    plan = plan_fixes(check_file(saved(tmp_path, content)))
    copy = write_fixed(plan, rules=plan.rules)
    assert copy.path.read_bytes() == dumped(chat("x" * 65))
    assert copy.id_map is None


def test_lines_that_are_still_faulty_are_left_out_of_what_was_separated(tmp_path: Path) -> None:
    good, bad = dumped(chat("a")), dumped(chat("b", max_tokens="x"))
    plan = plan_fixes(check_file(saved(tmp_path, good[:-1] + bad)))
    copy = write_fixed(plan, reject=True)
    assert copy.path.read_bytes() == good
    assert copy.rejected is not None
    assert copy.rejected.read_bytes() == bad


# -- values one after the other --------------------------------------------------------------------------

values = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text(), st.sampled_from(['"', "\\", "}{", "],[", "\n"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
containers = st.one_of(st.dictionaries(st.text(max_size=5), values, max_size=3), st.text(max_size=5))


@given(st.lists(containers, min_size=1, max_size=5), st.sampled_from(["", " ", ",", "\n,\n"]), st.data())
def test_values_are_found_however_the_text_is_cut(items: list[object], between: str, data: st.DataObject) -> None:
    written = [json.dumps(item, indent=data.draw(st.sampled_from([None, 2]))).encode() for item in items]
    is_list = data.draw(st.booleans()) or not isinstance(items[0], dict)
    text = ("," if is_list and "," not in between else between).encode().join(written)
    text = b"[%b]\n" % text if is_list else text
    size = data.draw(st.integers(1, 20))
    splitter = ValueSplitter()
    found = [value for at in range(0, len(text), size) for value in splitter.feed(text[at : at + size])]
    splitter.finish()
    assert found == written


@pytest.mark.parametrize("text", [b"{} x", b"{},,{}", b"[{} {}]", b"[{}", b"[{}]]", b"7", b"[7]", b'{"a": "', b",{}"])
def test_anything_else_is_not_taken_for_values(text: bytes) -> None:
    splitter = ValueSplitter()
    with pytest.raises(NotSeparableError):
        [*splitter.feed(text)]
        splitter.finish()


@pytest.mark.parametrize("line", [b"", b"{}7", b'"x"', b"[1]", b'{"a" 1},', b'"\\ud800{}"', b'"{}', b"{\xff},"])
def test_a_line_that_is_no_request_is_left(line: bytes) -> None:
    assert requests_in(line) == []


# -- any file --------------------------------------------------------------------------------------------

FLAT_TOOLS = {
    "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}],
    "tool_choice": {"type": "function", "name": "f"},
}
PARAMS_TOOLS = {"tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"}}
REQUEST_SHAPES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "plain": lambda line: line,
    "params": lambda line: {"custom_id": line["custom_id"], "params": line["body"]},
    "flat": lambda line: {"custom_id": line["custom_id"], **line["body"]},
    "encoded body": lambda line: {**line, "body": json.dumps(line["body"], indent=1)},
    "model beside": lambda line: {
        "custom_id": line["custom_id"],
        "model": line["body"]["model"],
        "body": {name: value for name, value in line["body"].items() if name != "model"},
    },
    "no model": lambda line: {**line, "body": {**line["body"], "model": None}},
    "envelope": lambda line: {**line, "method": "POST", "url": "/v1/chat/completions"},
    "FILE": lambda line: {**line, "method": "FILE"},
    "flat tools": lambda line: {**line, "body": {**line["body"], **FLAT_TOOLS}},
    "tools of params": lambda line: {"custom_id": line["custom_id"], "params": {**line["body"], **PARAMS_TOOLS}},
    "spaces": lambda line: {**line, "body": {**line["body"], "model": f" {line['body']['model']}\n"}},
    "streaming": lambda line: {**line, "body": {**line["body"], "stream": True}},
}
LAYOUTS: dict[str, Callable[[list[str]], str]] = {
    "array": lambda lines: f"[{','.join(lines)}]",
    "array, a line each": lambda lines: "[" + ",\n".join(lines) + "]\n",
    "pretty array": lambda lines: json.dumps([json.loads(line) for line in lines], indent=2),
    "pretty": lambda lines: "\n".join(json.dumps(json.loads(line), indent=2, ensure_ascii=False) for line in lines),
    "one line": "".join,
    "commas": lambda lines: "".join(f"{line},\n" for line in lines),
}
LINE_SHAPES: dict[str, Callable[[str], str]] = {
    "plain": lambda line: line,
    "encoded": json.dumps,
    "comma": lambda line: f"{line}, ",
}
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(['"}{"', "],[", "\\", "\n\r"])


@st.composite
def requests(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Valid requests, whose ids may be long, and may be there twice."""
    ids = draw(st.lists(st.text("ab", min_size=1, max_size=3) | st.text("ab", min_size=65, max_size=70), min_size=1))
    return [
        chat(custom_id, messages=[{"role": "user", "content": draw(text)}], top_p=draw(st.sampled_from([1, 0.5, 1e-7])))
        for custom_id in ids
    ]


def shaped(draw: Callable[[st.SearchStrategy[Any]], Any], lines: list[dict[str, Any]]) -> list[str]:
    """Write each request in one of the shapes."""
    return [
        json.dumps(REQUEST_SHAPES[draw(st.sampled_from(sorted(REQUEST_SHAPES)))](line), ensure_ascii=False)
        for line in lines
    ]


def assert_is_whole(copy: FixedCopy, lines: list[dict[str, Any]]) -> list[bytes]:
    """The copy has all requests in their order, and nothing of what was mended; return its lines."""
    report = check_file(copy.path)
    assert not report.counts.keys() & FIXABLE, report.problems
    assert report.requests == len(lines)
    written = copy.path.read_bytes().splitlines(keepends=True)
    for before, after in zip(lines, map(json.loads, written), strict=True):
        assert after["body"]["messages"] == before["body"]["messages"]
        assert after["body"]["top_p"] == before["body"]["top_p"]
    ids = [json.loads(line)["custom_id"] for line in written]
    assert len(set(ids)) == len(ids)
    originals = read_id_map(copy.path)
    for custom_id, line in zip(ids, lines, strict=True):
        original = originals.get(custom_id, custom_id)
        assert original == line["custom_id"] or original.startswith(f"{line['custom_id']}-dup")
    return written


quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(requests(), st.sampled_from(sorted(LAYOUTS)), st.data())
def test_any_layout_is_mended(tmp_path: Path, lines: list[dict[str, Any]], layout: str, data: st.DataObject) -> None:
    content = LAYOUTS[layout](shaped(data.draw, lines)).encode()
    assert_is_whole(fixed_or_same(tmp_path, content), lines)


@quick
@given(requests(), st.data())
def test_any_lines_are_mended_and_the_others_left(
    tmp_path: Path, lines: list[dict[str, Any]], data: st.DataObject
) -> None:
    wrapped = st.sampled_from(sorted(LINE_SHAPES))
    written = [LINE_SHAPES[data.draw(wrapped)](line) for line in shaped(data.draw, lines)]
    after = assert_is_whole(fixed_or_same(tmp_path, "".join(f"{line}\n" for line in written).encode()), lines)
    earlier: set[str] = set()
    for line, before, now in zip(lines, written, after, strict=True):
        is_plain = before == json.dumps(line, ensure_ascii=False)
        if is_plain and len(line["custom_id"]) <= 64 and line["custom_id"] not in earlier:
            assert now.decode() == f"{before}\n"
        earlier.add(line["custom_id"])


def fixed_or_same(folder: Path, content: bytes) -> FixedCopy:
    """Return the fixed copy of a file, or the file where there is nothing to fix."""
    from tbatch_tui.engine.check import FixedCopy

    for path in folder.iterdir():
        path.unlink()
    plan = plan_fixes(check_file(saved(folder, content)), model=OTHER_MODEL)
    return write_fixed(plan, model=OTHER_MODEL) if plan.steps else FixedCopy(plan.path, 0)


def test_audio_requests_are_mended(tmp_path: Path) -> None:
    flat = {"custom_id": "a", **audio()["body"]}
    copy = fixed_copy(tmp_path, json.dumps([flat, {**audio("b"), "method": "POST"}], indent=1).encode())
    report = check_file(copy.path)
    assert (report.errors, report.requests) == (0, 2)
    assert [json.loads(line)["method"] for line in copy.path.read_bytes().splitlines()] == ["FILE", "FILE"]


@pytest.mark.parametrize("between", [",\n", "\n,", ", ", "\n, \n"])
@pytest.mark.parametrize("ends", [("[", "]"), ("[\n", "\n]\n"), (" [ ", "] ")])
def test_a_list_is_a_list_however_it_is_laid_out(tmp_path: Path, between: str, ends: tuple[str, str]) -> None:
    for indent in (None, 1):
        lines = [chat(str(number)) for number in range(4)]
        content = ends[0] + between.join(json.dumps(line, indent=indent) for line in lines) + ends[1]
        copy = fixed_copy(tmp_path, content.encode())
        assert [json.loads(line) for line in copy.path.read_bytes().splitlines()] == lines
        assert check_file(copy.path).counts == {}
