"""Where two texts differ, word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_SPACE = re.compile(r"\s+")
WORDS_MAX = 1_500
"""Words of a text that are compared; what is behind them is one piece."""


@dataclass(frozen=True, slots=True)
class DiffPiece:
    """A run of words that is in both texts, or in one of them."""

    text: str
    is_same: bool


def word_diff(first: str, second: str) -> tuple[list[DiffPiece], list[DiffPiece]]:
    """Return both texts in pieces, by whether each is in the other too. White space counts as one space.

    Of long texts the words that both begin and end with are passed over, then the first 1,500 of each are compared.
    """
    from difflib import SequenceMatcher

    one, other = _WORDS.findall(first), _WORDS.findall(second)
    keys_one, keys_other = ([_SPACE.sub(" ", word) for word in words] for words in (one, other))
    start = _common(keys_one, keys_other)
    end = _common(keys_one[start:][::-1], keys_other[start:][::-1])
    limit_one, limit_other = min(len(one) - end, start + WORDS_MAX), min(len(other) - end, start + WORDS_MAX)
    pieces: tuple[list[DiffPiece], list[DiffPiece]] = ([], [])

    def add(side: int, words: list[str], is_same: bool) -> None:
        if words:
            pieces[side].append(DiffPiece("".join(words), is_same))

    add(0, one[:start], True)
    add(1, other[:start], True)
    matcher = SequenceMatcher(None, keys_one[start:limit_one], keys_other[start:limit_other], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        add(0, one[start + a : start + b], tag == "equal")
        add(1, other[start + c : start + d], tag == "equal")
    add(0, one[limit_one : len(one) - end], False)
    add(1, other[limit_other : len(other) - end], False)
    add(0, one[len(one) - end :], True)
    add(1, other[len(other) - end :], True)
    return pieces


def _common(first: list[str], second: list[str]) -> int:
    """Return how many words both begin with."""
    at = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        at += 1
    return at
