"""The whole app under Pilot, on a sandbox, with short intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tbatch_tui.config.settings import Settings
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.tui.app import TbatchApp

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox

SIZES = [(80, 24), (60, 20), (140, 40)]
ALL_SIZES = [(60, 20), (80, 24), (110, 32), (140, 40), (200, 60)]
"""The sizes at which each screen is looked at, from the narrowest on."""


def make_app(folder: Path, box: Sandbox | None, *, file: Path | None = None, **more: Any) -> TbatchApp:
    """Return an app with history and results below `folder`; without a sandbox it has no key."""
    options: dict[str, Any] = {
        "data_dir": folder / "data",
        "output_dir": folder / "results",
        "base_url": box.base_url if box is not None else None,
        "api_key": box.key if box is not None else None,
        "poll_interval": 0.2,
        "lookup_interval": 0.2,
        "lookup_patience": 1.0,
        "first_retry_delay": 0.1,
    }
    engine_options = EngineOptions(**(options | more))
    settings = Settings(data_dir=engine_options.data_dir, output_dir=engine_options.output_dir, file=file)
    app = TbatchApp(settings, lambda emit: BatchEngine(engine_options, emit))
    app.load_first_rows(60)
    return app
