"""The catalogue for `check`: a kept copy where there is one, and the server's own only where that was asked for."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.domain.catalogue import Catalogue


def kept_catalogue(
    data_dir: str | None = None, base_url: str | None = None, profile: str | None = None
) -> Catalogue | None:
    """Return the kept catalogue of the server in force; None if there is none of the last week. Asks nobody.

    Args:
        data_dir: The flag; None if it was not given. So are `base_url` and `profile`.
    """
    if data_dir is None and not _may_be_kept():
        return None
    from tbatch_tui.config.settings import SettingsError
    from tbatch_tui.engine.pricing.kept_catalogue import kept
    from tbatch_tui.engine.server_address import canonical_server

    try:
        settings = _settings(data_dir, base_url, profile, insecure=True)  # nothing is sent
    except SettingsError:
        return None  # the check needs no settings; what does will name the mistake
    return kept(settings.data_dir, canonical_server(settings.base_url), time.time())


def fetch_catalogue(data_dir: str | None, base_url: str | None, profile: str | None, *, insecure: bool) -> Catalogue:
    """Ask the server for its models, and keep them. Raises BatchError: without a key, or without an answer."""
    import asyncio

    from tbatch_tui.cli.settings.named_profile import use_profile
    from tbatch_tui.engine.pricing.kept_catalogue import keep
    from tbatch_tui.engine.server_address import canonical_server

    settings = use_profile(_settings(data_dir, base_url, profile, insecure=insecure))
    catalogue = asyncio.run(_fetch(settings))
    keep(settings.data_dir, canonical_server(settings.base_url), catalogue)
    return catalogue


async def _fetch(settings: Settings) -> Catalogue:
    from tbatch_tui.engine.client.api import TogetherApi
    from tbatch_tui.engine.domain.catalogue import Catalogue
    from tbatch_tui.engine.errors import AuthenticationError

    if settings.api_key is None:
        raise AuthenticationError(
            "There is no API key", settings.key_error or "Set TOGETHER_API_KEY, or run `tg login`."
        )
    os.environ.pop("TOGETHER_LOG", None)  # with TOGETHER_LOG=debug the SDK writes to standard error
    api = TogetherApi.connect(base_url=settings.base_url, api_key=settings.api_key, from_login=settings.login)
    try:
        models = await api.models()
    finally:
        await api.close()
    return Catalogue({model.id: model for model in models}, time.time())


def _settings(data_dir: str | None, base_url: str | None, profile: str | None, *, insecure: bool) -> Settings:
    from tbatch_tui.config.resolve import resolve_settings

    return resolve_settings(data_dir=data_dir, base_url=base_url, mouse=False, insecure=insecure, profile=profile)


def _may_be_kept() -> bool:
    """Whether this machine has settings or a history: to look for them where they are costs a check 10 ms."""
    if sys.platform != "linux":
        return True
    home = Path.home()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config", "tbatch-tui", "config.toml")
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share", "tbatch-tui")
    return os.path.exists(config) or os.path.exists(data)
