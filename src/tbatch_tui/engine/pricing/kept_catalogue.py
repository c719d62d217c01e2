"""The catalogue as it is stored: in the history, and in a file that the check reads without a history or a request."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from tbatch_tui.engine.domain.catalogue import Catalogue, ModelInfo
from tbatch_tui.engine.errors import LocalFileError

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "catalogues"
MAX_AGE = 7 * 86_400.0
"""Seconds that a kept catalogue is believed."""


class _StoredCatalogue(msgspec.Struct):
    """A catalogue as it is stored."""

    fetched_at: float
    models: list[ModelInfo]


def to_json(catalogue: Catalogue) -> str:
    """Return a catalogue that was fetched as JSON."""
    assert catalogue.fetched_at is not None
    return msgspec.json.encode(_StoredCatalogue(catalogue.fetched_at, list(catalogue.values()))).decode()


def from_json(text: str | bytes) -> Catalogue | None:
    """Return a stored catalogue; None for what another version wrote in another way."""
    try:
        stored = msgspec.json.decode(text, type=_StoredCatalogue)
    except (msgspec.MsgspecError, ValueError):
        return None
    return Catalogue({model.id: model for model in stored.models}, stored.fetched_at)


def keep(data_dir: Path, server: str, catalogue: Catalogue) -> None:
    """Write the catalogue of a server to its file. Blocks; what cannot be written is not kept."""
    from tbatch_tui.engine.local_files.atomic_write import atomic_write

    path = _path(data_dir, server)
    with suppress(LocalFileError, OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_write(path, replace=True, rights=0o600) as file:
            file.write(to_json(catalogue).encode())


def kept(data_dir: Path, server: str, now: float) -> Catalogue | None:
    """Return the catalogue of a server that was kept; None if there is none, or none of the last week.

    Args:
        server: Its canonical address.
        now: Seconds since the epoch.
    """
    try:
        catalogue = from_json(_path(data_dir, server).read_bytes())
    except OSError:
        return None
    is_recent = catalogue is not None and 0 <= now - (catalogue.fetched_at or 0.0) < MAX_AGE
    return catalogue if is_recent else None


def _path(data_dir: Path, server: str) -> Path:
    return data_dir / FOLDER / f"{sha256(server.encode()).hexdigest()[:16]}.json"
