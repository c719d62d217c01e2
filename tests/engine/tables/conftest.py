"""Makes input files as `make` does, and reads the requests in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.tables.make import MadeFile, make_input
from tbatch_tui.engine.tables.readers.open_source import open_source
from tbatch_tui.engine.tables.recipe import Recipe, RowChoice

if TYPE_CHECKING:
    from pathlib import Path

Make = Callable[..., MadeFile]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return what makes an input file of a source; `rows` are fields of a `RowChoice`."""
    count = 0

    def make_file(source: Path | str, rows: dict[str, Any] | None = None, **recipe: Any) -> MadeFile:
        nonlocal count
        count += 1
        reading = {name: recipe.pop(name) for name in ("encoding", "delimiter", "sheet") if name in recipe}
        recipe.setdefault("model", "m")
        table = open_source(str(source), **reading)
        return make_input(Recipe(**recipe, rows=RowChoice(**rows or {})), table, tmp_path / f"out{count}.jsonl")

    return make_file


def requests_in(path: Path) -> list[dict[str, Any]]:
    """Return the requests of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def prompts_in(path: Path) -> list[str]:
    """Return the last message of each request."""
    return [request["body"]["messages"][-1]["content"] for request in requests_in(path)]


def ids_in(path: Path) -> list[str]:
    """Return the custom_ids."""
    return [request["custom_id"] for request in requests_in(path)]
