"""Writes the report: a page that loads nothing, whose rows are data and never markup.

What comes from files stands in the page in one of two ways: escaped by the template, or as JSON in blocks that no
browser executes, of which the page's own script shows texts. The policy of the page allows that script and that style
by their hashes, and nothing else: no other script, no image, no request.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any, BinaryIO

from tbatch_tui.engine.results.conversation import ContentPart, Message, PartKind
from tbatch_tui.engine.results.export.tables import answer_choices, answer_text, failure_text, reasoning_text
from tbatch_tui.engine.results.outcomes import Outcome
from tbatch_tui.text.escape import escape_for_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tbatch_tui.engine.results.export.report.parts import Bar, ReportParts
    from tbatch_tui.engine.results.record import ResultRecord

BLOCK = 200
"""Rows in a block of data: as many are read at once when one of them is shown."""
_ROLES_SHARED = ("system", "developer")
"""Roles whose texts are the same in many rows, and are kept once."""
_SHARED_MAX = 1_000
_BARS = 10
"""Values of a field that are seen at once; others open below them."""
_MORE_BARS = 200
"""Values that are in the page; the others are one line together."""
_OUTCOMES = (Outcome.OK, Outcome.CUT_SHORT, Outcome.INVALID, Outcome.ERROR, Outcome.MISSING, Outcome.UNREADABLE)


@contextmanager
def report_writer(
    file: BinaryIO, parts: ReportParts, *, reasoning: bool = False
) -> Iterator[Callable[[ResultRecord], object]]:
    """Yield a function that writes a row; the page is whole when the context ends.

    Args:
        file: Where it is written.
        parts: What stands above the rows.
        reasoning: Whether the reasoning of the model is there too.
    """
    head, tail = _page(parts)
    file.write(head)
    rows = _Rows(file, reasoning=reasoning)
    yield rows.add
    rows.finish()
    file.write(tail)


class _Rows:
    """The rows as blocks of JSON, and what the script needs to know of all of them."""

    def __init__(self, file: BinaryIO, *, reasoning: bool) -> None:
        self._file = file
        self._reasoning = reasoning
        self._pending: list[list[Any]] = []
        self._codes = bytearray()
        self._shared: dict[str, int] = {}

    def add(self, record: ResultRecord) -> None:
        """Write a row, with others once there are enough."""
        outcome = record.row.outcome
        self._codes.append(ord("0") + (_OUTCOMES.index(outcome) if outcome in _OUTCOMES else len(_OUTCOMES) - 1))
        choices = [choice.answer for choice in answer_choices(record)]
        self._pending.append(
            [
                record.row.custom_id,
                record.row.line,
                record.model,
                [self._message(message) for message in record.request_messages],
                choices if len(choices) > 1 else [answer for answer in [answer_text(record)] if answer],
                failure_text(record),
                record.row.prompt_tokens,
                record.row.tokens,
                reasoning_text(record) if self._reasoning else "",
                record.row.issue or "",
            ]
        )
        if len(self._pending) == BLOCK:
            self._flush()

    def finish(self) -> None:
        """Write the rows that are left, and what is said of all."""
        self._flush()
        summary = {
            "block": BLOCK,
            "codes": self._codes.decode(),
            "outcomes": [outcome.words for outcome in _OUTCOMES],
            "shared": list(self._shared),
        }
        self._file.write(b'<script type="application/json" id="summary">%b</script>\n' % _as_json(summary))

    def _flush(self) -> None:
        if self._pending:
            self._file.write(b'<script type="application/json" class="rows">%b</script>\n' % _as_json(self._pending))
            self._pending.clear()

    def _message(self, message: Message) -> list[Any]:
        text = "\n".join(map(_part_text, message.parts))
        if message.role not in _ROLES_SHARED:
            return [message.role, text]
        number = self._shared.setdefault(text, len(self._shared)) if len(self._shared) < _SHARED_MAX else None
        return [message.role, self._shared.get(text, text) if number is None else number]


def _part_text(part: ContentPart) -> str:
    if part.kind in (PartKind.TEXT, PartKind.JSON, PartKind.OTHER):
        return part.text
    size = f", {part.size:,} bytes" if part.size is not None else ""
    return f"[{part.kind.value}: {part.text}{size}]"


def _as_json(value: object) -> bytes:
    """Return JSON that nothing in it can end: HTML knows no escapes within a script, only its end."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return data.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


def _page(parts: ReportParts) -> tuple[bytes, bytes]:
    """Return the page before the rows and after them."""
    import minijinja  # only here: it is loaded when a report is written

    style, script = _text("report.css"), _text("report.js")
    rows = f"rows-{secrets.token_hex(16)}"
    environment = minijinja.Environment(templates={"report.html": _text("report.html")})
    page = environment.render_template(
        "report.html",
        parts=_plain_parts(parts),
        policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; "
        "form-action 'none'",
        style=minijinja.safe(style),
        script=minijinja.safe(script),
        rows=rows,
    )
    head, _, tail = escape_for_file(page).encode("utf-8", "replace").partition(rows.encode())
    return head, tail


def _plain_parts(parts: ReportParts) -> dict[str, Any]:
    """Return the parts with the widths of their bars, the largest 100."""
    fields = []
    for field in parts.fields:
        bars = _plain_bars(field.bars[:_MORE_BARS], field.total)
        fields.append(
            {
                "name": field.name,
                "summary": field.summary,
                "bins": _plain_bars(field.bins, field.total),
                "bars": bars[:_BARS],
                "more_bars": bars[_BARS:],
                "more": f"{len(field.bars) - _BARS:,}",
                "untold": f"{len(field.bars) - _MORE_BARS:,}" if len(field.bars) > _MORE_BARS else "",
            }
        )
    comparisons = [
        {
            "title": table.title,
            "summary": list(table.summary),
            "first": table.first,
            "second": table.second,
            "columns": list(table.columns),
            "rows": [{"name": name, "counts": [f"{count:,}" for count in counts]} for name, counts in table.rows],
        }
        for table in parts.comparisons
    ]
    return {
        "title": parts.title,
        "facts": [{"name": name, "value": value} for name, value in parts.facts],
        "summary": parts.summary,
        "fields": fields,
        "comparisons": comparisons,
    }


def _plain_bars(bars: Sequence[Bar], total: int) -> list[dict[str, str]]:
    most = max((bar.count for bar in bars), default=0) or 1
    return [
        {
            "name": bar.name,
            "note": bar.note,
            "count": f"{bar.count:,}",
            "share": f"{100 * bar.count / total:.1f} %" if total else "",
            "size": f"{100 * bar.count / most:.2f}",
        }
        for bar in bars
    ]


def _text(name: str) -> str:
    return (files("tbatch_tui.engine.results.export.report") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
