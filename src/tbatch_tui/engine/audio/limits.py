"""Which recordings the API takes: their formats, their size, and how long they may be where that is cheap to know."""

from __future__ import annotations

import wave
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

AUDIO_SUFFIXES = (".wav", ".mp3", ".m4a", ".webm", ".flac", ".ogg", ".opus", ".aac")
SIZE_MAX = 10**9
"""Bytes of a recording."""
SECONDS_MAX = 4 * 3_600
_FLAC_HEAD = 42
"""Bytes of a FLAC file up to the end of its first block, which says how long it is."""


def recording_fault(path: Path, size: int) -> str:
    """Return why a recording cannot be sent; empty if it can. Reads the beginning of WAV and FLAC files."""
    if not size:
        return "the file is empty"
    if size > SIZE_MAX:
        return f"{size / 10**9:.1f} GB (max. 1 GB)"
    seconds = seconds_of(path)
    if seconds is not None and seconds > SECONDS_MAX:
        return f"{seconds / 3_600:.1f} hours (max. 4 hours)"
    return ""


def seconds_of(path: Path) -> float | None:
    """Return how long a recording is; None where its beginning does not say that."""
    with suppress(OSError, EOFError, wave.Error, ValueError):
        if path.suffix.lower() == ".wav":
            with wave.open(str(path), "rb") as file:
                return file.getnframes() / file.getframerate() if file.getframerate() else None
        if path.suffix.lower() == ".flac":
            with path.open("rb") as file:
                return _flac_seconds(file.read(_FLAC_HEAD))
    return None


def _flac_seconds(head: bytes) -> float | None:
    """Return samples divided by samples a second, 36 and 20 bits of the block STREAMINFO."""
    if len(head) < _FLAC_HEAD or not head.startswith(b"fLaC") or head[4] & 0x7F:
        return None
    rate = int.from_bytes(head[18:21], "big") >> 4
    samples = int.from_bytes(head[21:26], "big") & ((1 << 36) - 1)
    return samples / rate if rate and samples else None
