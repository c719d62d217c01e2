"""Templates: one renderer, strict names, cells that are text and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.tables.template import RenderError, Template, TemplateTextError, nearest

_CHARACTERS = st.characters(exclude_categories=["Cs"])
_CELLS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(_CHARACTERS),
    lambda cells: st.lists(cells, max_size=3) | st.dictionaries(st.text(_CHARACTERS), cells, max_size=3),
    max_leaves=5,
)
_NAMES = st.sampled_from(["review", "Tweet text", "Größe (cm)", "true", "row", "self", "items", "name", "a.b", "Größe"])
_TEXTS = st.text(_CHARACTERS).filter(lambda text: not any(mark in text + "{" for mark in ("{{", "{%", "{#")))


def read(source: str, columns: list[str]) -> Template:
    return Template(source, "prompt", columns, lambda _: False)


def render(source: str, row: dict[str, Any]) -> str:
    """Render with both ways, which must agree."""
    template = read(source, [*row])
    positions = {name: at for at, name in enumerate(row)}
    cells = list(row.values())
    text = template.renderer(positions)(cells)
    assert template.jinja_renderer(positions)(cells) == text
    return text


@given(st.dictionaries(_NAMES, _CELLS, min_size=1), st.lists(_TEXTS, min_size=1), st.randoms())
def test_a_plain_template_gives_the_text_that_minijinja_gives(
    row: dict[str, Any], texts: list[str], chance: Any
) -> None:
    source = "".join(text + "{{ " + chance.choice([*row]) + " }}" for text in texts)
    template = read(source, [*row])
    positions = {name: at for at, name in enumerate(row)}
    assert template.renderer(positions)([*row.values()]) == template.jinja_renderer(positions)([*row.values()])


@given(st.text(_CHARACTERS), st.text(_CHARACTERS))
def test_a_cell_is_never_expanded(review: str, other: str) -> None:
    review = f"{{{{ other }}}}{review}{{% raw %}}"
    assert render("<{{ review }}|{{ other }}>", {"review": review, "other": other}) == f"<{review}|{other}>"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ Tweet text }}", "a tweet"),
        ("{{Tweet text|upper}}!", "A TWEET!"),
        ("{{ row[\"Tweet text\"] }} {{ row['Größe (cm)'] }}", "a tweet 7"),
        ("{{ Größe (cm) }}", "7"),
        ("{% if Tweet text %}yes{% else %}no{% endif %}", "yes"),
        ("{{ items }} {{ row.items }}", "i i"),
        ("{{ self }}{{ true }}{{ name }}", "s t n"),
        ("{% raw %}{{ none such }}{% endraw %}{# {{ none such }} #}", "{{ none such }}"),
        ('{"label": "{{ items }}"} }}', '{"label": "i"} }}'),
        ("{{ items }}\n", "i\n"),
        ("{{ items }}\r\n<b>&\"'", "i\r\n<b>&\"'"),
    ],
)
def test_every_name_of_a_column_can_be_used(source: str, text: str) -> None:
    row = {"Tweet text": "a tweet", "Größe (cm)": "7", "items": "i", "self": "s ", "true": "t ", "name": "n"}
    assert render(source, row) == text


def test_a_column_called_row_is_that_column() -> None:
    assert render("{{ row }}", {"row": "x"}) == "x"


def test_numbers_lists_and_nothing_are_written_as_json_does() -> None:
    row = {"a": 3, "b": 3.0, "c": 0.1, "d": True, "e": None, "f": ["x", None, {"k": 1}], "g": 10**25, "h": "007"}
    assert render("{{ a }} {{ b }} {{ c }} {{ d }} {{ e }} {{ f }} {{ g }} {{ h }}", row) == (
        '3 3.0 0.1 true  ["x",null,{"k":1}] 10000000000000000000000000 007'
    )
    assert render("{% if b > 2 %}{{ b }}{% endif %}{% for x in f %}{{ loop.index }}{% endfor %}", row) == "3123"
    assert render("{% if b > 2 %}{{ b }}{% endif %}", row) == "3.0"


def test_all_columns_can_be_walked_through() -> None:
    row = {"a b": "1", "c": "2"}
    assert render("{% for name in row %}{{ name }}={{ row[name] }};{% endfor %}", row) == "a b=1;c=2;"
    assert read("{{ row[c] }}", ["a b", "c"]).columns == ("a b", "c")
    assert read("{{ row.c }}", ["a b", "c"]).columns == ("c",)


@pytest.mark.parametrize(
    ("source", "near"),
    [
        ("{{ reviw }}", "Did you mean review?"),
        ("{{ Review }}", "Did you mean review?"),
        ("{{ tweet_text }}", "Did you mean Tweet text?"),
        ('{{ row["rewiev"] }}', "Did you mean review?"),
        ("{% if reviews %}x{% endif %}", "Did you mean review?"),
        ("{{ zzz }}", "The columns are review, Tweet text."),
    ],
)
def test_an_unknown_column_is_named_with_the_nearest_one(source: str, near: str) -> None:
    with pytest.raises(TemplateTextError) as caught:
        read(source, ["review", "Tweet text"])
    assert caught.value.hint == near


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a\n{{ a", "The prompt, line 2, is not a valid template: {{ is never closed. Close it with }}."),
        ("{{ a b }}", "The prompt is not a valid template: unexpected identifier, expected end of {{ … }}"),
        ('{{"label": 1}}', "{% raw %}"),
        ("{{{ a }}}", "{% raw %}"),
        ("{% if a %}", "{% if … %} ends with {% endif %}."),
        ("{{ a | }}", "is not a valid template"),
        ("{% endfor %}", "is not a valid template"),
    ],
)
def test_a_template_that_cannot_be_read(source: str, words: str) -> None:
    with pytest.raises(TemplateTextError) as caught:
        read(source, ["a"])
    assert words in str(caught.value)


@given(st.text(st.sampled_from("{}%# -a|\"'[]()\n")))
def test_any_text_is_a_template_or_refused(source: str) -> None:
    try:
        template = read(source, ["a"])
        text = template.renderer({"a": 0})(["x"])
    except (TemplateTextError, RenderError):
        return
    assert isinstance(text, str)


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}{{ a }}",
        "{% include 'a' %}{{ a }}",
        "{{ a.b }}",
        "{{ a | nothing }}",
    ],
)
def test_what_cannot_be_rendered_is_said_of_the_row(source: str) -> None:
    with pytest.raises((RenderError, TemplateTextError)):
        read(source, ["a"]).renderer({"a": 0})(["x"])


def test_bytes_are_no_text() -> None:
    for source in ("{{ a }}", "{{ a }}{{ a|upper }}"):
        with pytest.raises(RenderError, match="bytes"):
            read(source, ["a"]).renderer({"a": 0})([b"\xff"])


def test_the_nearest_name() -> None:
    assert nearest("REVIEW", ["review", "x"]) == "review"
    assert nearest("q", ["review", "x"]) is None
