"""The index over a job's input, output and error file: the outcome of each request, and where its lines are.

    index = ResultIndex(Sources(input=..., output=..., errors=...))
    index.build()                       # in a thread; another thread can read rows meanwhile
    print(index.counts, index.row(0), index.record(0))

The rows are the requests in the order of the input file, and below them the responses that belong to no request:
unknown ids, duplicates, rows that cannot be read. Only ids, numbers and first words are in memory; everything else is
read from the files when it is needed.
"""

from __future__ import annotations

import os
from array import array
from contextlib import contextmanager
from functools import partial
from itertools import compress
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.id_map import read_id_map
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.results.index.batches import add_requests, add_responses
from tbatch_tui.engine.results.index.columns import LocationColumns, RequestColumns, ResponseColumns, decode_count
from tbatch_tui.engine.results.index.join import ExtraRow, Join
from tbatch_tui.engine.results.index.jsonl import read_batches
from tbatch_tui.engine.results.index.previews import preview_text
from tbatch_tui.engine.results.index.staleness import DownloadCheck, is_as_submitted, stamp_if_changed
from tbatch_tui.engine.results.outcomes import Outcome, Row
from tbatch_tui.engine.results.record import ResultRecord, build_record
from tbatch_tui.engine.results.sources import FileNumber, Source, Sources, source_of_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.counts import RequestCounts
    from tbatch_tui.engine.local_files.file_stamp import FileStamp


class RowLocation(NamedTuple):
    """Where the bytes of a row are: the file, the line (from 1), and offset and length in bytes."""

    file: FileNumber
    line: int
    offset: int
    length: int

    @property
    def source(self) -> Source:
        """Which of a job's three files it is."""
        return source_of_file(self.file)


