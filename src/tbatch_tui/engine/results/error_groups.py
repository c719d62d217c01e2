"""Errors by cause: messages that differ only in numbers and ids are one."""

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
    (re.compile(r"(?<![\w.])[0-9](?:[0-9.,_]*[0-9])?(?![\w])"), "<n>"),
)


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """One cause."""

    message: str
    """With `<n>`, `<id>` and `<url>` where the rows differ."""
    count: int
    first_row: int
    """The first row that says it."""
    rows: Sequence[int] = field(default=(), repr=False, compare=False)
    """All rows that say it, in order."""

    @property
    def cause(self) -> Cause:
        """What helps against it."""
        return cause_of(self.message)


def errors_by_message(index: ResultIndex) -> list[ErrorGroup]:
    """What went wrong, the most frequent first."""
    groups: dict[str, array[int]] = {}
    known: dict[bytes, str] = {}
    for number in index.select((Outcome.ERROR,)):
        reply = index.response_of(number)
        assert reply is not None
        head = index.responses.previews[reply]
        if (message := known.get(head)) is None:
            message = known[head] = mask_varying(preview_text(head))
        groups.setdefault(message, array("I")).append(number)
    found = [ErrorGroup(message, len(rows), rows[0], rows) for message, rows in groups.items()]
    return sorted(found, key=lambda group: (-group.count, group.first_row))


def mask_varying(message: str) -> str:
    """A message without what is only this row's."""
    for pattern, name in _MASKS:
        message = pattern.sub(name, message)
    return message
