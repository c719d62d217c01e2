"""Turns settings into the options of an engine, in one place for the app, the commands and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.text.paths import working_folder

if TYPE_CHECKING:
    from tbatch_tui.config.settings import Settings


def options_from(settings: Settings, *, background_work: bool = True, connect: bool = True) -> EngineOptions:
    """Return the options of an engine with these settings.

    Args:
        settings: The resolved settings.
        background_work: Whether the engine submits and downloads; otherwise it only lists, and cancels.
        connect: Whether the engine asks the server at all.
    """
    return EngineOptions(
        data_dir=working_folder() / settings.data_dir,
        output_dir=working_folder() / settings.output_dir,
        base_url=settings.base_url,
        api_key=settings.api_key,
        profile_name=settings.profile.name if settings.profile is not None else "",
        login=settings.login,
        poll_interval=settings.poll_interval,
        connect=connect,
        background_work=background_work,
        prices=settings.prices,
        discounts=settings.discounts,
        attention_share=settings.attention_share,
        budget=settings.budget,
        audio_store=settings.audio_store,
        parts_at_once=settings.parts_at_once,
        keep_parts=settings.keep_parts,
        enqueued_tokens=settings.enqueued_tokens,
    )
