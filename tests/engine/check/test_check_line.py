"""`check_line` takes short cuts where a line is plain: they must give what the long way gives."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.check.lines.check_line import LineReport, plain_value
from tbatch_tui.engine.check.lines.finding import Finding, JsonPathPart
from tbatch_tui.engine.check.lines.json_spans import members, skip
from tests.helpers.check_lines import chat, dumped, saved

if TYPE_CHECKING:
    from pathlib import Path

KEYS = ['"role"', '"content"', '"r\\u006fle"', '"say \\"role"', '"a:b"', '"é\\u00e9"']


def objects(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """JSON objects as text, in unusual spellings, with keys that may be there twice."""
    member = st.builds("{}{}{}".format, st.sampled_from(KEYS), st.sampled_from([":", ": ", " :", "\t: "]), inner)
    return st.lists(member, max_size=3).map(lambda members: f"{{{','.join(members)}}}")


values = st.recursive(
    st.sampled_from(
        ['"role"', '"\\"role\\":"', '"x : y"', "1", "1.5", "null", "9" * 310, "[]", "{}", '"\\ud83d\\ude00"']
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        objects(inner),
    ),
    max_leaves=8,
)


@given(objects(values))
def test_short_cuts_agree_with_the_long_way(text: str) -> None:
    twice = []

    def object_of(items: list[tuple[str, Any]]) -> dict[str, Any]:
        twice.append(len(dict(items)) < len(items))
        return dict(items)

    expected = json.loads(text, object_pairs_hook=object_of)
    plain = plain_value(text.encode(), text)
    assert plain is None or (plain == expected and not any(twice) and "9" * 310 not in text)
    there = paths(expected)
    all_paths = [*there, *((*path, "none") for path in there)]
    findings = [Finding("rule", "message", path) for path in all_paths]
    starts = [located(text, path) + 1 for path in all_paths]
    assert LineReport(findings=findings, text=text, value=expected).columns() == starts
    alone = [LineReport(findings=[finding], text=text, value=expected).columns() for finding in findings]
    assert alone == [[start] for start in starts]


def located(text: str, path: tuple[JsonPathPart, ...]) -> int:
    """Where the value at a path begins, found the long way: all members from the beginning, for each path anew."""
    at = skip(text, 0)
    for part in path:
        found = [member.value for member in members(text, at) if member.key == part] if text[at] in "{[" else []
        if not found:
            break
        at = found[-1]
    return at


def paths(value: object, path: tuple[JsonPathPart, ...] = ()) -> list[tuple[JsonPathPart, ...]]:
    """The paths of a value and of all values in it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(longer for part, item in inner for longer in paths(item, (*path, part)))]


def test_plain_value_reads_a_plain_line() -> None:
    line = chat("a", temperature=0.5)
    text = json.dumps(line)
    assert plain_value(text.encode(), text) == line


REPLACED = {
    "custom-id-missing": b'"custom_id": "a%d", ',
    "duplicate-custom-id": b"a%d",
    "no-model": b'"model": "meta-llama/Llama-3.3-70B-Instruct-Turbo", ',
    "message-role": b'"role": "user", ',
    "crlf": b"\n",
    "blank-line": b"{",
}


@pytest.mark.parametrize("rule", REPLACED)
def test_a_file_full_of_one_problem_does_not_take_long(tmp_path: Path, rule: str) -> None:
    """By processor time, and far above what it takes: 20 to 40 µs a line, where a clean one takes 3."""
    line = dumped(chat("a%d", messages=[{"role": "user", "content": 'Say "so":\n' * 50}]))
    removed = REPLACED[rule]
    inserted = {"crlf": b"\r\n", "blank-line": b"\n{", "duplicate-custom-id": b"same"}.get(rule, b"")
    path = saved(tmp_path, b"".join(line.replace(removed, inserted).replace(b"%d", b"%d" % i) for i in range(3_000)))
    began = time.process_time()
    assert check_file(path).counts[rule] >= 2_999
    assert time.process_time() - began < 3_000 * 0.000_5
