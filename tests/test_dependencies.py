"""What the project is installed with: each bounded on both sides, each with a reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent / "pyproject.toml"
SAID = PROJECT.read_text(encoding="utf-8")
TABLE = tomllib.loads(SAID)["project"]
ALL = [*TABLE["dependencies"], *(one for extra in TABLE["optional-dependencies"].values() for one in extra)]


@pytest.mark.parametrize("dependency", ALL)
def test_each_has_a_lower_and_an_upper_bound_and_says_why(dependency: str) -> None:
    assert re.fullmatch(r"[\w-]+>=[\d.]+,<[\d.]+", dependency)
    assert re.search(rf'"{re.escape(dependency)}"\]?,? # \S+ \S+', SAID)
