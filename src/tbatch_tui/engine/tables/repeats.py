"""Which of many values are there more than once: by hashes of 64 bits, in 8 bytes each."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from hashlib import blake2b

_AT_ONCE = 1 << 16
"""So many hashes are sorted at once, which takes five times the memory of an array for that time."""
_MASK = 2**64 - 1


def digest(data: bytes) -> int:
    """Return a hash that is the same in every process."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def repeated(hashes: array[int]) -> tuple[array[int], int]:
    """Return, sorted, the hashes that are there more than once, and how many values repeat one before them."""
    if hashes.typecode != "Q":  # of Python's `hash`, which has a sign
        hashes = array("Q", hashes.tobytes())
    if len(hashes) <= _AT_ONCE:
        return _repeated(hashes)
    count = 1 << (len(hashes) // _AT_ONCE).bit_length()
    shift = 64 - (count.bit_length() - 1)
    buckets = [array("Q") for _ in range(count)]
    for value in hashes:
        buckets[value >> shift].append(value)
    found, total = array("Q"), 0
    for number in range(count):  # by their first bits: what is found is in order
        some, repeats = _repeated(buckets[number])
        buckets[number] = array("Q")
        found.extend(some)
        total += repeats
    return found, total


def _repeated(hashes: array[int]) -> tuple[array[int], int]:
    found, total = array("Q"), 0
    before = -1
    for value in sorted(hashes):
        if value == before:
            total += 1
            if not found or found[-1] != value:
                found.append(value)
        before = value
    return found, total


class FirstOnly:
    """Says of each value whether it is the first of its hash. Only hashes that are there more than once take memory."""

    def __init__(self, hashes: array[int]) -> None:
        self._repeated, self.repeats = repeated(hashes)
        self._seen = bytearray(len(self._repeated))

    def is_first(self, value: int) -> bool:
        """Return whether this hash comes for the first time."""
        at = self.place(value)
        if at is None:
            return True
        was_seen = self._seen[at]
        self._seen[at] = 1
        return not was_seen

    def place(self, value: int) -> int | None:
        """Return the place of a hash among those that are there more than once; None for another."""
        value &= _MASK
        at = bisect_left(self._repeated, value)
        return at if at < len(self._repeated) and self._repeated[at] == value else None
