"""Any text is found in requests and answers, however JSON escapes it; errors are grouped by message."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.results import (
    ErrorGroup,
    Outcome,
    ResultIndex,
    errors_by_message,
    invalid_by_reason,
    rows_by_cause,
    search,
)
from tbatch_tui.engine.results.error_groups import mask_value
from tbatch_tui.engine.results.index.jsonl import PIECE_SIZE
from tests.helpers.result_rows import answer_row, build_index, error_row, request_row

if TYPE_CHECKING:
    from pathlib import Path


def hits(index: ResultIndex, text: str) -> list[int]:
    return [row for row, hit in enumerate(search(index, text)) if hit]


def test_how_far_a_search_is_is_told_in_bytes(tmp_path: Path) -> None:
    index = build_index(tmp_path, requests=[request_row("a")], output=[answer_row("a", "x" * 3 * PIECE_SIZE)])
    told: list[tuple[int, int]] = []
    search(index, "nowhere", progress=lambda done, total: told.append((done, total)))
    total = sum(index.file_size(file) for file in index.files)
    assert told[-1] == (total, total) and {whole for _, whole in told} == {total}
    steps = [later[0] - before[0] for before, later in pairwise([(0, total), *told])]
    assert len(steps) > 4 and all(0 < step <= PIECE_SIZE for step in steps)


def test_requests_answers_errors_and_ids_are_searched(tmp_path: Path) -> None:
    index = build_index(
        tmp_path,
        requests=[
            request_row("first", "Where is the Needle?"),
            request_row("second"),
            request_row("third"),
            request_row("lost", "a needle"),
        ],
        output=[answer_row("stranger", "NEEDLE"), answer_row("second", "no"), answer_row("second", "a needle again")],
        errors=[error_row("third", "needle too long")],
    )
    assert hits(index, "needle") == [0, 2, 3, 4, 5]
    assert hits(index, "second") == [1, 5]
    assert hits(index, "nothing of the kind") == []
    assert [index.row(row).custom_id for row in hits(index, "again")] == ["second"]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("text", ['say "so"', "back\\slash", "a/b", "<b>&'", "été", "ÉTÉ", "東京", "🙂🙃", "\u2028"])
def test_escaped_text_is_found(text: str, ascii_only: bool, tmp_path: Path) -> None:
    row = json.dumps(answer_row("a", f"x {text} y"), ensure_ascii=ascii_only).encode()
    index = build_index(
        tmp_path, output=[answer_row("b"), row, row.replace(b"<", rb"\u003c").replace(b"&", rb"\u0026")]
    )
    assert hits(index, text) == [1, 2]
    assert hits(index, text.upper() if text.upper().lower() == text else text) == [1, 2]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("2019", "it\u2019s"),
        ("u2019", "it\u2019s"),
        ("019", "it\u2019s"),
        ("notto", "\notto"),
        ("nn", "one\n\ntwo"),
        ("d83d", "\U0001f642"),
        ('"so', "back\\"),
    ],
)
def test_the_letters_of_an_escape_are_no_text(text: str, answer: str, tmp_path: Path) -> None:
    index = build_index(tmp_path, output=[answer_row("a", answer), answer_row("b", f"{answer} {text}")])
    assert hits(index, text) == [1]


def test_letters_after_an_escaped_backslash_are_text(tmp_path: Path) -> None:
    index = build_index(tmp_path, output=[answer_row("a", "c:\\new\\u2019"), answer_row("b", "x\\\n")])
    assert (hits(index, "new"), hits(index, "u2019"), hits(index, "\\new"), hits(index, "\\n")) == ([0], [0], [0], [0])
    assert hits(index, "\\") == [0, 1]


@given(
    answer=st.text(st.sampled_from('un2019\\"/\n\t\u2019\x1fé€🙂N '), max_size=12),
    text=st.text(st.sampled_from('un2019\\"/\u2019é€🙂N '), min_size=1, max_size=3),
    ascii_only=st.booleans(),
)
def test_a_row_matches_if_its_answer_contains_the_text(
    answer: str, text: str, ascii_only: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    row = json.dumps({"custom_id": "#", "response": {"body": {"text": answer}}}, ensure_ascii=ascii_only).encode()
    index = build_index(tmp_path_factory.mktemp("answer"), output=[row])
    frame = json.dumps({"custom_id": "#", "response": {"body": {"text": ""}}}).lower()
    if text.lower() not in frame:
        assert hits(index, text) == ([0] if text.lower() in answer.lower() else [])


@given(before=st.integers(0, 40), text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=6))
def test_a_match_across_two_pieces_is_found(before: int, text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    row = answer_row("a", "x" * (PIECE_SIZE - 130 + before) + text)
    index = build_index(tmp_path_factory.mktemp("search"), output=[row, answer_row("b", "")])
    assert 0 in hits(index, text)


def test_a_search_can_be_cancelled_and_notices_a_changed_file(tmp_path: Path) -> None:
    index = build_index(tmp_path, output=[answer_row("a")])
    with pytest.raises(OperationCancelledError):
        search(index, "a", cancelled=lambda: True)
    (tmp_path / "out.jsonl").write_bytes(b"{}")
    with pytest.raises(LocalFileError):
        search(index, "a")


def test_errors_with_the_same_message_are_one_group(tmp_path: Path) -> None:
    index = build_index(
        tmp_path,
        errors=[
            error_row("a", "Request timeout after 30 s"),
            error_row("b", "No such model"),
            error_row("c", "Request timeout after 1,204.5 s"),
            error_row("d", "File https://example.com/x.wav of job 8f3a12c4-0000-4000-8000-1234567890ab is gone"),
            error_row("e", "File https://example.com/y.wav of job 9f3a12c4-0000-4000-8000-1234567890ab is gone"),
            error_row("f", "Request timeout after 7 s"),
        ],
    )
    assert errors_by_message(index) == [
        ErrorGroup("Request timeout after <n> s", 3, 0),
        ErrorGroup("File <url> of job <id> is gone", 2, 3),
        ErrorGroup("No such model", 1, 1),
    ]


LABEL = {
    "type": "object",
    "properties": {"label": {"enum": ["yes", "no"]}, "tags": {"items": {"type": "string"}}, "score": {"maximum": 5}},
    "required": ["label"],
}


def test_invalid_answers_are_grouped_by_what_is_wrong_first(tmp_path: Path) -> None:
    answers = {
        "a": '{"label": "maybe"}',
        "b": '{"label": "yes", "score": 7}',
        "c": '{"label": "maybe"}',
        "d": '{"label": "yes", "score": 8.5}',
        "e": '{"label": "yes", "tags": ["x", 1]}',
        "f": '{"label": "yes", "tags": [2]}',
        "g": "I would say yes",
        "h": '{"label": "yes"} I think',
        "i": '{"score": 1}',
        "j": "",
        "k": '{"label": "yes"}',
    }
    asked = {"response_format": {"type": "json_schema", "json_schema": {"name": "l", "schema": LABEL}}}
    requests = [request_row(custom_id) for custom_id in [*answers, "l"]]
    for request in requests:
        request["body"] |= asked
    index = build_index(
        tmp_path,
        requests=requests,
        output=[answer_row(custom_id, text) for custom_id, text in answers.items()],
        errors=[error_row("l", "Request timeout")],
    )
    invalid = [
        ErrorGroup('label: "maybe" is not one of "yes" or "no"', 2, 0, outcome=Outcome.INVALID),
        ErrorGroup("score: … is greater than the maximum of 5", 2, 1, outcome=Outcome.INVALID),
        ErrorGroup('tags[…]: … is not of type "string"', 2, 4, outcome=Outcome.INVALID),
        ErrorGroup("not JSON: Expecting value: line 1 column 1 (char 0)", 1, 6, outcome=Outcome.INVALID),
        ErrorGroup("not JSON: Extra data: line 1 column 18 (char 17)", 1, 7, outcome=Outcome.INVALID),
        ErrorGroup('"label" is a required property', 1, 8, outcome=Outcome.INVALID),
        ErrorGroup("The answer is empty", 1, 9, outcome=Outcome.INVALID),
    ]
    assert invalid_by_reason(index) == invalid
    assert rows_by_cause(index) == [*invalid, ErrorGroup("Request timeout", 1, 11)]
    assert list(invalid_by_reason(index)[2].rows) == [4, 5]
    assert not any(group.cause.retryable for group in invalid)


@pytest.mark.parametrize(
    ("reason", "masked"),
    [
        ('tags[12]: [{"a": 1}, "b: c"] is not of type "string"', 'tags[…]: … is not of type "string"'),
        ('look_up: city: "" is shorter than 1 character', "look_up: city: … is shorter than 1 character"),
        ('"x: y is not z" does not match "^a"', '… does not match "^a"'),
        ("not JSON: Extra data: line 2 column 9 (char 31)", "not JSON: Extra data"),
        ('"score" is a required property', '"score" is a required property'),
        ("the answer does not match the pattern", "the answer does not match the pattern"),
        ("Rate limit hit after 30 s", "Rate limit hit after <n> s"),
    ],
)
def test_what_differs_from_answer_to_answer_is_masked(reason: str, masked: str) -> None:
    assert mask_value(reason) == masked
