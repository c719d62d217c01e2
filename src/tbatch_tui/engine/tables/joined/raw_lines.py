"""The lines of a text file, decoded, together with their bytes: what is copied stays as it was."""

from __future__ import annotations

import codecs
import hashlib
import io
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.readers.encoding import not_decodable
from tbatch_tui.engine.tables.readers.source import BOM, PIECE, HashingFile, read_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
    """The lines of a file, as the readers see them, together with the bytes of each."""

    def __init__(self, path: Path, encoding: str | None) -> None:
        self._path = path
        self._encoding = encoding
        try:
            with path.open("rb") as file:
                self.encoding = TextEncoding(encoding, file.read(4))
        except OSError as error:
            raise read_failed(path, error) from error
        self.sha256 = ""
        """The hash of the file, once it was read."""

    @contextmanager
    def read(self) -> Iterator[tuple[Iterator[str], Iterator[bytes]]]:
        """Yield the lines as text, and as bytes, without the byte order mark.

        The file is read twice at the same time, which is faster than to hold each line until it is taken.
        Raises EncodingError and LocalFileError while they are read.
        """
        try:
            with (
                io.BufferedReader(raw := HashingFile(self._path), PIECE) as copied,
                io.BufferedReader(self._path.open("rb", buffering=0), PIECE) as decoded,
            ):
                if self.encoding.extends_ascii:
                    yield map(self._decoder(), self._lines(decoded)), iter(self._lines(copied))
                else:
                    yield self._wrapped_lines(decoded), map(self.encoding.encode, self._wrapped_lines(copied))
                self.sha256 = raw.finish()
            if not self.encoding.extends_ascii:
                self._require_same()
        except UnicodeDecodeError as error:
            name = self._encoding or "utf-8-sig"
            raise not_decodable(self._path.name, error, self._line_of(error), name) from None
        except OSError as error:
            raise read_failed(self._path, error) from error

    def _decoder(self) -> Callable[[bytes], str]:
        codec = self.encoding.codec
        return bytes.decode if codec == "utf-8" else lambda line: line.decode(codec)

    def _lines(self, file: io.BufferedReader[Any]) -> Iterator[bytes]:
        head = file.peek(1)
        is_split_by_any = self._encoding is not None or (b"\r" in head and b"\n" not in head)
        file.read(len(self.encoding.bom))
        return _split(file) if is_split_by_any else file

    def _wrapped_lines(self, file: io.BufferedReader[Any]) -> Iterator[str]:
        wrapper = io.TextIOWrapper(file, encoding=self._encoding, newline="")
        try:
            yield from wrapper
        finally:
            with suppress(ValueError):
                wrapper.detach()

    def _require_same(self) -> None:
        """Raise LocalFileError where the bytes of lines, which are encoded again, are not those of the file."""
        digest = hashlib.sha256(self.encoding.bom)
        with io.BufferedReader(self._path.open("rb", buffering=0), PIECE) as file:
            for line in self._wrapped_lines(file):
                digest.update(self.encoding.encode(line))
        require_same(self._path, self._encoding, self.sha256, digest.hexdigest())

    def _line_of(self, error: UnicodeDecodeError) -> int:
        """Return the number of the line that cannot be decoded, from 1; the file is read again."""
        if not self.encoding.extends_ascii:
            return error.object.count(b"\n", 0, error.start) + 1
        decode = self._decoder()
        number = 1
        with suppress(UnicodeDecodeError), io.BufferedReader(self._path.open("rb", buffering=0), PIECE) as file:
            for number, line in enumerate(self._lines(file), start=1):  # noqa: B007
                decode(line)
        return number


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
