"""Signed links back into the addresses that they were made of: for an input file that comes back from the server.

What is on this machine names recordings in the store by address. A link with its signature is read by anybody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tbatch_tui.engine.audio.object_store import SCHEME
from tbatch_tui.engine.audio.signed_copy import read_recording_line
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.local_files.rights import PRIVATE

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.options import AudioStore

_MARK = b"X-Amz-Signature="
_AMAZON = re.compile(r"s3[.-]([a-z0-9-]+\.)?amazonaws\.com")


def address_of_link(link: str, store: AudioStore) -> str:
    """Return the address, `s3://bucket/key`, of which a link into this store was made; empty for any other URL."""
    try:
        parts, endpoint = urlsplit(link), urlsplit(store.endpoint)
    except ValueError:
        return ""
    if _MARK.decode() not in parts.query:
        return ""
    if store.endpoint:
        if (parts.scheme, parts.netloc) != (endpoint.scheme, endpoint.netloc):
            return ""
    elif parts.scheme != "https" or not _AMAZON.fullmatch(parts.netloc):
        return ""
    address = SCHEME + unquote(parts.path.removeprefix(endpoint.path.rstrip("/"))).lstrip("/")
    return address if address.startswith(f"{store.address}/") else ""


def remove_signatures(path: Path, store: AudioStore) -> bool:
    """Write addresses in place of the links into this store; False where there are none. For a thread.

    Only its owner may read the file afterwards. Raises OSError.
    """
    with path.open("rb") as source:
        if not any(_MARK in line for line in source):
            return False
        source.seek(0)
        with atomic_write(path, rights=PRIVATE, replace=True) as out:
            out.writelines(_without_signature(line, store) for line in source)
    return True


def _without_signature(line: bytes, store: AudioStore) -> bytes:
    found = read_recording_line(line) if _MARK in line else None
    address = address_of_link(found.file, store) if found is not None else ""
    return found.with_file(address) if found is not None and address else line
