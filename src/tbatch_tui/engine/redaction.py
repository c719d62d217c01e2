"""Remove API keys from text before it reaches a log, an error or a screen.

The set of known keys is process-wide, because a traceback or a library's message may contain any of them.
"""

from __future__ import annotations

import re

_MIN_SHOWN = 12
"""Characters that a key must have for its last 4 to be shown."""
_MIN_SECRET = 6
"""Characters that a key must have to be removed from texts: a shorter one would blot out words."""
_PATTERNS = (
    (re.compile(r"(?i)(bearer\s+)[\w.~+/=-]{6,}"), r"\1…"),
    # The signature of a pre-signed URL, and the tokens of an OAuth answer.
    (re.compile(r"(?i)([?&](?:x-amz-[a-z-]*|signature|sig|token|key|awsaccesskeyid)=)[^&\s\"'<>]+"), r"\1…"),
    (re.compile(r"""(?i)((?:access|refresh|id)_token["']?\s*[:=]\s*["']?)[^"'\s,&}]+"""), r"\1…"),
)
_secrets: set[str] = set()


def add_secret(secret: str | None) -> None:
    """Remove this key from every text from now on."""
    if secret and len(secret) >= _MIN_SECRET:
        _secrets.add(secret)


def redact(text: str) -> str:
    """Return the text with `…` and the last 4 characters in place of every known key."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, masked_key(secret))
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def masked_key(secret: str) -> str:
    """Return the most that is ever shown of a key: `…` and its last 4 characters."""
    return f"…{key_tail(secret)}"


def key_tail(secret: str | None) -> str:
    """Return the last 4 characters of a key; nothing of a short one."""
    return secret[-4:] if secret and len(secret) >= _MIN_SHOWN else ""
