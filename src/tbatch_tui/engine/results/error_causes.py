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
            Cause(False, "The request does not fit into the model: shorten it, or choose a model with more context."),
        ),
        (
            r"rate.?limit|too many requests|\b429\b",
            Cause(True, "The server was asked too fast. The same lines go through later."),
        ),
        (
            r"credit|billing|payment|quota|\b402\b",
            Cause(False, "The account could not pay for it: look at the balance, then retry."),
        ),
        (
            r"api key|unauthori[sz]ed|forbidden|permission|\b40[13]\b",
            Cause(False, "The key may not do this: look at the rights of the key, then retry."),
        ),
        (
            r"unable to access model|model .{0,120}(not (found|available|exist|support)|does not (exist|support))"
            r"|(no such|unknown|invalid|unsupported) model",
            Cause(False, "This model cannot do this, or is not open to you: retry with another model."),
        ),
        (
            r"download|fetch|could not reach|invalid url|unreachable",
            Cause(False, "The server could not get the file: its address must be public, without a login."),
        ),
        (
            r"moderat|content policy|safety|flagged",
            Cause(False, "The content was refused: it would be refused again as it is."),
        ),
        (
            r"time[d ]?.?out|deadline",
            Cause(True, "The model took too long. The same lines mostly go through the next time."),
        ),
        (
            r"overloaded|unavailable|internal|server error|try again|connection|temporar|capacity|\b5\d\d\b",
            Cause(True, "The server was in trouble. The same lines mostly go through the next time."),
        ),
        (r"expired|cancel", Cause(True, "The job ended before it came to these lines.")),
        (
            r"validat|invalid|must be|required|unsupported|not allowed|wrong type|malformed|multipart|\b4\d\d\b",
            Cause(False, "The request itself is refused: mend the lines of the input file, they would fail again."),
        ),
    )
)
_UNKNOWN = Cause(True, "Nothing is known of this error. Retry a few of these lines before you retry all.")


NOT_AS_ASKED = Cause(
    False,
    "The model answered, but not with what was asked for. The same request may be answered better the next time, and "
    "is billed again; a clearer prompt or another model helps more.",
)
"""Of answers that are invalid."""


def cause_of(message: str) -> Cause:
    """Return the cause that the words of an error message point to. Never raises."""
    return next((cause for pattern, cause in _KNOWN if pattern.search(message)), _UNKNOWN)
