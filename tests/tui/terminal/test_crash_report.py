"""An app that ends because of a bug reports that, without the key and the prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.text import Text

from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.runtime.event_log import NAME
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import until
from tests.helpers.app_host import make_app

if TYPE_CHECKING:
    from pathlib import Path

KEY = "tgp_v1_0123456789abcdefWXYZ"


async def test_a_crash_shows_no_variables_and_no_key(tmp_path: Path) -> None:
    with Sandbox(speed=40, key=KEY) as box:
        app = make_app(tmp_path, box)

        def mistake() -> None:
            prompt = "-".join(["the", "secret", "recipe"])
            raise RuntimeError(f"refused {KEY}\x1b[2J after {len(prompt)}")

        with pytest.raises(RuntimeError):
            async with app.run_test():
                await until(lambda: app.engine.health.state is HealthState.OK)
                app.call_later(mistake)
                await until(lambda: app._exit_renderables)
                [report] = app._exit_renderables
    assert isinstance(report, Text)
    for where in (report.plain, (tmp_path / "data" / NAME).read_text()):
        assert "RuntimeError" in where
        assert "…WXYZ" in where
        assert KEY not in where
        assert "the-secret-recipe" not in where
    assert "\x1b" not in report.plain
