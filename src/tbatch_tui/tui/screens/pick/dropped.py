"""What was dropped on the window: terminals paste the path of each file, quoted, escaped, or as `file://`."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.text.natural import path_key
from tbatch_tui.text.paths import working_folder
from tbatch_tui.tui.messages import OpenPath, OpenPaths
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.screens.pick.marks import SUFFIX
from tbatch_tui.tui.screens.pick.typed_path import is_folder, resolve_path, shell_words

if TYPE_CHECKING:
    from pathlib import Path

    from textual.screen import Screen

    from tbatch_tui.tui.bridge import Bridge

_MAX_LENGTH = 100_000
"""Characters of a paste that are looked at."""
_STARTS = ("/", "~", "./", "../", "file:")
"""How a text begins that is certainly meant as a path."""


async def open_dropped(screen: Screen[object], bridge: Bridge, text: str) -> None:
    """Go from this screen to the file, or the folder, that a paste means; else say why not."""
    if isinstance(screen, ModalScreen):
        bridge.notify("Can't open a file while a question is open", "Answer it, then drop the file again.")
        return
    try:
        paths = await asyncio.to_thread(dropped_paths, text, working_folder())
        path = await asyncio.to_thread(first_to_open, paths)
    except BatchError as error:
        bridge.report(error)
        return
    if len(paths) > 1 and all(path.name.lower().endswith(SUFFIX) for path in paths):
        screen.post_message(OpenPaths(sorted(paths, key=path_key)))
        return
    if len(paths) > 1:
        bridge.notify(
            f"{len(paths):,} files were dropped: {shorten_path(path)} is opened",
            "Several .jsonl files open together, anything else one at a time.",
        )
    screen.post_message(OpenPath(path))


def dropped_paths(text: str, base: Path) -> list[Path]:
    """Return the paths that a paste means; those of a text that is about something else do not exist.

    Reads the disk: not for the loop.

    Raises:
        BatchError: The text is no path.
    """
    paths: list[Path] = []
    for line in filter(str.strip, text[:_MAX_LENGTH].splitlines()):
        whole = resolve_path(line, base)
        words = shell_words(line.strip())
        if os.path.lexists(whole) or len(words) < 2:
            paths += [whole] if os.path.lexists(whole) or _is_meant_as_path(words or [line]) else []
        elif _is_meant_as_path(words):
            paths += [resolve_path(word, base) for word in words]
    if not paths:
        raise BatchError("The pasted text is not the path of a file", "Paste a path, or drop a file on the window.")
    return paths


def _is_meant_as_path(words: list[str]) -> bool:
    return all(word.lower().startswith(_STARTS) for word in words)


def first_to_open(paths: list[Path]) -> Path:
    """Return the first path that can be opened, of at least one. Reads the disk.

    Raises:
        LocalFileError: None of them can be opened; why the first cannot.
    """
    first_error: LocalFileError | None = None
    for path in paths:
        try:
            is_folder(path)
            return path
        except LocalFileError as error:
            first_error = first_error or error
    assert first_error is not None
    raise first_error
