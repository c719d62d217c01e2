"""Settings as the options of an engine."""

from __future__ import annotations

from tbatch_tui.config.settings import Settings
from tbatch_tui.engine.options import EngineOptions


def options_of(settings: Settings, *, background_work: bool) -> EngineOptions:
    """What the engine is told."""
    return EngineOptions(
        data_dir=settings.data_dir,
        output_dir=settings.output_dir,
        base_url=settings.base_url,
        api_key=settings.api_key,
        login=settings.login,
        poll_interval=settings.poll_interval,
        background_work=background_work,
    )
