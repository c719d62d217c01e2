"""More files may be open at once where the system allows it."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.local_files.open_files import allow_open_files
from tbatch_tui.engine.results import MergedIndex, MergedMember, ResultIndex, Sources
from tests.helpers.result_rows import answer_row, request_row, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def few_files() -> Iterator[None]:
    """Allow 512 files, and as many as before afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_limit_is_raised_as_far_as_the_system_allows_and_never_lowered() -> None:
    allow_open_files(1000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == min(1256, hard) or hard == resource.RLIM_INFINITY
    allow_open_files(1)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (soft, hard)
    allow_open_files(10**9)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= soft


def test_results_of_many_parts_ask_for_as_many_files(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "in.jsonl", [request_row("id-0")])
    output = write_rows(tmp_path / "out.jsonl", [answer_row("id-0")])
    members = [MergedMember(str(number), "", ResultIndex(Sources(path, output))) for number in range(200)]
    MergedIndex(members).build()
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 600
