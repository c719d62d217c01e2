"""Two sets of answers: what agrees, what differs, and how well labels were found."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.answers.compare import Comparison, compare, compare_with_gold, comparison_as_data
from tbatch_tui.engine.answers.fields import NoSuchFieldError
from tbatch_tui.engine.answers.word_diff import WORDS_MAX, word_diff
from tests.helpers.result_rows import answer_row, build_index, error_row, request_row

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.results import ResultIndex

_LABELS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=12)
FEW = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


def index_of(folder: Path, answers: dict[str, Any]) -> ResultIndex:
    """Return the results of requests by id; None is a missing answer, text an answer, an object one in JSON."""
    output = [
        answer_row(custom_id, answer if isinstance(answer, str) else json.dumps(answer))
        for custom_id, answer in answers.items()
        if answer is not None
    ]
    return build_index(folder, requests=[request_row(custom_id) for custom_id in answers], output=output)


def labels(folder: Path, *values: str | None) -> ResultIndex:
    return index_of(folder, {f"r{n}": value and {"why": f"{n}", "label": value} for n, value in enumerate(values)})


def test_two_jobs(tmp_path: Path) -> None:
    first = labels(tmp_path / "a", "good", "good", "bad", "bad", "good", None)
    second = labels(tmp_path / "b", "good", "bad", "bad", "good", None, "bad")
    found = compare(first, second, "label")
    data = comparison_as_data(found)
    interval = data.pop("interval")
    assert data == {
        "field": "label",
        "pairs": 4,
        "same": 2,
        "differ": 2,
        "only_first": 1,
        "only_second": 1,
        "agreement": 0.5,
        "kappa": 0.0,
        "matrix": {"good": {"good": 1, "bad": 1}, "bad": {"bad": 1, "good": 1}},
    }
    assert interval == pytest.approx([0.15004, 0.84996], abs=1e-5)
    differing = found.places()
    assert [(found.first_rows[at], found.second_rows[at]) for at in differing] == [(1, 1), (3, 3)]
    good, bad = (found.labels.index(label) for label in ("good", "bad"))
    assert found.places(good, bad) == [1]
    assert (list(found.only_first), list(found.only_second)) == ([4], [5])


def test_the_field_that_is_taken_unless_one_is_named(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"why": {"type": "string"}, "label": {"enum": ["a", "b"]}}}
    rows = [request_row("r0")]
    rows[0]["body"]["response_format"] = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    output = [answer_row("r0", '{"why": "so", "label": "a"}')]
    first = build_index(tmp_path / "a", requests=rows, output=output)
    assert compare(first, first).field == "label"
    prose = index_of(tmp_path / "b", {"r0": "Well …"})
    assert compare(prose, prose).field == "answer"
    with pytest.raises(NoSuchFieldError):
        compare(first, prose)
    with pytest.raises(NoSuchFieldError):
        compare(prose, prose, "tokens")


def test_prose_is_the_same_after_folding_white_space(tmp_path: Path) -> None:
    long = "word " * 200
    first = index_of(tmp_path / "a", {"1": "It is\n\n so. ", "2": long + "x", "3": long, "4": "It is"})
    second = index_of(tmp_path / "b", {"4": "It was", "3": long.replace(" ", "\n"), "2": long + "y", "1": "It is so."})
    found = compare(first, second)
    assert (found.pairs, found.same, found.differ) == (4, 2, 2)
    assert [found.first_rows[at] for at in found.places()] == [1, 3]
    assert sum(sum(row.values()) for row in (found.matrix or {}).values()) == 4


def test_numbers(tmp_path: Path) -> None:
    first = index_of(tmp_path / "a", {f"{n}": {"score": n} for n in range(1, 5)})
    second = index_of(tmp_path / "b", {f"{n}": {"score": 2.0 * n} for n in range(1, 5)})
    data = comparison_as_data(compare(first, second))
    assert (data["correlation"], data["mean_difference"]) == (pytest.approx(1), pytest.approx(-2.5))
    same = comparison_as_data(compare(first, index_of(tmp_path / "c", {"1": {"score": 1.0}, "2": {"score": "2.0"}})))
    assert (same["same"], same["matrix"]) == (2, {"1": {"1": 1}, "2": {"2": 1}})


def test_a_gold_column(tmp_path: Path) -> None:
    index = labels(tmp_path, "good", "good", "bad", "ugly", None, "good", "good")
    gold = {0: "good", 1: "bad", 2: " bad", 3: "good", 4: "bad", 5: "", 6: None}
    found = compare_with_gold(index, gold, "label")
    data = comparison_as_data(found)
    assert (data["pairs"], data["same"], data["only_first"], data["only_second"]) == (4, 2, 2, 1)
    assert data["matrix"] == {"good": {"good": 1, "bad": 1}, "bad": {"bad": 1}, "ugly": {"good": 1}}
    assert data["labels"]["good"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert data["labels"]["bad"] == {"precision": 1, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2}
    assert data["labels"]["ugly"] == {"precision": 0, "recall": None, "f1": 0, "support": 0}
    assert list(found.only_second) == [4]


def test_nothing_in_common(tmp_path: Path) -> None:
    first = labels(tmp_path / "a", "good")
    failed = build_index(tmp_path / "b", requests=[request_row("r0")], errors=[error_row("r0")])
    for found in (compare(first, failed, "label"), compare(failed, first, "label"), compare_with_gold(first, {})):
        data = comparison_as_data(found)
        assert [data[key] for key in ("pairs", "agreement", "interval", "kappa", "matrix")] == [0, None, None, None, {}]
        assert data["only_first"] + data["only_second"] == 1


@FEW
@given(_LABELS, st.permutations("abc"), st.randoms())
def test_agreement_is_symmetric_and_blind_to_names_and_order(
    tmp_path: Path, pairs: list[tuple[str, str]], names: list[str], chance: Any
) -> None:
    renamed = dict(zip("abc", names, strict=True))

    def measure(one: list[str], other: list[str]) -> tuple[Comparison, Any]:
        found = compare(labels(tmp_path / "a", *one), labels(tmp_path / "b", *other), "label")
        return found, (found.pairs, found.same, found.kappa, found.interval)

    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    found, measures = measure(first, second)
    turned, turned_measures = measure(second, first)
    shuffled = chance.sample(range(len(pairs)), len(pairs))
    assert measures == turned_measures
    assert measures == measure([renamed[a] for a in first], [renamed[b] for b in second])[1]
    assert measures == measure([first[at] for at in shuffled], [second[at] for at in shuffled])[1]
    assert found.same + found.differ == found.pairs == len(pairs)
    assert found.matrix is not None
    assert turned.matrix is not None
    for a, row in found.matrix.items():
        for b, count in row.items():
            assert turned.matrix[b][a] == count


@given(st.text(), st.text(alphabet="ab \n"), st.text(alphabet="ab \n"))
def test_pieces_make_the_texts_again(common: str, first: str, second: str) -> None:
    one, other = word_diff(common + first, common + second)
    assert ("".join(piece.text for piece in one), "".join(piece.text for piece in other)) == (
        common + first,
        common + second,
    )
    same = [re.sub(r"\s+", " ", "".join(piece.text for piece in side if piece.is_same)) for side in (one, other)]
    assert same[0] == same[1]


def test_words_that_differ() -> None:
    one, other = word_diff("The battery  died after two weeks.", "The battery lasted two weeks!")
    assert [piece.text for piece in one if not piece.is_same] == ["died after", "."]
    assert [piece.text for piece in other if not piece.is_same] == ["lasted", "!"]
    long = " ".join(map(str, range(3 * WORDS_MAX)))
    one, other = word_diff(f"x {long} a", f"y {long} b")
    assert (one[0].text, other[0].text) == ("x", "y")
    assert (one[-1].text[-1], other[-1].text[-1]) == ("a", "b")
