"""x on Check: the changes of a fixed copy are shown rule by rule and chosen before it is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tbatch_tui.engine.check import check_file
from tbatch_tui.tui.messages import CheckFile
from tbatch_tui.tui.screens.check.fix_dialog import FixDialog
from tbatch_tui.tui.screens.check.line_diff import change_pieces, diff_lines
from tbatch_tui.tui.screens.check.screen import CheckScreen
from tbatch_tui.tui.widgets.checkbox_list import Checkbox
from tbatch_tui.tui.widgets.text_input import TextInput
from tests.conftest import until, write_chat
from tests.helpers.drawn import check_screen, screen_opened
from tests.helpers.new_batch_host import SIZES, NewBatchHost, Open, offline, shown

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two requests with one id, a line that is not JSON, two blank lines."""
    path = write_chat(tmp_path / "twice.jsonl", ["Hello", "World"])
    path.write_text(path.read_text().replace("request-2", "request-1") + "{oops\n\n\n")
    return path


def text_on(app: NewBatchHost) -> str:
    return " ".join(app.text.replace("│", " ").split())


async def open_dialog(app: NewBatchHost, pilot: Pilot[object]) -> None:
    await until(lambda: "error" in app.text, what="checked")
    await pilot.press("x")
    await until(lambda: isinstance(app.screen, FixDialog) and "Fix a copy" in app.text)


def open_check(path: Path) -> Open:
    return lambda engine, bridge: CheckScreen(engine, bridge, path)


