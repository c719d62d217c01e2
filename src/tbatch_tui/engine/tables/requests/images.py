"""The image of a row: a URL as it is, or a local file as a data URI."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.limits import LINE_BYTES_MAX, MEGABYTE
from tbatch_tui.engine.local_files.rights import PRIVATE, rights_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_URLS = ("http://", "https://", "data:")
_LARGEST = LINE_BYTES_MAX * 3 // 4
"""Bytes of a file that still fit into a line, four characters for three bytes."""


class ImageError(ValueError):
    """An image that cannot be used."""


def image_reader(base: Path, on_private: Callable[[], object]) -> Callable[[str], str]:
    """Return a function from a cell to the URL that a request has. It raises ImageError.

    Args:
        base: The folder from which relative paths are meant.
        on_private: Called before a file is taken in that only its owner may read.
    """

    def read(cell: str) -> str:
        text = cell.strip()
        if text.lower().startswith(_URLS):
            return text
        path = base / text
        try:
            size = path.stat().st_size
            if size > _LARGEST:
                raise ImageError(
                    f"the image has {size / MEGABYTE:,.1f} MB: as base64 it is too large for a line (max. 10 MB)"
                )
            data = path.read_bytes()
        except (OSError, ValueError) as error:
            if isinstance(error, ImageError):
                raise
            reason = error.strerror if isinstance(error, OSError) else error
            raise ImageError(f"the image {text} cannot be read: {reason}") from None
        if rights_of(path) == PRIVATE:
            on_private()
        kind = _kind(data)
        if not kind:
            raise ImageError(f"{text} is not a PNG, JPEG, GIF or WebP image")
        return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"

    return read


def _kind(data: bytes) -> str:
    """Return the kind of an image by its first bytes, which are right more often than its name."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""
