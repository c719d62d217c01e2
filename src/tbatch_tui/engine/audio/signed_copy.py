"""A copy of an input file in which links stand for the addresses of recordings in the store.

The file itself is what is submitted: by it "ran already" and retries go. The copy holds links that anybody can read, so
it is its owner's alone, and is deleted once it is uploaded.
"""

from __future__ import annotations

import secrets
import shutil
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tbatch_tui.engine.audio.object_store import SCHEME, store_of
from tbatch_tui.engine.check.limits import FILE_MEGABYTES, MEGABYTE
from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.engine.local_files.filenames import safe_name
from tbatch_tui.engine.local_files.rights import PRIVATE, create_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tbatch_tui.engine.audio.object_store import ObjectStore
    from tbatch_tui.engine.options import AudioStore

_MARK = b'"s3:'
_NOT_SENT = "Nothing was submitted. "
_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BATCH = 500
"""Lines that are signed together."""
FOLDER = "signed"
"""In the data folder."""


def names_store(path: Path) -> bool:
    """Return whether a file may hold an address of a store. Reads the file: for a thread. Raises OSError."""
    with path.open("rb") as file:
        return any(_MARK in line for line in file)


def addresses_in(lines: Iterable[bytes]) -> Iterator[str]:
    """Yield the address of each request that names a recording in a store."""
    for line in lines:
        if (addressed := _addressed(line)) is not None:
            yield addressed.file


def write_signed_copy(path: Path, folder: Path, store: AudioStore | None) -> Path:
    """Write a copy with links in place of addresses, and return its path: of the same name, in a new folder.

    For a thread. Raises LocalFileError, also where the store cannot be used, and where the copy is too large.

    Args:
        path: The input file.
        folder: A folder of its own; what is in it is replaced.
        store: The store of the settings.
    """
    copy = folder / path.name
    try:
        signer = store_of(store)
        remove_signed_copy(folder)
        for made in (folder.parent, folder):
            made.mkdir(parents=True, mode=0o700, exist_ok=True)
        size = _write(path, copy, signer)
        if size > FILE_MEGABYTES * MEGABYTE:
            raise LocalFileError(
                f"{path.name} has {size / MEGABYTE:,.0f} MB with its links, over the limit of one batch",
                "Nothing was submitted. Make two files of it.",
            )
    except OSError as error:
        remove_signed_copy(folder)
        raise LocalFileError(
            f"A copy of {path.name} with links cannot be written: {error.strerror or error}",
            "Nothing was submitted. Make room in the data folder.",
        ) from error
    except BatchError as error:
        remove_signed_copy(folder)
        raise LocalFileError(error.title, _NOT_SENT + error.hint.removeprefix(_NOT_SENT)) from error
    return copy


def remove_signed_copy(folder: Path) -> None:
    """Remove the folder of a copy, if it is there."""
    with suppress(OSError):
        shutil.rmtree(folder)


def _write(path: Path, copy: Path, signer: ObjectStore) -> int:
    """Write the lines of a file with links; return the size of the copy."""
    with path.open("rb") as source, create_file(copy, PRIVATE) as out:
        held: list[bytes] = []
        for line in source:
            held.append(line)
            if len(held) >= _BATCH:
                out.writelines(_signed(held, signer))
                held = []
        out.writelines(_signed(held, signer))
        return out.tell()


def _signed(lines: list[bytes], signer: ObjectStore) -> Iterator[bytes]:
    found = {number: part for number, line in enumerate(lines) if (part := _addressed(line)) is not None}
    links = dict(zip(found, signer.sign([part.file for part in found.values()]), strict=True))
    for number, line in enumerate(lines):
        yield found[number].with_file(links[number]) if number in found else line


class RecordingLine(NamedTuple):
    """A request whose `body.file` is a text. The values beside it stay as they are written."""

    line: dict[str, msgspec.Raw]
    body: dict[str, msgspec.Raw]
    file: str

    def with_file(self, file: str) -> bytes:
        """Return the line with another `body.file`."""
        body = msgspec.Raw(msgspec.json.encode(self.body | {"file": msgspec.Raw(msgspec.json.encode(file))}))
        return msgspec.json.encode(self.line | {"body": body}) + b"\n"


def read_recording_line(line: bytes) -> RecordingLine | None:
    """Return the request of a line; None where it is none, or has no recording."""
    try:
        parts = _PARTS.decode(line)
        body = _PARTS.decode(parts["body"])
        file = msgspec.json.decode(body["file"])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return None
    return RecordingLine(parts, body, file) if isinstance(file, str) else None


def _addressed(line: bytes) -> RecordingLine | None:
    """Return the request of a line that names a recording in a store; None for any other line, which stays as it is."""
    found = read_recording_line(line) if _MARK in line else None
    return found if found is not None and found.file.startswith(SCHEME) else None


def sign_body(body: Mapping[str, Any], store: AudioStore | None) -> Mapping[str, Any]:
    """Return the body of a request with a link where it names a recording in the store. For a thread.

    Raises BatchError where the store cannot be used.
    """
    file = body.get("file")
    return {**body, "file": signed_if_stored(file, store)} if isinstance(file, str) else body


def signed_if_stored(url: str, store: AudioStore | None) -> str:
    """Return a link for the address of a recording in the store; any other URL as it is. For a thread.

    Raises BatchError where the store cannot be used.
    """
    return store_of(store).sign([url])[0] if url.startswith(SCHEME) else url


class SignedCopies:
    """Copies of the input files of submissions, each in a folder of its own in the data folder.

    The folders bear a mark of this object: two apps that come to one submission do not touch each other's.
    """

    def __init__(self, data_dir: Path, store: AudioStore | None) -> None:
        self._folder = data_dir / FOLDER
        self._store = store
        self._mark = secrets.token_hex(4)
        self._writing = threading.Lock()
        """A copy whose task was stopped is written to its end before it is removed."""

    def make(self, path: Path, key: str) -> Path:
        """Return the file to upload: the one at this path, or a new copy with links. For a thread.

        Raises LocalFileError, also where the store cannot be used.
        """
        try:
            has_addresses = names_store(path)
        except OSError as error:
            raise LocalFileError(
                f"{path} cannot be read: {error.strerror or error}", "Nothing was submitted. Put the file back."
            ) from error
        if not has_addresses:
            return path
        with self._writing:
            return write_signed_copy(path, self._of(key), self._store)

    def remove(self, key: str) -> None:
        """Remove the copy of a submission, if there is one. For a thread."""
        with self._writing:
            remove_signed_copy(self._of(key))
            with suppress(OSError):  # others are in it
                self._folder.rmdir()

    def remove_others(self) -> None:
        """Remove what apps that were killed have left. For a thread; call it while no other app works."""
        with suppress(OSError):
            for left in self._folder.iterdir():
                if not left.name.endswith(self._mark):
                    remove_signed_copy(left)
            self._folder.rmdir()

    def _of(self, key: str) -> Path:
        return self._folder / f"{safe_name(key)}-{self._mark}"