@pytest.mark.parametrize("size", SIZES)
async def test_each_rule_is_shown_with_a_line_before_and_after(
    path: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    before = path.read_bytes()
    async with shown(offline(tmp_path), open_check(path), size) as (app, pilot):
        await open_dialog(app, pilot)
        await until(lambda: "line 2: makes the later ones unique" in text_on(app))
        assert "[x] 1 duplicate-custom-id" in text_on(app) and "[x] 2 blank-line" in text_on(app)
        assert '− {"custom_id": "request-1",' in text_on(app) and '+ {"custom_id": "request-1-dup2",' in text_on(app)
        assert "[ ] 1 Drop" in text_on(app) and "1 error will remain" in text_on(app)
        assert "⏎ Write and check" in app.text
        check_screen(app)
        await pilot.press("space")
        await until(lambda: "2 errors will remain" in text_on(app))
        await pilot.press("space", "down")
        await until(lambda: "line 4: drops the line" in text_on(app) and "− (a blank line)" in text_on(app))
        await pilot.press("space")
        await until(lambda: "[ ] 2 blank-line" in text_on(app))
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert isinstance(app.posted[0], CheckFile)
        fixed = app.posted[0].path
        assert fixed.name == "twice.fixed.jsonl" and path.read_bytes() == before
        first, second = before.split(b"\n", 1)
        assert fixed.read_bytes() == first + b"\n" + second.replace(b"request-1", b"request-1-dup2")
        assert "Wrote twice.fixed.jsonl" in app.toasts and "1 line fixed" in app.toasts


async def test_lines_that_cannot_be_fixed_are_left_out_into_a_file_of_their_own(path: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await open_dialog(app, pilot)
        await pilot.press("down", "down", "space")
        await until(lambda: "They are saved to twice.rejected.jsonl" in text_on(app))
        assert "will remain" not in text_on(app)
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert (tmp_path / "twice.rejected.jsonl").read_bytes() == b"{oops\n"
        assert check_file(tmp_path / "twice.fixed.jsonl").is_ok
        assert "twice.rejected.jsonl keeps the 1 line left out" in app.toasts


async def test_no_file_is_overwritten_and_escape_is_no(path: Path, tmp_path: Path) -> None:
    (tmp_path / "twice.fixed.jsonl").write_text("mine")
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await open_dialog(app, pilot)
        await pilot.press("escape")
        await screen_opened(app, CheckScreen)
        assert not app.posted and len(list(tmp_path.glob("*.fixed*"))) == 1
        await open_dialog(app, pilot)
        await pilot.press("space", "down", "space", "enter")
        await until(lambda: "Nothing is selected" in app.text)
        assert isinstance(app.screen, FixDialog)
        await pilot.press("space", "enter")
        await until(lambda: app.posted)
        assert (tmp_path / "twice.fixed.jsonl").read_text() == "mine"
        assert check_file(tmp_path / "twice.fixed2.jsonl").counts.keys() == {"not-json", "duplicate-custom-id"}


async def test_up_and_down_reach_every_rule_of_a_long_list(tmp_path: Path) -> None:
    """The list is higher than its place at 60×20: it must not scroll instead."""
    path = tmp_path / "much.jsonl"
    lines = [
        {"method": "POST", "url": "/v1/chat/completions", "body": body("one") | {"stream": True}},
        {"custom_id": 2, "body": body("two")},
        {"custom_id": "", "body": body("three")},
        *({"custom_id": "same", "body": body("four")} for _ in range(2)),
    ]
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(json.dumps(line).encode() for line in lines) + b"\r\n\r\n")
    async with shown(offline(tmp_path), open_check(path), (60, 20)) as (app, pilot):
        await open_dialog(app, pilot)
        seen = []
        for _ in range(10):
            assert app.focused is not None
            seen.append(app.focused.id)
            await pilot.press("down")
        assert set(seen) == {*check_file(path).counts, "reject"} - {"no-max-tokens"}
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert check_file(tmp_path / "much.fixed.jsonl").counts.keys() <= {"no-max-tokens"}


async def test_x_is_offered_only_if_a_copy_would_differ(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("{\n")
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await until(lambda: "✗ 1 error" in app.text)
        assert not app.screen.check_action("fix", ())  # greyed
        await pilot.press("x")
        await pilot.pause()
        assert isinstance(app.screen, CheckScreen)


async def test_a_file_that_changed_since_its_check_is_not_fixed(path: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await open_dialog(app, pilot)
        path.write_text(path.read_text() + "\n")
        await pilot.press("enter")
        await until(lambda: "has changed since it was checked" in app.toasts)
        assert not app.posted and list(tmp_path.glob("*.fixed*")) == []


def body(prompt: str) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", "content": prompt}]}


@pytest.mark.parametrize(
    ("before", "after", "gone", "new"),
    [
        ('{"custom_id": "a2", "b": 1}', '{"custom_id": "a2-dup2", "b": 1}', "", "-dup2"),
        ('{"id": 1, "body": 2}', '{"id": 1, "method": "FILE", "body": 2}', "", '"method": "FILE", '),
        ('{"a": 1, "stream": true, "z": 2}', '{"a": 1, "z": 2}', '"stream": true, ', ""),
        ('{"a": 1, "stream": true}', '{"a": 1}', ', "stream": true', ""),
        ('{"custom_id": 12}', '{"custom_id": "12"}', "12", '"12"'),
        ("same", "same", "", ""),
    ],
)
def test_a_change_is_aligned_to_whole_members(before: str, after: str, gone: str, new: str) -> None:
    change = diff_lines("any", before, after)
    assert (change.removed, change.added) == (gone, new)
    assert change.head + change.removed + change.tail == before and change.head + change.added + change.tail == after


@given(st.text('ab", {}é', max_size=40), st.text('ab", {}é', max_size=40), st.integers(8, 60))
def test_any_change_gives_both_lines(before: str, after: str, width: int) -> None:
    change = diff_lines("any", before, after)
    assert change.head + change.removed + change.tail == before and change.head + change.added + change.tail == after
    for pieces in change_pieces(change, width):
        assert pieces and cell_len(pieces[1][0]) <= width


def test_the_change_is_in_sight_in_a_long_line() -> None:
    before = '{"a": "' + "x" * 5_000_000 + '", "custom_id": "b", "z": "' + "y" * 5_000_000 + '"}'
    change = diff_lines("duplicate-custom-id", before, before.replace('"b"', '"b-dup2"'))
    old, new = change_pieces(change, 56)
    assert change.added == "-dup2" and old[1][0].startswith("…") and "-dup2" in "".join(text for text, _ in new)[:56]


# -- requests without a model ----------------------------------------------------------------------------


def written_by(app: NewBatchHost) -> Path:
    """Return the copy that the app goes on to check."""
    message = app.posted[0]
    assert isinstance(message, CheckFile)
    return message.path


@pytest.fixture
def nameless(tmp_path: Path) -> Path:
    """Two requests that name no model."""
    path = write_chat(tmp_path / "nameless.jsonl", ["Hello", "World"])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        del line["body"]["model"]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


@pytest.mark.parametrize("size", SIZES)
async def test_the_model_is_asked_for_where_none_is_named(
    nameless: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with shown(offline(tmp_path), open_check(nameless), size) as (app, pilot):
        await open_dialog(app, pilot)
        await until(lambda: "[x] 2 no-model" in text_on(app))
        assert "Enter a model, or turn off no-model." in text_on(app)
        check_screen(app)
        await pilot.press("enter")
        assert isinstance(app.screen, FixDialog)
        app.screen.query_one("#model").focus()
        await pilot.press(*"a/b")
        await until(lambda: "nameless.fixed.jsonl next to it" in text_on(app))
        await pilot.press("enter")
        await until(lambda: app.posted)
        fixed = written_by(app)
        assert [json.loads(line)["body"]["model"] for line in fixed.read_text().splitlines()] == ["a/b", "a/b"]


async def test_the_only_model_of_the_file_is_proposed(nameless: Path, tmp_path: Path) -> None:
    line = json.loads(nameless.read_text().splitlines()[0])
    line["custom_id"], line["body"]["model"] = "third", "other/model"
    nameless.write_text(f"{nameless.read_text()}{json.dumps(line)}\n")
    async with shown(offline(tmp_path), open_check(nameless)) as (app, pilot):
        await open_dialog(app, pilot)
        await until(lambda: "other/model" in text_on(app) and '"model": "other/model"' in text_on(app))
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert set(check_file(written_by(app)).models) == {"other/model"}


async def test_without_a_model_the_other_mends_can_be_made(nameless: Path, tmp_path: Path) -> None:
    nameless.write_text(f"{nameless.read_text()}\n")
    async with shown(offline(tmp_path), open_check(nameless)) as (app, pilot):
        await open_dialog(app, pilot)
        await until(lambda: "[x] 2 no-model" in text_on(app))
        await pilot.press("space")
        await until(lambda: "2 errors will remain" in text_on(app))
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert written_by(app).read_text() == nameless.read_text().removesuffix("\n")


async def test_a_list_becomes_lines(tmp_path: Path) -> None:
    lines = write_chat(tmp_path / "lines.jsonl", ["Hello", "World"]).read_text().splitlines()
    path = tmp_path / "list.jsonl"
    path.write_text(f"[{','.join(lines)}]")
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await open_dialog(app, pilot)
        await until(lambda: "[x] 2 json-array" in text_on(app) and "on a line of its own" in text_on(app))
        check_screen(app)
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert written_by(app).read_text().splitlines() == lines
        assert "2 lines fixed" in app.toasts


async def test_j_and_k_move_between_choices_and_are_text_in_a_field(tmp_path: Path) -> None:
    path = write_chat(tmp_path / "no-model.jsonl", ["Hello", "World"])
    path.write_text(path.read_text().replace('"model"', '"modell"', 1) + "\n\n")
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await open_dialog(app, pilot)
        first = app.focused
        await pilot.press("j")
        second = app.focused
        assert isinstance(first, Checkbox) and isinstance(second, Checkbox) and first is not second
        await pilot.press("k")
        assert app.focused is first
        field = app.screen.query_one(TextInput)
        field.focus()
        await pilot.press("end", "j", "k")
        assert field.value.endswith("jk") and field.has_focus
        assert "esc Cancel" in app.text
