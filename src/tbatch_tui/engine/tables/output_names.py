"""The names of what `make` writes: the input file, and the recipe next to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.local_files.same_file import is_same_file

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".recipe.toml"


def recipe_path(out: Path) -> Path:
    """Return the path of the recipe that goes with an input file: `reviews.recipe.toml` with `reviews.jsonl`."""
    return out.with_name(f"{out.stem}{SUFFIX}")


def free_name(folder: Path, stem: str) -> Path:
    """Return the first of `stem.jsonl`, `stem-2.jsonl` … that is free, and whose recipe is."""
    number = 1
    while True:
        out = folder / f"{stem}{f'-{number}' if number > 1 else ''}.jsonl"
        if not os.path.lexists(out) and not os.path.lexists(recipe_path(out)):
            return out
        number += 1


def require_free(out: Path, kept: Path | None = None) -> None:
    """Raise LocalFileError where the name, or that of its recipe, is taken; `kept` is a recipe that may be there."""
    for path in (out, recipe_path(out)):
        if os.path.lexists(path) and not (kept is not None and path != out and is_same_file(path, kept)):
            raise LocalFileError(f"{path} already exists", "Nothing was written. --force replaces it.")
