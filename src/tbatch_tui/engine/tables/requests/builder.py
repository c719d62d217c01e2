"""The request of a row: one builder for the preview, the estimate, a try, and the file."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Struct

from tbatch_tui.engine.check.limits import CUSTOM_ID_CHARACTERS, LINE_BYTES_MAX, MEGABYTE
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.tables.cells import CellError, cell_text
from tbatch_tui.engine.tables.readers.folder import RECORDINGS
from tbatch_tui.engine.tables.recipe_rules import check_schema_text
from tbatch_tui.engine.tables.requests import custom_ids
from tbatch_tui.engine.tables.requests.custom_ids import IdError
from tbatch_tui.engine.tables.requests.images import ImageError, image_reader
from tbatch_tui.engine.tables.requests.json_cells import json_lines
from tbatch_tui.engine.tables.template import Joined, RenderError, Template, TemplateTextError, nearest
from tbatch_tui.engine.token_estimate import BYTES_PER_TOKEN, Prompt, estimate_prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tbatch_tui.engine.tables.cells import Cell
    from tbatch_tui.engine.tables.readers.source import TableSource
    from tbatch_tui.engine.tables.recipe import Recipe
    from tbatch_tui.engine.tables.requests.json_cells import JsonCells

    CellText = Callable[[Sequence[Cell]], str]

_URL_SCHEMES = ("http://", "https://", "s3://")
_encode = msgspec.json.Encoder().encode


class MissingColumnError(BatchError):
    """An option names a column that the source does not have."""


_SURELY_OVER = 1.5
"""How many times the tokens of a prompt are estimated over what the model takes, for the row to be refused."""


class _Line(Struct, gc=False):
    """A request, as far as its tokens are estimated."""

    body: Prompt


_decode_line = msgspec.json.Decoder(_Line).decode


class RowError(ValueError):
    """A row of which no request can be made. `column` is the one to look at; empty where it is in none."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


class RequestBuilder:
    """Makes the requests of a recipe for the rows of one source."""

    def __init__(
        self,
        recipe: Recipe,
        source: TableSource,
        on_private: Callable[[], object] = lambda: None,
        context: int | None = None,
    ) -> None:
        """Read the templates, and look the columns up.

        Raises TemplateTextError, MissingColumnError and RecipeError.

        Args:
            recipe: What is asked; it has to be complete.
            source: The table.
            on_private: Called before a local file is taken in that only its owner may read.
            context: How many tokens the model takes, prompt and answer; None where that is not known.
        """
        recipe.require_complete()
        answer = recipe.body.get("max_tokens")
        self.prompt_max = None if context is None else context - (answer if isinstance(answer, int) else 0)
        """How many tokens a prompt may have, so that the answer has room; None where that is not known."""
        self.recipe = recipe
        self._source = source
        self._on_private = on_private
        names = tuple(f"message {number}" for number in range(1, len(recipe.messages) + 1))
        if not recipe.messages:
            names = ("system", "prompt") if recipe.system is not None else ("prompt",)
        columns = source.columns
        self._templates = [
            (message.role, Template(message.content, name, columns, source.has_column))
            for message, name in zip(recipe.templates(), names, strict=False)
        ]
        self._audio = self._audio_column()
        for option, name in (("--id", recipe.id), ("--image", recipe.image), ("--audio", self._audio)):
            if name is not None:
                require_column(source, name, option)
        self.id_column = recipe.id or source.id_column or (self._audio if recipe.audio is True else None)
        """The column of the custom_id; None where it is made of the number of the row."""
        referenced = [name for _, template in self._templates for name in template.columns]
        self.referenced = tuple(dict.fromkeys([*referenced, *filter(None, (recipe.image, self._audio))]))
        """The columns whose cells must not be empty, in the order of their first use."""
        self.needed = tuple(dict.fromkeys([*self.referenced, *filter(None, (self.id_column,))]))
        """All columns that a request is made of."""

    def _audio_column(self) -> str | None:
        audio = self.recipe.audio
        if audio is not True:
            return audio or None
        if self._source.format == RECORDINGS:
            return "url"
        if self._source.format == "folder":
            raise MissingColumnError(
                "The recordings of a folder have no URLs",
                "Use tbatch-tui make FOLDER --audio, which uploads them to [audio] store; or list their URLs.",
            )
        if len(self._source.columns) != 1:
            raise MissingColumnError(
                "--audio needs the column of the URLs", f"The columns are {', '.join(self._source.columns[:20])}."
            )
        return self._source.columns[0]

    def bind(self, columns: Sequence[str]) -> BoundBuilder:
        """Return the builder for rows whose cells are in the order of these columns."""
        return BoundBuilder(self, {name: at for at, name in enumerate(columns)})

    def id_reader(self, positions: Mapping[str, int]) -> Callable[[int, Sequence[Cell]], str]:
        """Return the function from a row to its custom_id."""
        if self.id_column is None:
            return custom_ids.numbered_ids
        position = positions[self.id_column]
        if self.recipe.id is not None:
            return custom_ids.column_ids(position)
        return custom_ids.path_ids(position) if self._source.id_column else custom_ids.url_ids(position)

    def request(self, positions: Mapping[str, int], custom_id: str, slot: Callable[[str, CellText], str]) -> object:
        """Return the request, with what `slot` returns for each function from the cells to a text."""
        texts = [(role, self._content(template, positions, slot)) for role, template in self._templates]
        body = dict(self.recipe.body)
        if self._audio is not None:
            url = _audio_url(positions[self._audio])
            prompt = {"prompt": texts[0][1]} if texts else {}
            members: dict[str, object] = {"model": self.recipe.model, **prompt, "file": slot(self._audio, url), **body}
            return {"custom_id": custom_id, "method": "FILE", "body": members}
        messages: list[dict[str, object]] = [{"role": role, "content": text} for role, text in texts]
        if (image := self.recipe.image) is not None:
            at, read = positions[image], image_reader(self._source.base, self._on_private)
            image_url = slot(image, lambda cells: read(cell_text(cells[at])))
            message = next((m for m in reversed(messages) if m["role"] == "user"), messages[-1])
            prompt_part = {"type": "text", "text": message["content"]}
            message["content"] = [prompt_part, {"type": "image_url", "image_url": {"url": image_url}}]
        if self.recipe.schema is not None:
            schema = check_schema_text(self.recipe.schema)
            body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        return {"custom_id": custom_id, "body": {"model": self.recipe.model, "messages": messages, **body}}

    @staticmethod
    def _content(template: Template, positions: Mapping[str, int], slot: Callable[[str, CellText], str]) -> str:
        render = template.renderer(positions)
        if not template.is_constant:
            column = template.columns[0] if len(template.columns) == 1 else ""
            return slot(column, render)
        try:
            return render(())
        except RenderError as error:
            raise TemplateTextError(f"The {template.name} cannot be rendered: {error}", "Fix the template.") from None


