"""Error rows grouped by message, and invalid answers by reason.

Messages that differ only in numbers, ids and URLs are one group. The status of an HTTP answer stays: it is all there is
to tell errors without a message apart.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tbatch_tui.engine.results.error_causes import Cause, cause_of
from tbatch_tui.engine.results.index.previews import preview_text
from tbatch_tui.engine.results.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.results.index.index import ResultIndex

_MASKS = (
    (re.compile(r"https?://\S+"), "<url>"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b(?=[\w-]*[0-9])(?=[\w-]*[A-Za-z])[\w-]{8,}\b"), "<id>"),
    (re.compile(r"(?<![\w.])(?<!HTTP )[0-9](?:[0-9.,_]*[0-9])?(?![\w])"), "<n>"),
)


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Error rows with the same message."""

    message: str
    """With `<n>`, `<id>` and `<url>` in place of what differs."""
    count: int
    first_row: int
    """The number of the first such row."""
    rows: Sequence[int] = field(default=(), repr=False, compare=False)
    """The numbers of all such rows, in order."""

    @property
    def cause(self) -> Cause:
        """What to do about these errors."""
        return cause_of(self.message)


def errors_by_message(index: ResultIndex) -> list[ErrorGroup]:
    """Group the error rows of an index by message, the most frequent first."""
    groups: dict[str, array[int]] = {}
    messages: dict[bytes, str] = {}  # thousands of rows have the same preview: mask it once
    for number in index.select((Outcome.ERROR,)):
        response = index.response_of(number)
        assert response is not None
        preview = index.responses.previews[response]
        if (message := messages.get(preview)) is None:
            message = messages[preview] = mask_varying(preview_text(preview))
        groups.setdefault(message, array("I")).append(number)
    error_groups = [ErrorGroup(message, len(rows), rows[0], rows) for message, rows in groups.items()]
    return sorted(error_groups, key=lambda group: (-group.count, group.first_row))


def mask_varying(message: str) -> str:
    """Replace the numbers, ids and URLs of a message, which differ from row to row."""
    for pattern, name in _MASKS:
        message = pattern.sub(name, message)
    return message
