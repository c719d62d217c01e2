"""Write a fixed copy of an input file, as planned."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.fix.line_edits import add_suffix
from tbatch_tui.engine.check.fix.mends import FIXABLE, ID_RULES, LAYOUT_RULES, OPENING_RULES
from tbatch_tui.engine.check.fix.new_file import NewFile, free_paths
from tbatch_tui.engine.check.fix.plan import DUPLICATE
from tbatch_tui.engine.check.fix.relaid import relaid_file
from tbatch_tui.engine.check.fix.request_edits import fix_request, separate
from tbatch_tui.engine.check.limits import CUSTOM_ID_CHARACTERS
from tbatch_tui.engine.check.lines.check_line import LineReport, check_line
from tbatch_tui.engine.check.rules import RULES
from tbatch_tui.engine.check.scan.duplicates import custom_id_of
from tbatch_tui.engine.check.scan.fast_path import FastPath
from tbatch_tui.engine.check.scan.reader import Piece, blocks_of, lines_of, read_error, read_pieces
from tbatch_tui.engine.check.scan.sniff import BOM, sniff
from tbatch_tui.engine.domain.check_report import Severity
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.id_map import COLUMNS, id_map_line
from tbatch_tui.engine.local_files.rights import rights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from io import FileIO
    from pathlib import Path

    from tbatch_tui.engine.check.fix.plan import FixPlan


_LINE_ERRORS = frozenset(rule.id for rule in RULES.values() if rule.severity is Severity.ERROR and not rule.whole_file)
"""The rules of severity error that a line can break."""


@dataclass(frozen=True, slots=True)
class FixedCopy:
    """What `write_fixed` wrote."""

    path: Path
    """The copy. Lines that needed no fix are in it byte for byte."""
    fixed_lines: int
    """Lines changed or dropped."""
    rejected: Path | None = None
    """The file of the lines that were left out; None if there are none."""
    rejected_lines: int = 0
    id_map: Path | None = None
    """The table of the custom_ids that were shortened, with what they were; None if there are none."""


def write_fixed(
    plan: FixPlan,
    *,
    rules: Collection[str] | None = None,
    reject: bool = False,
    model: str = "",
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FixedCopy:
    """Write `<stem>.fixed.jsonl` beside the file. No existing file is ever overwritten.

    Raises LocalFileError, and OperationCancelledError soon after `cancelled` returns true. Then no new file is left.

    Args:
        rules: The rules to fix. If None, all of the plan, and what only shows in requests that can be read after it.
        reject: Whether lines that still break one of the plan's `error_rules` go to `<stem>.rejected.jsonl` instead.
        model: The name for requests that have none; without it they are left as they are.
        progress: Called with the bytes done and the bytes in all.
    """
    try:
        source = plan.path.open("rb", buffering=0)
    except OSError as error:
        raise read_error(plan.path, error) from error
    with source:
        _require_unchanged(source, plan)
        return _Copy(plan, _wanted_rules(plan, rules), reject, model, progress, cancelled).write(source)


def _wanted_rules(plan: FixPlan, rules: Collection[str] | None) -> frozenset[str]:
    if rules is not None:
        return plan.rules & set(rules)
    return FIXABLE if plan.rules & OPENING_RULES else plan.rules


def _require_unchanged(source: FileIO, plan: FixPlan) -> None:
    status = os.fstat(source.fileno())
    if (status.st_size, status.st_mtime_ns) != (plan.size, plan.mtime_ns):
        raise LocalFileError(f"{plan.path} has changed since it was checked", "Check it again, then fix it.")


class _Copy:
    """The files of one fixed copy, while they are written."""

    def __init__(
        self,
        plan: FixPlan,
        rules: frozenset[str],
        reject: bool,
        model: str,
        progress: Callable[[int, int], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._plan = plan
        self._rules = rules
        self._model = model
        self._progress = progress
        self._cancelled = cancelled
        paths, rights = free_paths(plan.path), rights_of(plan.path)
        self._good = NewFile(paths.fixed, rights)
        self._bad = NewFile(paths.rejected, rights) if reject else None
        self._ids = NewFile(paths.ids, rights)
        self._relaid_lines = 0

    def write(self, source: FileIO) -> FixedCopy:
        """Write all files, and give them their names."""
        with ExitStack() as stack:
            try:
                for file in filter(None, (self._good, self._bad, self._ids)):
                    stack.enter_context(file)
                lines = self._lines(source, stack)
                fixer = self._write_lines(lines)
                _require_unchanged(source, self._plan)
                return self._publish(fixer)
            except OSError as error:
                reason = error.strerror or str(error)
                raise LocalFileError(
                    f"{self._good.path} cannot be written: {reason}",
                    "Make sure the folder is writable, and has disk space.",
                ) from error

    def _lines(self, source: FileIO, stack: ExitStack) -> FileIO:
        """Return the file whose lines are fixed: the source, or what it is when each request has a line of its own."""
        start = sniff(source).start
        if not self._plan.rules & self._rules & LAYOUT_RULES:
            return source
        relaid = stack.enter_context(relaid_file(source, start, self._progress, self._cancelled))
        if relaid is None:
            return source
        self._relaid_lines = relaid.lines
        return stack.enter_context(relaid.path.open("rb", buffering=0))

    def _write_lines(self, lines: FileIO) -> _Fixer:
        size = os.fstat(lines.fileno()).st_size
        fixer = _Fixer(self._plan, self._rules, self._model, self._good, self._bad, self._ids)
        start = _start_after_bom(lines, self._good, "bom" in self._rules)
        if self._rules & ID_RULES:
            for piece in read_pieces(lines, start, size):
                self._stop_if_cancelled()
                fixer.add_ids(piece)
        for piece in read_pieces(lines, start, size):
            self._stop_if_cancelled()
            fixer.write_piece(piece, lines)
            if self._progress is not None:
                self._progress(piece.offset + piece.length, size)
        return fixer

    def _stop_if_cancelled(self) -> None:
        if self._cancelled is not None and self._cancelled():
            raise OperationCancelledError("The fix was stopped")

    def _publish(self, fixer: _Fixer) -> FixedCopy:
        if fixer.rejected_lines and not self._good.size:
            hint = "Nothing was written. Fix the file at its source."
            raise LocalFileError(f"No line of {self._plan.path} would be left", hint)
        rejected = self._bad if fixer.rejected_lines else None
        ids = self._ids if self._ids.size else None
        published: list[Path] = []
        try:
            # The copy last: there must be none without some of the lines, or of the ids, unless these are somewhere.
            for file in filter(None, (rejected, ids, self._good)):
                file.publish()
                published.append(file.path)
        except OSError:
            for path in published:
                path.unlink()
            raise
        return FixedCopy(
            self._good.path,
            self._relaid_lines or fixer.fixed_lines,
            rejected.path if rejected is not None else None,
            fixer.rejected_lines,
            ids.path if ids is not None else None,
        )


def _start_after_bom(source: FileIO, good: NewFile, is_dropped: bool) -> int:
    """Copy a byte order mark or drop it; return where the lines begin."""
    start = sniff(source).start
    if start and not is_dropped:
        good.write(BOM)
    while start and is_dropped and os.pread(source.fileno(), len(BOM), start) == BOM:
        start += len(BOM)  # there may be several, and none must be left at the beginning
    return start


class _Fixer:
    """Writes the pieces of a file, in order and fixed."""

    def __init__(
        self,
        plan: FixPlan,
        rules: frozenset[str],
        model: str,
        good: NewFile,
        bad: NewFile | None,
        ids: NewFile,
    ) -> None:
        self.fixed_lines = 0
        self.rejected_lines = 0
        self._kind = kind = plan.kind
        self._store = plan.store
        self._errors = plan.error_rules | (_LINE_ERRORS if plan.rules & rules & OPENING_RULES else frozenset())
        self._rules = rules
        self._model = model
        self._good = good
        self._bad = bad
        self._ids = ids
        self._fast = FastPath(kind)
        self._line = 0
        self._earlier_ids: set[int] = set(plan.shared_ids)  # hashes of the ids of the lines so far
        self._taken_ids: set[int] = set(plan.shared_ids)  # hashes of all ids of the file, and of the new ones

    def add_ids(self, piece: Piece) -> None:
        """Note the ids of a piece, so that no new id is equal to one of them."""
        result = self._fast.check(piece) if piece.block else None
        if result is not None:
            self._taken_ids.update(map(hash, result.ids))
            return
        for line in piece.data.split(b"\n"):
            self._taken_ids.update(map(hash, self._ids_in(line)))

    def _ids_in(self, line: bytes) -> Iterator[str]:
        """Yield the ids of a line, or more: an id that is no other line's after all does no harm."""
        try:
            yield custom_id_of(line.rstrip(b", \r\t"))  # nearly every line
        except (ValueError, RecursionError):
            for _, report in self._requests(line):
                if report.custom_id:
                    yield report.custom_id

    def _check(self, line: bytes) -> LineReport:
        return check_line(line, self._kind, store=self._store)

    def _requests(self, line: bytes) -> list[tuple[bytes, LineReport]]:
        """Return the requests of a line, each with what is wrong with it."""
        report = self._check(line)
        requests = separate(line, report, self._rules)
        return [(part, report if part is line else self._check(part)) for part in requests]

    def write_piece(self, piece: Piece, source: FileIO) -> None:
        """Fix the lines of the next piece and write them."""
        if not piece.block:
            self._line += 1
            self._copy(piece, source)
            return
        data = piece.data
        result = None if piece.has_cr else self._fast.check(piece)
        if result is not None and not self._rules & result.once_per_file.keys() and not result.doubtful:
            hashes = set(map(hash, result.ids))
            if len(hashes) == len(result.ids) and self._earlier_ids.isdisjoint(hashes):
                self._earlier_ids |= hashes
                self._line += len(result.ids)
                self._good.write(data)
                return
        for line in lines_of(data):
            self._line += 1
            self._write_line(line)

    def _write_line(self, raw: bytes) -> None:
        end = b"\r\n" if raw.endswith(b"\r\n") else b"\n" if raw.endswith(b"\n") else b""
        line = raw.removesuffix(end)
        requests = self._requests(line)
        if len(requests) == 1 and requests[0][0] is line:
            self.fixed_lines += self._write_request(line, requests[0][1], end)
            return
        self.fixed_lines += 1
        for request, report in requests[:-1]:
            self._write_request(request, report, end or b"\n")
        self._write_request(*requests[-1], end)

    def _write_request(self, line: bytes, report: LineReport, end: bytes) -> bool:
        """Write a request fixed, or reject it; return whether it is another than it was."""
        raw = line + end
        id_hash = hash(report.custom_id) if report.custom_id else None
        is_duplicate = id_hash is not None and id_hash in self._earlier_ids
        fixed = fix_request(
            line, report, self._line, self._rules, self._kind, is_duplicate, self._make_unique, self._model
        )
        if fixed is None:
            return True
        if self._bad is not None and self._is_faulty(fixed, is_duplicate):
            self._bad.write(raw)
            self.rejected_lines += 1
            return False
        if id_hash is not None:
            self._earlier_ids.add(id_hash)
        if end == b"\r\n" and "crlf" in self._rules:
            fixed, end = fixed.rstrip(b"\r"), b"\n"  # all of several CR, or the next one would end the line
        self._good.write(written := fixed + end)
        if fixed != line and len(original := report.custom_id or "") > CUSTOM_ID_CHARACTERS:
            self._note_id(self._check(fixed).custom_id or "", original)
        return written != raw

    def _note_id(self, custom_id: str, original: str) -> None:
        if custom_id != original:
            if not self._ids.size:
                self._ids.write(id_map_line(*COLUMNS))
            self._ids.write(id_map_line(custom_id, original))

    def _is_faulty(self, line: bytes, was_duplicate: bool) -> bool:
        """Whether a line still has an error after it was fixed."""
        if was_duplicate and DUPLICATE in self._errors and DUPLICATE not in self._rules:
            return True
        return any(finding.rule in self._errors for finding in self._check(line).findings)

    def _make_unique(self, wanted: str) -> str:
        """Return an id that no line of the file has, nor one that was given before."""
        custom_id = add_suffix(wanted, lambda candidate: hash(candidate) in self._taken_ids)
        self._taken_ids.add(hash(custom_id))
        return custom_id

    def _copy(self, piece: Piece, source: FileIO) -> None:
        """Copy a line that is too long to hold, or reject it."""
        is_rejected = self._bad is not None and "line-too-long" in self._errors
        output = self._bad if self._bad is not None and is_rejected else self._good
        self.rejected_lines += is_rejected
        for block in blocks_of(source, piece):
            output.write(block)
