"""The token that `tg login` stored, renewed when it runs out, as the SDK's own command line does.

A refresh token works once (using it twice ends the session). So of several processes one renews, under a lock beside
the credentials, and the others take what it stored. A key in TOGETHER_API_KEY needs none of this.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import together
from filelock import FileLock, Timeout

from tbatch_tui.engine.errors import AuthenticationError, ConnectionFailedError
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.redaction import add_secret, is_usable_key, redact

if TYPE_CHECKING:
    from together.lib.cli.auth import StoredCredentials

_EARLY = 60.0
"""Seconds before its end at which a token is renewed, as the SDK does."""
_LOCK_WAIT = 30.0
_HOW_TO_FIX = (
    f"Nothing is lost. Run `tg login` in another terminal; then {NextStep.ASK_AGAIN} tries again. Or set "
    f"TOGETHER_API_KEY and restart."
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token to send as the API key."""

    text: str
    expires_at: float | None
    """Seconds since the epoch; None if it never expires."""
    from_other_process: bool = False
    """Another process stored it, perhaps for another account."""

    def is_expiring(self) -> bool:
        """Return whether it has run out, or will within the next minute."""
        return self.expires_at is not None and self.expires_at - _EARLY <= time.time()


def stored_token() -> Token | None:
    """Return what is stored now; None if there is nothing, or it cannot be read.

    Slow the first time: it loads a part of the SDK's command line.
    """
    from together.lib.cli.auth import load_stored_credentials

    entry = load_stored_credentials()
    return _token(entry) if entry is not None else None


def renew_token(refused: str) -> Token:
    """Return a token in place of one that ran out or was refused. Waits for the network: call it in a thread.

    Raises:
        ConnectionFailedError: There is no connection.
        AuthenticationError: The login cannot be renewed.
    """
    try:
        from together.lib.cli.auth import TogetherAuth, credentials_path

        with FileLock(f"{credentials_path()}.lock", timeout=_LOCK_WAIT, mode=0o600):
            stored = stored_token()
            if stored is not None and stored.text != refused and not stored.is_expiring():
                return Token(stored.text, stored.expires_at, from_other_process=True)
            with TogetherAuth() as auth:
                entry = auth.refresh(force=True)
    except (ImportError, OSError, Timeout, together.TogetherError) as error:
        if isinstance(error.__cause__, httpx.RequestError):
            raise ConnectionFailedError("The login cannot be renewed: no connection", redact(str(error))) from error
        raise AuthenticationError(
            f"The stored login has expired: {redact(str(error))}", _HOW_TO_FIX, status=401
        ) from error
    if entry is None:
        raise AuthenticationError("The stored login has expired, and cannot be renewed", _HOW_TO_FIX, status=401)
    return _token(entry)


def _token(entry: StoredCredentials) -> Token:
    add_secret(entry.access_token)
    add_secret(entry.refresh_token)
    return Token(entry.access_token, entry.expires_at)


def require_usable(key: str) -> None:
    """Raise AuthenticationError for a key that no header can hold: h11 would repeat it in its error."""
    if not is_usable_key(key):
        raise AuthenticationError(
            "The API key cannot be used: it contains a line break or a character that is not ASCII",
            "Nothing was sent. Set TOGETHER_API_KEY to the key alone, on one line.",
        )
