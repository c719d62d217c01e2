"""Check: the verdict, every faulty line with its place, the way on only for a sound file, and a fix in one key."""

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
from tests.helpers.drawn import check_screen, screen_text
from tests.helpers.new_batch_host import SIZES, NewBatchHost, Open, offline, shown

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox


def open_check(path: Path) -> Open:
    return lambda engine, bridge: CheckScreen(engine, bridge, path)


async def said(app: NewBatchHost, words: str) -> None:
    await until(lambda: words in " ".join(app.text.split()), what=words)


def to(app: NewBatchHost, words: str) -> None:
    """Put the cursor on the first problem that says this."""
    table = app.screen.query_one(ProblemTable)
    rows = (table.source.row(index) for index in range(table.row_count))
    table.move_cursor(index=next(index for index, row in enumerate(rows) if words in row.problem.message))


@pytest.fixture
def with_faults(tmp_path: Path) -> Path:
    path = tmp_path / "with-faults.jsonl"
    path.write_bytes(faulty_lines())
    return path


@pytest.mark.parametrize("size", SIZES)
async def test_a_clean_file_has_no_problems_and_goes_on(chat_file: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    async with shown(offline(tmp_path), open_check(chat_file), size) as (app, pilot):
        await said(app, "No problems")
        assert "Chat completions" in app.text and "2 requests" in app.text and "every line has messages" in app.text
        assert "meta-llama/Llama-3.3-70B-Instruct-Turbo" in app.text and "Continue" in app.text
        await pilot.press("enter")
        await until(lambda: app.asked)
        assert isinstance(app.asked[0], CreateBatch) and app.asked[0].report.requests == 2


@pytest.mark.parametrize("size", SIZES)
async def test_faulty_lines_are_listed_and_nothing_goes_on(
    with_faults: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with shown(offline(tmp_path), open_check(with_faults), size) as (app, pilot):
        await said(app, "✗ 8 errors")
        table = app.screen.query_one(ProblemTable)
        assert "No problems" not in app.text and "Continue" not in app.text and app.focused is table
        rows = [table.source.row(index).problem for index in range(table.row_count)]
        assert [problem.line for problem in rows[:8]] == [3, 9, 13, 5, 18, 7, 16, 11]
        await pilot.press("enter")
        await until(lambda: "8 errors to mend first" in app.said)
        assert not app.asked
        to(app, "body.model is missing")
        await said(app, "line 7")
        await said(app, "Name the model on every line")
        await said(app, "◂ here")
        to(app, "not JSON")
        await said(app, "▸ 'body'")
        to(app, "the same custom_id")
        await pilot.press("y")
        assert app.copied == "item-004"


async def test_rules_open_and_close_and_the_filter_narrows(tmp_path: Path) -> None:
    path = write_chat(tmp_path / "many.jsonl", [f"Question {n}" for n in range(60)])
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows[20:]:
        del row["body"]["model"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await said(app, "✗ 40 errors")
        table = app.screen.query_one(ProblemTable)
        assert table.row_count == 1 and "▸ ×40" in app.text and "first of 40: line 21" in app.text
        await pilot.press("space")
        assert table.row_count == 41
        await pilot.press("G")
        await said(app, "line 60")
        await pilot.press("left")
        assert table.row_count == 1 and table.cursor_key == "no-model"
        await pilot.press("slash", *"request-33")
        await until(lambda: table.row_count == 1 and "request-33" in app.text)
        await pilot.press("enter")
        await said(app, "line 33")
        assert not app.asked
        await pilot.press("escape")
        await until(lambda: "▸ ×40" in app.text)
        assert not app.asked
        await pilot.press("escape")
        assert isinstance(app.asked[0], GoBack)


async def test_warnings_do_not_keep_a_file_back(tmp_path: Path) -> None:
    path = write_chat(tmp_path / "warned.jsonl", ["Hello"])
    path.write_text(path.read_text() + "\n")
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await said(app, "! 1 warning")
        assert "Continue" in app.text and "No problems" not in app.text
        await pilot.press("enter")
        await until(lambda: app.asked)
        assert isinstance(app.asked[0], CreateBatch)


@pytest.mark.parametrize("size", SIZES)
async def test_what_cannot_be_read_is_told_with_its_mend(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "later.jsonl"
    async with shown(offline(tmp_path), open_check(path), size) as (app, pilot):
        await said(app, "does not exist")
        await said(app, "Look at the spelling")
        assert "Continue" not in app.text
        await pilot.press("enter")
        assert not app.asked
        write_chat(path, ["Hello"])
        await pilot.press("r")
        await said(app, "No problems")
        await pilot.press("escape")
        await until(lambda: app.asked)


async def test_bad_files(tmp_path: Path) -> None:
    """Each under a name that no terminal should meet."""
    async with shown(offline(tmp_path), open_check(tmp_path), (140, 40)) as (app, _):
        await said(app, "is a folder")
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
            await said(app, words)
            assert "Continue" not in app.text and "␛]52" in app.text
            check_screen(app)


async def test_a_path_through_a_file_is_told(chat_file: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_check(chat_file / "x.jsonl")) as (app, _):
        await said(app, "cannot be read")


async def test_a_change_on_disk_is_noticed_when_one_comes_back(chat_file: Path, tmp_path: Path) -> None:
    async with shown(offline(tmp_path), open_check(chat_file)) as (app, pilot):
        await said(app, "No problems in 2 lines")
        write_chat(chat_file, ["One", "Two", "Three"])
        app.screen.on_screen_resume()  # type: ignore[attr-defined]
        await said(app, "No problems in 3 lines")
        assert "has changed on disk" in app.said
        with chat_file.open("a") as file:
            file.write("{\n")
        app.app_focus = False
        app.app_focus = True
        await said(app, "✗ 1 error")
        chat_file.unlink()
        await pilot.press("r")
        await said(app, "does not exist")


async def test_a_change_on_disk_is_noticed_while_one_looks(
    chat_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "LOOKED_AT_EVERY", 0.05)
    async with shown(offline(tmp_path), open_check(chat_file)) as (app, _):
        await said(app, "No problems in 2 lines")
        good = chat_file.read_text()
        chat_file.write_text(good + "{\n")
        await said(app, "✗ 1 error")
        assert "has changed on disk" in app.said
        chat_file.unlink()
        await said(app, "does not exist")
        assert app.said.count("has changed on disk") == 1 and "is gone" in app.said
        chat_file.write_text(good)
        await said(app, "No problems in 2 lines")


async def test_what_is_being_written_is_not_read_before_it_rests(tmp_path: Path) -> None:
    path = write_chat(tmp_path / "growing.jsonl", ["One"])
    checker = CheckSession(path, lambda: None)
    assert await checker.check() and not await checker.has_changed()
    for _ in range(3):
        with path.open("a") as file:
            file.write("\n")
        assert not await checker.has_changed()
    assert await checker.has_changed() and await checker.has_changed(at_once=True)


async def test_the_bar_moves_and_leaving_stops_the_check(tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    line = json.dumps({"custom_id": "same", "body": {"messages": []}}) + "\n"
    path.write_text(line * 400_000)
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await said(app, "Reading every line")
        screen = app.screen
        assert isinstance(screen, CheckScreen)
        await until(lambda: screen.checker.progress[0] > 0 and " %" in app.text)
        began = time.monotonic()
        app.pop_screen()
        await until(lambda: not app.workers._workers)
        assert time.monotonic() - began < 5
        await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_in_a_file_is_told_beside_its_problems(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write_chat(tmp_path / "two.jsonl", ["One", "Two", "Three"])
    path.write_text(path.read_text().replace(CHAT_MODEL, "Qwen/Qwen2.5-7B-Instruct-Turbo", 1) + "\n")
    async with shown(offline(tmp_path), open_check(path), size) as (app, _):
        await said(app, "! 2 warnings")
        await said(app, "longest line")
        assert "tokens" in app.text and "Chat completions" in app.text and "Qwen2.5-7B" in app.text
        if size[0] >= 130:
            await said(app, "Models")
            assert "· 2 requests" in app.text and app.text.count("Chat completions") == 1


async def test_the_catalogue_refines_the_check_without_reading_again(sandbox: Sandbox, tmp_path: Path) -> None:
    path = write_chat(tmp_path / "typo.jsonl", ["One", "Two", "Three"])
    path.write_text(path.read_text().replace(CHAT_MODEL, CHAT_MODEL.replace("Turbo", "Turdo")) + "\n\n")
    sandbox.plan_fault("delay", "/v2/supported-models", seconds=0.5)
    options = offline(tmp_path, api_key=sandbox.key, base_url=sandbox.base_url)
    async with shown(options, open_check(path)) as (app, pilot):
        await said(app, "! 2 warnings")
        screen = app.screen
        assert isinstance(screen, CheckScreen) and "catalogue" not in app.text
        await pilot.press("space", "G")
        assert screen.table.cursor_key == "blank-line:5"
        await until(lambda: screen.checker.report is not None and screen.checker.report.warnings == 3)
        assert screen.table.cursor_key == "blank-line:5", "the cursor stays where it was"
        to(app, "is not in the catalogue")
        await said(app, f'did you mean "{CHAT_MODEL}"')
        assert "read" not in app.said


async def test_the_app_opens_on_the_file_it_is_given(with_faults: Path, tmp_path: Path) -> None:
    app = make_app(tmp_path, None, file=with_faults)
    async with app.run_test() as pilot:
        await until(lambda: "✗ 8 errors" in screen_text(app))
        assert " Check   " in screen_text(app)
        await pilot.press("escape")
        await until(lambda: " Jobs" in screen_text(app))


NASTY = {
    "a line of 10 MB": b'{"custom_id": "long", "body": "' + b"x" * 10_000_000 + b'"}\n',
    "NUL": b'{"custom_id": "a\0b", "body": 1}\n\0\0\0\n',
    "escapes in ids": b'{"custom_id": "\\u001b]52;c;AAAA\\u0007 \\u202e\\u009b2J[/bad]", "body": 2}\n' * 3,
    "UTF-16": "{}\n".encode("utf-16"),
    "lone surrogates": b'{"custom_id": "\\ud800", "body": {"model": "\\udfff"}}\n{"custom_id": "\xed\xa0\x80"}\n',
    "deep": b"[" * 200_000 + b"\n" + b'{"a":' * 50_000 + b"\n",
}


@pytest.mark.parametrize("size", SIZES)
async def test_nasty_files_are_drawn_soundly(tmp_path: Path, size: tuple[int, int]) -> None:
    async with shown(offline(tmp_path), open_check(tmp_path / "none.jsonl"), size) as (app, pilot):
        await said(app, "does not exist")
        for number, data in enumerate(NASTY.values()):
            path = tmp_path / f"{number}.jsonl"
            path.write_bytes(data)
            await app.push_screen(CheckScreen(app.engine, app.bridge, path))
            await said(app, "error")
            await pilot.press("G", "tab", "G")
            check_screen(app)


async def test_a_hundred_thousand_problems_scroll_as_ten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.jsonl"
    path.write_text('{"custom_id" "b"}\n' * 99_999)
    made = 0

    def row(rows: ProblemRows, index: int) -> ProblemRow:
        nonlocal made
        made += 1
        return plain_row(rows, index)

    plain_row = ProblemRows.row
    async with shown(offline(tmp_path), open_check(path)) as (app, pilot):
        await said(app, "✗ 100,000 errors")
        await pilot.press("G", "space")
        table = app.screen.query_one(ProblemTable)
        assert table.row_count == 100_001
        monkeypatch.setattr(ProblemRows, "row", row)
        for key in ("G", "k", "pageup", "g", "j", "pagedown"):
            made = 0
            await pilot.press(key)
            assert made < 30 * table.size.height, (key, made)
        await pilot.press("G")
        await said(app, "line 99,999")


def test_a_hundred_thousand_problems_are_rows_at_once(tmp_path: Path) -> None:
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
        json_blocks(text, mark, "bold")
    fault_blocks(text, "", "bold")


def test_a_long_string_and_many_lines_are_cut_with_a_sign() -> None:
    blocks, _ = json_blocks(json.dumps({"a": "x" * 5000}))
    assert "characters)" in blocks[1].text and len(blocks[1].text) < 1000
    text = json.dumps(list(range(2000)))
    blocks, mark = json_blocks(text, text.index("1500"), "bold")
    assert mark is not None and blocks[mark].text == "1500,  ◂ here" and len(blocks) < 300
    assert "lines above" in blocks[0].text and "lines below" in blocks[-1].text
