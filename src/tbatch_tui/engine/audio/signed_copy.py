"""A copy of an input file in which links stand for the addresses of recordings in the store.

The file itself is what is submitted: by it "ran already" and retries go. The copy holds links that anybody can read, so
it is its owner's alone, and is deleted once it is uploaded.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.engine.audio.object_store import SCHEME, store_of
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.local_files.filenames import safe_name
from tbatch_tui.engine.local_files.rights import PRIVATE, create_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tbatch_tui.engine.audio.object_store import ObjectStore
    from tbatch_tui.engine.options import AudioStore

_MARK = b'"s3:'
_BATCH = 500
"""Lines that are signed together."""
FOLDER = "signed"
"""In the data folder."""


def names_store(path: Path) -> bool:
    """Return whether a file may hold an address of a store. Reads the file: for a thread. Raises OSError."""
    with path.open("rb") as file:
        return any(_MARK in line for line in file)


def write_signed_copy(path: Path, folder: Path, store: AudioStore | None) -> Path:
    """Write a copy with links in place of addresses, and return its path: of the same name, in a new folder.

    For a thread. Raises LocalFileError, and BatchError where the store cannot be used.

    Args:
        path: The input file.
        folder: A folder of its own; what is in it is replaced.
        store: The store of the settings.
    """
    signer = store_of(store)
    try:
        remove_signed_copy(folder)
        folder.mkdir(parents=True, mode=0o700)
        copy = folder / path.name
        with path.open("rb") as source, create_file(copy, PRIVATE) as out:
            held: list[bytes] = []
            for line in source:
                held.append(line)
                if len(held) >= _BATCH:
                    out.writelines(_signed(held, signer))
                    held = []
            out.writelines(_signed(held, signer))
    except OSError as error:
        remove_signed_copy(folder)
        raise LocalFileError(
            f"A copy of {path.name} with links cannot be written: {error.strerror or error}",
            "Nothing was submitted. Make room in the data folder.",
        ) from error
    return copy


def remove_signed_copy(folder: Path) -> None:
    """Remove the folder of a copy, if it is there."""
    with suppress(OSError):
        shutil.rmtree(folder)


def _signed(lines: list[bytes], signer: ObjectStore) -> Iterator[bytes]:
    values: dict[int, Any] = {}
    for number, line in enumerate(lines):
        if _MARK in line:
            value = msgspec.json.decode(line)
            body = value.get("body") if isinstance(value, dict) else None
            file = body.get("file") if isinstance(body, dict) else None
            if isinstance(file, str) and file.startswith(SCHEME):
                values[number] = value
    links = signer.sign([value["body"]["file"] for value in values.values()])
    for value, link in zip(values.values(), links, strict=True):
        value["body"]["file"] = link
    for number, line in enumerate(lines):
        yield msgspec.json.encode(values[number]) + b"\n" if number in values else line


class SignedCopies:
    """Copies of the input files of submissions, each in a folder of its own in the data folder."""

    def __init__(self, data_dir: Path, store: AudioStore | None) -> None:
        self._folder = data_dir / FOLDER
        self._store = store

    def make(self, path: Path, key: str) -> Path:
        """Return the file to upload: the one at this path, or a new copy with links. For a thread.

        Raises LocalFileError, and BatchError where the store cannot be used.
        """
        try:
            has_addresses = names_store(path)
        except OSError as error:
            raise LocalFileError(
                f"{path} cannot be read: {error.strerror or error}", "Nothing was submitted. Put the file back."
            ) from error
        return write_signed_copy(path, self._folder / safe_name(key), self._store) if has_addresses else path

    def remove(self, key: str) -> None:
        """Remove the copy of a submission, if there is one. For a thread."""
        remove_signed_copy(self._folder / safe_name(key))
