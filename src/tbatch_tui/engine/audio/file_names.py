"""Names of the files of transcripts: those of their recordings, in the folders of their paths, never outside of one.

A name comes from a file that anybody can have written: it is decoded, made safe, and given to one file only.
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from tbatch_tui.engine.audio.object_store import SCHEME, own_path
from tbatch_tui.engine.local_files.filenames import safe_name

_DEPTH = 16
"""Folders that are taken from a path, the last ones: a path may not be of any length."""
_PART = 100
"""Bytes of the name of a folder."""
_NOWHERE = ("", ".", "..")


def recording_path(file: str | None, custom_id: str) -> list[str]:
    """Return the decoded parts of a recording's path: of its URL, else of the custom_id. The last one is its name.

    They are as they were written, and not safe.
    """
    text = file if isinstance(file, str) and file.strip() else custom_id
    if text.startswith(SCHEME):
        return recording_path(None, own_path(text) or custom_id)
    is_url = "://" in text
    try:
        path = urlsplit(text.strip()).path if is_url else text
    except ValueError:
        path, is_url = text, False
    parts = [unquote(part) if is_url else part for part in path.split("/")]
    parts = [part for part in parts if part.strip() not in _NOWHERE]
    if not parts and text is not custom_id:
        return recording_path(None, custom_id)
    return parts or ["recording"]


class FileNames:
    """Gives each recording a path of its own, relative to one folder."""

    def __init__(self, suffix: str) -> None:
        """Make names with this suffix."""
        self._suffix = suffix
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._last: dict[str, int] = {}
        """The last number that was given to a name."""

    def name(self, parts: list[str]) -> PurePosixPath:
        """Return the path for the recording at these parts; another file of this name makes it `name_2`, and so on.

        Names that differ in case alone, or in how a letter is composed, are the same on some file systems.
        """
        *folders, last = parts
        folder = PurePosixPath()
        for part in folders[-_DEPTH:]:
            folder = self._free(folder, safe_name(part, _PART), "", is_folder=True)
            self._folders.add(_key(folder))
        stem = PurePosixPath(safe_name(last)).stem or "recording"
        path = self._free(folder, safe_name(stem), self._suffix)
        self._files.add(_key(path))
        return path

    def _free(self, folder: PurePosixPath, stem: str, suffix: str, *, is_folder: bool = False) -> PurePosixPath:
        """Return the first of `stem`, `stem_2` … that is free; a folder may be there already, as a folder."""
        path = folder / f"{stem}{suffix}"
        wanted = key = _key(path)
        while key in self._files or (not is_folder and key in self._folders):
            self._last[wanted] = number = self._last.get(wanted, 1) + 1
            path = folder / f"{stem}_{number}{suffix}"
            key = _key(path)
        return path


def _key(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(path)).casefold())
