"""What became of a request that was asked at once, by the rules by which the rows of a batch are judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.client.decode import UNREADABLE as UNREADABLE_ANSWER
from tbatch_tui.engine.domain.counts import ModelUsage
from tbatch_tui.engine.domain.tried import LOST
from tbatch_tui.engine.errors import ConnectionFailedError, OutcomeUnknownError, RequestRejectedError
from tbatch_tui.engine.lenient_json import loads, to_json
from tbatch_tui.engine.pricing.prices import cost
from tbatch_tui.engine.redaction import redact
from tbatch_tui.engine.results.choices import read_choices, response_body
from tbatch_tui.engine.results.index.classify import classify_value
from tbatch_tui.engine.results.index.judges import format_by_schema, judge_for
from tbatch_tui.engine.results.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tbatch_tui.engine.domain.tried import TriedRequest
    from tbatch_tui.engine.errors import BatchError
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.engine.results.index.classify import ClassifiedRow

NOT_REPEATED = "It may have been answered and billed; it is not sent again automatically."
STOPPED = f"Stopped before the answer came. {NOT_REPEATED}"
_TRYING_AGAIN = "Trying again."
"""What hints for calls say that are repeated; this one is not."""


def read_answer(
    tried: TriedRequest, body: Mapping[str, Any], data: bytes, prices: PriceList, *, schema: str = ""
) -> TriedRequest:
    """Return a try with its answer. For a thread: an answer may be long.

    Args:
        tried: What was sent.
        body: The request's body.
        data: The body of the answer, as it came.
        prices: Those of the real-time endpoint.
        schema: A JSON Schema, as JSON, that judges answers to requests that ask for nothing; empty for none.
    """
    value = loads(data)
    if not isinstance(value, dict):
        return lost(tried, f"{UNREADABLE_ANSWER}. {NOT_REPEATED}")
    row = classify_value({"custom_id": tried.custom_id or "-", "response": {"status_code": 200, "body": value}})
    _judge(row, body, schema)
    return replace(
        tried,
        outcome=row.outcome.words,
        answer=_answer_text(value, row.reason),
        response=to_json(value),
        reason=row.reason,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.tokens,
        audio_seconds=row.seconds,
        cost=cost_of(usage_of(tried.model, row), prices),
    )


def _judge(row: ClassifiedRow, body: Mapping[str, Any], schema: str) -> None:
    """Let an answer that is whole be invalid where it is not what was asked for, as in the results of a batch."""
    if row.outcome is not Outcome.OK:
        return
    asked, tools = (to_json(body[name]).encode() if name in body else b"" for name in ("response_format", "tools"))
    judge = judge_for(asked, tools) or (judge_for(format_by_schema(schema), b"") if schema else None)
    violation = judge.violation(row.contents(), row.calls) if judge is not None else ""
    if violation:
        row.outcome, row.reason = Outcome.INVALID, violation


def _answer_text(body: dict[str, Any], reason: str) -> str:
    answers = [choice.answer for choice in read_choices(body)]
    if not answers and isinstance(body.get("text"), str):
        answers = [body["text"]]
    return "\n\n".join(filter(None, answers)) or reason


def answer_of_row(data: bytes) -> str | None:
    """Return what a row of a result file answers, as a try's answer is told; None for an error, or no answer."""
    row = loads(data)
    response = row.get("response") if isinstance(row, dict) else None
    body = response_body(response.get("body")) if isinstance(response, dict) else None
    return _answer_text(body, "") or None if isinstance(body, dict) else None


def refused(tried: TriedRequest, error: RequestRejectedError) -> TriedRequest:
    """Return a try that the server refused: it was certainly not carried out, and costs nothing."""
    message = redact(str(error))
    return replace(tried, outcome=Outcome.ERROR.words, answer=message, reason=message, cost=0.0)


def lost(tried: TriedRequest, reason: str) -> TriedRequest:
    """Return a try whose answer did not come."""
    return replace(tried, outcome=LOST, reason=redact(reason))


def after_error(tried: TriedRequest, error: BatchError) -> TriedRequest | None:
    """Return a try that failed; None where it was certainly not sent. Raises what is no answer to a request."""
    match error:
        case ConnectionFailedError():
            return None
        case RequestRejectedError():
            return refused(tried, error)
        case OutcomeUnknownError():
            hint = error.hint.replace(_TRYING_AGAIN, "").strip()
            return lost(tried, " ".join(filter(None, (f"{error.title}.", hint, NOT_REPEATED))))
    raise error


def usage_of(model: str, row: ClassifiedRow) -> ModelUsage:
    """Return what one answer used."""
    has_tokens = row.tokens is not None and row.prompt_tokens is not None
    return ModelUsage(
        model=model,
        rows=1,
        prompt=row.prompt_tokens or 0,
        completion=row.tokens or 0,
        cached=row.cached_tokens or 0,
        seconds=row.seconds or 0.0,
        rows_with_tokens=int(has_tokens),
        rows_with_duration=int(row.seconds is not None),
    )


def cost_of(usage: ModelUsage, prices: PriceList) -> float | None:
    """Return what an answer cost, in dollars; None where a part of it is not known."""
    found = cost([usage], prices)
    return found.usd if found.is_whole else None
