"""The report of a check. Apart from the values of jobs, so that neither pays for the other's import.

Named tuples, not dataclasses as elsewhere: `dataclasses` loads `inspect`, and the whole check command takes a tenth of
a second.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.endpoint import Endpoint


class Severity(StrEnum):
    """How much a problem of an input file matters. Only errors prevent its submission."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Problem(NamedTuple):
    """One thing that is wrong in an input file, with its position and how to fix it."""

    line: int
    """1-based line number in the file; 1 for a problem of the whole file."""
    column: int
    """1-based, in characters of the line (bytes where the line is not UTF-8)."""
    severity: Severity
    rule: str
    """The rule's id, in kebab-case: `duplicate-custom-id`."""
    message: str
    """Problem in this line, a sentence without its full stop."""
    fix: str
    """How to fix it, a sentence without its full stop; empty if the message says it."""
    custom_id: str | None = None
    offset: int = 0
    """Byte offset of the line in the file."""
    length: int = 0
    """Bytes of the line without its line ending."""


class CheckReport(NamedTuple):
    """What an input file contains, and what is wrong with it."""

    path: Path
    size: int
    mtime_ns: int
    lines: int
    requests: int
    endpoint: Endpoint | None
    """Inferred from the lines; None when no line shows it, or when kinds are mixed."""
    endpoint_why: str
    models: dict[str, int]
    """Requests per model, most used first."""
    problems: tuple[Problem, ...]
    """In order of line; at most `MAX_PROBLEMS` of them."""
    counts: dict[str, int]
    """How often each rule was broken, also where there were too many problems to keep them all."""
    longest_line: int
    tokens: dict[str, int]
    """Estimated tokens of all prompts, by model: see `token_estimate`. Empty for audio."""
    errors: int = 0
    warnings: int = 0
    notes: int = 0
    seconds: float = 0.0
    jobs: int = 1
    """How many jobs it goes as: more than one if it is over the limits of one."""
    store: str = ""
    """`s3://bucket/prefix`, in which addresses of recordings were accepted; empty for none."""
    evidence: object = None
    """What the check needs to apply the catalogue when it arrives: see `check.model_rules`."""

    @property
    def is_ok(self) -> bool:
        """Whether there are no errors. There may be warnings and notes."""
        return self.errors == 0

    @property
    def can_be_split(self) -> bool:
        """Whether it is over the limits of one job, and without errors, so that it goes as several jobs."""
        return self.is_ok and any(rule in self.counts for rule in OVER_LIMITS)

    @property
    def can_be_submitted(self) -> bool:
        """Whether it can be submitted as one job, or as several."""
        return self.is_ok

    @property
    def prompt_tokens(self) -> int:
        """Estimated tokens of all prompts; 0 where there is nothing to estimate them from."""
        return sum(self.tokens.values())


OVER_LIMITS = ("file-too-large", "too-many-requests")
"""Rules of a whole file that its parts do not break."""
MAX_PROBLEMS = 100_000
"""Problems beyond this number are only counted: nobody reads them, and memory stays bounded."""
