"""Makes foreign text safe where no widget draws it: on a plain terminal, in a pipe, on the clipboard, in a file."""

from __future__ import annotations

import re
from functools import cache


def escape_controls(text: str) -> str:
    """Return the text with everything a terminal might act on as an escape such as \\x1b."""
    if text.isprintable():
        return text
    text = escape_surrogates(text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def escape_surrogates(name: str) -> str:
    """Return a file name that UTF-8 can encode.

    Python keeps the bytes of a name that are not UTF-8 as lone surrogates (PEP 383); they become escapes such as
    \\xe9.
    """
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) < 0xDD00 else c for c in name)


def escape_for_file(text: str) -> str:
    """Return the text for a file that a person looks at: line breaks and tabs stay, other controls are escaped."""
    return _controls().sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escape_json(text: str) -> str:
    """Return JSON of the same value without a character that a terminal would act on, hide or reorder by."""
    return _hidden().sub(lambda match: f"\\u{ord(match[0]):04x}", text)


@cache
def _hidden() -> re.Pattern[str]:
    return re.compile("[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@cache
def _controls() -> re.Pattern[str]:
    return re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
