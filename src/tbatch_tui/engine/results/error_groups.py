"""Error rows grouped by message, and invalid answers by reason.

Messages that differ only in numbers, ids and URLs are one group. The status of an HTTP answer stays: it is all there is
to tell errors without a message apart.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tbatch_tui.engine.results.error_causes import NOT_AS_ASKED, Cause, cause_of
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
_PLACE = re.compile(r": line \d+ column \d+ \(char \d+\)$")
"""Where in an answer JSON ends."""
_STEP = re.compile(r"\[\d+\]")
_VALUE = re.compile(
    r"^(?P<path>(?:[^\"'{:]+: )*)(?P<value>\"(?:[^\"\\]|\\.)*\"|[-\d\[{].*?|true|false|null)"
    r"(?P<flaw> (?:is not|is less|is greater|is longer|is shorter|is valid under|does not match|has) .*)$",
    re.DOTALL,
)
"""`label: "unsure" is not one of …`: what a value of an answer has against it."""
_MASKED = "…"


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Error rows with the same message, or invalid answers with the same reason."""

    message: str
    """With `<n>`, `<id>` and `<url>` in place of what differs; `…` for a value of an answer."""
    count: int
    first_row: int
    """The number of the first such row."""
    rows: Sequence[int] = field(default=(), repr=False, compare=False)
    """The numbers of all such rows, in order."""
    outcome: Outcome = Outcome.ERROR
    """ERROR or INVALID."""

    @property
    def cause(self) -> Cause:
        """What to do about these rows."""
        return cause_of(self.message) if self.outcome is Outcome.ERROR else NOT_AS_ASKED


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


def invalid_by_reason(index: ResultIndex) -> list[ErrorGroup]:
    """Group the invalid answers of an index by what is wrong with them first, the most frequent first.

    Reasons that differ only in a value or its place are one group, whose message has the value if that is always the
    same.
    """
    groups: dict[str, array[int]] = {}
    reasons: dict[str, str] = {}
    masks: dict[str, str] = {}
    for number in index.select((Outcome.INVALID,)):
        reason = index.reason(number)
        if (mask := masks.get(reason)) is None:
            mask = masks[reason] = mask_value(reason)
        if reasons.setdefault(mask, reason) != reason:
            reasons[mask] = mask
        groups.setdefault(mask, array("I")).append(number)
    found = [ErrorGroup(reasons[mask], len(rows), rows[0], rows, Outcome.INVALID) for mask, rows in groups.items()]
    return sorted(found, key=lambda group: (-group.count, group.first_row))


def rows_by_cause(index: ResultIndex) -> list[ErrorGroup]:
    """Group the error rows by message and the invalid answers by reason, the most frequent first."""
    groups = [*errors_by_message(index), *invalid_by_reason(index)]
    return sorted(groups, key=lambda group: (-group.count, group.first_row))


def mask_value(reason: str) -> str:
    """Replace what differs from answer to answer in the reason why one is invalid: a value, a number, a place."""
    if (match := _VALUE.match(reason)) is not None:
        return _STEP.sub(f"[{_MASKED}]", match["path"]) + _MASKED + match["flaw"]
    return mask_varying(_PLACE.sub("", reason))


def mask_varying(message: str) -> str:
    """Replace the numbers, ids and URLs of a message, which differ from row to row."""
    for pattern, name in _MASKS:
        message = pattern.sub(name, message)
    return message
