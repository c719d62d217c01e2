"""The tokens and the audio of a job by model. Only rows of the output file count: only those are billed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.counts import ModelUsage
from tbatch_tui.engine.results.index.columns import UNKNOWN_COUNT, ResponseColumns
from tbatch_tui.engine.results.sources import Source, source_of_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tbatch_tui.engine.results.index.index import ResultIndex


def usage_by_model(index: ResultIndex, rows: Sequence[int] | None = None) -> tuple[ModelUsage, ...]:
    """Return the usage of rows by model, the model with the most rows first.

    Takes a while for 100,000 rows: run it in a thread.

    Args:
        rows: Numbers of rows; None for every response, duplicates and unknown ids included.
    """
    responses = index.responses
    if rows is None:
        chosen: Iterable[int] = range(len(responses))
    else:
        chosen = (response for row in rows if (response := index.response_of(row)) is not None)
    outputs = {file for file in index.files if source_of_file(file) is Source.OUTPUT}
    by_model: dict[int, list[int]] = {}
    for response in chosen:
        if responses.file[response] in outputs:
            by_model.setdefault(responses.model[response], []).append(response)
    usages = [_sum(responses, responses.model_names[model], numbers) for model, numbers in by_model.items()]
    return tuple(sorted(usages, key=lambda usage: (-usage.rows, usage.model)))


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
        _sum(index.responses, index.responses.model_names[index.responses.model[response]], [response])
        if is_billed
        else None
    )


def _sum(responses: ResponseColumns, model: str, chosen: list[int]) -> ModelUsage:
    def total(column: Sequence[int]) -> int:
        return sum(count for response in chosen if (count := column[response]) != UNKNOWN_COUNT)

    rows_with_tokens = sum(
        1
        for response in chosen
        if responses.prompt_tokens[response] != UNKNOWN_COUNT and responses.tokens[response] != UNKNOWN_COUNT
    )
    durations = [seconds for response in chosen if (seconds := responses.seconds[response]) >= 0]
    return ModelUsage(
        model=model,
        rows=len(chosen),
        prompt=total(responses.prompt_tokens),
        completion=total(responses.tokens),
        reasoning=total(responses.reasoning_tokens),
        cached=total(responses.cached_tokens),
        seconds=sum(durations),
        rows_with_tokens=rows_with_tokens,
        rows_with_duration=len(durations),
    )
