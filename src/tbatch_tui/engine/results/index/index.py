"""The offset index over input, output and error file: what became of each request, and where it stands.

    index = ResultIndex(Sources(input=..., output=..., errors=...))
    index.build()                       # in a thread; rows can be read from another one meanwhile
    print(index.reconciliation, index.row(0), index.record(0))

The rows are the requests in the order of the input file, and below them what belongs to no request: unknown ids,
duplicates, rows that cannot be read. Only ids and first words are kept; all else is read again by its place.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.file_stamp import FileStamp
from tbatch_tui.engine.next_step import NextStep
from tbatch_tui.engine.results.index.classify import ClassifiedRow, classify, request_of, salvage_id
from tbatch_tui.engine.results.index.columns import LocationColumns, RequestColumns, ResponseColumns, known
from tbatch_tui.engine.results.index.join import ExtraRow, Join
from tbatch_tui.engine.results.index.jsonl import Line, lines_of
from tbatch_tui.engine.results.index.previews import preview_bytes, preview_text
from tbatch_tui.engine.results.outcomes import Outcome, Row
from tbatch_tui.engine.results.record import ResultRecord, read_record
from tbatch_tui.engine.results.sources import FileNumber, Source, Sources, source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.counts import RequestCounts


class RowLocation(NamedTuple):
    """Where the bytes of a row are."""

    file: FileNumber
    line: int
    offset: int
    length: int

    @property
    def source(self) -> Source:
        return source_of(self.file)


class ResultIndex:
    """Built once, then read. `build` may run in a thread while rows are read in another."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.reconciliation: RequestCounts | None = None
        """None until everything has been read."""
        self.absent: dict[Source, str] = {}
        """Files that were named but could not be read, and why."""
        self.input_changed = False
        """The input file is not the one that was submitted any more."""
        self._join = Join(has_input=sources.input is not None)
        self.stamps: dict[Source, FileStamp] = {}
        """What the files were like when they were read."""

    # -- building ------------------------------------------------------------------------------------

    def build(
        self,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], object] = lambda done, total: None,
    ) -> RequestCounts:
        """Read the files once. `progress(done, total)` is told bytes. Raises OperationCancelledError when
        `cancelled()`.

        A file that cannot be read is left out: see `absent`.
        """
        total = self.bytes_to_read()
        done = 0
        hasher = hashlib.sha256()

        def seen(piece: bytes) -> None:
            nonlocal done
            if cancelled():
                raise OperationCancelledError("Reading the results was stopped")
            done += len(piece)
            progress(done, total)

        def seen_input(piece: bytes) -> None:
            seen(piece)
            if self.sources.input_sha256 is not None:
                hasher.update(piece)

        if not self._read(Source.INPUT, seen_input, self._take_request):
            self._join = Join(has_input=False)
        elif self.sources.input_sha256 is not None:
            self.input_changed = hasher.hexdigest() != self.sources.input_sha256
        self._read(Source.OUTPUT, seen, self._take_output)
        self._read(Source.ERRORS, seen, self._take_error)
        self.reconciliation = self._join.finish()
        return self.reconciliation

    def restore(
        self, join: Join, found: RequestCounts, stamps: dict[Source, FileStamp], *, input_changed: bool
    ) -> None:
        """Be what was built once and kept."""
        self.stamps, self.input_changed = stamps, input_changed
        self._join, self.reconciliation = join, found

    @property
    def has_results(self) -> bool:
        """Whether there is an output or an error file that can be read."""
        return any(self.sources.path(kind) and kind not in self.absent for kind in (Source.OUTPUT, Source.ERRORS))

    def bytes_to_read(self) -> int:
        """What building will read. Looks at the disk."""
        return sum(_size(path) for source in Source if (path := self.sources.path(source)) is not None)

    def _read(self, source: Source, seen: Callable[[bytes], object], take: Callable[[Line], object]) -> bool:
        path = self.sources.path(source)
        if path is None:
            return False
        try:
            with path.open("rb", buffering=0) as file:
                self.stamps[source] = FileStamp.of(os.fstat(file.fileno()))
                for line in lines_of(file, seen):
                    take(line)
        except OSError as error:
            self.absent[source] = error.strerror or str(error)
            return False
        return True

    def _take_request(self, line: Line) -> None:
        custom_id, model = request_of(line.data)
        self._join.add_request(custom_id, line, model, glimpsed=salvage_id(line.data) if custom_id is None else "")

    def _take_output(self, line: Line) -> None:
        self._take_reply(Source.OUTPUT, line)

    def _take_error(self, line: Line) -> None:
        self._take_reply(Source.ERRORS, line)

    def _take_reply(self, source: Source, line: Line) -> None:
        if line.is_whole:
            verdict = classify(line.data)
        else:
            said = f"This row is too long to be read: {line.length:,} bytes"
            verdict = ClassifiedRow(None, Outcome.UNREADABLE, preview_bytes(said))
        glimpsed = salvage_id(line.data) if verdict.custom_id is None else ""
        self._join.add_reply(source, line, verdict, glimpsed=glimpsed)

    # -- rows, from memory ---------------------------------------------------------------------------

    @property
    def has_input(self) -> bool:
        """Whether the rows are those of the input file; else they are what came back."""
        return self._join.has_input

    @property
    def is_built(self) -> bool:
        return self.reconciliation is not None

    @property
    def requests(self) -> RequestColumns:
        return self._join.requests

    @property
    def join(self) -> Join:
        """All of it, to be kept."""
        return self._join

    @property
    def extras(self) -> Sequence[ExtraRow]:
        """Rows below the requests."""
        return self._join.extras

    @property
    def replies(self) -> ResponseColumns:
        return self._join.replies

    def __len__(self) -> int:
        """Rows so far; those below the requests are counted once all is read."""
        return len(self.requests) + (len(self._join.extras) if self.is_built else 0)

    def reply(self, number: int) -> int | None:
        """The reply that is shown in a row; None where there is none."""
        below = number - len(self.requests)
        if below >= 0:
            return self._join.extras[below].reply
        reply = self.requests.reply[number]
        return reply if reply >= 0 else None

    def outcome(self, number: int) -> Outcome:
        """What became of a row."""
        reply = self.reply(number)
        if reply is None:
            return Outcome.MISSING if self.is_built else Outcome.PENDING
        return self.replies.outcome_of(reply)

    def select(self, outcomes: Collection[Outcome]) -> array[int]:
        """The rows of these outcomes, in order."""
        codes = self.replies.outcome
        none = Outcome.MISSING if self.is_built else Outcome.PENDING
        wanted = [outcome in outcomes for outcome in Outcome]
        shown = [*self.requests.reply, *(extra.reply for extra in self._join.extras if self.is_built)]
        return array("I", [row for row, reply in enumerate(shown) if wanted[codes[reply] if reply >= 0 else none]])

    def row(self, number: int) -> Row:
        """A row as the list shows it. Reads no file."""
        below = number - len(self.requests)
        extra = self._join.extras[below] if below >= 0 else None
        reply = self.reply(number)
        line: int | None = None
        if extra is None and self.has_input:
            line = self.requests.places.line[number]
        elif extra is None and reply is not None:
            line = self.replies.places.line[reply]
        seconds = self.replies.seconds[reply] if reply is not None else -1.0
        return Row(
            number=number,
            line=line,
            custom_id=self.requests.custom_id(number) if extra is None else extra.custom_id,
            outcome=self.outcome(number),
            tokens=known(self.replies.tokens[reply]) if reply is not None else None,
            prompt_tokens=known(self.replies.prompt_tokens[reply]) if reply is not None else None,
            seconds=seconds if seconds >= 0 else None,
            preview=preview_text(self.replies.heads[reply]) if reply is not None else "",
            issue=extra.issue if extra is not None else None,
        )

    # -- records, from the files ---------------------------------------------------------------------

    def request_place(self, number: int) -> RowLocation | None:
        """Where the input line of a row is; None for a row below the requests."""
        if not self.has_input or number >= len(self.requests):
            return None
        return _place(Source.INPUT, self.requests.places, number)

    def asked_place(self, number: int) -> RowLocation | None:
        """Where the line is that the row's reply answers; see `request_place`."""
        return self.request_place(number)

    def job_of(self, number: int) -> str:
        """The id of the job that a row's reply comes from; empty where all are of one."""
        return ""

    def reply_place(self, number: int) -> RowLocation | None:
        """Where the row of the output or error file is."""
        reply = self.reply(number)
        if reply is None:
            return None
        return _place(self.replies.file[reply], self.replies.places, reply)

    @property
    def files(self) -> Sequence[FileNumber]:
        """The files that rows stand in; the input file first."""
        return [source for source in Source if source in self.stamps and source not in self.absent]

    @contextmanager
    def open(self, file: FileNumber) -> Iterator[BinaryIO]:
        """One of the files. Raises LocalFileError when it is gone, or is another one by now."""
        source = Source(file)
        path = self.sources.path(source)
        assert path is not None
        try:
            with path.open("rb", buffering=0) as opened:
                if FileStamp.of(os.fstat(opened.fileno())) != self.stamps[source]:
                    raise LocalFileError(f"{path.name} has changed since it was read", "Open the results again.")
                yield opened
        except OSError as error:
            raise LocalFileError(
                f"{path.name} cannot be read: {error.strerror or error}",
                f"Its job can fetch it again: {NextStep.FETCH}.",
            ) from error

    def size(self, file: FileNumber) -> int:
        """Bytes of one of the files, as it was read; 0 where there is none."""
        stamp = self.stamps.get(Source(file))
        return stamp.size if stamp is not None else 0

    def read(self, place: RowLocation) -> bytes:
        """The bytes of a row. Raises LocalFileError."""
        with self.open(place.file) as file:
            file.seek(place.offset)
            return file.read(place.length)

    def record(self, number: int) -> ResultRecord:
        """A row in full: what was asked and what came back. Reads two lines; what cannot be read is told in it."""
        troubles: list[str] = []

        def found(place: RowLocation | None) -> bytes | None:
            if place is None:
                return None
            try:
                return self.read(place)
            except LocalFileError as trouble:
                troubles.append(str(trouble))
                return None

        came = self.reply_place(number)
        request, response = found(self.asked_place(number)), found(came)
        return read_record(
            self.row(number), request, response, came and came.source, came and came.line, tuple(troubles)
        )


def _place(file: FileNumber, places: LocationColumns, number: int) -> RowLocation:
    return RowLocation(file, places.line[number], places.offset[number], places.length[number])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
