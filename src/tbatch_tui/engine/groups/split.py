"""Split one input file into several: parts under the API's limits, or a few requests from all over it and the rest.

The parts are files of their own, in a folder of their own, with the lines as they are: what is sent stays what was
checked, whatever becomes of the original.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from bisect import bisect_left
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from tbatch_tui.engine.domain.submission import FileSlice, PartFile, first_requests
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.groups.line_blocks import read_blocks, read_places
from tbatch_tui.engine.groups.line_ends import LineEnds
from tbatch_tui.engine.groups.part_files import PartFiles
from tbatch_tui.engine.local_files.file_stamp import read_stamp
from tbatch_tui.engine.local_files.filenames import safe_name
from tbatch_tui.text.format import size as format_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.groups.line_blocks import LineBlock
    from tbatch_tui.engine.local_files.file_stamp import FileStamp
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint

_LARGE = 64 << 20
"""Bytes from which on a file is known by its size and time."""
_STEPS = 1 << 20
"""Into how many steps the limits are divided to find the smallest that will do."""


class Ends(Protocol):
    """Where requests end, by number from 0: the bytes of it and of all before it."""

    def __len__(self) -> int: ...
    def __getitem__(self, number: int, /) -> int: ...
    def count(self, size: int, /) -> int:
        """Return how many requests, from the first on, have no more than `size` bytes together."""


def write_parts(
    path: Path,
    home: Path,
    *,
    fingerprint: Fingerprint,
    requests: int,
    first: int = 0,
    files: Sequence[int] = (),
    requests_max: int,
    bytes_max: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[PartFile]:
    """Write the parts of `path` into a new folder in `home`, in the order in which they are sent. For a thread.

    Raises LocalFileError, also when the file is not the one of `fingerprint` and `requests`, and
    OperationCancelledError: then nothing is left behind.

    Args:
        first: how many requests, taken evenly from all over the file, are the first part; 0 for none.
        files: how many requests each of the files has that it was joined of: no part but the first has those of two.
        requests_max: how many requests a part has at most.
        bytes_max: how many bytes a part has at most.
    """
    source = _Source(path, fingerprint, requests, cancelled)
    ahead = first_requests(requests, first)
    limits = requests_max, bytes_max - 1  # a last line gets its end
    with new_folder(path, home, fingerprint.size) as folder:
        counts, limit = _counts_by_requests(requests - first, *limits)
        written = None
        if not files and max(counts, default=0) * fingerprint.size <= limit * requests:
            written = _split(source, folder, counts, ahead, bytes_max=limit)
        if written is None:  # of several files, or requests so long that the bytes decide as well
            ends = LineEnds(path, ahead, on_block=source.stop_if_cancelled)
            if ends.requests != requests:
                raise _changed(path)
            counts = [
                count
                for begin, end in _of_files(len(ends), files, ahead)
                for count in equal_counts(ends, *limits, begin, end)
            ]
            written = _copy(source, read_places(path, ends.places), PartFiles(folder, counts, ahead))
        if written is None:
            raise _changed(path)
        return _named(folder, written, path, fingerprint.size)


class _Source:
    """The file that is split: the one that was checked."""

    def __init__(self, path: Path, fingerprint: Fingerprint, requests: int, cancelled: Callable[[], bool]) -> None:
        self.path = path
        self.requests = requests
        self._fingerprint = fingerprint
        self._cancelled = cancelled
        self._stamp = read_stamp(path)
        self._is_known = self._stamp is not None and _is_surely(fingerprint, self._stamp)

    def stop_if_cancelled(self) -> None:
        """Raise OperationCancelledError if the person wants no parts any more."""
        if self._cancelled():
            raise OperationCancelledError("Writing the parts was stopped")

    def checked(self, blocks: Iterable[LineBlock]) -> Iterator[LineBlock]:
        """Yield the blocks. Raises LocalFileError after the last if together they are not what was checked."""
        digest, size = hashlib.sha256(), 0
        for block in blocks:
            self.stop_if_cancelled()
            yield block
            size += len(block.raw)
            if not self._is_known:
                digest.update(block.raw)
        is_same = self._is_known or digest.hexdigest() == self._fingerprint.sha256
        if not (is_same and size == self._fingerprint.size and read_stamp(self.path) == self._stamp):
            raise _changed(self.path)


def _counts_by_requests(requests: int, requests_max: int, bytes_max: int) -> tuple[list[int], int]:
    """Return what `equal_counts` does, without having read the file, if no part has more bytes than is returned too."""
    parts = max(1, -(-requests // requests_max))
    count = -(-requests // parts)
    share = (count - 1) * _STEPS // requests_max + 1
    counts = [min(count, requests - begin) for begin in range(0, requests, count)] if requests else []
    return counts, bytes_max * share // _STEPS


def _of_files(requests: int, files: Sequence[int], ahead: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield of each file that has any the first of its `requests` that are not ahead, and the one after the last."""
    begin = done = 0
    for count in files or [requests + len(ahead)]:
        taken = bisect_left(ahead, begin + count) - bisect_left(ahead, begin)
        if rest := count - taken:
            yield done, done + rest
        begin, done = begin + count, done + rest


