"""Recipes: what the bytes of an input file were made from. They belong to the bytes, whatever account sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.domain.submission import GROUP_KEYS
from tbatch_tui.engine.journal.mapping import blob_to_path, path_to_blob

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.journal.database import Database


class NotedRecipe(NamedTuple):
    """A recipe, and where its file was written: the source in it is relative to that."""

    text: str
    path: Path | None


class RecipeTable:
    """The recipe of the bytes of each input file that was made from a table."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def note(self, sha256: str, text: str, path: Path) -> None:
        """Remember that these bytes were made by this recipe, whose file has this path."""
        with self._db.transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO recipes (sha256, recipe, path) VALUES (?, ?, ?)",
                (sha256, text, path_to_blob(path)),
            )

    def inherit(self, parent_sha256: str, sha256: str) -> bool:
        """Remember that these bytes were made of others, and have their recipe; False if those have none.

        Bytes that have a recipe keep it.
        """
        if self.get(parent_sha256) is None:
            return False
        with self._db.transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO recipes (sha256, recipe, path) "
                "SELECT ?, recipe, path FROM recipes WHERE sha256 = ?",
                (sha256, parent_sha256),
            )
        return True

    def inherit_from_job(self, account_id: int, key: str, sha256: str) -> bool:
        """Remember that these bytes were made of the input file of a record or a group; False if that has no recipe."""
        row = self._db.execute(
            "SELECT s.sha256 FROM records r JOIN submissions s ON s.id = r.submission_id "
            "WHERE r.account_id = ? AND r.key = ?",
            (account_id, key),
        ).fetchone()
        if row is None and key.startswith(GROUP_KEYS):
            row = self._db.execute(
                "SELECT sha256 FROM groups WHERE account_id = ? AND id = ?", (account_id, key.removeprefix(GROUP_KEYS))
            ).fetchone()
        return row is not None and self.inherit(str(row["sha256"]), sha256)

    def texts(self) -> dict[str, str]:
        """Return all recipes, by the SHA-256 of the input file."""
        return {row["sha256"]: row["recipe"] for row in self._db.execute("SELECT sha256, recipe FROM recipes")}

    def get(self, sha256: str) -> NotedRecipe | None:
        """Return the recipe of these bytes; None if none is known."""
        row = self._db.execute("SELECT recipe, path FROM recipes WHERE sha256 = ?", (sha256,)).fetchone()
        return NotedRecipe(str(row["recipe"]), blob_to_path(row["path"])) if row is not None else None
