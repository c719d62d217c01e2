"""A line with thousands of faults: the check is linear in its length, names few, and can be stopped."""

from __future__ import annotations

import itertools
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.check.lines.finding import FINDINGS_MAX
from tbatch_tui.engine.errors import OperationCancelledError
from tests.helpers.check_lines import chat, dumped, saved, with_messages

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = {"role": "user"}


def doubled(number: int, times: int = 2) -> bytes:
    """A line whose `logit_bias` has each of its first keys twice, and the others once."""
    keys = [*range(times), *range(number)]
    bias = ", ".join(f'"{key}": 1' for key in keys)
    return dumped(chat(logit_bias={})).replace(b'"logit_bias": {}', b'"logit_bias": {%b}' % bias.encode())


def deep_and_doubled(number: int) -> bytes:
    """A line with a deep value in front of keys that are there twice."""
    deep = b'{"a": ' * 400 + b"[%b]" % b", ".join([b"1"] * number) + b"}" * 400
    line = dumped(chat(extra="DEEP", more={}))
    keys = b", ".join(b'"k%d": 1, "k%d": 2' % (key, key) for key in range(50))
    return line.replace(b'"DEEP"', deep).replace(b'"more": {}', b'"more": {%b}' % keys)


LINES = {
    "messages without content": dumped(with_messages(*[MESSAGE] * 8_000)),
    "tools that are numbers": dumped(chat(tools=[1] * 20_000)),
    "parts without type": dumped(with_messages({"role": "user", "content": [{"text": "a"}] * 5_000})),
    "tool calls that are numbers": dumped(
        with_messages({"role": "assistant", "content": "a", "tool_calls": [1] * 9_000})
    ),
    "one key of many twice": doubled(32_000),
    "all keys twice": doubled(10_000, 10_000),
    "deep, and keys twice": deep_and_doubled(20_000),
    "many keys in an undocumented value": dumped(chat(extra={f"key{number}": number for number in range(40_000)})),
    "many undocumented keys": dumped(chat(**{f"key{number}": number for number in range(40_000)})),
}


@pytest.mark.parametrize("name", LINES)
def test_a_long_line_takes_half_a_second_at_most(tmp_path: Path, name: str) -> None:
    """By processor time. Each of these took between 2 s and several minutes when every finding read the line again."""
    path = saved(tmp_path, LINES[name])
    began = time.process_time()
    check_file(path)
    assert time.process_time() - began < 0.5


def test_ten_findings_of_a_rule_are_named_and_the_others_counted(tmp_path: Path) -> None:
    line = dumped(with_messages(*[MESSAGE] * 8_000))
    report = check_file(saved(tmp_path, line))
    assert report.counts == {"message-content": 8_000}
    assert report.errors == 8_000
    messages = [f"body.messages[{index}].content is missing" for index in range(FINDINGS_MAX)]
    messages[-1] += ", and 7,990 more like it"
    assert [problem.message for problem in report.problems] == messages
    starts = itertools.accumulate(itertools.repeat(len('{"role": "user"}, '), 9), initial=line.index(b'{"role"') + 1)
    assert [problem.column for problem in report.problems] == list(starts)


def test_as_many_findings_as_are_named_have_no_others(tmp_path: Path) -> None:
    report = check_file(saved(tmp_path, dumped(with_messages(*[MESSAGE] * FINDINGS_MAX))))
    assert len(report.problems) == FINDINGS_MAX == 10
    assert not any("more like it" in problem.message for problem in report.problems)
    report = check_file(saved(tmp_path, dumped(with_messages(*[MESSAGE] * (FINDINGS_MAX + 1)))))
    assert report.problems[-1].message == "body.messages[9].content is missing, and 1 more like it"


def test_each_rule_and_each_line_has_its_own_findings(tmp_path: Path) -> None:
    line = dumped(with_messages(*[{"role": "x"}] * 20))
    report = check_file(saved(tmp_path, line + line))
    assert report.counts["message-role"] == report.counts["message-content"] == 40
    for number in (1, 2):
        for rule in ("message-role", "message-content"):
            same = [problem for problem in report.problems if (problem.line, problem.rule) == (number, rule)]
            assert len(same) == FINDINGS_MAX
            assert same[-1].message.endswith(", and 10 more like it")


def test_keys_that_are_there_twice(tmp_path: Path) -> None:
    report = check_file(saved(tmp_path, doubled(300, 300)))
    assert report.counts == {"duplicate-key": 300}
    line = doubled(300, 300)
    columns = [line.index(b'"%d"' % key, line.index(b'"299"')) + 1 for key in range(FINDINGS_MAX)]
    assert [problem.column for problem in report.problems] == columns
    assert report.problems[-1].message == 'the key "9" is there twice, and 290 more like it'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"a": {"b": 1}, "c": {"b": 1, "b": 2}}', '"b": 2'),
        ('{"a": "\\"b\\": 1", "b": ["b", {"b": 0}], "b" : 2}', '"b" : 2'),
        ('{"b": 1, "\\u0062": 2, "b": 3}', '"\\u0062"'),
        ('[{"b": 1}, {"b": 1}, {"b": {"b": 1}, "b": 2}]', '"b": 2'),
    ],
)
def test_column_of_a_key_that_is_there_twice(tmp_path: Path, text: str, key: str) -> None:
    line = dumped(chat(extra="IT")).decode().replace('"IT"', text)
    (problem,) = check_file(saved(tmp_path, line.encode())).problems
    assert (problem.rule, problem.column) == ("duplicate-key", line.index(key) + 1)


VALID: dict[str, Any] = {
    "messages": with_messages(*[{"role": "user", "content": [{"type": "text", "text": "a"}]}] * 5_000),
    "parts": with_messages({"role": "user", "content": [{"type": "text", "text": "a"}] * 5_000}),
    "tools": chat(tools=[{"type": "function", "function": {"name": "f"}}] * 5_000),
    "a key twice": json.dumps(chat(extra=[{}] * 5_000)).replace("{", '{"k": 1, "k": 1, ', 1).encode(),
    "faults": with_messages(*[MESSAGE] * 5_000),
}


@pytest.mark.parametrize("name", VALID)
def test_the_check_can_be_stopped_inside_a_line(tmp_path: Path, name: str) -> None:
    """It is asked before the piece and before its lines, and only inside them more often than that."""
    path = saved(tmp_path, dumped(VALID[name]))
    asked = itertools.count()
    check_file(path, cancelled=lambda: next(asked) < 0)
    assert next(asked) > 6
    asked = itertools.count()
    with pytest.raises(OperationCancelledError):
        check_file(path, cancelled=lambda: next(asked) >= 4)
    assert next(asked) == 5
