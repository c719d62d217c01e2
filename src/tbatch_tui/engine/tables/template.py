"""Templates: Jinja's syntax, rendered by minijinja. One renderer for the preview, the estimate and the file.

A name that is no column is an error before the first row. Cells are text: one that looks like a template is not
expanded. A column whose name is no identifier is written as it is, `{{ Tweet text }}`, or `{{ row["Tweet text"] }}`.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.tables.cells import CellError, cell_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tbatch_tui.engine.tables.cells import Cell

FUEL = 1_000_000
"""Steps that one rendering may take, so that a loop that does not end is stopped."""
ROW = "row"
_HIDDEN_ROW = "__row"
"""The row under a name that is no column's: there may be a column called row."""
_RESERVED = frozenset(
    {"true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if", "else", "elif", "for"}
    | {"set", "self", "super", "loop", "recursive", "import", "include", "extends", "block", "macro", "call"}
    | {"filter", "with", "autoescape", "raw"}
)
"""Words that are no names in an expression, though a column may be called so."""
_TEXTS = "__text"
"""The cells as texts. Where a tag is nothing but a column it is taken from here: minijinja would write 3.0 as 3."""
_NEW_NAMES = re.compile(r"\{#|\{%[-+]?\s*(?:for|set|macro|with|call|import|from|raw)\b")
"""What may give a column's name another meaning, or its tag none."""
_TAG = re.compile(
    r"\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}|\{#.*?#\}"
    r"|(?P<open>\{\{[-+]?\s*|\{%[-+]?\s*(?:el)?if\s+)(?P<head>.*?)(?P<close>\s*[-+]?(?:\}\}|%\}))",
    re.DOTALL,
)
_AFTER_NAME = re.compile(r"\s*(?:$|\||(?:~|==|!=)|\s(?:if|else|or|and|is|in|not)\b)")
_PLAIN = re.compile(r"(?<!\{)\{\{\s*(?:__row\[(\"(?:[^\"\\]|\\.)*\")\]|([^\W\d]\w*))\s*\}\}")
_ROW_ITEM = re.compile(r"\brow\s*(?:\[\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')\s*\]|\.\s*([^\W\d]\w*))")
_ROW_WORD = re.compile(r"\brow\b")


class TemplateTextError(BatchError):
    """A template that cannot be read, or names a column that is not there."""


class RenderError(ValueError):
    """A row for which a template cannot be rendered."""


class Template:
    """One text with the columns that it names. Renders rows of cells by position."""

    def __init__(self, source: str, name: str, columns: Collection[str], has_column: Callable[[str], bool]) -> None:
        """Read a template. Raises TemplateTextError.

        Args:
            source: The text.
            name: What messages call it: prompt, system …
            columns: The columns of the table that are known.
            has_column: Says whether there is a column that is not among them.
        """
        self.name = name
        self._given = source
        self._text, rewritten = _rewrite(source, columns)
        self.columns = self._find_columns(rewritten, columns, has_column)
        """The columns that it names, which the cells given to `render` stand for, in this order."""

    @property
    def is_constant(self) -> bool:
        """Whether it is the same for all rows."""
        return not self.columns

    @cached_property
    def _environment(self) -> Any:
        from minijinja import Environment  # 9 ms

        environment = Environment(
            undefined_behavior="strict",
            auto_escape_callback=lambda _: False,
            keep_trailing_newline=True,
            fuel=FUEL,
            finalizer=cell_text,
        )
        environment.add_template(self.name, self._jinja_text[0])
        return environment

    @cached_property
    def _jinja_text(self) -> tuple[str, tuple[str, ...]]:
        """What minijinja is given, and the columns that it takes from `_TEXTS`."""
        names: set[str] = set()
        if _NEW_NAMES.search(self._text):
            return self._text, ()

        def replace(match: re.Match[str]) -> str:
            name = match[2] if match[1] is None else json.loads(match[1])
            if match[1] is None and name in _RESERVED:
                return match[0]
            names.add(name)
            return f"{{{{ {_TEXTS}[{json.dumps(name, ensure_ascii=False)}] }}}}"

        return _PLAIN.sub(replace, self._text), tuple(names)

    def _find_columns(
        self, rewritten: set[str], columns: Collection[str], has_column: Callable[[str], bool]
    ) -> tuple[str, ...]:
        if (pieces := self._plain_pieces) is not None:
            names = {name for _, name in pieces if name is not None}
            unknown = [name for name in names if name not in columns and not has_column(name)]
            if not unknown:
                return tuple(sorted(names))
            raise _unknown_column(self.name, unknown[0], columns)
        from minijinja import TemplateError

        try:  # the environment takes the template in
            found = self._environment.undeclared_variables_in_str(self._text)
        except TemplateError as error:
            raise self._syntax_fault(error) from None
        names = set(rewritten)
        known_globals = set(self._environment.globals)
        for name in sorted(found - {_HIDDEN_ROW}):
            if name in columns or has_column(name):
                names.add(name)
            elif name == ROW:
                names |= self._row_items(columns, has_column)
            elif name not in known_globals:
                raise _unknown_column(self.name, name, columns)
        return tuple(sorted(names))

    def _row_items(self, columns: Collection[str], has_column: Callable[[str], bool]) -> set[str]:
        """Return the columns that are named as items of `row`: all of them where one is computed."""
        names: set[str] = set()
        items = list(_ROW_ITEM.finditer(self._text))
        for item in items:
            quoted = item[1]
            name = item[2] if quoted is None else _unquote(quoted)
            if name not in columns and not has_column(name):
                raise _unknown_column(self.name, name, columns)
            names.add(name)
        return set(columns) if len(_ROW_WORD.findall(self._text)) > len(items) else names

    @cached_property
    def _plain_pieces(self) -> list[tuple[str, str | None]] | None:
        """The texts of the template, and the column after each; None where it is more than texts and columns."""
        pieces: list[tuple[str, str | None]] = []
        at = 0
        for match in _PLAIN.finditer(self._text):
            name = match[2] if match[1] is None else json.loads(match[1])
            if match[1] is None and (name in _RESERVED or name.startswith("__") or not name.isascii()):
                return None
            pieces.append((self._text[at : match.start()], name))
            at = match.end()
        pieces.append((self._text[at:], None))
        is_plain = not any(mark in text for text, _ in pieces for mark in ("{{", "{%", "{#"))
        return pieces if is_plain else None

    def renderer(self, positions: Mapping[str, int]) -> Callable[[Sequence[Cell]], str]:
        """Return a function from the cells of a row to the text.

        It raises RenderError for a row that cannot be rendered. Plain templates, of texts and columns alone, are put
        together without minijinja, which gives the same text.

        Args:
            positions: Where the cell of each column is in a row.
        """
        if (pieces := self._plain_pieces) is None:
            return self.jinja_renderer(positions)
        parts = [(text, positions[name]) for text, name in pieces if name is not None]
        return Joined(parts, pieces[-1][0])

    def jinja_renderer(self, positions: Mapping[str, int]) -> Callable[[Sequence[Cell]], str]:
        """Return the same function, which always asks minijinja."""
        from minijinja import TemplateError

        render = self._environment.render_template
        places = [(name, positions[name]) for name in self.columns]
        text_places = [(name, positions[name]) for name in self._jinja_text[1]]

        def render_row(cells: Sequence[Cell]) -> str:
            values = {name: "" if cells[at] is None else cells[at] for name, at in places}
            try:
                texts = {name: cell_text(cells[at]) for name, at in text_places}
                context = {ROW: values, **values, _HIDDEN_ROW: values, _TEXTS: texts}
                return str(render(self.name, **context))
            except (TemplateError, CellError) as error:
                raise RenderError(_explain(error)) from None

        return render_row

    def _syntax_fault(self, error: Any) -> TemplateTextError:
        reason, hint = _explain(error), "Fix the template."
        if "{{{" in self._given or re.search(r"\{\{\s*\"", self._given):
            hint = "Put literal braces between {% raw %} and {% endraw %}."
        elif "end of input" in reason and "variable block" in reason:
            reason, hint = "{{ is never closed", "Close it with }}."
        elif "end of input" in reason:
            reason, hint = "{% is never closed, or the block it begins", "{% if … %} ends with {% endif %}."
        place = f", line {error.line}," if error.line and "\n" in self._given.strip() else ""
        reason = reason.replace("variable block", "{{ … }}")
        return TemplateTextError(f"The {self.name}{place} is not a valid template: {reason}", hint)


