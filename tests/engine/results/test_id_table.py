"""Requests are found by their ids, whatever those are, and whatever their hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.results.index.lookup import id_table
from tbatch_tui.engine.results.index.lookup.id_table import IdTable

if TYPE_CHECKING:
    from collections.abc import Sequence

IDS = st.lists(st.binary(max_size=2), max_size=30)


@given(ids=IDS, others=IDS, kept=st.sampled_from([0, 1, 0xFFFFFFFF]))
def test_the_first_request_with_an_id(ids: Sequence[bytes], others: Sequence[bytes], kept: int) -> None:
    """Also where all ids have the same hash, or two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(id_table, "_HASH", kept)
        if not kept:
            patch.setattr(id_table, "hash", lambda _: 7, raising=False)
        table = IdTable(iter(ids), len(ids), ids.__getitem__)
        assert [table.find(name) for name in [*ids, *others]] == [
            ids.index(name) if name in ids else -1 for name in [*ids, *others]
        ]
