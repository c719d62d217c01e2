"""All jobs that a recipe has had, by what each request asks: which rows have a good answer already, and where it is."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.engine.results.index.stacked import StackedIndex
from tbatch_tui.engine.results.outcomes import Outcome
from tbatch_tui.engine.results.sources import Source
from tbatch_tui.engine.tables.joined.answers import NOT_ASKED
from tbatch_tui.engine.tables.joined.matching import Named, source_hash
from tbatch_tui.engine.tables.problems import RowProblems
from tbatch_tui.engine.tables.recipe import RowChoice
from tbatch_tui.engine.tables.repeats import digest
from tbatch_tui.engine.tables.requests.builder import RequestBuilder, RowError
from tbatch_tui.engine.token_estimate import Prompt, estimate_prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.tables.joined.matching import RowWriter
    from tbatch_tui.engine.tables.readers.source import Cells, TableSource
    from tbatch_tui.engine.tables.recipe import Recipe
    from tbatch_tui.engine.tables.requests.builder import BoundBuilder

_UNREADABLE = 0
"""The key of a line that is no request."""
_decode_line = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="sorted").encode
_decode_prompt = msgspec.json.Decoder(Prompt).decode


def is_same_recipe(one: Recipe, other: Recipe) -> bool:
    """Return whether two recipes ask the same of a row, whatever the rows are and the table is."""
    return replace(one, rows=RowChoice(), source=None) == replace(other, rows=RowChoice(), source=None)


def request_key(line: bytes) -> int:
    """Return a hash of what a request asks, the same however its body is written; 0 for what is no request."""
    try:
        return digest(_encode(_decode(_decode_line(line)["body"]))) or 1
    except (ValueError, KeyError, RecursionError):
        return _UNREADABLE


def keys_of(index: ResultIndex) -> Iterator[tuple[int, int]]:
    """Yield number and key of each request of an index whose input file is here. Raises LocalFileError."""
    if not index.has_input or not len(index.requests):
        return
    locations = index.requests.locations
    with index.open_file(Source.INPUT) as file:
        for number in range(len(index.requests)):
            file.seek(locations.offset[number])
            if (key := request_key(file.read(locations.length[number]))) != _UNREADABLE:
                yield number, key


class AnsweredRequests:
    """The requests that have a good answer in one of the jobs of a recipe."""

    def __init__(self, indexes: Sequence[ResultIndex]) -> None:
        """Read the input files of indexes that are built. Raises LocalFileError."""
        self._keys = {key for index in indexes for number, key in keys_of(index) if index.outcome(number) is Outcome.OK}
        self.rows = 0
        """Rows that were found to have one."""
        self.prompt_tokens = 0
        """About how many prompt tokens these would have asked for once more."""

    def takes(self, line: bytes) -> bool:
        """Return whether the request of a line has a good answer, and count it."""
        if request_key(line) not in self._keys:
            return False
        self.rows += 1
        with suppress(ValueError):
            self.prompt_tokens += estimate_prompt(_decode_prompt(_decode_line(line)["body"])).tokens
        return True


class RunsMatcher:
    """Finds the answer to what a row asks in all jobs of its recipe, wherever the row stood when it was asked.

    A good answer comes before every other; of several, the one to the request with the row's own custom_id, else the
    latest.
    """

    def __init__(self, recipe: Recipe, source: TableSource, index: StackedIndex) -> None:
        """Read the input files.

        Args:
            recipe: What is asked.
            source: The table.
            index: The jobs below each other, the latest first.
        """
        self._builder = RequestBuilder(recipe, source)
        self.needed = self._builder.needed
        self.index = index
        self._by_key: dict[int, list[int]] = {}
        first = 0
        for member in index.members:
            for number, key in keys_of(member):
                self._by_key.setdefault(key, []).append(first + number)
            first += len(member.requests)
        self.new, self.gone = Named(), Named()

    def prepare(self) -> None:
        """Nothing has to be known before."""

    def match(self, rows: Iterator[tuple[Cells, Any]], columns: Sequence[str], writer: RowWriter) -> None:
        """Give the writer each row of a copy with its request, in order."""
        bound = self._builder.bind(columns)
        for number, (cells, row) in enumerate(rows, start=1):
            writer.emit(row, self._request(bound, number, cells))

    def _request(self, bound: BoundBuilder, number: int, cells: Cells) -> int:
        try:
            custom_id = bound.custom_id(number, cells)
            found = self._by_key.get(request_key(bound.line(custom_id, bound.tail(cells)[0])))
        except RowError:
            return NOT_ASKED
        if not found:
            return NOT_ASKED
        if len(found) == 1:
            return found[0]
        name, index = custom_id.encode("utf-8", "surrogatepass"), self.index
        return max(found, key=lambda at: (-index.outcome(at), index.requests.ids[at] == name, -at))


def asks_the_same(recipe: Recipe, source: TableSource, index: ResultIndex) -> bool:
    """Return whether a job asked what the recipe makes of the source: not so of a copy that was edited since.

    Reads the source up to the first row that it asked. Raises LocalFileError.
    """
    keys = {key for _, key in keys_of(index)}
    builder = RequestBuilder(recipe, source)
    rows = source.rows(builder.needed, RowProblems())
    bound = builder.bind(rows.columns)
    for number, cells in enumerate(rows, start=1):
        with suppress(RowError):
            if cells and request_key(bound.line(bound.custom_id(number, cells), bound.tail(cells)[0])) in keys:
                return True
    return False


def match_runs(
    recipe: Recipe,
    source: TableSource,
    index: ResultIndex,
    runs: Sequence[tuple[Recipe, ResultIndex]],
    cancelled: Callable[[], bool],
) -> tuple[RunsMatcher, str] | None:
    """Return what finds the answers of all jobs of a recipe, and the hash of the source.

    None where none of them was made from the source as it is now, or the first one is a copy that was edited.

    Args:
        recipe: That of the first job.
        source: The table.
        index: The results of the first job.
        runs: The other jobs, each with its recipe, the latest first.
        cancelled: Asked again and again whether to stop.
    """
    before = source_hash(source)
    if not any(one.source is not None and one.source.sha256 == before for one in (recipe, *(run[0] for run in runs))):
        return None
    for one in (index, *(run[1] for run in runs)):
        if not one.is_built:
            one.build(cancelled=cancelled)
    if not asks_the_same(recipe, source, index):
        return None
    stacked = StackedIndex([index, *(run[1] for run in runs)])
    stacked.build(cancelled=cancelled)
    return RunsMatcher(recipe, source, stacked), before
