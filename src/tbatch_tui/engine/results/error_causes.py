"""What to do about an error row: retry the same line, or change it first.

All error rows of Together have the same code, so only the words of the message tell errors apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """A kind of error, and what to do about it."""

    retryable: bool
    """Whether the same line may succeed next time; otherwise it would fail again."""
    hint: str
    """What to do, in a sentence or two."""


_KNOWN: tuple[tuple[re.Pattern[str], Cause], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), cause)
    for pattern, cause in (
        (
            r"context (length|window)|too many tokens|prompt is too long|maximum context|exceeds? .{0,40}tokens",
            Cause(False, "The request exceeds the model's context: shorten it, or use a model with more context."),
        ),
        (
            r"rate.?limit|too many requests|\b429\b",
            Cause(True, "Rate limited. The same lines should succeed later."),
        ),
        (
            r"credit|billing|payment|quota|\b402\b",
            Cause(False, "Payment failed: check the balance, then retry."),
        ),
        (
            r"api key|unauthori[sz]ed|forbidden|permission|\b40[13]\b",
            Cause(False, "The key isn't allowed to do this: check its permissions, then retry."),
        ),
        (
            r"unable to access model|model .{0,120}(not (found|available|exist|support)|does not (exist|support))"
            r"|(no such|unknown|invalid|unsupported) model",
            Cause(False, "The model can't do this, or isn't available to you: retry with another model."),
        ),
        (
            r"download|fetch|could not reach|invalid url|unreachable",
            Cause(False, "The server couldn't download the file: its URL has to be public, without a login."),
        ),
        (
            r"moderat|content policy|safety|flagged",
            Cause(False, "The content was refused: it would be refused again unchanged."),
        ),
        (
            r"time[d ]?.?out|deadline",
            Cause(True, "The model timed out. A retry usually succeeds."),
        ),
        (
            r"overloaded|unavailable|internal|server error|try again|connection|temporar|capacity|\b5\d\d\b",
            Cause(True, "Server error. A retry usually succeeds."),
        ),
        (r"expired|cancel", Cause(True, "The job ended before it reached these lines.")),
        (
            r"validat|invalid|must be|required|unsupported|not allowed|wrong type|malformed|multipart|\b4\d\d\b",
            Cause(False, "The request is invalid: fix these lines in the input file, or they will fail again."),
        ),
    )
)
_UNKNOWN = Cause(True, "Unknown error. Retry a few of these lines before retrying all.")


NOT_AS_ASKED = Cause(
    False,
    "The model answered, but not with what was asked for. The same request may be answered better the next time, and "
    "is billed again; a clearer prompt or another model helps more.",
)
"""Of answers that are invalid."""


def cause_of(message: str) -> Cause:
    """Return the cause that the words of an error message point to. Never raises."""
    return next((cause for pattern, cause in _KNOWN if pattern.search(message)), _UNKNOWN)
