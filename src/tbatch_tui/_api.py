"""`connect`: an engine with the settings that the app would find."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from tbatch_tui.config.engine_options import options_from
from tbatch_tui.config.resolve import resolve_settings
from tbatch_tui.config.settings import SettingsError
from tbatch_tui.engine.engine import BatchEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.events import Event


def connect(
    *,
    output_dir: str | Path | None = None,
    data_dir: str | Path | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    poll_interval: float | None = None,
    on_event: Callable[[Event], object] | None = None,
    insecure: bool = False,
    profile: str | None = None,
) -> BatchEngine:
    """Return an engine that is not open yet: use it as `async with tbatch_tui.connect() as engine`.

    What is None is what the app would take: from the environment, from config.toml, or the default. Raises
    SettingsError, a BatchError, for a setting that cannot be used.

    Args:
        output_dir: where result files are put; by default `batch-results` in the working folder.
        data_dir: where the history is kept; a script and the app may share it.
        base_url: the server, if it is not Together's own.
        api_key: the key, if it is not in TOGETHER_API_KEY and not the one that `tg login` stored.
        poll_interval: seconds between two lists of jobs, at least 10 for a server that is not on this machine.
        on_event: called with every event, on the event loop's thread.
        insecure: whether http to another machine is allowed; the key then crosses the network in clear text.
        profile: the name of one of `[profiles]`, whose key and server are used; "" for none, whatever TBATCH_PROFILE
            says. Its key is asked for when the engine is opened, which raises SettingsError if it cannot be had. With
            an `api_key` no profile is used, unless it is named here; then that is a mistake.
    """
    if api_key is not None:
        if profile:
            raise SettingsError("connect() was given both a key and a profile", "A profile brings its own key.")
        profile = ""
    environment = {**os.environ, "TOGETHER_API_KEY": api_key} if api_key is not None else os.environ
    settings = resolve_settings(
        output_dir=str(output_dir) if output_dir is not None else None,
        data_dir=str(data_dir) if data_dir is not None else None,
        base_url=base_url,
        poll_interval=poll_interval,
        insecure=insecure,
        profile=profile,
        environment=environment,
    )
    if settings.profile is None:
        return BatchEngine(options_from(settings), on_event)
    return _ProfileEngine(settings, on_event)


class _ProfileEngine(BatchEngine):
    """An engine that asks for the key of its profile when it is opened. That may take a while, and holds no loop."""

    def __init__(self, settings: Settings, on_event: Callable[[Event], object] | None) -> None:
        self._settings, self._announce = settings, on_event
        super().__init__(options_from(settings), on_event)

    async def open(self) -> Self:
        """Ask for the key, then open. Raises SettingsError when the key cannot be had; no other is tried."""
        from tbatch_tui.config.profiles import with_key
        from tbatch_tui.engine.threads import run_cancellable

        settings = await run_cancellable(with_key, self._settings)
        super().__init__(options_from(settings), self._announce)  # what an engine has depends on whose key it is
        return await super().open()
