"""Check: the verdict, every faulty line with its place, and the way on only for a file without errors."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.check import check_file
from tbatch_tui.sandbox.demo.samples import faulty_lines
from tbatch_tui.tui.messages import CreateBatch, GoBack
from tbatch_tui.tui.screens.check import screen as check
from tbatch_tui.tui.screens.check.problem_rows import ProblemRow, ProblemRows, RowKind
from tbatch_tui.tui.screens.check.problem_table import ProblemTable
from tbatch_tui.tui.screens.check.screen import CheckScreen
from tbatch_tui.tui.screens.check.session import CheckSession
from tbatch_tui.tui.widgets.reader.json_blocks import fault_blocks, json_blocks
from tests.conftest import CHAT_MODEL, until, write_chat
from tests.helpers.app_host import make_app
from tests.helpers.drawn import check_screen, is_harmless, screen_text
from tests.helpers.new_batch_host import SIZES, NewBatchHost, Open, offline, shown

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox


def open_check(path: Path) -> Open:
    return lambda engine, bridge: CheckScreen(engine, bridge, path)


async def wait_for_text(app: NewBatchHost, text: str) -> None:
    await until(lambda: text in " ".join(app.text.split()), what=text)


def move_cursor_to(app: NewBatchHost, message: str) -> None:
    """Put the cursor on the first problem with this in its message."""
    table = app.screen.query_one(ProblemTable)
    rows = (table.source.row(index) for index in range(table.row_count))
    table.move_cursor(index=next(index for index, row in enumerate(rows) if message in row.problem.message))


@pytest.fixture
def with_faults(tmp_path: Path) -> Path:
    path = tmp_path / "with-faults.jsonl"
    path.write_bytes(faulty_lines())
    return path


@pytest.mark.parametrize("size", SIZES)
async def test_a_clean_file_has_no_problems_and_can_go_on(
    chat_file: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with shown(offline(tmp_path), open_check(chat_file), size) as (app, pilot):
        await wait_for_text(app, "No problems")
        assert "Chat completions" in app.text and "2 requests" in app.text and "every line has messages" in app.text
        assert "meta-llama/Llama-3.3-70B-Instruct-Turbo" in app.text and "Continue" in app.text
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert isinstance(app.posted[0], CreateBatch) and app.posted[0].report.requests == 2


@pytest.mark.parametrize("size", SIZES)
async def test_faulty_lines_are_listed_and_block_the_way_on(
    with_faults: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with shown(offline(tmp_path), open_check(with_faults), size) as (app, pilot):
        await wait_for_text(app, "✗ 8 errors")
        table = app.screen.query_one(ProblemTable)
        assert "No problems" not in app.text and "Continue" not in app.text and app.focused is table
        rows = [table.source.row(index).problem for index in range(table.row_count)]
        assert [problem.line for problem in rows[:8]] == [3, 9, 13, 5, 18, 7, 16, 11]
        await pilot.press("enter")
        await until(lambda: "8 errors to fix first" in app.toasts)
        assert not app.posted
        move_cursor_to(app, "body.model is missing")
        await wait_for_text(app, "line 7")
        await wait_for_text(app, "Name the model on every line")
        await wait_for_text(app, "◂ here")
        move_cursor_to(app, "not JSON")
        await wait_for_text(app, "▸ 'body'")
        move_cursor_to(app, "duplicate custom_id")
        await pilot.press("y")
        assert app.copied == "item-004"


async def test_rules_open_and_close_and_the_filter_narrows(tmp_path: Path) -> None:
    path = write_chat(tmp_path / "many.jsonl", [f"Question {n}" for n in range(60)])
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows[20:]:
        del row["body"]["model"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await wait_for_text(app, "✗ 40 errors")
        table = app.screen.query_one(ProblemTable)
        await until(lambda: "▸ ×40" in app.text and "first of 40: line 21" in app.text)
        assert table.row_count == 1
        await pilot.press("space")
        assert table.row_count == 41
        await pilot.press("G")
        await wait_for_text(app, "line 60")
        await pilot.press("left")
        assert table.row_count == 1 and table.cursor_key == "no-model"
        await pilot.press("slash", *"request-33")
        await until(lambda: table.row_count == 1 and "request-33" in app.text)
        await pilot.press("enter")
        await wait_for_text(app, "line 33")
        assert not app.posted
        await pilot.press("escape")
        await until(lambda: "▸ ×40" in app.text)
        assert not app.posted
        await pilot.press("escape")
        assert isinstance(app.posted[0], GoBack)


async def test_warnings_do_not_block_a_file(tmp_path: Path) -> None:
    path = write_chat(tmp_path / "warned.jsonl", ["Hello"])
    path.write_text(path.read_text() + "\n")
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await wait_for_text(app, "! 1 warning")
        assert "Continue" in app.text and "No problems" not in app.text
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert isinstance(app.posted[0], CreateBatch)


@pytest.mark.parametrize("size", SIZES)
async def test_a_missing_file_is_reported_with_what_helps(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "later.jsonl"
    async with shown(offline(tmp_path), open_check(path), size) as (app, pilot):
        await wait_for_text(app, "does not exist")
        await wait_for_text(app, "Check the spelling")
        assert "Continue" not in app.text
        await pilot.press("enter")
        assert not app.posted
        write_chat(path, ["Hello"])
        await pilot.press("r")
        await wait_for_text(app, "No problems")
        await pilot.press("escape")
        await until(lambda: app.posted)


async def test_bad_files(tmp_path: Path) -> None:
    """Each has a name that would do harm to a terminal."""
    async with shown(offline(tmp_path), open_check(tmp_path), (140, 40)) as (app, _):
        await wait_for_text(app, "is a folder")
        for number, (data, words) in enumerate(
            (
                (b"", "the file is empty"),
                (None, "is not a regular file"),
                (b'{"a": "\xe9"}\n', "byte 0xE9 is not UTF-8"),
                (b"\xff\xfe{\0}\0", "UTF-16"),
                (b"[\n{},\n{}\n]\n", "JSON array"),
                (b'{"custom_id": "\x1b[2J[/bad]"}\n', "control character 0x1B"),
            )
        ):
            path = tmp_path / f"{number} [bad] \x1b]52;c;AAAA\x07 \u202e.jsonl"
            if data is None:
                os.mkfifo(path)
            else:
                path.write_bytes(data)
            await app.push_screen(CheckScreen(app.engine, app.bridge, path))
            await wait_for_text(app, words)
            assert "Continue" not in app.text and "␛]52" in app.text
            check_screen(app)


async def test_a_path_through_a_file_is_reported(chat_file: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_check(chat_file / "x.jsonl")) as (app, _):
        await wait_for_text(app, "cannot be read")


async def test_a_change_on_disk_is_noticed_on_return(chat_file: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_check(chat_file)) as (app, pilot):
        await wait_for_text(app, "No problems in 2 lines")
        write_chat(chat_file, ["One", "Two", "Three"])
        app.screen.on_screen_resume()  # type: ignore[attr-defined]
        await wait_for_text(app, "No problems in 3 lines")
        assert "has changed on disk" in app.toasts
        with chat_file.open("a") as file:
            file.write("{\n")
        app.app_focus = False
        app.app_focus = True
        await wait_for_text(app, "✗ 1 error")
        chat_file.unlink()
        await pilot.press("r")
        await wait_for_text(app, "does not exist")


async def test_a_change_on_disk_is_noticed_while_the_screen_is_open(
    chat_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "WATCH_INTERVAL", 0.05)
    async with shown(offline(tmp_path), open_check(chat_file)) as (app, _):
        await wait_for_text(app, "No problems in 2 lines")
        good = chat_file.read_text()
        chat_file.write_text(good + "{\n")
        await wait_for_text(app, "✗ 1 error")
        assert "has changed on disk" in app.toasts
        chat_file.unlink()
        await wait_for_text(app, "does not exist")
        assert app.toasts.count("has changed on disk") == 1 and "is gone" in app.toasts
        chat_file.write_text(good)
        await wait_for_text(app, "No problems in 2 lines")


async def test_a_file_that_is_being_written_is_not_read_again_before_it_rests(tmp_path: Path) -> None:
    path = write_chat(tmp_path / "growing.jsonl", ["One"])
    session = CheckSession(path, lambda: None)
    assert await session.check() and not await session.has_changed()
    for _ in range(3):
        with path.open("a") as file:
            file.write("\n")
        assert not await session.has_changed()
    assert await session.has_changed() and await session.has_changed(at_once=True)


async def test_the_bar_moves_and_leaving_stops_the_check(tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    line = json.dumps({"custom_id": "same", "body": {"messages": []}}) + "\n"
    path.write_text(line * 400_000)
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await wait_for_text(app, "Reading every line")
        screen = app.screen
        assert isinstance(screen, CheckScreen)
        await until(lambda: screen.session.progress[0] > 0 and " %" in app.text)
        began = time.monotonic()
        app.pop_screen()
        await until(lambda: not app.workers._workers)
        assert time.monotonic() - began < 5
        await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_facts_about_the_file_are_shown_beside_its_problems(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write_chat(tmp_path / "two.jsonl", ["One", "Two", "Three"])
    path.write_text(path.read_text().replace(CHAT_MODEL, "Qwen/Qwen2.5-7B-Instruct-Turbo", 1) + "\n")
    async with shown(offline(tmp_path), open_check(path), size) as (app, _):
        await wait_for_text(app, "! 2 warnings")
        await wait_for_text(app, "longest line")
        assert "tokens" in app.text and "Chat completions" in app.text and "Qwen2.5-7B" in app.text
        if size[0] >= 130:
            await wait_for_text(app, "Models")
            assert "· 2 requests" in app.text and app.text.count("Chat completions") == 1


async def test_the_catalogue_refines_the_check_without_reading_again(sandbox: Sandbox, tmp_path: Path) -> None:
    path = write_chat(tmp_path / "typo.jsonl", ["One", "Two", "Three"])
    path.write_text(path.read_text().replace(CHAT_MODEL, CHAT_MODEL.replace("Turbo", "Turdo")) + "\n\n")
    sandbox.plan_fault("delay", "/v2/supported-models", seconds=0.5)
    options = offline(tmp_path, api_key=sandbox.key, base_url=sandbox.base_url)
    async with shown(options, open_check(path)) as (app, pilot):
        await wait_for_text(app, "! 2 warnings")
        screen = app.screen
        assert isinstance(screen, CheckScreen) and "catalogue" not in app.text
        await pilot.press("space", "G")
        assert screen.table.cursor_key == "blank-line:5"
        await until(lambda: screen.session.report is not None and screen.session.report.warnings == 3)
        assert screen.table.cursor_key == "blank-line:5", "the cursor stays where it was"
        move_cursor_to(app, "is not in the catalogue")
        await wait_for_text(app, f'did you mean "{CHAT_MODEL}"')
        assert "read" not in app.toasts


async def test_the_app_opens_on_the_file_it_is_given(with_faults: Path, tmp_path: Path) -> None:
    app = make_app(tmp_path, None, file=with_faults)
    async with app.run_test() as pilot:
        await until(lambda: "✗ 8 errors" in screen_text(app))
        assert " Check   " in screen_text(app)
        await pilot.press("escape")
        await until(lambda: " Jobs" in screen_text(app))


HOSTILE = {
    "a line of 10 MB": b'{"custom_id": "long", "body": "' + b"x" * 10_000_000 + b'"}\n',
    "NUL": b'{"custom_id": "a\0b", "body": 1}\n\0\0\0\n',
    "escapes in ids": b'{"custom_id": "\\u001b]52;c;AAAA\\u0007 \\u202e\\u009b2J[/bad]", "body": 2}\n' * 3,
    "UTF-16": "{}\n".encode("utf-16"),
    "lone surrogates": b'{"custom_id": "\\ud800", "body": {"model": "\\udfff"}}\n{"custom_id": "\xed\xa0\x80"}\n',
    "deep": b"[" * 200_000 + b"\n" + b'{"a":' * 50_000 + b"\n",
}


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_files_are_drawn_harmlessly(tmp_path: Path, size: tuple[int, int]) -> None:
    async with shown(offline(tmp_path), open_check(tmp_path / "none.jsonl"), size) as (app, pilot):
        await wait_for_text(app, "does not exist")
        for number, data in enumerate(HOSTILE.values()):
            path = tmp_path / f"{number}.jsonl"
            path.write_bytes(data)
            await app.push_screen(CheckScreen(app.engine, app.bridge, path))
            await wait_for_text(app, "error")
            await pilot.press("G", "tab", "G")
            check_screen(app)


async def test_scrolling_100_000_problems_makes_only_the_rows_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.jsonl"
    path.write_text('{"custom_id" "b"}\n' * 99_999)
    made = 0

    def row(rows: ProblemRows, index: int) -> ProblemRow:
        nonlocal made
        made += 1
        return plain_row(rows, index)

    plain_row = ProblemRows.row
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await wait_for_text(app, "✗ 99,999 errors")
        await pilot.press("G", "space")
        table = app.screen.query_one(ProblemTable)
        assert table.row_count == 100_001
        monkeypatch.setattr(ProblemRows, "row", row)
        for key in ("G", "k", "pageup", "g", "j", "pagedown"):
            made = 0
            await pilot.press(key)
            assert made < 30 * table.size.height, (key, made)
        await pilot.press("G")
        await wait_for_text(app, "line 99,999")


def test_rows_are_grouped_found_and_searched(tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    path.write_text('{"custom_id": "a"}\n' + '{"custom_id" "b"}\n' * 1000 + "\n" * 500)
    report = check_file(path)
    rows = ProblemRows.of(report)
    assert len(rows) == 3 and rows.row(0).kind is RowKind.RULE and rows.row(0).count == 1000
    assert rows.row(1).kind is RowKind.ONLY
    rows.set_open("not-json", True)
    assert len(rows) == 1003
    for index in (0, 1, 999, 1000, 1001, 1002):
        assert rows.find(rows.key(index)) == index
    assert rows.row(1000).problem.line == 1001 and rows.find("blank-line") == 1002
    narrowed = ProblemRows.of(report, "blank 1501")
    assert len(narrowed) == 1 and narrowed.row(0).problem.line == 1501
    assert narrowed.find(rows.key(0)) is None


def test_json_is_laid_out_with_its_place_marked() -> None:
    text = '{"a": {}, "b": [1, "x,}"], "c": {"d": null}}'
    blocks, mark = json_blocks(text, text.index("null"), "bold")
    drawn = ["".join(piece for piece, _ in block.lead) + block.text for block in blocks]
    assert drawn == [
        *("{", '  "a": {},', '  "b": [', "    1,", '    "x,}"', "  ],", '  "c": {', '    "d": null  ◂ here', "  }", "}")
    ]
    assert mark == 7 and blocks[7].style == "bold"


@pytest.mark.parametrize("text", ["", "   ", "{", "}}}]", '"cut', '{"a": [1, 2', "{" * 5000, "\\", '{"a"::1,,}'])
def test_any_text_can_be_laid_out(text: str) -> None:
    for mark in (None, 0, len(text)):
        blocks, marked = json_blocks(text, mark, "bold")
        assert marked is None or 0 <= marked < len(blocks)
        drawn = "".join("".join(piece for piece, _ in block.lead) + block.text for block in blocks)
        assert is_harmless(drawn.replace("\n", ""))
        assert len(drawn) < 100_000
    fault_blocks(text, "", "bold")


def test_a_long_string_and_many_lines_are_cut_visibly() -> None:
    blocks, _ = json_blocks(json.dumps({"a": "x" * 5000}))
    assert "characters)" in blocks[1].text and len(blocks[1].text) < 1000
    text = json.dumps(list(range(2000)))
    blocks, mark = json_blocks(text, text.index("1500"), "bold")
    assert mark is not None and blocks[mark].text == "1500,  ◂ here" and len(blocks) < 300
    assert "lines above" in blocks[0].text and "lines below" in blocks[-1].text
