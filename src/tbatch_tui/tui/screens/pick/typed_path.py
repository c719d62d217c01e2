"""From a typed or dropped text to a path: quotes, escapes, `file://` and `~`; and why a path cannot be opened."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.text.paths import path_of
from tbatch_tui.tui.render.path import shorten_path

_LOCAL_HOSTS = ("", "localhost")


def path_candidates(text: str) -> list[str]:
    """Return the paths that a text may mean, the likeliest last.

    The text as it stands comes first: a name may contain quotes or backslashes.
    """
    text = text.strip().strip("\r\n")
    candidates = [text]
    if text[:7].lower() == "file://":
        parts = urlsplit(text)
        if parts.netloc.lower() in _LOCAL_HOSTS:
            candidates.append(unquote(parts.path))
        return candidates
    if os.sep == "\\":  # a backslash separates folders
        if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
            candidates.append(text[1:-1])
        return candidates
    if any(mark in text for mark in "'\"\\"):
        words = shell_words(text)
        if len(words) == 1:
            candidates.append(words[0])
            if words[0][:7].lower() == "file://":
                return candidates[:1] + path_candidates(words[0])[1:]
    return candidates


def pasted_path(text: str) -> str:
    """Return the path in the first line of a paste, without quotes and escapes."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return path_candidates(first)[-1]


def shell_words(text: str) -> list[str]:
    """Return the words of a text as a shell parts them; none where a quote is not closed."""
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is not closed
        return []


def resolve_path(text: str, base: Path) -> Path:
    """Return the path that a text means, whether it exists or not. Reads the disk: not for the loop.

    Args:
        text: As typed; a relative path begins at `base`.
        base: The folder that is shown.
    """
    paths = [_absolute(candidate, base) for candidate in path_candidates(text)]
    return next((path for path in paths if os.path.lexists(path)), paths[-1])


def _absolute(text: str, base: Path) -> Path:
    return Path(os.path.normpath(base / path_of(text)))


def split_typed(text: str) -> tuple[str, str]:
    """Return the folder of a half-typed path and the beginning of a name: `~/data/` and `re` of `~/data/re`."""
    cut = max(text.rfind("/"), text.rfind(os.sep)) + 1
    if not cut and text == "~":
        return "~/", ""
    return text[:cut], text[cut:]


def is_folder(path: Path) -> bool:
    """Return whether the path is a folder; False for a file that can be read.

    Nothing is waited for: a pipe is recognised before it is opened. Reads the disk: not for the loop.

    Raises:
        LocalFileError: It is neither, or cannot be read.
    """
    name = shorten_path(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return True
        if not stat.S_ISREG(mode):
            raise LocalFileError(
                f"{name} is {describe_kind(mode)}, not a file", "Save its output to a .jsonl file first."
            )
        os.close(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)))
    except (OSError, ValueError) as error:
        raise path_error(name, error) from error
    return False


def describe_kind(mode: int) -> str:
    """Return what it is, for a path that is neither file nor folder."""
    if stat.S_ISFIFO(mode):
        return "a pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device"


def path_error(name: str, error: OSError | ValueError) -> LocalFileError:
    """Return the error to show when a path cannot be read: why, and what helps."""
    match error:
        case FileNotFoundError():
            return LocalFileError(f"{name} does not exist", "Check the spelling; Tab completes it.")
        case PermissionError():
            return LocalFileError(
                f"{name} cannot be read: permission denied", "Change its permissions so that you can read it."
            )
        case NotADirectoryError():
            return LocalFileError(f"{name} does not exist", "A part of the path is a file, not a folder.")
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return LocalFileError(f"{name} is too long for a path", "One path at a time.")
    reason = (isinstance(error, OSError) and error.strerror) or str(error)
    return LocalFileError(f"{name} cannot be read: {reason}", "Make sure it is a file you can read.")
