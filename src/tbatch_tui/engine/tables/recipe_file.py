"""Reads recipes. Every mistake is named with file and line."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.tables.recipe import Recipe, RecipeError
from tbatch_tui.engine.tables.recipe_rules import RecipeRules

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 32 << 20
"""Bytes: a longer file is no recipe."""


def read_recipe(path: Path) -> Recipe:
    """Read a recipe. Raises RecipeError with `file:line`, and LocalFileError where the file cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LocalFileError(
            f"The recipe {path} cannot be read: {reason}", "Check its path and permissions."
        ) from error
    if len(data) > LARGEST:
        raise RecipeError(f"{path} is too large for a recipe", "A recipe is a small TOML file.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RecipeError(f"{path}:{line}: the text is not UTF-8", "Save the recipe as UTF-8.", line) from None
    return parse_recipe(text, str(path))


def parse_recipe(text: str, name: str = "recipe") -> Recipe:
    """Return the recipe of a TOML text. Raises RecipeError; `name` is what its messages call the file."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise _syntax_error(text, name, error) from None
    return RecipeRules(name, text).recipe_of(document)


def _syntax_error(text: str, name: str, error: Exception) -> RecipeError:
    reason = str(error) if not isinstance(error, RecursionError) else "values are nested too deeply"
    place = re.search(r"\(at line (\d+), column (\d+)\)$", reason)
    line, column = (int(place[1]), int(place[2])) if place else (text.count("\n") + 1, 0)
    where = f"{name}:{line}:{column}" if column else f"{name}:{line}"
    what = re.sub(r" \(at .*\)$", "", reason)
    return RecipeError(f"{where}: this isn't valid TOML: {what[:1].lower()}{what[1:]}", "Fix that line.", line)
