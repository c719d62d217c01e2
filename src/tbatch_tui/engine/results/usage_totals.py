"""What was spent: the tokens and the audio of the rows of the output file, for those are billed; by model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.counts import ModelUsage
from tbatch_tui.engine.results.index.columns import UNKNOWN_COUNT, ResponseColumns
from tbatch_tui.engine.results.sources import Source, source_of_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tbatch_tui.engine.results.index.index import ResultIndex


def usage_by_model(index: ResultIndex, rows: Sequence[int] | None = None) -> tuple[ModelUsage, ...]:
    """What these rows of the list took, by model, the most rows first; None: all, whatever list they stand in.

    A hundred thousand rows take a while: made to be run in a thread.
    """
    replies = index.responses
    if rows is None:
        chosen: Iterable[int] = range(len(replies))
    else:
        chosen = (reply for row in rows if (reply := index.response_of(row)) is not None)
    outputs = {file for file in index.files if source_of_file(file) is Source.OUTPUT}
    by_model: dict[int, list[int]] = {}
    for reply in chosen:
        if replies.file[reply] in outputs:
            by_model.setdefault(replies.model[reply], []).append(reply)
    found = [_sum(replies, replies.model_names[model], of) for model, of in by_model.items()]
    return tuple(sorted(found, key=lambda spent: (-spent.rows, spent.model)))


def _sum(replies: ResponseColumns, model: str, chosen: list[int]) -> ModelUsage:
    def total(column: Sequence[int]) -> int:
        return sum(count for reply in chosen if (count := column[reply]) != UNKNOWN_COUNT)

    told = sum(
        1
        for reply in chosen
        if replies.prompt_tokens[reply] != UNKNOWN_COUNT and replies.tokens[reply] != UNKNOWN_COUNT
    )
    heard = [seconds for reply in chosen if (seconds := replies.seconds[reply]) >= 0]
    return ModelUsage(
        model=model,
        rows=len(chosen),
        prompt=total(replies.prompt_tokens),
        completion=total(replies.tokens),
        reasoning=total(replies.reasoning_tokens),
        cached=total(replies.cached_tokens),
        seconds=sum(heard),
        rows_with_tokens=told,
        rows_with_duration=len(heard),
    )