class Joined:
    """Renders a plain template: texts and columns."""

    def __init__(self, parts: list[tuple[str, int]], end: str) -> None:
        self.parts, self.end = parts, end
        """The texts, each with the place of the cell behind it, and the text behind the last."""

    def __call__(self, cells: Sequence[Cell]) -> str:
        """Return the text of a row. Raises RenderError."""
        return "".join([f"{text}{_as_text(cells[at])}" for text, at in self.parts]) + self.end


def _as_text(cell: Cell) -> str:
    if type(cell) is str:
        return cell
    try:
        return cell_text(cell)
    except CellError as error:
        raise RenderError(str(error)) from None


def _explain(error: Any) -> str:
    if isinstance(error, CellError):
        return str(error)
    cause = error.__cause__
    if isinstance(cause, CellError):
        return str(cause)
    return str(getattr(error, "detail", None) or error.message)


def _rewrite(source: str, columns: Collection[str]) -> tuple[str, set[str]]:
    """Write columns whose names are no identifiers as items of the row; return the text and their names."""
    special = sorted((c for c in columns if not c.isidentifier() or c in _RESERVED), key=len, reverse=True)
    names: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        head = match["head"]
        if not head:
            return match[0]
        for name in special:
            if name and head.startswith(name) and _AFTER_NAME.match(head, len(name)):
                names.add(name)
                item = json.dumps(name, ensure_ascii=False)
                return f"{match['open']}{_HIDDEN_ROW}[{item}]{head[len(name) :]}{match['close']}"
        return match[0]

    return (_TAG.sub(replace, source), names) if special else (source, names)


def _unquote(text: str) -> str:
    """Return a text that stands in quotes in a template."""
    inner = text[1:-1].replace('\\"', '"').replace("\\'", "'")
    try:
        return str(json.loads(json.dumps(inner, ensure_ascii=False).replace("\\\\", "\\")))
    except ValueError:
        return inner


def _unknown_column(template: str, name: str, columns: Collection[str]) -> TemplateTextError:
    near = nearest(name, columns)
    hint = f"Did you mean {near}?" if near else f"The columns are {', '.join(list(columns)[:20]) or 'none'}."
    return TemplateTextError(f"The {template} uses a column that does not exist: {name}", hint)


def column_expression(name: str) -> str:
    """Return how a template names a column between its braces: as it is, or as an item of the row."""
    is_plain = name == name.strip() and name and name.isprintable() and not any(mark in name for mark in "{}|")
    return name if is_plain else f"row[{json.dumps(name, ensure_ascii=not name.isprintable())}]"


def nearest(name: str, names: Collection[str]) -> str | None:
    """Return the name that is most like this one; None where none is."""
    folded = {other.casefold(): other for other in names}
    close = get_close_matches(name.casefold(), folded, n=1)
    return folded[close[0]] if close else None
