"""Input files that failed once, with the verdict on each of their lines, and that each line named in a file is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.client.decode import decode_models
from tbatch_tui.sandbox.answers import models

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.catalogue import ModelInfo

CASES = Path(__file__).parents[2] / "data" / "cases" / "check"
FILES = sorted(CASES.glob("*.jsonl"))
NOW = 1_795_867_200.0  # 2026-11-28, when the cases were collected


def catalogue() -> dict[str, ModelInfo]:
    """The serverless models of the sandbox."""
    page = models.page(None, 100, "PRODUCT_SERVERLESS", None, None)
    return {model.id: model for model in decode_models(json.dumps(page).encode())[0]}


def verdict(path: Path) -> list[str]:
    """What is expected of a file: `line severity rule`, one finding a line, in the order of the lines."""
    lines = path.with_suffix(".verdict").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_verdict_on_each_line(path: Path) -> None:
    """A finding that needs the catalogue stands in the verdict with that word behind it."""
    expected = verdict(path)
    found = check_file(path, catalogue=catalogue(), now=NOW).problems
    assert sorted(f"{p.line} {p.severity} {p.rule}" for p in found) == sorted(
        line.removesuffix(" catalogue") for line in expected
    )
    without = check_file(path, now=NOW).problems
    assert sorted(f"{p.line} {p.severity} {p.rule}" for p in without) == sorted(
        line for line in expected if not line.endswith(" catalogue")
    )


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_verdict_names_each_line_that_must_be_flagged(path: Path) -> None:
    flagged = {int(line.split()[0]) for line in verdict(path)}
    if path.stem.startswith("must-flag") or path.stem == "documented":
        assert flagged == set(range(1, len(path.read_bytes().splitlines()) + 1))
