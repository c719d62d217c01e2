"""Drafts of requests, the row under view, and what a draft comes to in a whole table."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.tables.compose.draft import Draft, draft_from_json, draft_of, draft_to_json, recipe_of
from tbatch_tui.engine.tables.compose.draft_store import KEPT, DraftStore, StoredDraft
from tbatch_tui.engine.tables.compose.opening import PathKind, kind_of_path
from tbatch_tui.engine.tables.compose.paced import PacedSource
from tbatch_tui.engine.tables.compose.preview import RequestPreview, RowPreview
from tbatch_tui.engine.tables.compose.profile import TableProfile, profile_table
from tbatch_tui.engine.tables.compose.row_window import AROUND, RowWindow
from tbatch_tui.engine.tables.compose.summary import TableSummary, summarize
from tbatch_tui.engine.tables.make import make_input
from tbatch_tui.engine.tables.problems import FaultyTableError, RowProblems
from tbatch_tui.engine.tables.readers.open_source import open_source
from tbatch_tui.engine.tables.recipe import MessageTemplate, Recipe, RowChoice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROMPT = "Which language? {{ text }}"
DRAFT = Draft(model="m/m", prompt=PROMPT, max_tokens="10")


def never() -> bool:
    return False


def paced(path: Path, cancelled: Callable[[], bool] = never) -> PacedSource:
    return PacedSource(open_source(str(path)), cancelled)


def table(path: Path, *rows: str, header: str = "id,text,lang") -> Path:
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def faults(**fields: Any) -> dict[str, str]:
    """Return the message of the fault of each field."""
    values: dict[str, Any] = {"model": "m/m", "prompt": "x"} | fields
    _, found = recipe_of(Draft(**values))
    return {fault.field: fault.message for fault in found}


@pytest.mark.parametrize(("name", "row"), [("t.csv", "x" * 90), ("t.jsonl", '{"a": "%s"}' % ("x" * 90))])
def test_how_far_a_table_was_read_is_reported(name: str, row: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("a\n" * name.endswith("csv") + f"{row}\n" * 20_000, encoding="utf-8")
    size = path.stat().st_size
    reports: list[int] = []
    source = PacedSource(
        open_source(str(path)), never, lambda done, total: reports.append(done if total == size else -1)
    )
    assert sum(1 for _ in source.rows(("a",), RowProblems())) == 20_000
    assert reports == sorted(reports) and reports[0] >= 0 and reports[-1] > size / 2


# -- drafts ----------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)
NAME = TEXT.filter(lambda text: text == text.strip() and "=" not in text and "\n" not in text and text != "")
JSON = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
RECIPES = st.builds(
    Recipe,
    model=NAME,
    prompt=TEXT.filter(str.strip),
    system=st.none() | TEXT.filter(bool),
    id=st.none() | NAME,
    image=st.none() | NAME,
    schema=st.none() | st.just("label: enum[a,b]"),
    body=st.dictionaries(NAME.filter(lambda key: key not in ("model", "messages", "file", "authorization")), JSON),
    rows=st.builds(
        RowChoice,
        first=st.none() | st.integers(1, 9),
        last=st.none() | st.integers(10, 99),
        sample=st.just(7),
        seed=st.none() | st.integers(0, 2**40),
        once=st.booleans(),
        empty=st.sampled_from(["error", "skip", "keep"]),
    ),
)


@given(RECIPES)
def test_a_recipe_comes_out_of_its_fields_as_it_went_in(recipe: Recipe) -> None:
    if recipe.rows.first is None and recipe.rows.last is not None:  # from the first row on, written otherwise
        recipe = Recipe(model=recipe.model, prompt=recipe.prompt, body=recipe.body)
    draft = draft_of(recipe)
    assert draft_from_json(json.loads(json.dumps(draft_to_json(draft)))) == draft
    assert recipe_of(draft) == (recipe, ())


def test_messages_that_are_a_prompt_become_one_and_a_conversation_stays() -> None:
    system, user, answer = (MessageTemplate(role, role) for role in ("system", "user", "assistant"))
    assert draft_of(Recipe(messages=(system, user))).prompt == "user"
    whole = Recipe(model="m/m", messages=(user, answer, user))
    assert recipe_of(draft_of(whole)) == (whole, ())


def test_each_field_says_what_is_wrong_with_it() -> None:
    assert faults() == {}
    assert set(faults(model=" ", prompt="")) == {"model", "prompt"}
    assert "prompt" not in faults(kind="audio", prompt="")
    assert faults(max_tokens="many") == {"max_tokens": "many is not a whole number of 1 or more"}
    assert faults(max_tokens="0") and faults(temperature="hot") and faults(temperature="-1") and faults(seed="9" * 30)
    assert faults(parameters="top_p") == {"parameters": "top_p has no value"}
    assert faults(parameters="messages=[]") == {"parameters": "messages cannot be set as a parameter"}
    assert faults(parameters="= 3") and faults(parameters="top_p =") == {"parameters": "top_p has no value"}
    assert faults(parameters="api_key=x") == {"parameters": "An API key does not belong in a request"}
    assert faults(max_tokens="5", parameters="max_tokens=6") == {"parameters": "max_tokens is given twice"}
    assert "character 12" in faults(schema="label: enum")["schema"]
    assert faults(schema="@nowhere.json") == {
        "schema": "The schema nowhere.json cannot be read: No such file or directory"
    }
    assert faults(schema="{") and faults(schema="a: string", parameters='response_format={"type": "text"}')
    assert faults(rows="9-1") and faults(where="lang") == {"where": "lang is not a condition, such as lang=de"}


def test_a_schema_comes_from_a_file_beside_the_table(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"type": "object"}')
    recipe, found = recipe_of(Draft(model="m/m", prompt="x", schema="@s.json"), tmp_path)
    assert found == () and recipe.schema == '{"type": "object"}'


def test_parameters_are_json_where_they_parse() -> None:
    recipe, _ = recipe_of(Draft(model="m/m", prompt="x", parameters='top_p=0.9\nstop=["a"]\n\nname = NaN'))
    assert recipe.body == {"top_p": 0.9, "stop": ["a"], "name": "NaN"}


def test_a_draft_is_there_again_and_another_table_has_none(tmp_path: Path) -> None:
    store = DraftStore(tmp_path, ["sk-secret"])
    stored = StoredDraft(Draft(prompt="half\ud800 done", once=True), 7, "abc")
    assert store.load("/a.csv") is None
    assert store.save("/a.csv", stored) and store.load("/a.csv") == stored and store.load("/b.csv") is None
    assert not store.save("/b.csv", StoredDraft(Draft(prompt="my key is sk-secret"))) and store.load("/b.csv") is None
    [path] = (tmp_path / "drafts").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    for broken in (b"", b"[]", b'{"source": "/a.csv", "row": "x", "draft": 3}', b"\xff", b"[" * 100_000):
        path.write_bytes(broken)
        assert store.load("/a.csv") is None
    store.forget("/a.csv")
    for number in range(KEPT + 3):
        store.save(f"/{number}.csv", stored)
    assert len(list((tmp_path / "drafts").iterdir())) == KEPT


def test_a_draft_of_another_version_loses_what_is_not_known() -> None:
    assert draft_from_json({"prompt": "x", "once": "yes", "shade": 3, "messages": [["user"]]}) == Draft(prompt="x")
    assert draft_from_json({"kind": "video"}) == Draft()


# -- what a path is --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.csv", "a,b\n1,2\n", PathKind.TABLE),
        ("a.txt", "https://example.com/a.wav\n", PathKind.TABLE),
        ("a.recipe.toml", "version = 1\n", PathKind.RECIPE),
        ("a.jsonl", '{"custom_id": "a", "body": {"model": "m"}}\n', PathKind.REQUESTS),
        ("a.jsonl", '{"model": "m", "prompt": "x"}\n', PathKind.REQUESTS),
        ("a.jsonl", '{"messages": []}\n', PathKind.REQUESTS),
        ("a.jsonl", '{"custom_id": "a", "response": {"status_code": 200, "body": {}}}\n', PathKind.RESULTS),
        ("a.jsonl", '{"custom_id": "a", "error": {"message": "no"}}\n', PathKind.RESULTS),
        ("output", '{"custom_id": "a", "response": {"body": {}}}\n', PathKind.RESULTS),
        ("a.txt", '{"custom_id": "a", "response": {"body": {}}}\n', PathKind.RESULTS),
        ("a.jsonl", '{"custom_id": "a", "error": "no"}\n{"custom_id": "b", "body": {}}\n', PathKind.REQUESTS),
        ("a.jsonl", '{"id": "a", "text": "x"}\n{"id": "b", "model": "vw"}\n', PathKind.TABLE),
        ("a.jsonl", '\ufeff{"id": "a", "error": "none"}\n', PathKind.TABLE),
        ("a.jsonl", '{"custom_id": "a"}\n{"custom_id": "b", "body": {}}\n', PathKind.REQUESTS),
        ("a.jsonl", '{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions"}\n', PathKind.REQUESTS),
        ("a.jsonl", '{"custom_id": "a", "method": "POST", "boddy": {}}\n', PathKind.REQUESTS),
        ("a.jsonl", '{"custom_id": "a", "body": "lost"}\n', PathKind.REQUESTS),
        ("a.jsonl", '{"custom_id": "a", "text": "x"}\n', PathKind.TABLE),
        ("a.jsonl", '{"id": 1, "subject": "Hello", "body": "a mail"}\n', PathKind.TABLE),
        ("a.json", '[{"custom_id": "a"}, {"custom_id": "b", "body": {}}]', PathKind.REQUESTS),
        ("a.json", '[{"id": 1}, {"id": 2', PathKind.TABLE),
        ("a.jsonl", "oops\n", PathKind.REQUESTS),
        ("a.jsonl", "", PathKind.REQUESTS),
        ("a.json", '[\n  {"id": 1},\n  {"id": 2}\n]\n', PathKind.TABLE),
        ("a.json", '[{"custom_id": "a", "body": {}}]', PathKind.REQUESTS),
        ("a.txt", '{"custom_id": "a", "body": {}}\n', PathKind.REQUESTS),
        ("a.md", "text\n", PathKind.REQUESTS),
    ],
)
def test_a_file_is_told_by_its_name_and_first_rows(name: str, text: str, kind: PathKind, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert kind_of_path(path) is kind


def test_folders_tables_of_databases_and_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "shop.sqlite").touch()
    assert kind_of_path(tmp_path) is PathKind.TABLE
    assert kind_of_path(tmp_path / "shop.sqlite:orders") is PathKind.TABLE
    assert kind_of_path(tmp_path / "nothing.csv") is PathKind.REQUESTS
    assert kind_of_path(tmp_path / "a\0b.csv") is PathKind.REQUESTS


# -- columns, rows and their requests --------------------------------------------------------------------


def test_columns_have_type_share_and_samples(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", *(f"{n},{'' if n % 4 else 'word'},de" for n in range(200)), "ragged")
    reports: list[TableProfile] = []
    profile = profile_table(paced(path), reports.append)
    assert profile.is_whole and reports and not reports[0].is_whole
    ident, text, lang = profile.columns
    assert (ident.name, ident.type, ident.samples, ident.share) == ("id", "text", ("0", "1", "2"), 1.0)
    assert (text.filled, text.rows, text.samples, lang.samples) == (50, 200, ("word",), ("de",))


def test_json_has_types_and_keys_of_late_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"n": n, "tags": ["x"], "odd": n if n % 2 else "two"} for n in range(1_200)]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"late": True, "none": None}]))
    source = paced(path)
    assert "late" not in source.columns
    types = {column.name: (column.type, column.filled) for column in profile_table(source, lambda _: None).columns}
    assert types == {
        "n": ("number", 1_200),
        "tags": ("list", 1_200),
        "odd": ("mixed", 1_200),
        "late": ("boolean", 1),
        "none": ("", 0),
    }
    assert source.has_column("late") and not source.has_column("never")


def test_any_row_is_found_by_its_number(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", *(f"{n},t{n},de" for n in range(1, 400)))
    window = RowWindow()
    row = window.row(paced(path), 300)
    assert row is not None and row.cells[1] == "t300"
    assert window.held(300 - AROUND) is not None and window.held(300 + AROUND + 1) is None
    assert window.row(paced(path), 400) is None


def previews(path: Path, draft: Draft, *numbers: int) -> list[RowPreview]:
    recipe, _ = recipe_of(draft)
    source, window = paced(path), RowWindow()
    preview = RequestPreview(recipe, source)
    rows = [window.row(source, number) for number in numbers]
    return [preview.row(row) for row in rows if row is not None]


def test_the_preview_is_what_make_writes(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "1,Hallo,de", '2,"Grüße, {{ id }}",de', "3,,en", "4,x", f"{'5' * 80},y,fr")
    draft = Draft(model="m/m", prompt=PROMPT, system="Be brief.", max_tokens="10", schema="label: string", empty="skip")
    good, other, empty, ragged, _ = previews(path, draft, 1, 2, 3, 4, 5)
    recipe, _ = recipe_of(draft)
    made = make_input(
        recipe,
        open_source(str(table(tmp_path / "b.csv", "1,Hallo,de", '2,"Grüße, {{ id }}",de'))),
        tmp_path / "b.jsonl",
    )
    assert [good.request, other.request] == [json.loads(line) for line in made.path.read_bytes().splitlines()]
    assert good.size == len(made.path.read_bytes().splitlines(keepends=True)[0]) and good.tokens > 0
    assert empty.left_out == "text is empty" and empty.request is not None
    assert "2 cells instead of 3" in ragged.problem and ragged.request is None
    [empty] = previews(path, DRAFT, 3)
    assert empty.problem == "column text: the cell is empty"
    [long_id] = previews(path, Draft(model="m/m", prompt=PROMPT, id="id"), 5)
    assert long_id.request is None and "80 characters" in long_id.problem and ("text", "y") in long_id.cells
    [other] = previews(path, Draft(model="m/m", prompt=PROMPT, where="lang=en"), 1)
    assert other.left_out == "lang is different"


def test_without_a_model_the_request_is_shown_and_without_a_prompt_the_cells(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "1,Hallo,de")
    [unnamed], [cells] = previews(path, Draft(prompt=PROMPT), 1), previews(path, Draft(), 1)
    assert unnamed.request is not None and unnamed.request["body"]["messages"][0]["content"].endswith("Hallo")
    assert cells.request is None and cells.cells == (("id", "1"), ("text", "Hallo"), ("lang", "de"))


def test_a_template_that_names_no_column_says_the_nearest(tmp_path: Path) -> None:
    source = paced(table(tmp_path / "a.csv", "1,Hallo,de"))
    with pytest.raises(BatchError, match="txt") as error:
        RequestPreview(Recipe(prompt="{{ txt }}"), source)
    assert error.value.hint == "Did you mean text?"


# -- the whole table -------------------------------------------------------------------------------------


def whole(path: Path, draft: Draft, context: int | None = None) -> TableSummary:
    recipe, found = recipe_of(draft)
    assert not found
    return summarize(recipe, paced(path), lambda _: None, context)


def test_the_sums_of_a_table(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", *(f"{n},t{n % 5},de" for n in range(50)), "x,,de", "y,longest of all,de", "short")
    summary = whole(path, DRAFT)
    assert summary.is_whole and (summary.rows, summary.requests, summary.repeats) == (53, 51, 45)
    assert (summary.longest_row, summary.problem_total, list(summary.problem_rows)) == (52, 2, [51, 53])
    assert str(summary.problems[0]) == "row 51, column text: the cell is empty"
    assert [demand.most_output_tokens for demand in summary.demands] == [510]
    assert summary.next_problem(1, 1) == 51 and summary.next_problem(51, 1) == 53 and summary.next_problem(53, 1) == 51
    assert summary.next_problem(51, -1) == 53
    assert whole(path, Draft(model="m/m", prompt="{{ id }}", rows="1-3")).left_out == {"not in rows 1-3": 50}
    once = whole(path, Draft(model="m/m", prompt=PROMPT, once=True, empty="skip", rows="1-52"))
    assert (once.requests, once.asked_once, once.problem_total) == (6, 45, 1)


def test_the_sums_are_those_of_the_file_that_is_written(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", *(f"{n},t{n % 7},de" for n in range(60)))
    draft = Draft(model="m/m", prompt=PROMPT, sample="20", seed="4", max_tokens="9")
    made, summary = make_input(recipe_of(draft)[0], open_source(str(path)), tmp_path / "o.jsonl"), whole(path, draft)
    assert (summary.requests, summary.size, summary.rows) == (made.requests, made.size, made.rows)
    assert summary.left_out == made.left_out and summary.repeats == made.repeats


def test_doubled_ids_are_named_and_found(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "a,x,de", "b,y,de", "a,z,de")
    summary = whole(path, Draft(model="m/m", prompt=PROMPT, id="id"))
    assert list(summary.problem_rows) == [3] and "first used in row 1" in summary.problems[0].message


def test_prompts_over_the_context_are_problems_or_counted(
    tmp_path: Path,
) -> None:
    path = table(tmp_path / "a.csv", "a,x,de", f"b,{'word ' * 400},de", f"c,{'word ' * 4_000},de")
    summary = whole(path, DRAFT, context=500)
    assert (summary.over_context, summary.requests, list(summary.problem_rows)) == (1, 2, [3])
    assert "prompt tokens; the model takes" in str(summary.problems[0])
    assert whole(path, DRAFT, context=200_000) == whole(path, DRAFT), "a long context, or none that is known"
    with pytest.raises(FaultyTableError) as error:
        make_input(recipe_of(DRAFT)[0], open_source(str(path)), tmp_path / "o.jsonl", context=500)
    assert error.value.problems == summary.problems, "those of the file that is written"


def test_sums_are_reported_before_they_are_whole_and_can_be_stopped(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", *(f"{n},{'text ' * 40},de" for n in range(30_000)))
    stop = threading.Event()
    partial: list[TableSummary] = []

    def report(summary: TableSummary) -> None:
        partial.append(summary)
        stop.set()

    with pytest.raises(OperationCancelledError):
        summarize(recipe_of(DRAFT)[0], paced(path, stop.is_set), report)
    assert len(partial) == 1 and not partial[0].is_whole and 0 < partial[0].rows < 30_000
