"""Times of the server, on a machine that is not in UTC."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.client.decode import as_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05.000",
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05+00:00",
        "2026-01-02T12:04:05+09:00",
    ],
)
def test_a_time_without_a_zone_is_utc(text: str) -> None:
    assert time.localtime(0).tm_hour == 9
    assert as_timestamp(text) == 1_767_323_045.0