class ResultIndex:
    """The results of one job, row by row. Built once, then read.

    `build` may run in one thread while another reads rows.
    """

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.counts: RequestCounts | None = None
        """None until all files have been read."""
        self.read_errors: dict[Source, str] = {}
        """Files that are named in `sources` but could not be read, and why."""
        self.input_changed = False
        """Whether the input file is not the one that was submitted. Then it is not read: nothing answers its lines."""
        self.changed_results: tuple[Source, ...] = ()
        """Result files that are not what was downloaded. They are read as they are."""
        self._join = Join(has_input=sources.input is not None, answer_schema=sources.answer_schema)
        self.original_ids: Mapping[str, str] = {}
        """What the custom_ids were that a mend shortened, by those that were sent."""
        self.file_stamps: dict[Source, FileStamp] = {}
        """Size and time of the files when they were read."""

    # -- building ------------------------------------------------------------------------------------

    def build(
        self,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], object] = lambda _done, _total: None,
    ) -> RequestCounts:
        """Read the files and join their rows. Raises OperationCancelledError when `cancelled()`.

        A file that cannot be read is left out (see `read_errors`), and so is an input file that is not the one that was
        submitted (see `input_changed`). 100 MB take less than a second: run it in a thread.

        Args:
            progress: Called with the bytes read and the bytes in all.
        """
        self.original_ids, self.changed_results = read_id_map(self.sources.input), ()
        total = self.bytes_to_read()
        done = 0

        def on_piece(piece: bytes) -> None:
            nonlocal done
            if cancelled():
                raise OperationCancelledError("Reading the results was stopped")
            done += len(piece)
            progress(done, total)

        self.input_changed = self._is_input_changed(on_piece)
        if self.input_changed or not self._read(Source.INPUT, on_piece, add_requests):
            self._join = Join(has_input=False, answer_schema=self.sources.answer_schema)
        self._read(Source.OUTPUT, on_piece, partial(add_responses, source=Source.OUTPUT))
        self._read(Source.ERRORS, on_piece, partial(add_responses, source=Source.ERRORS))
        self.counts = self._join.finish()
        return self.counts

    def restore(
        self,
        join: Join,
        counts: RequestCounts,
        stamps: dict[Source, FileStamp],
        *,
        input_changed: bool,
        changed_results: tuple[Source, ...] = (),
    ) -> None:
        """Take over an index that was built before and stored."""
        self.original_ids = read_id_map(self.sources.input)
        self.file_stamps, self.input_changed, self.changed_results = stamps, input_changed, changed_results
        self._join, self.counts = join, counts

    def free_rows(self) -> None:
        """Free what is in memory of the rows. What is known of the files stays; `build` reads them again."""
        self._join = Join(has_input=self.has_input, answer_schema=self.sources.answer_schema)
        self.counts = None

    @property
    def has_results(self) -> bool:
        """Whether there is an output or an error file that can be read."""
        return any(
            self.sources.path(source) and source not in self.read_errors for source in (Source.OUTPUT, Source.ERRORS)
        )

    @property
    def changed_inputs(self) -> tuple[Path, ...]:
        """The input files that are not read because they are not those that were submitted."""
        place = self.sources.place(Source.INPUT)
        return place.files if self.input_changed and place is not None else ()

    @property
    def changed_downloads(self) -> tuple[Path, ...]:
        """The result files that were changed after they were downloaded. They are read as they are."""
        paths = (self.sources.path(source) for source in self.changed_results)
        return tuple(path for path in paths if path is not None)

    def paths(self) -> list[Path]:
        """Return the files that the rows come from, of those that are here."""
        places = [self.sources.place(source) for source in Source]
        return [path for place in places if place is not None for path in place.files if os.path.exists(path)]

    def bytes_to_read(self) -> int:
        """Return how many bytes `build` will read. Reads the sizes of the files."""
        sizes = {source: stamp.size for source in Source if (stamp := self.sources.stamp(source)) is not None}
        hashed = sizes.get(Source.INPUT, 0) if self.sources.input_sha256 is not None else 0
        return hashed + sum(sizes.values())

    def _is_input_changed(self, on_piece: Callable[[bytes], object]) -> bool:
        """Return whether the input file can be read and is not the one that was submitted.

        This is known before a line of it is joined: another thread may be reading the rows.
        """
        place, submitted = self.sources.place(Source.INPUT), self.sources.input_sha256
        if place is None or submitted is None:
            return False
        if (stamp := stamp_if_changed(place, submitted, on_piece)) is None:
            return False
        self.file_stamps[Source.INPUT] = stamp
        return True

    def _read(self, source: Source, on_piece: Callable[[bytes], object], add: Callable[..., object]) -> bool:
        """Read the lines of a file; return whether that was possible."""
        place = self.sources.place(source)
        if place is None:
            return False
        try:
            with place.open() as (file, stamp):
                self.file_stamps[source] = stamp
                check = DownloadCheck(self.sources.downloads.get(source), stamp)
                for batch in read_batches(file, check.wrap(on_piece)):
                    add(self._join, batch=batch)
            if check.has_changed:
                self.changed_results += (source,)
        except OSError as error:
            self.read_errors[source] = error.strerror or str(error)
            return False
        return True

    # -- rows, from memory ---------------------------------------------------------------------------

    @property
    def has_input(self) -> bool:
        """Whether the input file is here, as it was submitted; otherwise the rows are the responses."""
        return self._join.has_input

    @property
    def is_built(self) -> bool:
        """Whether all files have been read."""
        return self.counts is not None

    @property
    def requests(self) -> RequestColumns:
        """The requests, in the order of the input file."""
        return self._join.requests

    @property
    def join(self) -> Join:
        """Everything that is stored to restore the index."""
        return self._join

    @property
    def extras(self) -> Sequence[ExtraRow]:
        """The rows below the requests."""
        return self._join.extras

    @property
    def responses(self) -> ResponseColumns:
        """The response rows, in the order in which they were read."""
        return self._join.responses

    def __len__(self) -> int:
        """Return the rows so far. Those below the requests count once all files are read."""
        return len(self.requests) + (len(self._join.extras) if self.is_built else 0)

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in order: the requests, then the rows below them.

        An index that is not built yet is built first, on this thread.
        """
        if not self.is_built:
            self.build()
        return map(self.row, range(len(self)))

    def response_of(self, number: int) -> int | None:
        """Return the number of a row's response, or None if it has none."""
        extra = number - len(self.requests)
        if extra >= 0:
            return self._join.extras[extra].response
        response = self.requests.response[number]
        return response if response >= 0 else None

    def outcome(self, number: int) -> Outcome:
        """Return the outcome of a row."""
        response = self.response_of(number)
        if response is None:
            return Outcome.MISSING if self.is_built else Outcome.PENDING
        return self.responses.outcome_of(response)

    def select(self, outcomes: Collection[Outcome]) -> array[int]:
        """Return the numbers of the requests with these outcomes, in order: as many as are counted.

        The rows below the requests are in `extra_rows`.
        """
        return array("I", compress(range(len(self.requests)), self.mask(outcomes)))

    def mask(self, outcomes: Collection[Outcome]) -> bytearray:
        """Return for each request a byte, which is 1 if it has one of these outcomes."""
        codes = self._join.outcomes
        if codes is None:
            codes = self._join.outcome_codes(Outcome.MISSING if self.is_built else Outcome.PENDING)
            if self.is_built:
                self._join.outcomes = codes
        return codes.translate(bytes(code in outcomes for code in range(256)))

    @property
    def extra_rows(self) -> range:
        """The numbers of the rows below the requests; none before all files are read."""
        return range(len(self.requests), len(self))

    def reason(self, number: int) -> str:
        """Return why the answer of a row is invalid; empty for every other outcome."""
        response = self.response_of(number)
        return self.responses.reason_names[self.responses.reason[response]] if response is not None else ""

    def row(self, number: int) -> Row:
        """Return a row as the list shows it. Reads no file."""
        extra_number = number - len(self.requests)
        extra = self._join.extras[extra_number] if extra_number >= 0 else None
        response = self.response_of(number)
        line: int | None = None
        if extra is None and self.has_input:
            line = self.requests.locations.line[number]
        elif extra is None and response is not None:
            line = self.responses.locations.line[response]
        seconds = self.responses.seconds[response] if response is not None else -1.0
        custom_id = self.requests.custom_id(number) if extra is None else extra.custom_id
        return Row(
            number=number,
            line=line,
            custom_id=self.original_ids.get(custom_id, custom_id),
            outcome=self.outcome(number),
            tokens=decode_count(self.responses.tokens[response]) if response is not None else None,
            prompt_tokens=decode_count(self.responses.prompt_tokens[response]) if response is not None else None,
            seconds=seconds if seconds >= 0 else None,
            preview=preview_text(self.responses.previews[response]) if response is not None else "",
            issue=extra.issue if extra is not None else None,
            reason=self.reason(number),
        )

    # -- records, from the files ---------------------------------------------------------------------

    def request_location(self, number: int) -> RowLocation | None:
        """Return where the input line of a row is, or None for a row below the requests."""
        if not self.has_input or number >= len(self.requests):
            return None
        return _location(Source.INPUT, self.requests.locations, number)

    def answered_location(self, number: int) -> RowLocation | None:
        """Return where the line is that the row's response answers: of a merged index it can be a retry's."""
        return self.request_location(number)

    def job_id_of(self, _number: int) -> str:
        """Return the id of the job that a row's response comes from; empty unless the index is merged."""
        return ""

    def response_location(self, number: int) -> RowLocation | None:
        """Return where a row's response is in the output or error file."""
        response = self.response_of(number)
        if response is None:
            return None
        return _location(self.responses.file[response], self.responses.locations, response)

    @property
    def files(self) -> Sequence[FileNumber]:
        """The files that the rows are in, the input file first."""
        unused = {*self.read_errors, *([Source.INPUT] if self.input_changed else ())}
        return [source for source in Source if source in self.file_stamps and source not in unused]

    @contextmanager
    def open_file(self, file: FileNumber) -> Iterator[BinaryIO]:
        """Open one of the files. Raises LocalFileError if it is gone or has changed since the index was built."""
        source = Source(file)
        place = self.sources.place(source)
        assert place is not None
        try:
            with place.open() as (opened, stamp):
                if stamp != self.file_stamps[source] and not self._is_same_elsewhere(source, stamp):
                    name = place.files[0].name
                    raise LocalFileError(f"{name} has changed since it was read", "Open the results again.")
                yield opened
        except OSError as error:
            hint = f"Download it again: {NextStep.FETCH}." if source is not Source.INPUT else "Open the results again."
            raise LocalFileError(f"{place.files[0].name} cannot be read: {error.strerror or error}", hint) from error

    def _is_same_elsewhere(self, source: Source, stamp: FileStamp) -> bool:
        """Return whether these are the bytes of an input file whose copy was removed since the index was built."""
        place, submitted = self.sources.place(source), self.sources.input_sha256
        if place is None or not place.slices or submitted is None or self.input_changed:
            return False
        if not is_as_submitted(place, submitted):
            return False
        self.file_stamps[source] = stamp
        return True

    def file_size(self, file: FileNumber) -> int:
        """Return the bytes of one of the files when it was read; 0 if there is none."""
        stamp = self.file_stamps.get(Source(file))
        return stamp.size if stamp is not None else 0

    def read_bytes(self, location: RowLocation) -> bytes:
        """Read the bytes of a row. Raises LocalFileError."""
        with self.open_file(location.file) as file:
            file.seek(location.offset)
            return file.read(location.length)

    def record(self, number: int) -> ResultRecord:
        """Read a row in full, its request and its response, from the files. Its `issues` name what cannot be read."""
        issues: list[str] = []

        def read(location: RowLocation | None) -> bytes | None:
            if location is None:
                return None
            try:
                return self.read_bytes(location)
            except LocalFileError as error:
                issues.append(str(error))
                return None

        location = self.response_location(number)
        request, response = read(self.answered_location(number)), read(location)
        return build_record(
            *(self.row(number), request, response, location and location.source, location and location.line),
            issues=tuple(issues),
            is_judged=bool(self.sources.answer_schema),
        )


def _location(file: FileNumber, locations: LocationColumns, number: int) -> RowLocation:
    return RowLocation(file, locations.line[number], locations.offset[number], locations.length[number])
