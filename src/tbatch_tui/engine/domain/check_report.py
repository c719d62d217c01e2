"""What a check finds: the values of Check, apart from those of jobs, so that neither pays for the other's import.

They are tuples with names, no dataclasses as elsewhere: `dataclasses` loads `inspect`, and the whole command is over in
a tenth of a second.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.endpoint import Endpoint


class Severity(StrEnum):
    """How much a problem of an input file matters. Only errors keep a file from being submitted."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Problem(NamedTuple):
    """One thing that is wrong in an input file, with the place and the mend."""

    line: int
    """1-based line number in the file; a problem of the whole file bears 1."""
    column: int
    """1-based, in characters of the line (bytes where the line is not UTF-8)."""
    severity: Severity
    rule: str
    """The rule's id, in kebab-case: `duplicate-custom-id`."""
    message: str
    """What is wrong in this line, a sentence without its full stop."""
    fix: str
    """How to mend it, a sentence without its full stop; empty if the message says it."""
    custom_id: str | None = None
    offset: int = 0
    """Byte offset of the line in the file."""
    length: int = 0
    """Bytes of the line, without its line end."""


class CheckReport(NamedTuple):
    """What is in an input file, and what is wrong with it."""

    path: Path
    size: int
    mtime_ns: int
    lines: int
    requests: int
    endpoint: Endpoint | None
    """Inferred from the lines; None when there is nothing to infer it from, or kinds are mixed."""
    endpoint_why: str
    models: dict[str, int]
    """Requests per model, most used first."""
    problems: tuple[Problem, ...]
    """In order of line; at most `MAX_PROBLEMS` of them."""
    counts: dict[str, int]
    """How often each rule was broken, counted to the end even where the problems were not kept."""
    longest_line: int
    tokens: dict[str, int]
    """About how many tokens the prompts of each model have: see `check.tokens`. Empty for audio."""
    errors: int = 0
    warnings: int = 0
    notes: int = 0
    seconds: float = 0.0
    evidence: object = None
    """What the check keeps to judge the models again when the catalogue arrives: see `check.refine`."""

    @property
    def is_ok(self) -> bool:
        """No errors; warnings and notes may be."""
        return self.errors == 0

    @property
    def can_be_split(self) -> bool:
        """Whether only the file as a whole is over a limit: with no fault in its lines it can go as several jobs."""
        return 0 < self.errors == sum(self.counts.get(rule, 0) for rule in OVER_LIMITS)

    @property
    def can_be_submitted(self) -> bool:
        """As one job, or as several."""
        return self.is_ok or self.can_be_split

    @property
    def prompt_tokens(self) -> int:
        """About how many tokens all prompts have; 0 where there is nothing to estimate it from."""
        return sum(self.tokens.values())


OVER_LIMITS = ("file-too-large", "too-many-requests")
"""Errors of the file as a whole that parts of it do not have."""
MAX_PROBLEMS = 100_000
"""More problems than this are counted, not kept: nobody reads them and memory stays bounded."""
