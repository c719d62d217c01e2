"""The files that a job's results are read from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord


def sources_of(record: JobRecord | None) -> Sources:
    """Where the files of a job are; what is not whole on the disk is not among them."""
    if record is None:
        return Sources()
    submission, output, errors = record.submission, record.output, record.errors
    return Sources(
        input=submission.path if submission is not None else None,
        output=output.path if output is not None else None,
        errors=errors.path if errors is not None else None,
        input_sha256=submission.sha256 if submission is not None else None,
    )


class Source(IntEnum):
    """The three files a result is put together from. A number, to be kept in a byte."""

    INPUT = 0
    OUTPUT = 1
    ERRORS = 2

    @property
    def words(self) -> str:
        """What a person calls it."""
        return ("input file", "output file", "error file")[self]


FileNumber = int
"""One of the files that an index is over: three of each job, in the order of `Source`."""


def source_of_file(file: FileNumber) -> Source:
    """Which of a job's three files it is."""
    return Source(file % len(Source))


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the three files are; each may be unknown, and gone."""

    input: Path | None = None
    output: Path | None = None
    errors: Path | None = None
    input_sha256: str | None = None
    """Of the input file as it was submitted: an input file that is another one by now is told by it."""

    def path(self, source: Source) -> Path | None:
        """The path of one of the three."""
        return (self.input, self.output, self.errors)[source]
