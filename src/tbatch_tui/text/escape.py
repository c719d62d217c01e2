"""Foreign text for where no widget draws it: a plain terminal, a pipe, the clipboard."""

from __future__ import annotations

import re
from functools import cache


def escape_controls(text: str) -> str:
    """The text with everything that a terminal might act on shown as an escape such as \\x1b."""
    if text.isprintable():
        return text
    text = escape_surrogates(text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def escape_surrogates(name: str) -> str:
    """A file's name as UTF-8 can hold it: bytes that are none, which Python keeps as surrogates, as \\xe9."""
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) < 0xDD00 else c for c in name)


def escape_for_file(text: str) -> str:
    """The text with what a terminal would obey or reorder by as an escape, for files that a person looks at."""
    return _obeyed().sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def escape_json(text: str) -> str:
    """JSON of the same value in which nothing stands that a terminal would obey, hide, or reorder by."""
    return _hidden().sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@cache
def _hidden() -> re.Pattern[str]:
    return re.compile("[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@cache
def _obeyed() -> re.Pattern[str]:
    return re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