def equal_counts(ends: Ends, requests_max: int, bytes_max: int, begin: int = 0, end: int | None = None) -> list[int]:
    """Return how many requests each part has: as few parts as the limits allow, the largest as small as can be.

    Full parts and a crumb would make the last answers wait for the first parts, and waste the last one.

    Args:
        ends: of all requests.
        requests_max: how many requests a part has at most.
        bytes_max: how many bytes a part has at most; a longer line is a part of its own.
        begin: the first request that is meant.
        end: the one after the last; None for all.
    """
    end = len(ends) if end is None else end
    fewest = len(_filled(ends, begin, end, requests_max, bytes_max))
    low, high = 0, _STEPS
    while high - low > 1:  # the smallest share of the limits with which there are no more parts
        share = (low + high) // 2
        limits = -(-requests_max * share // _STEPS), bytes_max * share // _STEPS
        low, high = (low, share) if len(_filled(ends, begin, end, *limits, most=fewest)) <= fewest else (share, high)
    return _filled(ends, begin, end, -(-requests_max * high // _STEPS), bytes_max * high // _STEPS)


def _filled(
    ends: Ends, begin: int, end: int, requests_max: int, bytes_max: int, *, most: int | None = None
) -> list[int]:
    """Return the requests of each part, where each is filled to its limits; no more parts than one over `most`."""
    counts: list[int] = []
    while begin < end and (most is None or len(counts) <= most):
        before = ends[begin - 1] if begin else 0
        stop = max(begin + 1, min(ends.count(before + bytes_max), begin + requests_max, end))
        counts.append(stop - begin)
        begin = stop
    return counts


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
    with new_folder(path, home, fingerprint.size) as folder:
        source = _Source(path, fingerprint, requests, cancelled)
        files = _split(source, folder, counts, first_requests(requests, first))
        if files is None:
            raise _changed(path)
        written = {part.sha256: part.path for part in _named(folder, files, path, fingerprint.size)}
        if wanted.keys() - written.keys():
            raise _changed(path)
        for sha256, part in written.items():
            if sha256 not in wanted:
                part.unlink()
        return {sha256: written[sha256].rename(folder / name) for sha256, name in wanted.items()}


@contextmanager
def new_folder(path: Path, home: Path, size: int) -> Iterator[Path]:
    """Make a folder in `home` for parts of `path`, which take `size` bytes; remove it if they are not all written."""
    folder = home / secrets.token_hex(6)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        need_room(f"The parts of {path.name}", home, size)
        folder.mkdir(mode=0o700)
        yield folder
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _not_written(path, folder, error) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def need_room(what: str, home: Path, size: int) -> None:
    """Raise LocalFileError if less than `size` is free in `home`, which exists, for what is named there."""
    free = shutil.disk_usage(home).free
    if free < size:
        raise LocalFileError(
            f"{what} need {format_size(size)}, and {format_size(free)} are free in {home}",
            "Nothing was submitted, and nothing was written. Make room, or set another place with --data-dir.",
        )


def _split(
    source: _Source, folder: Path, counts: Sequence[int], ahead: Sequence[int], *, bytes_max: int | None = None
) -> PartFiles | None:
    """Write each request to its part, in one go. Blank lines are left out.

    Returns:
        The files; None if a part would have more than `bytes_max`, or if there is another number of requests: then
        none of them is left.
    """
    for has_blanks in (False, True):  # most files have none, and need not be taken apart
        files = PartFiles(folder, counts, ahead)
        if _copy(source, read_blocks(source.path, has_blanks=has_blanks), files, bytes_max=bytes_max):
            return files
        if bytes_max is not None and files.largest > bytes_max:
            return None
    return None


def _copy(
    source: _Source, blocks: Iterable[LineBlock], files: PartFiles, *, bytes_max: int | None = None
) -> PartFiles | None:
    """Write the blocks to the files; return these as `_split` does."""
    is_too_large = False
    with files:
        for block in source.checked(blocks):
            files.add(block)
            if is_too_large := bytes_max is not None and files.largest > bytes_max:
                break
    if not is_too_large and files.requests == source.requests:
        return files
    files.remove()
    return None


def _is_surely(fingerprint: Fingerprint, stamp: FileStamp) -> bool:
    """Return whether a file of this size and time need not be hashed again to know that it is the one of before.

    To hash a large one took longer than the steps in which the time of a file is kept, unless these are whole seconds:
    a change since its time was read shows.
    """
    is_fine = fingerprint.size >= _LARGE and fingerprint.mtime_ns % 1_000_000_000 != 0
    return is_fine and (stamp.size, stamp.mtime_ns) == (fingerprint.size, fingerprint.mtime_ns)


def _named(folder: Path, files: PartFiles, source: Path, size: int) -> list[PartFile]:
    """Give each file its name, with which the names of its results begin. `size` is that of the source."""
    word = "rest" if files.ahead is not None else "part"
    named = [(f"first{files.ahead.requests}", files.ahead)] if files.ahead is not None else []
    many = len(files.rest)
    named += [(word if many == 1 else f"{word}{n}of{many}", part) for n, part in enumerate(files.rest, start=1)]
    parts = []
    for suffix, part in named:
        path = part.path.rename(folder / f"{safe_name(source.stem)}.{suffix}.jsonl")
        slices = tuple(
            FileSlice(source, begin, length, begin, lacks_end=begin + length > size)
            for begin, length in part.slices or ()
        )
        parts.append(PartFile(path, part.size, part.hash.hexdigest(), part.requests, slices=slices))
    return parts


def _not_written(path: Path, folder: Path, error: OSError) -> LocalFileError:
    return LocalFileError(
        f"The parts of {path.name} cannot be written to {folder}: {error.strerror or error}",
        "Nothing was submitted, and no files were left behind. --data-dir sets where they go.",
    )


def _changed(path: Path) -> LocalFileError:
    return LocalFileError(f"{path.name} has changed since it was checked", "Nothing was submitted. Check it again.")
