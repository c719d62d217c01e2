"""What can go wrong, in words for a person: what happened (title), what is safe and what to do (hint)."""

from __future__ import annotations


class BatchError(Exception):
    """Base of every error this project raises on purpose. Both parts are plain text, foreign parts included."""

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
    """The server answered 5xx. `status` is the HTTP status."""

    def __init__(self, title: str, hint: str = "", *, status: int = 500, retry_after: float | None = None) -> None:
        super().__init__(title, hint)
        self.status = status
        self.retry_after = retry_after


class RequestRejectedError(BatchError):
    """The server said no (4xx): certainly not done. `status` is the HTTP status."""

    def __init__(self, title: str, hint: str = "", *, status: int = 400) -> None:
        super().__init__(title, hint)
        self.status = status


class RateLimitError(RequestRejectedError):
    """429: asked too often. `retry_after` is in seconds, as the server said, else None."""

    def __init__(self, title: str, hint: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(title, hint, status=429)
        self.retry_after = retry_after


class AuthenticationError(RequestRejectedError):
    """401 or 403: the key is wrong, or may not do this."""


class NotFoundError(RequestRejectedError):
    """404: the server knows no such thing."""


class JournalError(BatchError):
    """The history cannot be used now: the disk is full, the folder is gone, the file is locked or damaged."""


class IncompleteDownloadError(BatchError):
    """What the server sent is less than the file that is here; the file was kept."""


class OperationCancelledError(BatchError):
    """The person stopped it."""
