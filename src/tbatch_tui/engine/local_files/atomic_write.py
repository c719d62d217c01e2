"""A file that has its name only once it is whole, and never takes another file's."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from tbatch_tui.engine.errors import LocalFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def atomic_write(path: Path, *, replace: bool = False, private: bool = False) -> Iterator[BinaryIO]:
    """Write here; when all went well the file is on the disk under this name, else nothing is left behind.

    `private` is for the owner alone. Raises LocalFileError, also when there is a file of this name and `replace` does
    not say that it may go.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        if path.exists() and not replace:
            raise _taken(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            if private:
                part.chmod(0o600)
            yield file
            file.flush()
            os.fsync(file.fileno())
        if replace:
            part.replace(path)
        else:
            _name(part, path)
    except OSError as error:
        raise LocalFileError(
            f"{path} cannot be written: {error.strerror or error}", "Nothing was left behind: try another folder."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _name(part: Path, path: Path) -> None:
    """Give the file its name; unlike a rename, a link never replaces what came there this instant."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise _taken(path) from None
    except OSError:  # a file system without links
        if path.exists():
            raise _taken(path) from None
        part.rename(path)


def _taken(path: Path) -> LocalFileError:
    return LocalFileError(f"There is a file {path.name} already", "It was left as it is: choose another name.")
