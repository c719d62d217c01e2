"""How many requests were answered, failed or are missing, and what they used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelUsage:
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
    """How many requests were answered, failed or are missing, and how many rows belong to none of them.

    `requests` = `answered` + `errors` + `missing`: each request counts once. Without the input file the requests are
    the ids that came back.
    """

    requests: int
    """Lines of the input file; without it, the requests that were submitted, or else the ids that came back."""
    answered: int
    errors: int
    missing: int
    cut_short: int = 0
    """Of the answered ones: stopped at the token limit, or empty."""
    unknown: int = 0
    """Rows whose id is in no line of the input file."""
    duplicates: int = 0
    """Rows for a request that has a row already."""
    unreadable: int = 0
    """Rows that cannot be read, or name no request."""
    has_input: bool = True
    """Whether the input file was there as it was submitted. Without it, only what came back could be counted."""

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
        """Whether a person would want to look: errors, or rows that do not add up."""
        return bool(self.errors) or not self.is_accounted
