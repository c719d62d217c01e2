"""Drafts in the folder of the history: what was typed for a table is there again when it is opened again."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.tables.compose.draft import Draft, draft_from_json, draft_to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FOLDER = "drafts"
KEPT = 200
"""Drafts that are kept; of more the oldest go."""
_LARGEST = 16 << 20


class StoredDraft(NamedTuple):
    """A draft, and the row that was looked at."""

    draft: Draft
    row: int = 1
    base: str = ""
    """The hash of the recipe that it began with; empty where it began with none."""


class DraftStore:
    """Reads and writes drafts. Blocks, for a moment."""

    def __init__(self, data_dir: Path, secrets: Sequence[str | None] = ()) -> None:
        """Use a folder.

        Args:
            data_dir: The folder of the history.
            secrets: Texts that are never written: a draft that holds one is not stored.
        """
        self._folder = data_dir / FOLDER
        self._secrets = tuple(filter(None, secrets))

    def load(self, source: str) -> StoredDraft | None:
        """Return the draft for a source, by its whole path; None if there is none that can be read."""
        path = self._path(source)
        try:
            if path.stat().st_size > _LARGEST:
                return None
            stored = json.loads(path.read_bytes())
            values, row, base = stored["draft"], stored["row"], stored.get("base", "")
            if stored["source"] != source or type(row) is not int or not isinstance(base, str):
                return None
            return StoredDraft(draft_from_json(values), max(1, row), base)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def save(self, source: str, stored: StoredDraft) -> bool:
        """Write the draft for a source, in place of the one before; False if that was not possible."""
        document = {
            "source": source, "row": stored.row, "base": stored.base, "draft": draft_to_json(stored.draft)
        }  # fmt: skip
        try:
            text = json.dumps(document, ensure_ascii=False)
            if any(secret in text for secret in self._secrets):
                return False
            data = text.encode("utf-8", "surrogatepass")
            path = self._path(source)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic_write(path, replace=True, rights=0o600) as file:
                file.write(data)
        except (OSError, LocalFileError, ValueError):
            return False
        self._remove_oldest()
        return True

    def forget(self, source: str) -> None:
        """Remove the draft for a source."""
        with suppress(OSError):
            self._path(source).unlink()

    def _path(self, source: str) -> Path:
        digest = hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()
        return self._folder / f"{digest[:24]}.json"

    def _remove_oldest(self) -> None:
        with suppress(OSError):
            paths = list(self._folder.glob("*.json"))
            if len(paths) > KEPT:
                paths.sort(key=lambda path: path.stat().st_mtime)
                for path in paths[: len(paths) - KEPT]:
                    path.unlink(missing_ok=True)
