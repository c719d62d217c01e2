"""The rows of a mask are a sequence like any other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.results.index.lookup import masked_rows
from tbatch_tui.engine.results.index.lookup.masked_rows import MaskedRows


@given(mask=st.lists(st.booleans(), max_size=40), block=st.integers(1, 9), data=st.data())
def test_the_rows_of_a_mask(mask: list[bool], block: int, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masked_rows, "_BLOCK", block)
        expected = [row for row, is_chosen in enumerate(mask) if is_chosen]
        rows = MaskedRows(bytes(mask))
        assert len(rows) == len(expected) and [*rows] == expected
        for place in data.draw(st.permutations(range(-len(expected), len(expected)))):
            assert rows[place] == expected[place]
        for place in (len(expected), -len(expected) - 1):
            with pytest.raises(IndexError):
                rows[place]
        cut = data.draw(st.slices(len(expected) + 2))
        assert rows[cut].tolist() == expected[cut]
        assert [rows.find(row) for row in range(-1, 42)] == [
            expected.index(row) if row in expected else None for row in range(-1, 42)
        ]
