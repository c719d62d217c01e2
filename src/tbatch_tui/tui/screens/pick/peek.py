"""The beginning of the file under the cursor: its size, its age and its first line. Reads a few KB, in a thread."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.tui.sanitize import fit
from tbatch_tui.tui.screens.pick.typed_path import describe_kind, path_error

if TYPE_CHECKING:
    from pathlib import Path

PEEK_SIZE = 4_096
"""Bytes that are read."""
_NAME_WIDTH = 40
"""Cells of a name in a message."""


@dataclass(frozen=True, slots=True)
class Peek:
    """What is known of a file from its beginning."""

    size: int | None
    modified: float
    first_line: str = ""
    is_cut: bool = False
    """Whether the line goes on beyond what was read."""
    is_text: bool = True
    """Whether the first line is UTF-8."""
    is_folder: bool = False
    inputs: int = 0
    """How many files of a folder can be marked; their bytes are `size`."""
    is_binary: bool = False
    """Whether it is no text at all: Parquet, a workbook, a database."""


def peek(path: Path) -> Peek:
    """Read the beginning of a file. Only a regular file is opened: a pipe would block.

    Raises:
        LocalFileError: It is no file or folder, or cannot be read.
    """
    name = fit(path.name, _NAME_WIDTH).rstrip()
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return Peek(None, status.st_mtime, is_folder=True)
        if not stat.S_ISREG(status.st_mode):
            raise LocalFileError(
                f"{name} is {describe_kind(status.st_mode)}, not a file", "Choose an input file or a table."
            )
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(handle, "rb", buffering=0) as file:  # noqa: PTH123 - of a handle
            head = file.read(PEEK_SIZE)
    except (OSError, ValueError) as error:
        raise path_error(name, error) from error
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Peek(status.st_size, status.st_mtime, is_text=False, is_binary=True)
    first, ended, _ = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    is_cut = not ended and status.st_size > PEEK_SIZE
    try:
        text = first.decode()
        is_text = True
    except UnicodeDecodeError as error:
        is_text = is_cut and error.start >= len(first) - 3  # a letter of several bytes, of which the last are not read
        text = first[: error.start].decode() if is_text else first.decode("utf-8", "replace")
    return Peek(status.st_size, status.st_mtime, text.rstrip("\r"), is_cut, is_text)
