"""Remove API keys from text before it reaches a log, an error or a screen.

The set of known keys is process-wide, because a traceback or a library's message may contain any of them.
"""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

_MIN_SHOWN = 12
"""Characters that a key must have for its last 4 to be shown."""
_MIN_SECRET = 6
"""Characters that a key must have to be removed from texts: a shorter one would blot out words."""
_PATTERNS = (
    (re.compile(r"(?i)(bearer\s+)[\w.~+/=…-]{6,}"), r"\1…"),  # also what a shorter key has left of it
    # The signature of a pre-signed URL, and the tokens of an OAuth answer.
    (re.compile(r"(?i)([?&](?:x-amz-[a-z-]*|signature|sig|token|key|awsaccesskeyid)=)[^&\s\"'<>]+"), r"\1…"),
    (re.compile(r"""(?i)((?:access|refresh|id)_token["']?\s*[:=]\s*["']?)[^"'\s,&}]+"""), r"\1…"),
)
_masks: dict[str, str] = {}
"""What stands in place of each form of each known key."""


def add_secret(secret: str | None) -> None:
    """Remove this key from every text from now on, as it is and in the forms that libraries write it in."""
    if not secret or len(secret) < _MIN_SECRET:
        return
    for text in (secret, *secret.splitlines()):
        for form in _forms(text):
            if len(form) >= _MIN_SECRET:
                _masks.setdefault(form, masked_key(secret))


def _forms(text: str) -> set[str]:
    """Return a text as Python, JSON and URLs write it: h11 quotes a header that it refuses as the repr of bytes."""
    import json  # not for the first frame

    raw = text.encode("utf-8", "surrogateescape")
    return {
        text,
        repr(text)[1:-1],
        ascii(text)[1:-1],
        repr(raw)[2:-1],
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        quote(raw),
        quote(raw, safe=""),
        quote_plus(raw),
    }


def is_usable_key(key: str) -> bool:
    """Return whether a key can be sent in a header: it is printable ASCII, without a line end."""
    return key.isascii() and key.isprintable()


def redact(text: str) -> str:
    """Return the text with `…` and the last 4 characters in place of every known key."""
    # The longest first: one key may be the beginning of another.
    for form in sorted(_masks, key=len, reverse=True):
        text = text.replace(form, _masks[form])
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def masked_key(secret: str) -> str:
    """Return the most that is ever shown of a key: `…` and its last 4 characters."""
    return f"…{key_tail(secret)}"


def key_tail(secret: str | None) -> str:
    """Return the last 4 characters of a key; nothing of a short one."""
    return secret[-4:] if secret and len(secret) >= _MIN_SHOWN else ""
