"""From what a person typed, or a terminal pasted on drag and drop, to a file: quotes, escapes, `file://` and `~`."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.tui.render.path import shorten_path

_LOCAL_HOSTS = ("", "localhost")


def readings(text: str) -> list[str]:
    """What a text may mean as a path, the likeliest last; as it stands comes first, for names with odd characters."""
    text = text.strip().strip("\r\n")
    found = [text]
    if text[:7].lower() == "file://":
        parts = urlsplit(text)
        if parts.netloc.lower() in _LOCAL_HOSTS:
            found.append(unquote(parts.path))
        return found
    if os.sep == "\\":  # there a backslash parts folders
        if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
            found.append(text[1:-1])
        return found
    if any(mark in text for mark in "'\"\\"):
        words = _shell_words(text)
        if len(words) == 1:
            found.append(words[0])
            if words[0][:7].lower() == "file://":
                return found[:1] + readings(words[0])[1:]
    return found


def pasted(text: str) -> str:
    """A paste as one likes to see it in a line: the path without quotes and escapes."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return readings(first)[-1]


def _shell_words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote without its other one
        return []


def resolved(text: str, base: Path) -> Path:
    """The path that is meant, whether or not there is something. Looks at the disk: not for the loop."""
    paths = [_absolute(reading, base) for reading in readings(text)]
    return next((path for path in paths if os.path.lexists(path)), paths[-1])


def _absolute(text: str, base: Path) -> Path:
    path = Path(text.replace("\0", "\N{SYMBOL FOR NULL}"))
    try:
        path = path.expanduser()
    except RuntimeError:  # ~nobody: no such person, then it is a name
        pass
    return Path(os.path.normpath(base / path))


def parts_of(text: str) -> tuple[str, str]:
    """A half-typed path as its folder and the beginning of a name: `~/data/re` is `~/data/` and `re`."""
    cut = max(text.rfind("/"), text.rfind(os.sep)) + 1
    if not cut and text == "~":
        return "~/", ""
    return text[:cut], text[cut:]


def is_folder(path: Path) -> bool:
    """Whether the path is a folder; False for a file that can be read. Raises LocalFileError for all else.

    Nothing is waited for: a pipe is told before it is opened. Looks at the disk: not for the loop.
    """
    name = shorten_path(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return True
        if not stat.S_ISREG(mode):
            raise LocalFileError(f"{name} is {kind_of(mode)}, not a file", "Save what it gives to a .jsonl file first.")
        os.close(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)))
    except (OSError, ValueError) as error:
        raise trouble(name, error) from error
    return False


def kind_of(mode: int) -> str:
    """What a thing that is neither file nor folder is."""
    if stat.S_ISFIFO(mode):
        return "a pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device"


def trouble(name: str, error: OSError | ValueError) -> LocalFileError:
    """Why a path cannot be had, and the mend."""
    match error:
        case FileNotFoundError():
            return LocalFileError(f"{name} does not exist", "Look at the spelling; tab completes it, the list helps.")
        case PermissionError():
            return LocalFileError(f"{name} cannot be read: permission denied", "Give yourself the right to read it.")
        case NotADirectoryError():
            return LocalFileError(f"{name} does not exist", "A part of the path is a file, not a folder.")
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return LocalFileError(f"{name} is too long for a path", "One path at a time.")
    reason = (isinstance(error, OSError) and error.strerror) or str(error)
    return LocalFileError(f"{name} cannot be read: {reason}", "See that it is a file that you can read.")
