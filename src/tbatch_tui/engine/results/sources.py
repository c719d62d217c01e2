"""The files that a job's results are read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.submission import parse_slices
from tbatch_tui.engine.local_files.file_slices import InputPlace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import FileSlice
    from tbatch_tui.engine.local_files.file_slices import CopiedSlice
    from tbatch_tui.engine.local_files.file_stamp import FileStamp


def sources_of(record: JobRecord | None) -> Sources:
    """Return the files of a job: its input file, and the result files that are completely on disk."""
    if record is None:
        return Sources()
    submission, output, errors = record.submission, record.output, record.errors
    return Sources(
        input=submission.path if submission is not None else None,
        output=output.path if output is not None else None,
        errors=errors.path if errors is not None else None,
        input_sha256=submission.sha256 if submission is not None else None,
        downloads={
            source: Download(transfer.size, transfer.sha256, transfer.updated_at)
            for source, transfer in ((Source.OUTPUT, output), (Source.ERRORS, errors))
            if transfer is not None and transfer.size is not None and transfer.sha256
        },
        answer_schema=record.answer_schema,
        input_slices=parse_slices(submission.slices) if submission is not None else (),
    )


class Source(IntEnum):
    """One of the three files of a job. A number, so that the index can store it in a byte."""

    INPUT = 0
    OUTPUT = 1
    ERRORS = 2

    @property
    def words(self) -> str:
        """The name for people."""
        return ("input file", "output file", "error file")[self]


FileNumber = int
"""A file of an index: three for each job, in the order of `Source`, so the second job's output file is 4."""


def source_of_file(file: FileNumber) -> Source:
    """Return which of a job's three files this is."""
    return Source(file % len(Source))


@dataclass(frozen=True, slots=True)
class Download:
    """What a result file was when it was downloaded, by which a change is noticed."""

    size: int
    sha256: str
    at: float
    """When it was here, in seconds since the epoch: a file that was last written before needs no other look."""

    def is_surely(self, stamp: FileStamp) -> bool:
        """Whether a file of this size and time need not be hashed to know that it is the one that was downloaded."""
        return stamp.size == self.size and stamp.mtime_ns < (self.at - _COARSE) * 1e9


_COARSE = 0.02
"""Seconds by which the time of a file may be behind the clock."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The paths of a job's three files. A path may be unknown (None), and a file may be gone."""

    input: Path | None = None
    output: Path | None = None
    errors: Path | None = None
    input_sha256: str | None = None
    """The SHA-256 of the input file as submitted, by which a change is noticed."""
    downloads: Mapping[Source, Download] = field(default_factory=dict)
    """What the result files were when they were downloaded, where that is known."""
    answer_schema: str = ""
    """The JSON Schema, as JSON, that judges answers to requests that ask for nothing; empty for none."""
    input_slices: tuple[FileSlice | CopiedSlice, ...] = ()
    """Where the bytes of the input file are, if there is no file at `input`."""

    def place(self, source: Source) -> InputPlace | None:
        """Return where the bytes of one of the files are, or None if it is unknown."""
        if (path := self.path(source)) is None:
            return None
        return InputPlace(path, self.input_slices if source is Source.INPUT else ())

    def stamp(self, source: Source) -> FileStamp | None:
        """Return size and time of one of the files; None if it is unknown or gone, or cannot be looked at."""
        place = self.place(source)
        return place.stamp if place is not None else None

    def path(self, source: Source) -> Path | None:
        """Return the path of one of the files, or None if it is unknown."""
        return (self.input, self.output, self.errors)[source]
