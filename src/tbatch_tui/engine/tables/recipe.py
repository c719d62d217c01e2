"""A recipe: everything that was asked for when an input file was made of a table. A TOML file that a person can write.

    version = 1
    model = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
    prompt = "Is this review positive or negative? {{ review }}"

    [body]
    temperature = 0

    [rows]
    where = ["lang=de"]

    [source]
    path = "reviews.csv"

The same recipe on the same source makes the same bytes. No key is ever in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import BatchError

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
EMPTY_CHOICES = ("error", "skip", "keep")
ROLES = ("system", "user", "assistant", "developer", "tool")
OWN_BODY_KEYS = {
    "model": "Use -m, or `model` in a recipe.",
    "messages": "Use -p and -s, or `prompt`, `system` or `messages` in a recipe.",
    "file": "Use --audio, or `audio` in a recipe.",
}
"""Members of a request's body that are not parameters, and where they come from."""


class RecipeError(BatchError):
    """A recipe with a mistake. `line` is its line in the file, from 1; 0 where it is in none."""

    def __init__(self, title: str, hint: str, line: int = 0) -> None:
        super().__init__(title, hint)
        self.line = line


@dataclass(frozen=True, slots=True)
class RowChoice:
    """Which rows of the source are asked for. The fields apply in their order."""

    first: int | None = None
    """The first row, counted from 1, and the last one; None: from the beginning, to the end."""
    last: int | None = None
    where: tuple[str, ...] = ()
    """`COLUMN=VALUE`, exact text; all must hold."""
    sample: int | None = None
    """How many rows are drawn, by `seed`."""
    seed: int | None = None
    once: bool = False
    """Whether identical requests are asked once."""
    empty: str = "error"
    """What is done where a referenced cell is empty or missing: one of `EMPTY_CHOICES`."""


@dataclass(frozen=True, slots=True)
class RecipeSource:
    """What a file was made from. Written by `make`; `path` and the options can be written by a person."""

    path: str
    """Relative to the recipe, with slashes; or `job:ID`."""
    sha256: str = ""
    format: str = ""
    rows: int | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    """A sheet of a workbook, or a table of a database."""


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """A message of a chat request: its role, and the template of its text."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is asked of each row. Texts are templates with `{{ column }}`."""

    model: str = ""
    system: str | None = None
    prompt: str | None = None
    messages: tuple[MessageTemplate, ...] = ()
    """In place of `system` and `prompt`: a whole conversation."""
    id: str | None = None
    """The column of the custom_id."""
    schema: str | None = None
    """The short text of a schema, or a JSON Schema as text that begins with a brace."""
    image: str | None = None
    """The column of an image: a URL, or the path of a file."""
    audio: str | bool = False
    """The column of the URL of a recording; True for a source that has only one."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the request, as in its body."""
    rows: RowChoice = field(default_factory=RowChoice)
    source: RecipeSource | None = None

    @property
    def is_audio(self) -> bool:
        """Whether the requests are for recordings."""
        return self.audio is not False

    def templates(self) -> tuple[MessageTemplate, ...]:
        """Return the messages of a chat request, in their order; of an audio request the prompt alone."""
        if self.messages:
            return self.messages
        texts = (("system", self.system), ("user", self.prompt))
        return tuple(MessageTemplate(role, text) for role, text in texts if text is not None)

    def require_complete(self) -> None:
        """Raise RecipeError unless there is all that a request needs."""
        if not self.model:
            raise RecipeError("No model is named", "Use -m, or `model` in the recipe.")
        if self.is_audio and (self.system is not None or self.messages or self.image is not None):
            raise RecipeError(
                "An audio request has no messages and no image", "Leave -s, --image and `messages` out, or --audio."
            )
        if not self.is_audio and not (self.prompt or "").strip() and not self.messages:
            raise RecipeError("There is no prompt", "Use -p, or `prompt` in the recipe.")
        if self.messages and (self.prompt is not None or self.system is not None):
            raise RecipeError("There are messages and a prompt", "Use either `messages`, or `system` and `prompt`.")
        if self.schema is not None and "response_format" in self.body:
            raise RecipeError("A schema and a response_format are given", "Leave one of them out.")
        if self.schema is not None and self.is_audio:
            raise RecipeError("A transcription has no schema", "Leave --schema out, or --audio.")

    def with_source(self, source: RecipeSource) -> Recipe:
        """Return the recipe of this source."""
        return replace(self, source=source)
