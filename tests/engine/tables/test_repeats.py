"""Values that are there more than once, found by their hashes in little memory."""

from __future__ import annotations

from array import array
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.tables import repeats
from tbatch_tui.engine.tables.repeats import FirstOnly, digest, repeated

_VALUES = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 20) | st.integers(2**64 - 9, 2**64 - 1), max_size=60)


@given(_VALUES, st.sampled_from([1, 2, 7, 1 << 16]))
def test_values_there_more_than_once_are_found_in_order(values: list[int], at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "_AT_ONCE", at_once)
        found, total = repeated(array("Q", values))
    counts = Counter(values)
    assert list(found) == sorted(value for value, count in counts.items() if count > 1)
    assert total == len(values) - len(counts)


@given(_VALUES)
def test_only_the_first_of_equal_values_is_the_first(values: list[int]) -> None:
    first_only = FirstOnly(array("Q", values))
    assert [first_only.is_first(value) for value in values] == [
        value not in values[:at] for at, value in enumerate(values)
    ]


@given(st.lists(st.text(max_size=2)))
def test_hashes_of_python_have_a_sign(texts: list[str]) -> None:
    hashes = [hash(text) for text in texts]
    assert FirstOnly(array("q", hashes)).repeats == len(texts) - len(set(texts))


def test_the_digest_is_the_same_in_every_process() -> None:
    assert digest(b"x") == 5717441744405258058
    assert digest(b"x") != digest(b"y")
