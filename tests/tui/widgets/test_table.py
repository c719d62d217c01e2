"""The table: any number of rows, the cursor on its key through every change, nothing cut without a sign."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from tbatch_tui.text import format as fmt
from tbatch_tui.tui.widgets.table.columns import GUTTER, Column, Need, place_columns
from tbatch_tui.tui.widgets.table.rows import KeyedRows, Lines, group_starts
from tbatch_tui.tui.widgets.table.table import RecordTable
from tbatch_tui.tui.widgets.table.widths import GAP
from tests.helpers.drawn import Bare, check_screen, resize, screen_lines, screen_text

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.message import Message

SIZES = [(60, 20), (80, 24), (140, 40)]


@dataclass(frozen=True)
class Item:
    number: int
    kind: str = "done"
    note: str = ""


COLUMNS = [
    Column[Item]("kind", "Kind", lambda item: [("● ", "$status-ok"), (item.kind, "bold")], width=12, priority=5),
    Column[Item]("name", "Name", lambda item: f"item-{item.number}", min=10, priority=9),
    Column[Item]("note", "Note", lambda item: Content.styled(item.note, "$status-quiet"), min=10, priority=1),
    Column[Item]("number", "Number", lambda item: fmt.count(item.number), width=9, align="right", priority=7),
    Column[Item]("bar", "Bar", draw=lambda item, width: fmt.bar(item.number % 10 / 10, width), width=20, priority=3),
]


def items(count: int) -> list[tuple[str, Item]]:
    return [(f"k{number}", Item(number)) for number in range(count)]


class TableApp(Bare):
    def __init__(self, rows: list[tuple[str, Item]], **options: object) -> None:
        super().__init__()
        self.rows = rows
        self.options = options
        self.posted: list[Message] = []

    def compose(self) -> ComposeResult:
        columns = self.options.pop("columns", COLUMNS)
        yield RecordTable[Item](columns, id="table", empty=Content("Nothing here. [/no]"), **self.options)  # type: ignore[arg-type]

    def on_mount(self) -> None:
        self.table.set_rows(self.rows)
        self.table.focus()

    @property
    def table(self) -> RecordTable[Item]:
        return self.query_one("#table", RecordTable)

    def on_record_table_highlighted(self, event: RecordTable.Highlighted) -> None:
        self.posted.append(event)

    on_record_table_selected = on_record_table_highlighted
    on_record_table_header_clicked = on_record_table_highlighted
    on_record_table_marked = on_record_table_highlighted

    def cursor_key(self) -> str | None:
        """The key under the cursor."""
        return self.table.cursor_key

    def cursor_line(self) -> str:
        """The line with the cursor."""
        return next((line for line in screen_lines(self) if line.startswith("▌")), "")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [10, 100_000])
async def test_keys_move_the_cursor(count: int, size: tuple[int, int]) -> None:
    app = TableApp(items(count))
    async with app.run_test(size=size) as pilot:
        table = app.table
        page = size[1] - 1
        for key, index in [
            ("j", 1),
            ("down", 2),
            ("k", 1),
            ("up", 0),
            ("up", 0),
            ("G", count - 1),
            ("down", count - 1),
            ("g", 0),
            ("end", count - 1),
            ("home", 0),
            ("pagedown", min(page, count - 1)),
            ("pageup", 0),
        ]:
            await pilot.press(key)
            assert table.cursor_index == index, key
            assert f"item-{index} " in app.cursor_line()
            check_screen(app)


async def test_a_page_keeps_the_cursor_at_its_height() -> None:
    app = TableApp(items(1_000))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("j", "j", "j", "pagedown", "pagedown")
        assert app.table.cursor_index == 3 + 2 * 23
        assert app.table.scroll_y == 2 * 23


async def test_cursor_and_scroll_stay_through_updates() -> None:
    app = TableApp(items(1_000))
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.table
        table.move_cursor(key="k500")
        await pilot.press("k", "k", "k")
        height = screen_lines(app).index(app.cursor_line())
        key = table.cursor_key
        new = [(f"new{number}", Item(number)) for number in range(7)]
        table.set_rows(new + items(1_000))
        await pilot.pause()
        assert table.cursor_key == key and screen_lines(app).index(app.cursor_line()) == height
        table.set_rows(list(reversed(items(1_000))))
        await pilot.pause()
        assert table.cursor_key == key and screen_lines(app).index(app.cursor_line()) == height
        changed = [(k, replace(item, kind="changed") if k == "k497" else item) for k, item in items(1_000)]
        table.set_rows(changed)
        await pilot.pause()
        assert "changed" in app.cursor_line() and table.row_count == 1_000
        table.set_rows(row for row in changed if row[0] not in ("k498", "k499"))
        await pilot.pause()
        assert table.cursor_key == key and screen_lines(app).index(app.cursor_line()) == height


async def test_at_the_top_new_rows_are_seen() -> None:
    app = TableApp(items(100))
    async with app.run_test(size=(80, 24)) as pilot:
        app.table.set_rows([("new", Item(4_711)), *items(100)])
        await pilot.pause()
        assert app.table.scroll_y == 0 and "4,711" in screen_text(app)
        assert app.table.cursor_key == "k0"


def without(count: int, *gone: int) -> list[tuple[str, Item]]:
    return [row for row in items(count) if row[1].number not in gone]


async def test_a_removed_row_leaves_the_cursor_on_the_next() -> None:
    app = TableApp(items(10))
    async with app.run_test() as pilot:
        app.table.move_cursor(index=4)
        app.table.set_rows(without(10, 1, 4, 5))
        assert app.table.cursor_key == "k6"
        app.table.move_cursor(key="k9")
        app.table.set_rows(without(9))
        assert app.table.cursor_key == "k8"
        app.table.set_rows([])
        await pilot.pause()
        assert app.cursor_key() is None and "Nothing here. [/no]" in screen_text(app)
        app.table.set_rows(items(3))
        await pilot.pause()
        assert app.table.cursor_index is not None and "item-0" in screen_text(app)


async def test_space_marks_and_moves_on_and_a_marks_all_that_is_shown() -> None:
    app = TableApp(items(4), can_mark=True)
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.table
        await pilot.press("space", "j", "space")
        assert table.marked == {"k0", "k2"} and table.cursor_key == "k3"
        assert [line[:2] for line in screen_lines(app)[1:5]] == [" ◆", "  ", " ◆", "▌ "]
        await pilot.press("space", "space")  # the last row: there is none to go on to
        assert table.marked == {"k0", "k2"}
        table.set_rows(reversed(items(3)))
        await pilot.pause()
        assert [line[:2].replace("▌", " ") for line in screen_lines(app)[1:4]] == [" ◆", "  ", " ◆"]
        await pilot.press("a")
        assert table.marked == {"k0", "k1", "k2"}
        table.set_rows(items(2))
        await pilot.press("a")
        assert table.marked == {"k2"}  # what is not shown is left as it is
        table.mark(())
        await pilot.pause()
        assert not any("◆" in line for line in screen_lines(app))
        assert sum(type(message).__name__ == "Marked" for message in app.posted) == 7
        check_screen(app)


async def test_a_table_without_marks_leaves_space_to_the_screen() -> None:
    app = TableApp(items(3))
    async with app.run_test() as pilot:
        await pilot.press("space", "a")
        assert not app.table.marked and "space" not in app.screen.active_bindings


@pytest.mark.parametrize("width", [20, 40, 60, 80])
async def test_columns_without_room_can_be_turned_to(width: int) -> None:
    app = TableApp(items(3), can_turn=True)
    async with app.run_test(size=(width, 10)) as pilot:
        first = screen_lines(app)[0]
        assert app.table.has_hidden_columns is first.rstrip().endswith("›")
        titles = {"Kind", "Name", "Note", "Number", "Bar"}
        seen = {title for title in titles if title in first}
        for _ in range(5):
            app.table.turn_columns(1)
            await pilot.pause()
            check_screen(app)
            seen |= {title for title in titles if title in screen_lines(app)[0]}
        assert seen == titles
        assert not screen_lines(app)[0].rstrip().endswith("›")
        app.table.turn_columns(-9)
        await pilot.pause()
        assert screen_lines(app)[0] == first


async def test_the_cursor_is_where_it_was_when_the_rows_come_back() -> None:
    app = TableApp(items(30))
    async with app.run_test(size=(60, 10)) as pilot:
        app.table.move_cursor(key="k20")
        app.table.set_rows([])
        app.table.set_rows([])
        app.table.set_rows(items(30))
        await pilot.pause()
        assert app.table.cursor_key == "k20" and "item-20" in app.cursor_line()


async def test_columns_that_no_key_turns_to_are_not_hinted_at() -> None:
    app = TableApp(items(3))
    async with app.run_test(size=(40, 10)) as pilot:
        first = screen_lines(app)[0]
        assert "Note" not in first and "›" not in first
        app.table.turn_columns(1)
        await pilot.pause()
        assert screen_lines(app)[0] == first


async def test_rules_stand_between_groups_and_are_not_rows() -> None:
    rows = [(f"k{number}", Item(number, kind)) for number, kind in enumerate(["a", "a", "b", "c", "c"])]
    app = TableApp(rows, group=lambda item: item.kind)
    async with app.run_test(size=(80, 24)) as pilot:
        lines = screen_lines(app)
        assert [index for index, line in enumerate(lines) if line.startswith("──")] == [3, 5]
        for number in range(5):
            assert f"item-{number} " in app.cursor_line()
            await pilot.press("j")
        await pilot.click("#table", offset=(5, 5))
        assert app.table.cursor_key == "k4"
        await pilot.click("#table", offset=(5, 6))
        assert app.table.cursor_key == "k3"


async def test_messages() -> None:
    app = TableApp(items(10))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("j")
        for _ in range(2):
            app.table.set_rows([(key, replace(item, kind="other")) for key, item in items(10)])
        await pilot.press("enter")
        await pilot.double_click("#table", offset=(10, 5))
        await pilot.click("#table", offset=(20, 0))
        posted = [(type(m).__name__, getattr(m, "key", getattr(m, "column", ""))) for m in app.posted]
        assert posted == [
            ("Highlighted", "k0"),
            ("Highlighted", "k1"),
            ("Highlighted", "k1"),
            ("Selected", "k1"),
            ("Highlighted", "k4"),
            ("Selected", "k4"),
            ("HeaderClicked", "name"),
        ]


async def test_enter_can_be_left_to_the_screen() -> None:
    app = TableApp(items(3), enter=None)
    async with app.run_test() as pilot:
        await pilot.press("enter")
        assert "enter" not in app.screen.active_bindings
        assert [type(message).__name__ for message in app.posted] == ["Highlighted"]


async def test_enter_is_named_and_works_only_where_there_is_a_row() -> None:
    app = TableApp(items(3), enter="Read")
    async with app.run_test():
        assert app.screen.active_bindings["enter"].binding.description == "Read"
        app.table.set_rows([])
        assert "enter" not in app.screen.active_bindings


async def test_the_cursor_is_visible_without_focus_and_looks_different() -> None:
    app = TableApp(items(3))
    async with app.run_test() as pilot:
        focused = app.table.render_line(1)
        app.table.blur()
        await pilot.pause()
        blurred = app.table.render_line(1)
        assert blurred.text == focused.text and blurred.text.startswith("▌")
        assert blurred != focused


async def test_live_resize_recomputes_the_columns() -> None:
    app = TableApp(items(500))
    async with app.run_test(size=(140, 40)) as pilot:
        app.table.move_cursor(index=400)
        seen = []
        for width, height in [(140, 40), (80, 24), (60, 20), (30, 8), (12, 4), (140, 40)]:
            await resize(app, pilot, (width, height))
            check_screen(app)
            assert app.cursor_line(), (width, height)
            seen.append(sum(title in screen_lines(app)[0] for title in ("Kind", "Name", "Note", "Number", "Bar")))
        assert seen == [5, 5, 4, 2, 1, 5]


async def test_clock_dependent_cells_are_drawn_again_on_demand() -> None:
    clock = [1]
    app = TableApp(items(3), columns=[Column("clock", "Clock", lambda _: f"{clock[0]} s ago")])
    async with app.run_test() as pilot:
        clock[0] = 2
        assert "1 s ago" in screen_text(app)
        app.table.refresh_rows()
        await pilot.pause()
        assert "2 s ago" in screen_text(app) and "1 s ago" not in screen_text(app)


async def test_only_lines_that_changed_are_painted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = TableApp(items(10_000))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        refreshed: list[object] = []
        monkeypatch.setattr(app.table, "refresh", lambda *regions, **_: refreshed.extend(regions))
        app.table.set_rows(items(10_000))
        assert refreshed == []
        app.table.set_rows(
            (f"k{number}", Item(number, "new" if 20 <= number < 9_000 else "done")) for number in range(10_000)
        )
        assert len(refreshed) == 3  # rows 20, 21 and 22 are on screen


async def test_theme_change_and_sort_mark() -> None:
    app = TableApp(items(3))
    async with app.run_test() as pilot:
        app.table.mark_sorted("name", descending=True)
        dark = app.table.render_line(1)
        app.theme = "tbatch-light"
        await pilot.pause()
        assert app.table.render_line(1) != dark
        assert "Name ▾" in screen_lines(app)[0]
        app.table.mark_sorted("number")
        await pilot.pause()
        assert "Number▴" in screen_lines(app)[0].replace(" ", "")
        app.table.mark_sorted("kind")
        await pilot.pause()
        assert "Kind ▴" in screen_lines(app)[0]
        app.table.mark_sorted(None)
        await pilot.pause()
        assert "▴" not in screen_lines(app)[0]


class Million:
    """A source that makes its rows when asked, and counts how often."""

    def __init__(self) -> None:
        self.asked = 0

    def __len__(self) -> int:
        return 1_000_000

    def row(self, index: int) -> Item:
        self.asked += 1
        return Item(index)

    def key(self, index: int) -> str:
        return str(index)

    def find(self, key: str) -> int | None:
        return int(key)


async def test_a_million_rows_are_not_all_read() -> None:
    app = TableApp([])
    async with app.run_test(size=(80, 24)) as pilot:
        source = Million()
        started = time.process_time()
        app.table.set_source(source)
        await pilot.press("G", "k", "pageup", "g", "G")
        assert "999,999" in app.cursor_line()
        assert source.asked < 2_000
        assert time.process_time() - started < 2


@given(st.integers(0, 200), st.permutations(list(range(5))))
def test_columns_never_overlap_nor_leave_the_table(width: int, order: list[int]) -> None:
    placed = place_columns([COLUMNS[index] for index in order], width, {"name": Need(12, 12), "note": Need(30, 20)})
    assert placed
    end = GUTTER - GAP
    for each in placed:
        assert each.x == end + GAP and each.width >= 0
        end = each.x + each.width
    assert end <= max(width, GUTTER)
    shown = {each.column.priority for each in placed}
    hidden = {column.priority for column in COLUMNS} - shown
    assert not hidden or max(hidden) < min(shown)


@given(st.lists(st.integers(1, 9), max_size=12))
def test_groups_are_found_wherever_they_begin(lengths: list[int]) -> None:
    values = [index for index, length in enumerate(lengths) for _ in range(length)]
    rows = KeyedRows((str(index), value) for index, value in enumerate(values))
    starts = group_starts(rows, lambda value: value)
    assert starts == [index for index in range(1, len(values)) if values[index] != values[index - 1]]
    lines = Lines(len(values), starts)
    assert lines.count == len(values) + len(starts)
    assert [lines.row(lines.line(row)) for row in range(len(values))] == list(range(len(values)))
    assert sum(lines.row(line) is None for line in range(lines.count)) == len(starts)
