"""The columns of the table: name, type, how much of each is filled, and a few of its cells."""

from __future__ import annotations

from tbatch_tui.engine.tables.compose.profile import ColumnProfile
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.sanitize import line, lines_content
from tbatch_tui.tui.widgets.table.columns import Column
from tbatch_tui.tui.widgets.table.table import RecordTable

SHOWN_MIN, SHOWN = 2, 6
"""Columns that are seen at once, in a low and in a high form; the others are scrolled to."""
_SAMPLE_CELLS = 120


class ColumnTable(RecordTable[ColumnProfile]):
    """A row per column. Enter puts it into the prompt."""

    DEFAULT_CSS = """
    ColumnTable { height: 2; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(
            [
                Column("name", "Column", lambda column: column.name, base=True, max=24, keep="middle"),
                Column("type", "Type", lambda column: column.type or "–", width=7, style="$status-quiet"),
                Column("share", "Filled", _share, width=6, align="right"),
                Column("samples", "Cells", _samples, min=10, style="$status-quiet"),
            ],
            id=id,
            enter="Insert",
            empty=lines_content("Reading the columns …"),
        )

        self._room, self._count = SHOWN, 1

    def show(self, columns: tuple[ColumnProfile, ...]) -> None:
        """List these columns."""
        self._count = max(1, len(columns))
        self._fit()
        self.set_rows((column.name, column) for column in columns)

    def fit_into(self, height: int) -> None:
        """Take half of the lines of a form, so that there is room for what is typed."""
        self._room = min(SHOWN, max(SHOWN_MIN, height // 2 - 1))
        self._fit()

    def _fit(self) -> None:
        self.styles.height = min(self._room, self._count) + 1


def _share(column: ColumnProfile) -> list[tuple[str, str]]:
    if not column.rows:
        return [("–", "$status-quiet")]
    full = column.filled == column.rows
    return [
        (fmt.percent(column.share) if full or column.share < 0.995 else "99 %", "" if full else "$status-attention")
    ]


def _samples(column: ColumnProfile) -> str:
    text = line(" · ".join(column.samples))
    return text if len(text) <= _SAMPLE_CELLS else f"{text[: _SAMPLE_CELLS - 1]}…"
