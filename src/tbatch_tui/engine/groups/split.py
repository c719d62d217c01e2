"""Split one input file into several: parts under the API's limits, or a few requests from all over it and the rest.

The parts are files of their own, in a folder of their own, with the lines as they are: what is sent stays what was
checked, whatever becomes of the original.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from array import array
from bisect import bisect_right
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from tbatch_tui.engine.domain.submission import PartFile
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.filenames import safe_name
from tbatch_tui.engine.local_files.rights import PRIVATE, create_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.local_files.fingerprint import Fingerprint

_BOM = b"\xef\xbb\xbf"
_CHECKED_EVERY = 1000
"""Lines after which it is checked whether to stop."""
_STEPS = 1 << 20
"""Into how many steps the limits are divided to find the smallest that will do."""


def write_parts(
    path: Path,
    home: Path,
    *,
    fingerprint: Fingerprint,
    requests: int,
    first: int = 0,
    requests_max: int,
    bytes_max: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[PartFile]:
    """Write the parts of `path` into a new folder in `home`, in the order in which they are sent. For a thread.

    Raises LocalFileError, also when the file is not the one of `fingerprint` and `requests`, and
    OperationCancelledError: then nothing is left behind.

    Args:
        first: how many requests, taken evenly from all over the file, are the first part; 0 for none.
        requests_max: how many requests a part has at most.
        bytes_max: how many bytes a part has at most.
    """
    ahead = _ahead(requests, first)
    with _new_folder(path, home) as folder:
        counts = equal_counts(
            _line_ends(path, ahead, cancelled), requests_max, bytes_max - 1
        )  # a last line gets its end
        writer = _Parts(folder, counts)
        count = writer.split(path, ahead, fingerprint, cancelled)
        if count != requests:
            raise _changed(path)
        return writer.named(path.stem, bool(first))


def equal_counts(ends: Sequence[int], requests_max: int, bytes_max: int) -> list[int]:
    """Return how many requests each part has: as few parts as the limits allow, the largest as small as can be.

    Full parts and a crumb would make the last answers wait for the first parts, and waste the last one.

    Args:
        ends: by request, the sum of the bytes of it and of all before it.
        requests_max: how many requests a part has at most.
        bytes_max: how many bytes a part has at most; a longer line is a part of its own.
    """
    fewest = len(_filled(ends, requests_max, bytes_max))
    low, high = 0, _STEPS
    while high - low > 1:  # the smallest share of the limits with which there are no more parts
        share = (low + high) // 2
        limits = -(-requests_max * share // _STEPS), bytes_max * share // _STEPS
        low, high = (low, share) if len(_filled(ends, *limits, most=fewest)) <= fewest else (share, high)
    return _filled(ends, -(-requests_max * high // _STEPS), bytes_max * high // _STEPS)


def _filled(ends: Sequence[int], requests_max: int, bytes_max: int, *, most: int | None = None) -> list[int]:
    """Return the requests of each part, where each is filled to its limits; no more parts than one over `most`."""
    counts: list[int] = []
    begin = 0
    while begin < len(ends) and (most is None or len(counts) <= most):
        before = ends[begin - 1] if begin else 0
        end = bisect_right(ends, before + bytes_max, begin, min(len(ends), begin + requests_max))
        end = max(end, begin + 1)
        counts.append(end - begin)
        begin = end
    return counts


def _line_ends(path: Path, ahead: set[int], cancelled: Callable[[], bool]) -> array[int]:
    """Return by request of the rest the bytes up to its end: 8 bytes of memory a request."""
    ends, total, count = array("Q"), 0, 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file):
                if number % _CHECKED_EVERY == 0 and cancelled():
                    raise OperationCancelledError("Writing the parts was stopped")
                if number == 0:
                    line = line.removeprefix(_BOM)
                if line.isspace() or not line:
                    continue
                if count not in ahead:
                    total += len(line)
                    ends.append(total)
                count += 1
    except OSError as error:
        raise LocalFileError(f"{path} cannot be read: {error.strerror or error}", "Nothing was submitted.") from error
    return ends


def rewrite_parts(
    path: Path,
    home: Path,
    *,
    fingerprint: Fingerprint,
    requests: int,
    first: int,
    counts: Sequence[int],
    wanted: Mapping[str, str],
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Path]:
    """Write parts whose files are gone once more, into a new folder in `home`. For a thread.

    Raises as `write_parts` does, and LocalFileError when what was written is not what the parts were.

    Args:
        fingerprint: of the whole file, which has so many `requests`.
        first: how many of them were the first part; 0 if none went ahead.
        counts: how many requests the other parts have, in their order.
        wanted: the name of each part that is to be written, by its SHA-256.

    Returns:
        The new files, by their SHA-256.
    """
    with _new_folder(path, home) as folder:
        writer = _Parts(folder, counts)
        writer.split(path, _ahead(requests, first), fingerprint, cancelled)
        written = {part.sha256: part.path for part in writer.named(path.stem, bool(first))}
        if wanted.keys() - written.keys():
            raise _changed(path)
        for sha256, part in written.items():
            if sha256 not in wanted:
                part.unlink()
        return {sha256: written[sha256].rename(folder / name) for sha256, name in wanted.items()}


@contextmanager
def _new_folder(path: Path, home: Path) -> Iterator[Path]:
    """Make a folder in `home` for the parts of `path`, and remove it if they are not all written."""
    folder = home / secrets.token_hex(6)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        yield folder
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _not_written(path, folder, error) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _ahead(requests: int, first: int) -> set[int]:
    """Return which requests go first, from 0: so many, evenly from all over the file."""
    return {number * requests // first for number in range(first)} if first else set()


class _PartWriter:
    """One part while it is written, with its hash."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: BinaryIO = create_file(path, PRIVATE)
        self.hash = hashlib.sha256()
        self.requests = self.size = 0

    def add(self, line: bytes) -> None:
        self.file.write(line)
        self.hash.update(line)
        self.size += len(line)
        self.requests += 1

    def close(self) -> None:
        if not self.file.closed:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()


