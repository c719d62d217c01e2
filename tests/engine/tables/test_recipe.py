"""Recipes: what is written is what is read, and each mistake has its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.recipe import (
    MessageTemplate,
    Recipe,
    RecipeError,
    RecipeSource,
    RowChoice,
)
from tbatch_tui.engine.tables.recipe_file import parse_recipe, read_recipe
from tbatch_tui.engine.tables.recipe_text import recipe_text

if TYPE_CHECKING:
    from pathlib import Path

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_NAME = _TEXT.filter(bool)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(_TEXT, values, max_size=3),
    max_leaves=8,
)
_KEYS = _TEXT.filter(lambda key: key.lower() not in ("model", "messages", "file") and "key" not in key.lower())
_RECIPES = st.builds(
    Recipe,
    model=_TEXT,
    system=st.none() | _TEXT,
    prompt=st.none() | _TEXT,
    messages=st.lists(st.builds(MessageTemplate, st.sampled_from(["user", "system"]), _TEXT), max_size=2).map(tuple),
    id=st.none() | _NAME,
    schema=st.none() | st.sampled_from(["label: enum[a,b]", '{"type": "object"}']),
    image=st.none() | _NAME,
    audio=st.booleans() | _NAME,
    body=st.dictionaries(_KEYS, _JSON, max_size=3),
    rows=st.builds(
        RowChoice,
        first=st.none() | st.just(3),
        last=st.none() | st.integers(3, 9),
        where=st.lists(_NAME.map(lambda name: f"{name}=x"), max_size=2).map(tuple),
        sample=st.none() | st.integers(0, 99),
        seed=st.none() | st.integers(0, 2**63 - 1),
        once=st.booleans(),
        empty=st.sampled_from(["error", "skip", "keep"]),
    ),
    source=st.none() | st.builds(RecipeSource, _NAME, _TEXT, _TEXT, st.none() | st.integers(0, 10**9)),
)


def _normal(recipe: Recipe) -> Recipe:
    rows = recipe.rows
    if rows.last is not None and rows.first is None:
        rows = RowChoice(1, rows.last, rows.where, rows.sample, rows.seed, rows.once, rows.empty)
    return Recipe(**{**{name: getattr(recipe, name) for name in Recipe.__slots__}, "rows": rows})


@given(_RECIPES)
def test_what_is_written_is_what_is_read(recipe: Recipe) -> None:
    text = recipe_text(recipe)
    again = parse_recipe(text)
    assert again == _normal(recipe)
    assert recipe_text(again) == text


def test_texts_of_several_lines_are_readable_in_the_file() -> None:
    text = recipe_text(Recipe(model="m", prompt='Say "yes"\nor """no""".\n\n{{ review }}"'))
    assert 'prompt = """\nSay "yes"\nor \\"\\"\\"no\\"\\"\\".\n\n{{ review }}\\""""\n' in text


def test_a_recipe_that_a_person_wrote() -> None:
    recipe = parse_recipe(
        """
        version = 1
        model = "m"                 # any
        prompt = '''
        {{ review }}'''
        schema = "label: enum[a,b]"
        [body]
        temperature = 0
        stop = ["\\n"]
        [rows]
        range = "1-100"
        where = ["lang=de", "a=b=c"]
        """
    )
    assert recipe.body == {"temperature": 0, "stop": ["\n"]}
    assert (recipe.rows.first, recipe.rows.last, recipe.rows.where) == (1, 100, ("lang=de", "a=b=c"))
    assert recipe.prompt == "        {{ review }}"


HEAD = 'version = 1\nprompt = """\nbody = 1\n[rows]\n"""\n'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "begins with version = 1"),
        ("version = 2", 1, "newer"),
        ("version = true", 1, "begins with version"),
        ("version = 1\nmodel =", 2, "valid TOML"),
        ("version = 1\nmodell = 'm'", 2, "unknown key modell"),
        (HEAD + "model = 3", 6, "model is not text"),
        (HEAD + "[rows]\nonce = 1", 7, "once is neither true nor false"),
        (HEAD + "[rows]\nrange = '5-2'", 7, "5-2 has no row"),
        (HEAD + "[rows]\nrange = 'x'", 7, "x is not a range of rows"),
        (HEAD + "[rows]\n\nwhere = ['x']", 8, "x is not a condition"),
        (HEAD + "[rows]\nsample = -1", 7, "sample is not a whole number"),
        (HEAD + "[rows]\nempty = 'no'", 7, "empty has an unknown value"),
        (HEAD + "[body]\na = 1\nmessages = []", 8, "messages is not set here"),
        (HEAD + "[body]\nwhen = 2020-01-01", 7, "is a date"),
        (HEAD + "[body]\nx = nan", 7, "JSON does not have"),
        (HEAD + "[body]\nAPI-key = 'x'", 7, "an API key does not belong"),
        (HEAD + "[body_json]\na = '{'", 7, "a is not JSON"),
        (HEAD + "schema = 'a: b'", 6, "mistake at character 4: b is not a type"),
        (HEAD + "schema = '{'", 6, "the schema is not JSON"),
        (HEAD + "[source]\nrows = 3", 6, "the source has no path"),
        (HEAD + "[[messages]]\nrole = 'boss'\ncontent = 'x'", 7, "a message needs a role"),
        (HEAD + "api_key = 'x'", 6, "unknown key api_key"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(text: str, line: int, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "a.toml")
    assert caught.value.line == line
    assert str(caught.value).startswith(f"a.toml:{line}")
    assert message in str(caught.value)


@given(st.text())
def test_any_text_is_a_recipe_or_a_mistake_with_its_line(text: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe("version = 1\nx" + text)
    assert caught.value.line >= 1


def test_a_file_that_is_gone_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(LocalFileError, match="cannot be read"):
        read_recipe(tmp_path / "no.toml")
    path = tmp_path / "a.toml"
    path.write_bytes(b"version = 1\nmodel = '\xff'")
    with pytest.raises(RecipeError, match=r"a\.toml:2: the text is not UTF-8"):
        read_recipe(path)
    path.write_bytes(b"\xef\xbb\xbfversion = 1\r\nmodel = 'm'\r\n")
    assert read_recipe(path).model == "m"


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (Recipe(prompt="x"), "No model"),
        (Recipe(model="m"), "no prompt"),
        (Recipe(model="m", prompt="x", messages=(MessageTemplate("user", "x"),)), "messages and a prompt"),
        (Recipe(model="m", audio=True, system="x"), "no messages"),
        (Recipe(model="m", audio=True, schema="a: string"), "no schema"),
        (Recipe(model="m", prompt="x", schema="a: string", body={"response_format": {}}), "response_format"),
    ],
)
def test_what_a_request_needs(recipe: Recipe, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe.require_complete()
