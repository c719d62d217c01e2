"""Only what is new: rows with a good answer are left out, and each row finds its answer in any job of the recipe."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.check.edit.edited_copy import write_edited
from tbatch_tui.engine.check.edit.line_changes import LineChanges
from tbatch_tui.engine.tables.join_back import NotTheSourceError, join_back
from tbatch_tui.engine.tables.joined.runs import AnsweredRequests, is_same_recipe, request_key
from tbatch_tui.engine.tables.make import MadeFile, NothingToAskError, make_input
from tbatch_tui.engine.tables.readers.open_source import open_source
from tbatch_tui.engine.tables.recipe import Recipe, RowChoice
from tests.engine.tables.conftest import prompts_in
from tests.engine.tables.test_join_back import answer, cells, echo
from tests.helpers.result_rows import error_row

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.results import ResultIndex

RECIPE = Recipe(model="m", prompt="{{ text }}")
_CELLS = st.lists(
    st.sampled_from(["a", "b", "{{ text }}", 'say "c"', "d\ne", "🙂", "bad", "worse"]), min_size=1, max_size=8
)


def write_table(path: Path, texts: list[str]) -> None:
    table = io.StringIO()
    csv.writer(table).writerows([["text"], *([text] for text in texts)])
    path.write_bytes(table.getvalue().encode())


def reply(request: dict[str, Any]) -> Any:
    """Answer, but for what is bad, which is refused, and what is worse, which is missing."""
    text = request["body"]["messages"][-1]["content"]
    if text == "bad":
        return error_row(request["custom_id"])
    return None if text == "worse" else echo(request)


def make_new(source: Path, out: Path, runs: list[tuple[Recipe, ResultIndex]], recipe: Recipe = RECIPE) -> MadeFile:
    answered = AnsweredRequests([index for _, index in runs])
    return make_input(recipe, open_source(str(source)), out, is_answered=answered.takes)


@given(first=_CELLS, changed=_CELLS, once=st.booleans())
def test_a_source_that_grew_shrank_was_sorted_or_edited(
    tmp_path_factory: pytest.TempPathFactory, first: list[str], changed: list[str], once: bool
) -> None:
    folder = tmp_path_factory.mktemp("new")
    source = folder / "t.csv"
    recipe = Recipe(model="m", prompt="{{ text }}", rows=RowChoice(once=once))
    write_table(source, first)
    made = make_input(recipe, open_source(str(source)), folder / "1.jsonl")
    runs = [(made.recipe, answer(made, reply))]
    write_table(source, changed)
    wanted = [text for text in changed if text not in first or text in ("bad", "worse")]
    try:
        second = make_new(source, folder / "2.jsonl", runs, recipe)
    except NothingToAskError:
        assert not wanted
        return
    assert prompts_in(second.path) == (list(dict.fromkeys(wanted)) if once else wanted)
    index = answer(second, reply)
    joined = join_back(second.recipe, open_source(str(source)), index, folder / "o.csv", runs=runs)
    rows = cells(joined.path)
    assert [row["text"] for row in rows] == changed and not joined.is_changed
    for row in rows:
        outcome = {"bad": "error", "worse": "missing"}.get(row["text"], "ok")
        assert (row["outcome"], row["answer"]) == (outcome, "" if outcome != "ok" else f"<{row['text']}>")
    # The first job says the same of the table as it is now: answers come from all jobs of the recipe.
    if set(first) & set(changed):
        table = open_source(str(source))
        again = join_back(made.recipe, table, runs[0][1], folder / "p.csv", runs=[(second.recipe, index)])
        assert again.path.read_bytes() == joined.path.read_bytes()


def test_rows_that_ask_the_same_keep_their_own_answers(tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    write_table(source, ["a", "a"])
    made = make_input(RECIPE, open_source(str(source)), tmp_path / "1.jsonl")
    runs = [(made.recipe, answer(made, lambda request: f"of {request['custom_id']}"))]
    write_table(source, ["a", "a", "b"])
    second = make_new(source, tmp_path / "2.jsonl", runs)
    assert (second.requests, second.left_out) == (1, {"they have a good answer already": 2})
    joined = join_back(second.recipe, open_source(str(source)), answer(second), tmp_path / "o.csv", runs=runs)
    assert [row["answer"] for row in cells(joined.path)] == ["of row-0001", "of row-0002", "<b>"]


def test_the_saving_is_counted(tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    write_table(source, ["a" * 400, "b"])
    made = make_input(RECIPE, open_source(str(source)), tmp_path / "1.jsonl")
    answered = AnsweredRequests([answer(made)])
    with pytest.raises(NothingToAskError, match=r"Nothing is new in t\.csv: 2 rows"):
        make_input(RECIPE, open_source(str(source)), tmp_path / "2.jsonl", is_answered=answered.takes)
    assert (answered.rows, answered.prompt_tokens) == (2, 109)
    assert not (tmp_path / "2.jsonl").exists() and not (tmp_path / "2.recipe.toml").exists()


def test_an_edited_copy_keeps_to_its_own_answers(tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    write_table(source, ["a", "b"])
    made = make_input(RECIPE, open_source(str(source)), tmp_path / "1.jsonl")
    runs = [(made.recipe, answer(made))]
    copy = tmp_path / "1.edited.jsonl"
    write_edited(made.path, copy, LineChanges(model="other"))
    edited = answer(MadeFile(copy, copy, made.recipe, "", "", 0, 2, 2, {}, 0, 0), lambda _: "from the other model")
    joined = join_back(made.recipe, open_source(str(source)), edited, tmp_path / "o.csv", runs=runs)
    assert {row["answer"] for row in cells(joined.path)} == {"from the other model"}
    write_table(source, ["b", "a"])
    with pytest.raises(NotTheSourceError):
        join_back(made.recipe, open_source(str(source)), edited, tmp_path / "p.csv", runs=runs)


def test_what_a_request_asks_is_the_same_however_it_is_written() -> None:
    line = b'{"custom_id":"a","body":{"model":"m","messages":[{"role":"user","content":"\xc3\xa4"}]}}'
    same = b'{"body": {"messages":[{"content":"\\u00e4","role":"user"}], "model" : "m"}, "custom_id":"b"}\r\n'
    assert request_key(line) == request_key(same) != request_key(line.replace(b'"m"', b'"n"'))
    assert request_key(b"{oops") == request_key(b"[]") == request_key(b"{}") == 0


def test_a_recipe_is_the_same_for_other_rows_and_tables() -> None:
    assert is_same_recipe(RECIPE, Recipe(model="m", prompt="{{ text }}", rows=RowChoice(first=3, once=True)))
    assert not is_same_recipe(RECIPE, Recipe(model="n", prompt="{{ text }}"))
