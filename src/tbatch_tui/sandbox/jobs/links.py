"""Read the recordings of a batch as the server's worker does, as far as their links lead to this machine.

Anything else is taken to be there: nothing that the sandbox does leaves the machine.
"""

from __future__ import annotations

import http.client
import ipaddress
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

TIME_LIMIT = 5.0
"""Seconds that a link may take to connect, and between two answers."""

_AT_ONCE = 8


def is_local(url: object) -> bool:
    """Return whether this is an http or https URL of a loopback address. Names are not looked up."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def unreadable_links(urls: Mapping[int, str]) -> dict[int, str]:
    """Return the errors of those links that cannot be read, by their keys. Takes a while: call it in a thread."""
    wanted = list(dict.fromkeys(urls.values()))
    if not wanted:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(wanted))) as pool:
        errors = dict(zip(wanted, pool.map(_read_error, wanted), strict=True))
    return {key: error for key, url in urls.items() if (error := errors[url]) is not None}


def _read_error(url: str) -> str | None:
    """Ask for the first byte; return why there is none. The query, which may be a signature, is never repeated."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=TIME_LIMIT)
    except ValueError:
        return "Failed to download file: invalid URL"
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"Range": "bytes=0-0"})
        answer = connection.getresponse()
        if answer.status == 416 or (answer.status in (200, 206) and not answer.read(1)):
            return "Failed to download file: the file is empty"
        return None if answer.status in (200, 206) else f"Failed to download file: HTTP {answer.status} {answer.reason}"
    except (OSError, http.client.HTTPException, ValueError):
        return f"Failed to download file: could not reach {parts.netloc.rpartition('@')[2]}"
    finally:
        connection.close()
