"""The messages of a recipe as a text to edit, and the draft that comes of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.tables.compose.draft import draft_of
from tbatch_tui.engine.tables.recipe import VERSION, MessageTemplate, Recipe, RecipeError
from tbatch_tui.engine.tables.recipe_file import parse_recipe
from tbatch_tui.engine.tables.recipe_text import recipe_text

if TYPE_CHECKING:
    from tbatch_tui.engine.tables.compose.draft import Draft

_HEAD = """\
# The messages of each request, in their order; {{ column }} stands for a cell.
# With one user message, and at most a system message before it, they become prompt and system.

"""


def conversation_text(draft: Draft) -> str:
    """Return the messages of a draft as TOML."""
    return _HEAD + recipe_text(Recipe(messages=tuple(MessageTemplate(*message) for message in draft.messages)))


def with_conversation(draft: Draft, text: str) -> Draft:
    """Return the draft with the messages of an edited text; one prompt becomes that.

    Raises RecipeError, with its line, where the text cannot be read or has no message.
    """
    if re.search(r"^\s*version\s*=", text, re.MULTILINE) is None:  # nobody has to keep that line
        text = f"version = {VERSION}\n{text}"
    recipe = parse_recipe(text, "messages")
    read = draft_of(recipe)
    if not read.messages and not read.prompt.strip():
        raise RecipeError("There is no message", "Write at least one with the role user.")
    return replace(draft, prompt=read.prompt, system=read.system, messages=read.messages)
