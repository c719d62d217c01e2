"""Cursor and marks without a table: the cursor stays on its key through every change of the rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.tui.widgets.table.cursor import Marks, TableCursor
from tbatch_tui.tui.widgets.table.rows import KeyedRows


def rows(keys: str) -> KeyedRows[str]:
    """One row a letter, whose value is the letter in upper case."""
    return KeyedRows((key, key.upper()) for key in keys)


def cursor_over(keys: str, at: str) -> TableCursor[str]:
    cursor: TableCursor[str] = TableCursor()
    cursor.set_source(rows(keys), None)
    cursor.move_to(keys.index(at))
    cursor.changed_row()
    return cursor


def replace(cursor: TableCursor[str], keys: str) -> str | None:
    """Give the cursor other rows, and return the key it is on then."""
    cursor.set_source(rows(keys), None)
    cursor.changed_row()
    return cursor.key


def test_an_empty_cursor_is_on_nothing() -> None:
    cursor: TableCursor[str] = TableCursor()
    assert (cursor.count, cursor.key, cursor.row, cursor.index, cursor.line) == (0, None, None, 0, 0)
    assert cursor.changed_row() is None and not cursor.has_reported_row
    assert not cursor.move_to(7) and cursor.index == 0


def test_it_stays_on_its_key_when_rows_come_go_and_move() -> None:
    cursor = cursor_over("abcde", "c")
    assert replace(cursor, "xyabcde") == "c" and cursor.index == 4
    assert replace(cursor, "edcba") == "c" and cursor.index == 2
    assert replace(cursor, "c") == "c" and cursor.index == 0


def test_when_its_row_goes_it_moves_to_the_next_that_stayed_else_to_the_one_above() -> None:
    assert replace(cursor_over("abcde", "c"), "abe") == "e"
    assert replace(cursor_over("abcde", "c"), "ab") == "b"
    assert replace(cursor_over("abcde", "e"), "vwxyz") == "z"


def test_it_returns_to_its_key_after_no_rows_were_shown() -> None:
    cursor = cursor_over("abcde", "d")
    assert replace(cursor, "") is None
    assert replace(cursor, "") is None
    assert replace(cursor, "edcba") == "d"


def test_a_source_that_grew_keeps_its_index_where_the_key_is_unknown() -> None:
    class Numbers:
        """Rows that cannot be found by key, as many as `count` says."""

        count = 5
        known: tuple[str, ...] = ()

        def __len__(self) -> int:
            return self.count

        def row(self, index: int) -> str:
            return str(index)

        def key(self, index: int) -> str:
            return str(index)

        def find(self, key: str) -> int | None:
            return self.known.index(key) if key in self.known else None

    source = Numbers()
    cursor: TableCursor[str] = TableCursor()
    cursor.set_source(source, None)
    cursor.move_to(4)
    cursor.changed_row()
    source.count = 9
    cursor.set_source(source, None)
    assert cursor.key == "4"
    source.count = 2
    cursor.set_source(source, None)
    assert cursor.key == "1"


def test_a_row_is_reported_when_its_key_or_its_value_changed() -> None:
    cursor = cursor_over("abc", "a")
    assert cursor.changed_row() is None
    cursor.move_to(1)
    assert cursor.changed_row() == ("b", "B") and cursor.changed_row() is None
    cursor.set_source(KeyedRows([("b", "other")]), None)
    assert cursor.changed_row() == ("b", "other") and cursor.has_reported_row
    cursor.set_source(KeyedRows(), None)
    assert cursor.changed_row() is None and not cursor.has_reported_row


def test_moving_stops_at_the_first_and_the_last_row() -> None:
    cursor = cursor_over("abc", "b")
    assert cursor.move_to(9) and cursor.key == "c"
    assert not cursor.move_to(9)
    assert cursor.move_to(-9) and cursor.key == "a"


@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.data())
def test_a_page_leads_to_a_row_and_never_to_a_rule(lengths: list[int], data: st.DataObject) -> None:
    values = [group for group, length in enumerate(lengths) for _ in range(length)]
    cursor: TableCursor[int] = TableCursor()
    cursor.set_source(KeyedRows((str(index), value) for index, value in enumerate(values)), lambda value: value)
    cursor.move_to(data.draw(st.integers(0, len(values) - 1)))
    lines = data.draw(st.integers(-40, 40))
    index = cursor.index_after(lines)
    assert index is not None and 0 <= index < len(values)
    line = min(max(0, cursor.line + lines), cursor.lines.count - 1)
    assert abs(cursor.lines.line(index) - line) <= 1


@given(st.text("abcdefgh", max_size=8).map(lambda text: "".join(dict.fromkeys(text))), st.permutations("abcdefgh"))
def test_a_key_that_is_still_there_has_the_cursor(shown: str, order: list[str]) -> None:
    for key in order:
        cursor = cursor_over("abcdefgh", key)
        after = replace(cursor, shown)
        assert after == key if key in shown else (after is None) is (not shown)


def test_marks_are_toggled_and_stay_on_rows_that_are_not_shown() -> None:
    marks = Marks()
    assert marks.replace(["a"]) and not marks.replace(["a"])
    assert "a" in marks and "b" not in marks
    assert marks.toggled("a") == set() and marks.toggled("b") == {"a", "b"}
    assert marks.toggled_all(frozenset("bc")) == {"a", "b", "c"}
    marks.replace("abc")
    assert marks.toggled_all(frozenset("bc")) == {"a"}
