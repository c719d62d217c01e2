"""Errors by cause: messages that differ only in numbers and ids are one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .heads import words_of
from .index import ResultIndex
from .values import Outcome

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
    sample: int
    """The first row that says it."""


def errors_by_message(index: ResultIndex) -> list[ErrorGroup]:
    """What went wrong, the most frequent first."""
    groups: dict[str, list[int]] = {}
    for number in index.select((Outcome.ERROR,)):
        reply = index.reply(number)
        assert reply is not None
        groups.setdefault(masked(words_of(index.replies.heads[reply])), []).append(number)
    found = [ErrorGroup(message, len(rows), rows[0]) for message, rows in groups.items()]
    return sorted(found, key=lambda group: (-group.count, group.sample))


def masked(message: str) -> str:
    """A message without what is only this row's."""
    for pattern, name in _MASKS:
        message = pattern.sub(name, message)
    return message
