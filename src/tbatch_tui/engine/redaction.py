"""Keys never reach a log, an error or a screen: what is written goes through here.

Process-wide, because a traceback or a library's message does not know which key it bears.
"""

from __future__ import annotations

import re

_LONG_ENOUGH = 12
"""Characters of a key from which its last 4 may be shown."""
_SHORTEST = 6
"""Characters from which a key is looked for: shorter ones would blot out words."""
_PATTERNS = (
    (re.compile(r"(?i)(bearer\s+)[\w.~+/=-]{6,}"), r"\1…"),
    # What a pre-signed address is allowed by, and what an OAuth answer holds.
    (re.compile(r"(?i)([?&](?:x-amz-[a-z-]*|signature|sig|token|key|awsaccesskeyid)=)[^&\s\"'<>]+"), r"\1…"),
    (re.compile(r"""(?i)((?:access|refresh|id)_token["']?\s*[:=]\s*["']?)[^"'\s,&}]+"""), r"\1…"),
)
_secrets: set[str] = set()


def add_secret(secret: str | None) -> None:
    """From now on this is never written out."""
    if secret and len(secret) >= _SHORTEST:
        _secrets.add(secret)


def redact(text: str) -> str:
    """The text with every known key as `…` and its last 4 characters."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, masked_key(secret))
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def masked_key(secret: str) -> str:
    """The most that is ever shown of a key."""
    return f"…{key_tail(secret)}"


def key_tail(secret: str | None) -> str:
    """A key's last 4 characters; nothing of one that is short."""
    return secret[-4:] if secret and len(secret) >= _LONG_ENOUGH else ""