class RequestBatch(NamedTuple):
    """Requests of rows that follow each other."""

    lines: list[bytes]
    keys: list[int]
    """A hash of what each asks."""
    ids: list[int]
    """A hash of each custom_id; empty where these are made of numbers."""


class BoundBuilder:
    """Makes requests of rows whose columns have their places."""

    def __init__(self, builder: RequestBuilder, positions: Mapping[str, int]) -> None:
        # A mark is no text that anybody could have written: a part of it is drawn for each builder.
        mark = secrets.token_hex(16)
        slots: list[tuple[str, CellText]] = []

        def slot(column: str, text: CellText) -> str:
            slots.append((column, text))
            return f"{mark}-{len(slots)}"

        rest = _encode(builder.request(positions, f"{mark}-0", slot))
        pieces = list(_split(rest, mark))
        self._head, self._first = pieces[0][1], pieces[1][1]
        self._slots = [(*slots[number - 1], after) for number, after in pieces[2:]]
        self._varying = [_varying_part(text) for _, text, _ in self._slots]
        self._id_at = None if builder.id_column is None else positions[builder.id_column]
        starts = (*(part.start for part in self._varying), b"")
        ends = (b"", *(part.end for part in self._varying))
        afters = (self._first, *(after for _, _, after in self._slots))
        constant = [end + after + start for end, after, start in zip(ends, afters, starts, strict=True)]
        head, *others = (text.replace(b"%", b"%%") for text in (self._head, *constant))
        self._format = head + (b'"row-%04d"' if self._id_at is None else b'"%b"') + b"%b".join(others) + b"\n"
        self._id_of = builder.id_reader(positions)
        self._id_column = builder.id_column or ""
        self._checked = [(name, positions[name]) for name in builder.referenced]
        self._prompt_max = builder.prompt_max
        fits = LINE_BYTES_MAX if self._prompt_max is None else max(0, self._prompt_max) * BYTES_PER_TOKEN
        self.fitting_bytes = min(LINE_BYTES_MAX, fits)
        """Bytes of a line up to which it is certainly not too long, for the API and for the model."""

    def empty_columns(self, cells: Sequence[Cell]) -> list[str]:
        """Return the columns that are asked for and have nothing in this row."""
        return [name for name, at in self._checked if cells[at] is None or cells[at] == ""]

    def custom_id(self, number: int, cells: Sequence[Cell]) -> str:
        """Return the custom_id of a row. Raises RowError."""
        try:
            return self._id_of(number, cells)
        except IdError as error:
            raise RowError(self._id_column, str(error)) from None

    def tail(self, cells: Sequence[Cell]) -> tuple[bytes, int]:
        """Return the bytes of a row's request after its custom_id, and a hash of what differs in them.

        They are what two rows that ask the same have in common. Raises RowError.
        """
        parts, keys = [self._first], []
        for (column, text, after), varying in zip(self._slots, self._varying, strict=True):
            try:
                parts.append(part := _encode(text(cells)))
            except (RenderError, ImageError, CellError) as error:
                raise RowError(column, str(error)) from None
            except UnicodeEncodeError:
                raise RowError(column, "half of a surrogate pair, which is not valid text") from None
            keys.append(part[len(varying.start) : len(part) - len(varying.end)])
            parts.append(after)
        return b"".join(parts), hash(keys[0] if len(keys) == 1 else tuple(keys))

    def batch(self, first: int, cells: JsonCells) -> RequestBatch | None:
        """Return the requests of rows that are numbered from `first` on, many at once.

        None where a row needs a closer look: one of its cells is empty, its id cannot be one, or its text cannot be
        rendered. Only for tables of text, whose ids are in a column or made of the number of the row.
        """
        if any(b"" in cells.columns[at] for _, at in self._checked):
            return None
        ids: list[str] = []
        heads: Iterable[object] = range(first, first + len(cells))
        if self._id_at is not None:
            ids, heads = cells.texts(self._id_at), cells.columns[self._id_at]
            if not all(ids) or max(map(len, ids)) > CUSTOM_ID_CHARACTERS:
                return None
        try:
            parts = [part.of(cells) for part in self._varying]
        except (RenderError, ImageError, CellError, UnicodeEncodeError):
            return None
        lines = list(map(self._format.__mod__, zip(heads, *parts, strict=True)))
        keys = parts[0] if len(parts) == 1 else zip(*parts, strict=True) if parts else [()] * len(cells)
        return RequestBatch(lines, list(map(hash, keys)), list(map(hash, ids)))

    def line(self, custom_id: str, tail: bytes) -> bytes:
        """Return the line of a request, with its end. Raises RowError where it is longer than a line may be."""
        line = b"%b%b%b\n" % (self._head, _encode(custom_id), tail)
        if len(line) > LINE_BYTES_MAX:
            size = f"{len(line) / MEGABYTE:,.1f} MB"
            raise RowError(self._slots[0][0] if self._slots else "", f"the request has {size} (max. 10 MB per line)")
        if self._prompt_max is not None and len(line) > self.fitting_bytes:
            self._require_context(line)
        return line

    def _require_context(self, line: bytes) -> None:
        """Raise RowError for a prompt that is over the model's context, even if a token was half as long again."""
        assert self._prompt_max is not None
        tokens = estimate_prompt(_decode_line(line).body).tokens
        if tokens > _SURELY_OVER * self._prompt_max:
            column = self._slots[0][0] if self._slots else ""
            raise RowError(column, f"about {tokens:,} prompt tokens; the model takes {self._prompt_max:,}")


