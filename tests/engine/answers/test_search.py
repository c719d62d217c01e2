"""Search in one field of the rows: hits are hits, and what shows them is part of the text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.answers.search import Hits, Query, SearchField, find_hits, parse_query
from tbatch_tui.engine.errors import OperationCancelledError
from tests.helpers.result_rows import answer_row, build_index, error_row, request_row, response_row

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.results import ResultIndex


def found(index: ResultIndex, typed: str, names: tuple[str, ...] = ("label", "why")) -> list[int]:
    hits = Hits(len(index))
    find_hits(index, parse_query(typed, names), hits)
    assert hits.is_complete
    return [row for row, hit in enumerate(hits.rows) if hit]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> ResultIndex:
    """Six rows: a label, a fenced JSON, prose of two choices, an error, a missing one, and one that is not asked."""
    system = {"role": "system", "content": "Answer positive or negative."}
    requests = [request_row(f"case-{n}", f"Review {n}: “Größe” is\n\tfine") for n in range(5)]
    for row in requests:
        row["body"]["messages"].insert(0, system)
    two = answer_row("case-2", "First, negative.")
    two["response"]["body"]["choices"].append({"index": 1, "message": {"content": 'Then "Ünsure".'}})
    return build_index(
        tmp_path_factory.mktemp("search"),
        requests=requests,
        output=[
            answer_row("case-0", json.dumps({"label": "negative", "why": "it says “No”"})),
            answer_row("case-1", '```json\n{"label": "positive", "why": "not negative"}\n```', reason="length"),
            two,
            answer_row("stranger", "negative"),
        ],
        errors=[error_row("case-3", f"Request {'x' * 300} timed out")],
    )


@pytest.mark.parametrize(
    ("typed", "rows"),
    [
        ("NEGATIVE", [0, 1, 2, 5]),
        ("answer:negative", [0, 1, 2, 5]),
        ("answer: timed", []),
        ("timed  out", [3]),
        ("error:timed out", [3]),
        ("error:negative", []),
        ("id:case-", [0, 1, 2, 3, 4]),
        ("id:STRANGER", [5]),
        ("prompt:größe” is fine", [0, 1, 2, 3, 4]),
        ("prompt:negative", []),
        ("prompt:review 3", [3]),
        ("label:negative", [0]),
        ("field:label=negative", [0]),
        ("field:label= pos", [1]),
        ("field:negative", [0, 1]),
        ("field:why=negative", [1]),
        ("field:nothing=negative", []),
        ("why:“no”", [0]),
        ('answer:"Ünsure"', [2]),
        ("any:positive or", [0, 1, 2, 3, 4]),
        ("colour:blue", []),
    ],
)
def test_a_search_is_about_the_field_that_is_named(index: ResultIndex, typed: str, rows: list[int]) -> None:
    assert found(index, typed) == rows


def test_a_prefix_is_only_what_is_known() -> None:
    assert parse_query("note: this", ["label"]) == Query("note: this")
    assert parse_query("label: this", ["label"]) == Query("this", SearchField.FIELD, "label")
    assert parse_query("answer:", []) == Query("", SearchField.ANSWER)
    assert parse_query("field:=x", []) == Query("=x", SearchField.FIELD)
    assert [query.where for query in map(parse_query, ("x", "id:x", "field:a=x", "any:x"))] == [
        "answer",
        "id",
        "a",
        "request and response",
    ]


def test_the_part_that_is_shown_holds_the_hit(tmp_path: Path) -> None:
    index = build_index(tmp_path, requests=None, output=[answer_row("a", "x" * 500 + " needle " + "y" * 500)])
    hits = Hits(1)
    find_hits(index, Query("needle"), hits)
    assert hits.snippets[0].startswith("…xxxxxxxxxxx needle yyy") and len(hits.snippets[0]) < 250
    with pytest.raises(OperationCancelledError):
        find_hits(index, Query("needle"), Hits(1), cancelled=lambda: True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answers=st.lists(
        st.text(max_size=12) | st.dictionaries(st.sampled_from("ab"), st.text(max_size=9), max_size=2), min_size=1
    ),
    text=st.text(min_size=1, max_size=3).filter(str.strip),
)
def test_it_finds_what_a_plain_search_of_the_decoded_answers_finds(
    tmp_path: Path, answers: list[str | dict[str, str]], text: str
) -> None:
    texts = [answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False) for answer in answers]
    rows = [answer_row(f"r{number}", answer) for number, answer in enumerate(texts)]
    index = build_index(tmp_path, output=[*rows, response_row("odd", "no body")])
    words = text.split()
    plain = [n for n, answer in enumerate(texts) if " ".join(words).lower() in " ".join(answer.split()).lower()]
    if len(words) == 1 and "think" not in "".join(texts) and "</" not in "".join(texts):
        assert {*plain} <= {*found(index, f"answer:{text}")}
    values = [
        n for n, answer in enumerate(answers) if isinstance(answer, dict) and words[0] in answer.get("a", "").strip()
    ]
    assert {*values} <= {*found(index, f"field:a={words[0]}")}
