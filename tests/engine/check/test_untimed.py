"""Requests whose answers have no times are counted, and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.check.untimed import count_untimed, untimed_words
from tests.helpers.check_lines import audio, dumped, saved

if TYPE_CHECKING:
    from pathlib import Path


def test_requests_without_verbose_json_are_counted(tmp_path: Path) -> None:
    lines = [audio("a"), audio("b", response_format="json"), audio("c", response_format="verbose_json")]
    path = saved(tmp_path, dumped(*lines) + b"\n")
    assert count_untimed(path) == 2
    assert untimed_words(2).startswith('2 requests ask without response_format "verbose_json"')
    assert untimed_words(1).startswith("1 request asks") and untimed_words(0) == ""
