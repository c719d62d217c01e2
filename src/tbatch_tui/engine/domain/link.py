"""What a URL of an input file leads to."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class LinkFault(StrEnum):
    """Why a URL is not fit for a batch: the rule of the check that it breaks."""

    GONE = "url-gone"
    REFUSED = "url-refused"
    EMPTY = "url-empty"
    LOGIN_PAGE = "url-login-page"
    UNREACHABLE = "url-unreachable"


class LinkLook(NamedTuple):
    """What one URL leads to, as seen from this machine."""

    fault: LinkFault | None
    """None where it leads to a file."""
    message: str
    """Problem, to follow the name of the host; empty where nothing is."""
    size: int | None = None
    """Bytes of the file; None where the server does not say."""
    type: str = ""
    """The media type that the server gives it; empty if it gives none."""
