"""Settings as the options of an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.options import EngineOptions

if TYPE_CHECKING:
    from tbatch_tui.config.settings import Settings


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