def _split(data: bytes, mark: str) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes before the first mark and after each, with the number of the mark before them, from 0."""
    start = b'"' + mark.encode() + b"-"
    head, *rest = data.split(start)
    yield -1, head
    for piece in rest:
        number, _, after = piece.partition(b'"')
        yield int(number), after


class _VaryingPart(NamedTuple):
    """What differs from row to row in a text, and the JSON of what stands before and after it, with its quotes."""

    start: bytes
    of: Callable[[JsonCells], list[bytes]]
    """Returns this part of many rows as JSON, without quotes."""
    end: bytes


def _varying_part(text: CellText) -> _VaryingPart:
    """Return the part of a text that is made for each row: of a plain template what is between its first and last."""
    if isinstance(text, Joined):
        with suppress(UnicodeEncodeError):  # each row says that
            return _plain_part(text)
    return _VaryingPart(b'"', lambda cells: json_lines(list(map(text, cells.rows()))).split(b"\n"), b'"')


def _plain_part(text: Joined) -> _VaryingPart:
    (start, first), *others = text.parts
    start_json, end_json = _encode(start)[:-1], _encode(text.end)[1:]
    if not others:
        return _VaryingPart(start_json, lambda cells: cells.columns[first], end_json)
    between = [_encode(piece)[1:-1].replace(b"%", b"%%") for piece, _ in others]
    form = b"%b".join([b"", *between, b""])
    places = [at for _, at in text.parts]
    joined = form.__mod__
    return _VaryingPart(
        start_json, lambda cells: list(map(joined, zip(*[cells.columns[at] for at in places], strict=True))), end_json
    )


def _audio_url(position: int) -> CellText:
    def read(cells: Sequence[Cell]) -> str:
        text = cell_text(cells[position]).strip()
        if not text.lower().startswith(_URL_SCHEMES):
            raise ImageError(f"{text} is not an http or https URL of a recording")
        return text

    return read


def require_column(source: TableSource, name: str, option: str) -> None:
    """Raise MissingColumnError unless the source has this column."""
    if not source.has_column(name):
        near = nearest(name, source.columns)
        hint = f"Did you mean {near}?" if near else f"The columns are {', '.join(source.columns[:20])}."
        raise MissingColumnError(f"{option}: there is no column {name}", hint)