class _Parts:
    """The files of a folder while they are written."""

    def __init__(self, folder: Path, counts: Sequence[int]) -> None:
        """`counts` is how many requests each part has, in their order."""
        self._folder = folder
        self._counts = counts
        self._ahead: _PartWriter | None = None
        self._rest: list[_PartWriter] = []

    def split(self, path: Path, ahead: set[int], fingerprint: Fingerprint, cancelled: Callable[[], bool]) -> int:
        """Write each request to its part, and return how many there are. Blank lines are left out."""
        digest, size, count = hashlib.sha256(), 0, 0
        try:
            if ahead:
                self._ahead = self._new()
            with path.open("rb") as file:
                for number, line in enumerate(file):
                    if number % _CHECKED_EVERY == 0 and cancelled():
                        raise OperationCancelledError("Writing the parts was stopped")
                    digest.update(line)
                    size += len(line)
                    if number == 0:
                        line = line.removeprefix(_BOM)
                    if line.isspace() or not line:
                        continue
                    self._writer_for(count in ahead).add(line if line.endswith(b"\n") else line + b"\n")
                    count += 1
        finally:
            for part in (self._ahead, *self._rest):
                if part is not None:
                    part.close()
        if (size, digest.hexdigest()) != (fingerprint.size, fingerprint.sha256):
            raise _changed(path)
        return count

    def _writer_for(self, is_ahead: bool) -> _PartWriter:
        if is_ahead and self._ahead is not None:
            return self._ahead
        last = self._rest[-1] if self._rest else None
        number = len(self._rest) - 1
        if last is None or (number < len(self._counts) and last.requests >= self._counts[number]):
            if last is not None:
                last.close()
            self._rest.append(last := self._new())
        return last

    def _new(self) -> _PartWriter:
        return _PartWriter(self._folder / secrets.token_hex(6))

    def named(self, stem: str, has_first: bool) -> list[PartFile]:
        """Give each file its name, with which the names of its results begin."""
        word = "rest" if has_first else "part"
        named = [(f"first{self._ahead.requests}", self._ahead)] if self._ahead is not None else []
        many = len(self._rest)
        named += [(word if many == 1 else f"{word}{n}of{many}", part) for n, part in enumerate(self._rest, start=1)]
        return [self._finish(part, f"{safe_name(stem)}.{suffix}.jsonl") for suffix, part in named]

    def _finish(self, part: _PartWriter, name: str) -> PartFile:
        final = self._folder / name
        part.path.rename(final)
        return PartFile(final, part.size, part.hash.hexdigest(), part.requests)


def _not_written(path: Path, folder: Path, error: OSError) -> LocalFileError:
    return LocalFileError(
        f"The parts of {path.name} cannot be written to {folder}: {error.strerror or error}",
        "Nothing was submitted, and no files were left behind. --data-dir sets where they go.",
    )


def _changed(path: Path) -> LocalFileError:
    return LocalFileError(f"{path.name} has changed since it was checked", "Nothing was submitted. Check it again.")
