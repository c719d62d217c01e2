"""The recipe of an input file in the history of this machine, without an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.journal.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path


def note_recipe(data_dir: Path, sha256: str, text: str, path: Path) -> None:
    """Save the recipe of these bytes. Raises LocalFileError, and JournalError while the history cannot be used.

    Args:
        data_dir: The folder of the history.
        sha256: Of the input file.
        text: The recipe.
        path: Its file.
    """
    journal = Journal(data_dir / "history.db")
    try:
        with journal.database.translate_errors():
            journal.recipes.note(sha256, text, path.absolute())
    finally:
        journal.close()
