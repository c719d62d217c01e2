"""The key and server that `tg login` stored."""

from __future__ import annotations

import time

from tbatch_tui.config import paths
from tbatch_tui.config.settings import PRODUCTION_URL


def stored_key(url: str | None) -> tuple[str | None, str, str | None]:
    """What `tg login` stored: the token, else why not, and the server it is for. It is sent to no other."""
    import json

    try:
        stored = json.loads(paths.together_login_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None, "", url
    entries = stored.get("credentials") if isinstance(stored, dict) else None
    if not isinstance(entries, list):
        entries = [stored]
    current = stored.get("current") if isinstance(stored, dict) else None
    entry = next((e for e in entries if isinstance(e, dict) and current in (e.get("name"), e.get("project_id"))), None)
    entry = entry or next((e for e in entries if isinstance(e, dict)), None)
    token = entry.get("access_token") if entry is not None else None
    if entry is None or not isinstance(token, str) or not token:
        return None, "", url
    issuer = entry.get("issuer")
    if isinstance(issuer, str) and issuer:
        issuer = issuer.rstrip("/")
        if url is not None and url != issuer:
            trouble = f"What `tg login` stored is for {issuer}, and is sent to no other server: set TOGETHER_API_KEY."
            return None, trouble, url
        url = url if issuer == PRODUCTION_URL else issuer
    expires = entry.get("expires_at")
    renewable = isinstance(issuer, str) and bool(entry.get("refresh_token") or entry.get("project_id"))
    if isinstance(expires, int) and expires < time.time() and not renewable:
        return None, "What `tg login` stored has run out. Run `tg login` again, or set TOGETHER_API_KEY.", url
    return token, "", url
