"""How many requests were answered, failed or are missing, and what they used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What the answers of one model took, as their `usage` and `duration` say it: what is paid for."""

    model: str
    """The model that was asked; empty where neither the input nor the answers name one."""
    rows: int
    """Rows of the output file."""
    prompt: int = 0
    completion: int = 0
    reasoning: int = 0
    """Of the completion tokens."""
    cached: int = 0
    """Of the prompt tokens."""
    seconds: float = 0.0
    """Of audio."""
    rows_with_tokens: int = 0
    """Rows that say both their prompt and completion tokens."""
    rows_with_duration: int = 0
    """Rows that say how long their audio is."""


@dataclass(frozen=True, slots=True)
class JobCounts:
    """What came of a job's requests, counted from its files once they are here and kept in the journal.

    `requests` in = `answered` + `errors` + `missing`, each request counted once.
    """

    requests: int
    """Lines of the input file; without it, what was submitted, or else the ids that came back."""
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
    """Whether the input file was there, as it was submitted; else only what came back could be counted."""
    usage: tuple[ModelUsage, ...] = ()
    """What the rows of the output file took, by model."""
    stamps: str = ""
    """What the files were like when they were counted: see `results.stamps`."""

    @property
    def prompt_tokens(self) -> int:
        return sum(spent.prompt for spent in self.usage)

    @property
    def completion_tokens(self) -> int:
        return sum(spent.completion for spent in self.usage)

    @property
    def audio_seconds(self) -> float:
        return sum(spent.seconds for spent in self.usage)

    @property
    def is_accounted(self) -> bool:
        """Whether nothing is known to be missing, to belong to no request, or to be there twice."""
        return not (self.missing or self.unknown or self.duplicates or self.unreadable)

    @property
    def is_even(self) -> bool:
        """Whether each request of the input file has its one row. Errors are an account, too."""
        return self.has_input and self.is_accounted

    @property
    def needs_attention(self) -> bool:
        """Whether a person would want to look: errors, or rows that do not come out even."""
        return bool(self.errors) or not self.is_accounted
