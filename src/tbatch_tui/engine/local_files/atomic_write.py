"""Write files atomically: a file gets its name when it is complete, and never replaces another by accident."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.local_files.rights import create_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def atomic_write(path: Path, *, replace: bool = False, rights: int = 0o666) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under its name when the block ends; after an error nothing is left behind.

    Args:
        replace: Replace a file of this name.
        rights: The most that anybody may do with it; the umask takes from that.

    Raises:
        LocalFileError: It cannot be written, or there is a file of this name and `replace` is false.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        if os.path.exists(path) and not replace:
            raise _name_taken(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with create_file(part, rights) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if replace:
            part.replace(path)
        else:
            _link(part, path)
    except OSError as error:
        raise LocalFileError(
            f"{path} cannot be written: {error.strerror or error}", "No files were left behind; try another folder."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _link(part: Path, path: Path) -> None:
    """Give the file its name. Unlike a rename, a link never replaces a file that appeared meanwhile."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise _name_taken(path) from None
    except OSError:  # a file system without links
        if os.path.exists(path):
            raise _name_taken(path) from None
        part.rename(path)


def _name_taken(path: Path) -> LocalFileError:
    return LocalFileError(f"{path.name} already exists", "It was not changed; choose another name.")
