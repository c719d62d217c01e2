"""The errors that the engine raises on purpose. Each says what happened (title), what is safe and what to do (hint).

BatchError
├─ ConnectionFailedError        certainly not sent
├─ OutcomeUnknownError          perhaps done
│  └─ ServerError               5xx, or 408
│     └─ RedirectError          3xx, of a request that follows no redirect
├─ RequestRejectedError         4xx: certainly not done
│  ├─ AuthenticationError       401, 403
│  ├─ NotFoundError             404, 410
│  └─ RateLimitError            429
├─ LocalFileError               a file or folder on this machine
├─ JournalError                 the history
├─ IncompleteDownloadError      a worse copy than the one on disk
└─ OperationCancelledError      stopped by the person
"""

from __future__ import annotations


class BatchError(Exception):
    """The base of every error here. Title and hint are plain text, and may hold text of a server or a file."""

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.title}. {self.hint}" if self.hint else self.title


class LocalFileError(BatchError):
    """A local file or folder cannot be read or written."""


class ConnectionFailedError(BatchError):
    """The request certainly did not reach the server: no connection, name not found, refused."""


class OutcomeUnknownError(BatchError):
    """The request may have been carried out: a 5xx, a cut, a timeout, or an answer that cannot be read."""


class ServerError(OutcomeUnknownError):
    """The server answered 5xx, or another status that leaves open what was done. `status` is the HTTP status."""

    def __init__(self, title: str, hint: str = "", *, status: int = 500, retry_after: float | None = None) -> None:
        super().__init__(title, hint)
        self.status = status
        self.retry_after = retry_after
        """Seconds to wait, as the server said; None where it did not."""


class RedirectError(ServerError):
    """The server pointed elsewhere; it may have carried the request out all the same."""

    def __init__(self, title: str, hint: str = "", *, status: int = 302, location: str = "") -> None:
        super().__init__(title, hint, status=status)
        self.location = location
        """Where to, without query and user; empty where the server did not say it."""


class RequestRejectedError(BatchError):
    """The server refused the request (4xx): it was certainly not carried out. `status` is the HTTP status."""

    def __init__(self, title: str, hint: str = "", *, status: int = 400) -> None:
        super().__init__(title, hint)
        self.status = status


class RateLimitError(RequestRejectedError):
    """The server answered 429: too many requests."""

    def __init__(self, title: str, hint: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(title, hint, status=429)
        self.retry_after = retry_after
        """Seconds to wait, as the server said; None where it did not."""


class AuthenticationError(RequestRejectedError):
    """The server answered 401 or 403: the key is wrong, or may not do this."""


class NotFoundError(RequestRejectedError):
    """The server answered 404 or 410: it has no such thing, or no longer."""


class JournalError(BatchError):
    """The history cannot be used now: the disk is full, the folder is gone, the file is locked or damaged."""


class IncompleteDownloadError(BatchError):
    """The server sent less than the file on disk has; that file was kept."""


class OperationCancelledError(BatchError):
    """The person stopped it."""
