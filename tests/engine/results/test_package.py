"""The names of the results package are loaded when they are first used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tbatch_tui.engine import results


def test_every_public_name_is_there() -> None:
    assert sorted(results._MODULES) == sorted(results.__all__)
    for name in results.__all__:
        assert getattr(results, name) is not None
    assert set(results.__all__) <= set(dir(results))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = results.Nothing


def test_a_value_is_imported_without_the_index_and_its_parsers() -> None:
    code = (
        "import sys\n"
        "from tbatch_tui.engine.results import Outcome\n"
        "print(*sorted(name for name in sys.modules if name in ('msgspec', 'simdjson') or '.results.index' in name))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []
