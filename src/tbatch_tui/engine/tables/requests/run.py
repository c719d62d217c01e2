"""One reading of a source, from its rows to the lines of their requests: for the file, a preview, and the sums."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from tbatch_tui.engine.errors import BatchError, OperationCancelledError
from tbatch_tui.engine.local_files.rights import PRIVATE
from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.repeats import FirstOnly, digest
from tbatch_tui.engine.tables.requests.builder import RequestBuilder, RowError
from tbatch_tui.engine.tables.requests.json_cells import JsonCells
from tbatch_tui.engine.tables.requests.read_ahead import can_read_ahead, read_ahead, read_batches
from tbatch_tui.engine.tables.selection import RowSelection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tbatch_tui.engine.tables.readers.source import Cells, TableSource
    from tbatch_tui.engine.tables.recipe import Recipe
    from tbatch_tui.engine.tables.requests.builder import BoundBuilder

ASKED_ONCE = "asked once"
"""The reason for which rows that ask the same as one before them are left out."""
ANSWERED = "they have a good answer already"
"""The reason for which rows are left out where only what is new is asked."""
_FLUSH = 1 << 20
"""Bytes that are written at once."""
_NAMED_IDS = 1_000
"""Doubled ids that are named; the others are only counted, so that few are held."""


class RequestRun:
    """One reading of the source, from rows to lines."""

    def __init__(
        self,
        recipe: Recipe,
        source: TableSource,
        problems: RowProblems | None = None,
        is_answered: Callable[[bytes], bool] | None = None,
        context: int | None = None,
    ) -> None:
        """Read the templates, and look the columns up.

        Raises TemplateTextError, MissingColumnError and RecipeError.

        Args:
            recipe: What is asked; it has to be complete, with a seed where there is a sample.
            source: The table.
            problems: What collects the problems of rows.
            is_answered: Says of the line of a request whether it has a good answer already: then it is left out.
            context: How many tokens the model takes; None where that is not known.
        """
        self.problems = RowProblems() if problems is None else problems
        self.requests = 0
        self.left_out: Counter[str] = Counter()
        self.repeats = 0
        self._is_answered = is_answered
        self._file: BinaryIO | None = None
        self._recipe = recipe
        self._source = source
        self.selection = RowSelection(recipe.rows, source)
        self.builder = RequestBuilder(recipe, source, self._make_private, context)
        self._needed = tuple(dict.fromkeys([*self.builder.needed, *self.selection.needed]))
        self._tails: array[int] = array("q")
        self._ids: array[int] | None = None if self.builder.id_column is None else array("q")

    def _make_private(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                os.fchmod(self._file.fileno(), PRIVATE)

    def write(self, file: BinaryIO, cancelled: Callable[[], bool]) -> tuple[int, str]:
        """Write all lines; return their bytes and their hash. After the first problem nothing more is written."""
        self._file = file
        sha256, size, held, lines = hashlib.sha256(), 0, 0, list[bytes]()
        for _, batch in self.batches():
            piece = b"".join(batch)
            lines.append(piece)
            held += len(piece)
            if held >= _FLUSH:
                if cancelled():
                    raise OperationCancelledError("Making the file was stopped")
                self._write(file, sha256, lines)
                size += held
                held, lines = 0, []
        self._write(file, sha256, lines)
        self.name_doubled_ids()
        return size + held, sha256.hexdigest()

    def _write(self, file: BinaryIO, sha256: hashlib._Hash, lines: list[bytes]) -> None:
        if not self.problems.total:
            data = b"".join(lines)
            file.write(data)
            sha256.update(data)

    def _rows(self, problems: RowProblems) -> Iterator[tuple[int, Cells, BoundBuilder]]:
        """Yield the rows that are asked for and have all that is asked for in them."""
        rows = self._source.rows(self._needed, problems)
        bound = self.builder.bind(rows.columns)
        return self._asked(self.selection.choose(rows, rows.columns), bound, problems)

    def _asked(
        self, rows: Iterable[tuple[int, Cells]], bound: BoundBuilder, problems: RowProblems | None = None
    ) -> Iterator[tuple[int, Cells, BoundBuilder]]:
        problems = self.problems if problems is None else problems
        policy, empty_columns = self._recipe.rows.empty, bound.empty_columns
        for number, cells in rows:
            if not cells:  # its problem is known
                continue
            if policy != "keep" and (empty := empty_columns(cells)):
                if policy == "skip":
                    self.left_out[f"{empty[0]} is empty"] += 1
                else:
                    for column in empty:
                        problems.add(number, column, "the cell is empty")
                continue
            yield number, cells, bound

    def batches(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield the lines of all requests, of rows that follow each other together with the number of their first row.

        They are many where nothing about the rows needs a closer look. Problems of rows are added to the problems.
        """
        is_plain = self._source.has_text_only and self.selection.is_everything and not self._recipe.rows.once
        is_plain = is_plain and self._recipe.image is None and self._is_answered is None and bool(self._needed)
        if not is_plain or self.builder.id_column != self._recipe.id or self._recipe.rows.empty == "keep":
            for row, line in self.numbered_lines():
                yield row, [line]
            return
        number = 0
        read = read_ahead if can_read_ahead(self._source) else read_batches
        bound = self.builder.bind(self._needed)
        for taken in read(self._source, self._needed, self.problems):
            made = bound.batch(number + 1, taken) if isinstance(taken, JsonCells) else None
            if made is None or max(map(len, made.lines)) > bound.fitting_bytes:
                rows = taken.rows() if isinstance(taken, JsonCells) else taken
                asked = self._asked(enumerate(rows, start=number + 1), bound)
                for row, line in self._lines_of(asked, None):
                    yield row, [line]
            else:
                self.requests += len(taken)
                self._tails.extend(made.keys)
                if self._ids is not None:
                    self._ids.extend(made.ids)
                yield number + 1, made.lines
            number += len(taken)
        self.selection.rows = number
        self._count_repeats()

    def numbered_lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the number of each row with the line of its request. Problems of rows are added to the problems."""
        self.selection.count()
        once = self._find_repeated() if self._recipe.rows.once else None
        before = self._source.sha256  # of an earlier reading, if there was one
        self.left_out.clear()
        yield from self._lines_of(self._rows(self.problems), once)
        self.left_out.update(self.selection.left_out)
        if before and before != self._source.sha256:
            raise BatchError(f"{self._source.name} changed while being read", "Nothing was written. Try again.")
        if once is None:
            self._count_repeats()

    def _lines_of(
        self, rows: Iterable[tuple[int, Cells, BoundBuilder]], once: FirstOnly | None
    ) -> Iterator[tuple[int, bytes]]:
        problems, tails, ids = self.problems, self._tails, self._ids
        for number, cells, bound in rows:
            try:
                tail, key = bound.tail(cells)
                if once is None:
                    tails.append(key)
                elif not once.is_first(digest(tail)):
                    self.left_out[ASKED_ONCE] += 1
                    continue
                custom_id = bound.custom_id(number, cells)
                line = bound.line(custom_id, tail)
            except RowError as error:
                problems.add(number, error.column, str(error))
                continue
            if self._is_answered is not None and self._is_answered(line):
                self.left_out[ANSWERED] += 1
                continue
            if ids is not None:
                ids.append(hash(custom_id))
            self.requests += 1
            yield number, line

    def _count_repeats(self) -> None:
        self.repeats = FirstOnly(self._tails).repeats
        self._tails = array("q")

    def _find_repeated(self) -> FirstOnly:
        """Read the rows once to know which requests there are more than once."""
        hashes: array[int] = array("Q")
        for _, cells, bound in self._rows(RowProblems()):
            with suppress(RowError):
                hashes.append(digest(bound.tail(cells)[0]))
        return FirstOnly(hashes)

    def name_doubled_ids(self) -> None:
        """Find custom_ids that are there twice, and read the rows again to name them."""
        if self._ids is None:
            return
        doubled = FirstOnly(self._ids)
        self._ids = None
        if not doubled.repeats:
            return
        first_rows: dict[str, int] = {}
        column, named = self.builder.id_column or "", 0
        once = self._find_repeated() if self._recipe.rows.once else None
        for number, cells, bound in self._rows(RowProblems()):
            try:
                if once is not None and not once.is_first(digest(bound.tail(cells)[0])):
                    continue
                custom_id = bound.custom_id(number, cells)
            except RowError:
                continue
            if doubled.place(hash(custom_id)) is None:
                continue
            first = first_rows.setdefault(custom_id, number)
            if first != number:
                named += 1
                self.problems.add(number, column, f"duplicate id {custom_id} (first used in row {first:,})")
                if named >= _NAMED_IDS:
                    break
        self.problems.count(max(0, doubled.repeats - named))
