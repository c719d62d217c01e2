"""Reads the key and the server that `tg login` stored."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from tbatch_tui.config import paths
from tbatch_tui.config.settings import PRODUCTION_URL
from tbatch_tui.engine.redaction import is_usable_key
from tbatch_tui.engine.server_address import canonical_server


class StoredKey(NamedTuple):
    """What `tg login` stored: a token, or the reason why there is none that can be used."""

    token: str | None
    base_url: str | None
    """The server to ask, None for Together's own."""
    error: str = ""


def read_stored_key(base_url: str | None) -> StoredKey:
    """Return the token of the current login, if it may be sent to `base_url`.

    A token is sent only to the server that issued it. Without a `base_url` that server is the one to ask.
    A token that has expired is returned all the same where the engine can renew it.
    """
    entry = _current_entry()
    token = entry.get("access_token")
    if not isinstance(token, str) or not token:
        return StoredKey(None, base_url)
    if not is_usable_key(token):
        error = "What `tg login` stored is not a key. Run `tg login` again, or set TOGETHER_API_KEY."
        return StoredKey(None, base_url, error)
    issuer = entry.get("issuer")
    if isinstance(issuer, str) and issuer:
        issuer = issuer.rstrip("/")
        if base_url is not None and base_url != issuer:
            error = f"What `tg login` stored is only sent to {issuer}: set TOGETHER_API_KEY."
            return StoredKey(None, base_url, error)
        base_url = base_url if issuer == PRODUCTION_URL else issuer
    # Older versions of `tg` did not note the server: there was Together's own alone.
    elif canonical_server(base_url) != canonical_server(None):
        error = "What `tg login` stored does not say which server it is for: set TOGETHER_API_KEY, or log in again."
        return StoredKey(None, base_url, error)
    expires = entry.get("expires_at")
    renewable = isinstance(issuer, str) and bool(entry.get("refresh_token") or entry.get("project_id"))
    if isinstance(expires, int) and expires < time.time() and not renewable:
        error = "The login that `tg login` stored has expired. Run `tg login` again, or set TOGETHER_API_KEY."
        return StoredKey(None, base_url, error)
    return StoredKey(token, base_url)


def _current_entry() -> dict[str, Any]:
    """Return the login in use, else the first one; empty without one.

    A file of an older SDK holds a single login and no list.
    """
    import json

    try:
        stored = json.loads(paths.together_login_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    entries = stored.get("credentials") if isinstance(stored, dict) else None
    current = stored.get("current") if isinstance(stored, dict) else None
    entries = [entry for entry in (entries if isinstance(entries, list) else [stored]) if isinstance(entry, dict)]
    named = (entry for entry in entries if current in (entry.get("name"), entry.get("project_id")))
    return next(named, {}) or next(iter(entries), {})
