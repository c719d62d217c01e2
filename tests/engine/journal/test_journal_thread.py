"""Opening the history while another program has it locked."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.journal import migrations
from tbatch_tui.engine.options import EngineOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineOptions:
    monkeypatch.setattr(migrations, "_PATIENCE", 0.05)
    return EngineOptions(tmp_path / "data", tmp_path / "results")


@pytest.fixture
def locked(options: EngineOptions) -> Iterator[None]:
    BatchEngine(options, lambda _: None).first_page(10)
    other = sqlite3.connect(options.data_dir / "history.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@pytest.mark.usefixtures("locked")
async def test_a_locked_history_can_be_read(options: EngineOptions) -> None:
    assert BatchEngine(options, lambda _: None).first_page(10) == []
    async with BatchEngine(options, lambda _: None) as engine:
        assert await engine.records() == []


@pytest.mark.usefixtures("locked")
async def test_a_locked_history_that_must_be_written_is_refused_in_words(options: EngineOptions) -> None:
    elsewhere = EngineOptions(options.data_dir, options.output_dir, base_url="https://elsewhere.example")
    for _ in range(2):
        with pytest.raises(LocalFileError, match="database is locked"):
            BatchEngine(elsewhere, lambda _: None).first_page(10)
        with pytest.raises(LocalFileError, match="database is locked") as caught:
            await BatchEngine(elsewhere, lambda _: None).open()
    assert "Nothing was sent" in caught.value.hint
