"""Split one input file into several: parts under the API's limits, or a few requests from all over it and the rest.

The parts are files of their own, in a folder of their own, with the lines as they are: what is sent stays what was
checked, whatever becomes of the original.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from array import array
from bisect import bisect_right
from contextlib import contextmanager
from itertools import accumulate, islice
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import PartFile
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.groups.line_blocks import read_blocks
from tbatch_tui.engine.groups.part_files import PartFiles
from tbatch_tui.engine.local_files.file_stamp import read_stamp
from tbatch_tui.engine.local_files.filenames import safe_name
from tbatch_tui.text.format import size as format_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.local_files.file_stamp import FileStamp
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint

_LARGE = 64 << 20
"""Bytes from which on a file is known by its size and time."""
_STEPS = 1 << 20
"""Into how many steps the limits are divided to find the smallest that will do."""


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
    ahead = _ahead(requests, first)
    limits = requests_max, bytes_max - 1  # a last line gets its end
    with _new_folder(path, home, fingerprint.size) as folder:
        written = None
        if not files:
            counts, limit = _counts_by_requests(requests - first, *limits)
            written = _split(path, folder, counts, ahead, requests, fingerprint, cancelled, bytes_max=limit)
        if written is None:  # of several files, or requests so long that the bytes decide as well
            ends = _line_ends(path, ahead, cancelled)
            counts = [count for of_file in _of_files(ends, files, ahead) for count in equal_counts(of_file, *limits)]
            written = _split(path, folder, counts, ahead, requests, fingerprint, cancelled)
        if written is None:
            raise _changed(path)
        return _named(folder, written, path.stem)


def _counts_by_requests(requests: int, requests_max: int, bytes_max: int) -> tuple[list[int], int]:
    """Return what `equal_counts` does, without having read the file, if no part has more bytes than is returned too."""
    parts = max(1, -(-requests // requests_max))
    count = -(-requests // parts)
    share = (count - 1) * _STEPS // requests_max + 1
    counts = [min(count, requests - begin) for begin in range(0, requests, count)] if requests else []
    return counts, bytes_max * share // _STEPS


def _of_files(ends: array[int], files: Sequence[int], ahead: Sequence[int]) -> Iterator[array[int]]:
    """Yield what `equal_counts` takes, for the rest of each file that has any; of one file, what is given."""
    if not files:
        yield ends
        return
    begin = done = 0
    for requests in files:
        rest = requests - sum(begin <= number < begin + requests for number in ahead)
        before = ends[done - 1] if done else 0
        if rest:
            yield array("Q", (end - before for end in ends[done : done + rest]))
        begin, done = begin + requests, done + rest


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


def _line_ends(path: Path, ahead: Sequence[int], cancelled: Callable[[], bool]) -> array[int]:
    """Return by request of the rest the bytes up to its end: 8 bytes of memory a request."""
    ends, total, count, ahead_of = array("Q"), 0, 0, set(ahead)
    is_ended = True
    for block in read_blocks(path, has_blanks=True):
        if cancelled():
            raise _stopped()
        is_ended = block.raw[-1] == ord("\n") or not bytes(block.raw).rpartition(b"\n")[2].strip()
        lengths = [len(line) + 1 for line in bytes(block.lines).split(b"\n")[:-1]]
        if ahead_of:
            lengths = [length for number, length in enumerate(lengths, count) if number not in ahead_of]
        count += block.requests
        ends.extend(islice(accumulate(lengths, initial=total), 1, None))
        total += sum(lengths)
    if not is_ended and count - 1 not in ahead_of:
        ends[-1] -= 1  # the line end that it gets in its part
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
    with _new_folder(path, home, fingerprint.size) as folder:
        files = _split(path, folder, counts, _ahead(requests, first), requests, fingerprint, cancelled)
        if files is None:
            raise _changed(path)
        written = {part.sha256: part.path for part in _named(folder, files, path.stem)}
        if wanted.keys() - written.keys():
            raise _changed(path)
        for sha256, part in written.items():
            if sha256 not in wanted:
                part.unlink()
        return {sha256: written[sha256].rename(folder / name) for sha256, name in wanted.items()}


@contextmanager
def _new_folder(path: Path, home: Path, size: int) -> Iterator[Path]:
    """Make a folder in `home` for parts of `path`, which take `size` bytes; remove it if they are not all written."""
    folder = home / secrets.token_hex(6)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _need_room(path, home, size)
        folder.mkdir(mode=0o700)
        yield folder
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _not_written(path, folder, error) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _need_room(path: Path, home: Path, size: int) -> None:
    free = shutil.disk_usage(home).free
    if free < size:
        raise LocalFileError(
            f"The parts of {path.name} need {format_size(size)}, and {format_size(free)} are free in {home}",
            "Nothing was submitted, and nothing was written. Make room, or set another place with --data-dir.",
        )


def _ahead(requests: int, first: int) -> list[int]:
    """Return which requests go first, from 0: so many, evenly from all over the file."""
    return [number * requests // first for number in range(first)]


def _split(
    path: Path,
    folder: Path,
    counts: Sequence[int],
    ahead: Sequence[int],
    requests: int,
    fingerprint: Fingerprint,
    cancelled: Callable[[], bool],
    *,
    bytes_max: int | None = None,
) -> PartFiles | None:
    """Write each request to its part. Blank lines are left out.

    Returns:
        The files; None if a part would have more than `bytes_max`, or if there is another number of requests: then
        none of them is left.
    """
    stamp = read_stamp(path)
    is_known = stamp is not None and _is_surely(fingerprint, stamp)
    for has_blanks in (False, True):  # most files have none, and need not be taken apart
        digest, size, is_too_large = hashlib.sha256(), 0, False
        with PartFiles(folder, counts, ahead) as files:
            for block in read_blocks(path, has_blanks=has_blanks):
                if cancelled():
                    raise _stopped()
                files.add(block)
                size += len(block.raw)
                if not is_known:
                    digest.update(block.raw)
                if is_too_large := bytes_max is not None and files.largest > bytes_max:
                    break
        is_same = read_stamp(path) == stamp if is_known else digest.hexdigest() == fingerprint.sha256
        if not is_too_large and not (is_same and size == fingerprint.size):
            raise _changed(path)
        if not is_too_large and files.requests == requests:
            return files
        files.remove()
        if is_too_large:
            break
    return None


def _is_surely(fingerprint: Fingerprint, stamp: FileStamp) -> bool:
    """Return whether a file of this size and time need not be hashed again to know that it is the one of before.

    To hash a large one took longer than the steps in which the time of a file is kept, unless these are whole seconds:
    a change since its time was read shows.
    """
    is_fine = fingerprint.size >= _LARGE and fingerprint.mtime_ns % 1_000_000_000 != 0
    return is_fine and (stamp.size, stamp.mtime_ns) == (fingerprint.size, fingerprint.mtime_ns)


def _named(folder: Path, files: PartFiles, stem: str) -> list[PartFile]:
    """Give each file its name, with which the names of its results begin."""
    word = "rest" if files.ahead is not None else "part"
    named = [(f"first{files.ahead.requests}", files.ahead)] if files.ahead is not None else []
    many = len(files.rest)
    named += [(word if many == 1 else f"{word}{n}of{many}", part) for n, part in enumerate(files.rest, start=1)]
    parts = []
    for suffix, part in named:
        path = part.path.rename(folder / f"{safe_name(stem)}.{suffix}.jsonl")
        parts.append(PartFile(path, part.size, part.hash.hexdigest(), part.requests))
    return parts


def _not_written(path: Path, folder: Path, error: OSError) -> LocalFileError:
    return LocalFileError(
        f"The parts of {path.name} cannot be written to {folder}: {error.strerror or error}",
        "Nothing was submitted, and no files were left behind. --data-dir sets where they go.",
    )


def _stopped() -> OperationCancelledError:
    return OperationCancelledError("Writing the parts was stopped")


def _changed(path: Path) -> LocalFileError:
    return LocalFileError(f"{path.name} has changed since it was checked", "Nothing was submitted. Check it again.")
