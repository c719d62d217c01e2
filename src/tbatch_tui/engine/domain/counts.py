"""How many requests came to which outcome, and what they used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tbatch_tui.text import format as fmt

DEFAULT_ATTENTION_SHARE = 5.0
"""Percent of the requests that may be cut short or invalid before a person would want to look."""


class ModelUsage(NamedTuple):
    """What the answers of one model used, by their `usage` and `duration`: what is paid for."""

    model: str
    """The model of the requests; empty where neither the input nor the answers name one."""
    rows: int
    """Rows of the output file."""
    prompt: int = 0
    completion: int = 0
    reasoning: int = 0
    """How many of the completion tokens."""
    cached: int = 0
    """How many of the prompt tokens."""
    seconds: float = 0.0
    """Length of the audio."""
    rows_with_tokens: int = 0
    """Rows with both prompt and completion tokens."""
    rows_with_duration: int = 0
    """Rows with the length of their audio."""


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """How many requests came to which outcome, and how many rows belong to none of them.

    `requests` = `ok` + `cut_short` + `invalid` + `errors` + `missing`: each request counts once. Without the input file
    the requests are the ids that came back.
    """

    requests: int
    """Lines of the input file; without it, the requests that were submitted, or else the ids that came back."""
    answered: int
    """`ok`, `cut_short` and `invalid` together: rows with an answer of some kind."""
    errors: int
    missing: int
    cut_short: int = 0
    """Of the answered ones: stopped at the token limit."""
    unknown: int = 0
    """Rows whose id is in no line of the input file."""
    duplicates: int = 0
    """Rows for a request that has a row already."""
    unreadable: int = 0
    """Rows that cannot be read, or name no request."""
    has_input: bool = True
    """Whether the input file was there as it was submitted. Without it, only what came back could be counted."""
    invalid: int = 0
    """Of the answered ones: not what was asked for, or not usable."""

    @property
    def ok(self) -> int:
        """Requests with a whole answer that is what was asked for."""
        return self.answered - self.cut_short - self.invalid

    @property
    def outcomes(self) -> dict[str, int]:
        """Requests by outcome, as data spells them."""
        return {
            "ok": self.ok,
            "cut short": self.cut_short,
            "invalid": self.invalid,
            "error": self.errors,
            "missing": self.missing,
        }

    def exceeds(self, share: float) -> bool:
        """Return whether more than this share of the requests, in percent, are cut short or invalid."""
        return 100 * (self.cut_short + self.invalid) > share * self.requests

    @property
    def is_accounted(self) -> bool:
        """Whether no row is known to be missing, to belong to no request, or to be a duplicate."""
        return not (self.missing or self.unknown or self.duplicates or self.unreadable)

    @property
    def is_even(self) -> bool:
        """Whether each request of the input file has exactly one row, be it an answer or an error."""
        return self.has_input and self.is_accounted


@dataclass(frozen=True, slots=True)
class JobCounts(RequestCounts):
    """The counts of a downloaded job and what its answers used, as the journal stores them."""

    usage: tuple[ModelUsage, ...] = ()
    """What the rows of the output file used, by model."""
    stamps: str = ""
    """The state of the files when they were counted: see `results.index.staleness.format_stamps`."""
    attention_share: float = DEFAULT_ATTENTION_SHARE
    """Percent of the requests that may be cut short or invalid, as it was set when they were counted."""

    @property
    def prompt_tokens(self) -> int:
        """Prompt tokens of all models."""
        return sum(usage.prompt for usage in self.usage)

    @property
    def completion_tokens(self) -> int:
        """Completion tokens of all models."""
        return sum(usage.completion for usage in self.usage)

    @property
    def audio_seconds(self) -> float:
        """Seconds of audio of all models."""
        return sum(usage.seconds for usage in self.usage)

    @property
    def needs_attention(self) -> bool:
        """Whether a person would want to look: errors, many unusable answers, or rows that do not add up."""
        return bool(self.errors) or self.exceeds(self.attention_share) or not self.is_accounted


def format_sum(counts: RequestCounts) -> str:
    """Return `2,000 in = 1,968 ok + 12 cut short + 17 errors + 3 missing`, which must come out even.

    Outcomes without requests are left out, except for `missing`. After the sum comes what should not be, such as
    `2 duplicates`. Without an input file it is what came back, and of how many if that is known.
    """
    parts = [f"{counts.ok:,} ok"] if counts.ok or not counts.requests else []
    parts += [f"{counts.cut_short:,} cut short"] if counts.cut_short else []
    parts += [f"{counts.invalid:,} invalid"] if counts.invalid else []
    parts += [fmt.plural(counts.errors, "error")] if counts.errors else []
    returned = counts.requests - counts.missing
    if counts.has_input:
        total, parts = f"{counts.requests:,} in", [*parts, f"{counts.missing:,} missing"]
    else:
        total = f"{returned:,} of {counts.requests:,} returned" if counts.missing else f"{returned:,} returned"
    return fmt.join(
        f"{total} = {' + '.join(parts) or '0 ok'}",
        fmt.plural(counts.unknown, "unknown id") if counts.has_input and counts.unknown else "",
        fmt.plural(counts.duplicates, "duplicate") if counts.duplicates else "",
        f"{counts.unreadable:,} unreadable" if counts.unreadable else "",
    )
