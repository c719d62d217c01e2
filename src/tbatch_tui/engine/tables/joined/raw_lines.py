"""The lines of a text file, decoded, together with their bytes: what is copied stays as it was."""

from __future__ import annotations

import codecs
import hashlib
import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.readers.encoding import not_decodable
from tbatch_tui.engine.tables.readers.source import BOM, PIECE, HashingFile, read_failed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
_ASCII = bytes(range(128))


class TextEncoding:
    """How text is written behind the bytes of a file that begins with `head`."""

    def __init__(self, encoding: str | None, head: bytes) -> None:
        """Find the codec, and the byte order mark.

        Args:
            encoding: As a source names it; None is UTF-8.
            head: The first bytes of the file.
        """
        self.bom, self.codec = b"", encoding or "utf-8"
        if encoding is None and head.startswith(BOM):
            self.bom = BOM
        for bom, name, codec in _BOMS:
            if encoding == name and head.startswith(bom):
                self.bom, self.codec = bom, codec
                break
        else:
            if encoding in ("utf-16", "utf-32"):  # Python takes it for that of the machine
                self.codec = f"{encoding}-le"
        self.replaced = 0
        """Characters that the encoding does not have, and that were written as `\\u2192`."""

    def encode(self, text: str) -> bytes:
        """Return the bytes of a text. A character that cannot be written stands there as an escape."""
        try:
            return text.encode(self.codec)
        except UnicodeEncodeError:
            self.replaced += sum(not self._has(character) for character in text)
            return text.encode(self.codec, "backslashreplace")

    def _has(self, character: str) -> bool:
        try:
            character.encode(self.codec)
        except UnicodeEncodeError:
            return False
        return True

    @property
    def extends_ascii(self) -> bool:
        """Whether each line can be decoded by itself, and its end is that of ASCII."""
        try:
            return _ASCII.decode(self.codec) == _ASCII.decode("ascii")
        except UnicodeDecodeError:
            return False


class RawLines:
    """Yields the lines of a file as text, and keeps the bytes of those that were not taken yet.

    The lines are those that the readers see. Raises EncodingError and LocalFileError while they are read.
    """

    def __init__(self, path: Path, encoding: str | None) -> None:
        self._path = path
        self._encoding = encoding
        self._taken: list[bytes] = []
        try:
            with path.open("rb") as file:
                self.encoding = TextEncoding(encoding, file.read(4))
        except OSError as error:
            raise read_failed(path, error) from error
        self.sha256 = ""
        """The hash of the file, once all lines were read."""

    def take(self) -> bytes:
        """Return the bytes of the lines that were read since the last call."""
        taken = self._taken
        raw = taken[0] if len(taken) == 1 else b"".join(taken)
        taken.clear()
        return raw

    def __iter__(self) -> Iterator[str]:
        number = 0
        try:
            with io.BufferedReader(raw := HashingFile(self._path), PIECE) as file:
                read = self._lines if self.encoding.extends_ascii else self._wrapped_lines
                for line in read(file):
                    number += 1
                    yield line
                self.sha256 = raw.finish()
        except UnicodeDecodeError as error:
            name = self._encoding or "utf-8-sig"
            raise not_decodable(self._path.name, error, number + 1, name) from None
        except OSError as error:
            raise read_failed(self._path, error) from error

    def _lines(self, file: io.BufferedReader[Any]) -> Iterator[str]:
        head = file.peek(1)
        is_split_by_any = self._encoding is not None or (b"\r" in head and b"\n" not in head)
        if self.encoding.bom:
            self._taken.append(file.read(len(self.encoding.bom)))
        codec, taken = self.encoding.codec, self._taken
        for line in _split(file) if is_split_by_any else file:
            taken.append(line)
            yield line.decode(codec)

    def _wrapped_lines(self, file: io.BufferedReader[Any]) -> Iterator[str]:
        """Yield lines of an encoding whose bytes cannot be split: they are encoded again, and compared by a hash."""
        before, after = hashlib.sha256(), hashlib.sha256()
        if self.encoding.bom:
            self._taken.append(self.encoding.bom)
            after.update(self.encoding.bom)
        wrapper = io.TextIOWrapper(file, encoding=self._encoding, newline="")
        try:
            for line in wrapper:
                data = line.encode(self.encoding.codec)
                after.update(data)
                self._taken.append(data)
                yield line
        finally:
            with suppress(ValueError):
                wrapper.detach()
        with self._path.open("rb") as again:
            while piece := again.read(PIECE):
                before.update(piece)
        require_same(self._path, self._encoding, before.hexdigest(), after.hexdigest())


def require_same(path: Path, encoding: str | None, before: str, after: str) -> None:
    """Raise LocalFileError unless text that was decoded and encoded again has the hash that it had before."""
    if before != after:
        raise LocalFileError(
            f"{path.name} cannot be copied byte by byte: {encoding or 'UTF-8'} writes the same text in several ways",
            "Nothing was written. Save it as UTF-8 and make the file again.",
        )


def _split(file: io.BufferedReader[Any]) -> Iterator[bytes]:
    """Yield lines that end in \\n, \\r or \\r\\n, with their ends."""
    rest = b""
    while piece := file.read(PIECE):
        *lines, rest = (rest + piece).splitlines(keepends=True)
        yield from lines
        if not rest.endswith((b"\n", b"\r")):
            continue
        if rest.endswith(b"\r") and file.peek(1)[:1] == b"\n":
            continue  # the second half of its end comes with the next piece
        yield rest
        rest = b""
    if rest:
        yield rest
