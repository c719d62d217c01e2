"""The tokens and the audio of a job by model. Only rows of the output file count: only those are billed."""

from __future__ import annotations

from array import array
from itertools import compress
from typing import TYPE_CHECKING, Any, TypeAlias

from tbatch_tui.engine.domain.counts import ModelUsage
from tbatch_tui.engine.results.index.columns import UNKNOWN_COUNT, ResponseColumns
from tbatch_tui.engine.results.sources import Source, source_of_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tbatch_tui.engine.results.index.index import ResultIndex

Numbers: TypeAlias = "range | array[int]"
_BATCH = 1 << 13
"""Responses that are added up at once."""


def usage_by_model(index: ResultIndex, rows: Sequence[int] | None = None) -> tuple[ModelUsage, ...]:
    """Return the usage of rows by model, the model with the most rows first.

    Takes a while for 100,000 rows: run it in a thread.

    Args:
        rows: Numbers of rows; None for every response, duplicates and unknown ids included.
    """
    responses = index.responses
    outputs = {file for file in index.files if source_of_file(file) is Source.OUTPUT}
    by_model: dict[int, ModelUsage] = {}
    for some in _batches(range(len(responses)) if rows is None else _responses(index, rows)):
        models, files = _take(responses.model, some), _take(responses.file, some)
        chosen: dict[int, Numbers] = {}
        if len({*models}) == 1 and outputs.issuperset(files):  # as nearly always
            chosen[models[0]] = some
        else:
            pairs = [*zip(models, files, strict=True)]
            for model, _ in dict.fromkeys(pair for pair in pairs if pair[1] in outputs):
                takes = [pair[0] == model and pair[1] in outputs for pair in pairs]
                chosen[model] = array("I", compress(some, takes))
        for model, numbers in chosen.items():
            usage = _sum(responses, responses.model_names[model], numbers)
            by_model[model] = _added(by_model[model], usage) if model in by_model else usage
    return tuple(sorted(by_model.values(), key=lambda usage: (-usage.rows, usage.model)))


def _responses(index: ResultIndex, rows: Sequence[int]) -> array[int]:
    """Return the responses of rows that have one."""
    return array("I", (response for row in rows if (response := index.response_of(row)) is not None))


def _batches(numbers: Numbers) -> Iterator[Numbers]:
    """Yield numbers, many at once."""
    for first in range(0, len(numbers), _BATCH):
        yield numbers[first : first + _BATCH]


def _take(column: Sequence[Any], numbers: Numbers) -> Sequence[Any]:
    """Return the values of a column for these numbers."""
    if isinstance(numbers, range):
        return column[numbers.start : numbers.stop]
    return [*map(column.__getitem__, numbers)]


def usage_of_row(index: ResultIndex, row: int, outputs: Collection[int] | None = None) -> ModelUsage | None:
    """Return what one row used; None where it has no row in an output file.

    Args:
        index: The results.
        row: Its number.
        outputs: The output files of the index, where they are known already.
    """
    if (response := index.response_of(row)) is None:
        return None
    file = index.responses.file[response]
    is_billed = source_of_file(file) is Source.OUTPUT if outputs is None else file in outputs
    return (
        _sum(index.responses, index.responses.model_names[index.responses.model[response]], array("I", [response]))
        if is_billed
        else None
    )


def _sum(responses: ResponseColumns, model: str, chosen: Numbers) -> ModelUsage:
    """Add up what some responses used, all of one model."""
    prompt, completion, reasoning, cached = (
        _take(column, chosen)
        for column in (responses.prompt_tokens, responses.tokens, responses.reasoning_tokens, responses.cached_tokens)
    )
    durations = [seconds for seconds in _take(responses.seconds, chosen) if seconds >= 0]
    with_tokens = len(chosen)
    if UNKNOWN_COUNT in prompt or UNKNOWN_COUNT in completion:
        with_tokens = sum(UNKNOWN_COUNT not in counts for counts in zip(prompt, completion, strict=True))
    return ModelUsage(
        model=model,
        rows=len(chosen),
        prompt=_total(prompt),
        completion=_total(completion),
        reasoning=_total(reasoning),
        cached=_total(cached),
        seconds=sum(durations),
        rows_with_tokens=with_tokens,
        rows_with_duration=len(durations),
    )


def _total(counts: Sequence[int]) -> int:
    """Return the sum of those that are known."""
    return sum(counts) - UNKNOWN_COUNT * counts.count(UNKNOWN_COUNT)


def _added(one: ModelUsage, other: ModelUsage) -> ModelUsage:
    """Return the usage of both, of the same model."""
    return ModelUsage(
        model=one.model,
        rows=one.rows + other.rows,
        prompt=one.prompt + other.prompt,
        completion=one.completion + other.completion,
        reasoning=one.reasoning + other.reasoning,
        cached=one.cached + other.cached,
        seconds=one.seconds + other.seconds,
        rows_with_tokens=one.rows_with_tokens + other.rows_with_tokens,
        rows_with_duration=one.rows_with_duration + other.rows_with_duration,
    )
