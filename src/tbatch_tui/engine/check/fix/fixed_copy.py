"""Plan a fixed copy of an input file, rule by rule, and write it."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.fix.line_edits import MakeUniqueId, add_suffix, fix_line
from tbatch_tui.engine.check.lines.check_line import LineReport, check_line
from tbatch_tui.engine.check.lines.params import Kind
from tbatch_tui.engine.check.rules import RULES
from tbatch_tui.engine.check.scan.fast_path import FastPath
from tbatch_tui.engine.check.scan.reader import PIECE_BYTES, Piece, read_error, read_line, read_pieces
from tbatch_tui.engine.check.scan.sniff import BOM, sniff
from tbatch_tui.engine.domain.check_report import CheckReport, Problem, Severity
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.rights import create_file, rights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from io import FileIO
    from pathlib import Path

_DUPLICATE = "duplicate-custom-id"
_SAMPLE = 100
"""So many problems of each rule are tried for the plan."""
_ID_RULES = frozenset({"custom-id-missing", "custom-id-empty", "custom-id-type", _DUPLICATE})


@dataclass(frozen=True, slots=True)
class FixStep:
    """What the fix would do for one rule."""

    rule: str
    lines: int
    before: str
    """One line as it is, for a preview; empty if there is none to show."""
    after: str
    """The same line fixed; empty if it is dropped."""
    line: int = 0
    """The number of that line; 0 if there is none to show."""


@dataclass(frozen=True, slots=True)
class FixPlan:
    """What can be fixed without guessing. Nothing is written yet."""

    path: Path
    size: int
    mtime_ns: int
    kind: Kind
    steps: tuple[FixStep, ...]
    unfixable: int
    """Errors of lines that cannot be fixed. Such lines can be left out of the copy."""
    error_rules: frozenset[str]
    """The rules of severity error that lines break: a line that still breaks one can be rejected."""

    @property
    def rules(self) -> frozenset[str]:
        """The rules that can be fixed."""
        return frozenset(step.rule for step in self.steps)


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


def plan_fixes(report: CheckReport) -> FixPlan:
    """Return what `write_fixed` would change, each rule with one line before and after. Raises LocalFileError."""
    try:
        with report.path.open("rb", buffering=0) as file:
            head = sniff(file)
            kind = head.kind or Kind.CHAT
            if report.endpoint is not None:
                kind = Kind.AUDIO if report.endpoint.is_audio else Kind.CHAT
            steps = () if head.rule else tuple(_plan_steps(report, kind))
    except OSError as error:
        raise read_error(report.path, error) from error
    errors = {
        rule: number
        for rule, number in report.counts.items()
        if RULES[rule].severity is Severity.ERROR and not RULES[rule].whole_file
    }
    fixable = {step.rule: step.lines for step in steps}
    unfixable = sum(max(0, number - fixable.get(rule, 0)) for rule, number in errors.items())
    return FixPlan(report.path, report.size, report.mtime_ns, kind, steps, unfixable, frozenset(errors))


def _plan_steps(report: CheckReport, kind: Kind) -> Iterator[FixStep]:
    by_rule: dict[str, list[Problem]] = {rule: [] for rule in report.counts if RULES[rule].is_fixable}
    for problem in report.problems:
        if (same := by_rule.get(problem.rule)) is not None and len(same) < _SAMPLE:
            same.append(problem)
    for rule, problems in by_rule.items():
        number = report.counts[rule]
        example = ("", "", 0)
        for problem in problems if rule != "bom" else ():
            line = read_line(report.path, problem.offset, problem.length)
            line_report = check_line(line, kind)
            is_duplicate = rule == _DUPLICATE
            make_unique = _add_example_suffix if is_duplicate else str
            fixed = _fix(line, line_report, problem.line, {rule}, kind, is_duplicate, make_unique)
            if fixed == line and rule != "crlf":  # such as a custom_id that is a list
                number -= 1
            elif not example[-1]:
                before = line + b"\r" if rule == "crlf" else line
                example = before.decode("utf-8", "replace"), (fixed or b"").decode("utf-8", "replace"), problem.line
        if number:
            yield FixStep(rule, number, *example)


def _add_example_suffix(wanted: str) -> str:
    return add_suffix(wanted, lambda candidate: candidate == wanted)


def write_fixed(
    plan: FixPlan,
    *,
    rules: Collection[str] | None = None,
    reject: bool = False,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FixedCopy:
    """Write `<stem>.fixed.jsonl` beside the file. No existing file is ever overwritten.

    Raises LocalFileError, and OperationCancelledError soon after `cancelled` returns true. Then no new file is left.

    Args:
        rules: The rules to fix; all of the plan if None.
        reject: Whether lines that still break one of the plan's `error_rules` go to `<stem>.rejected.jsonl` instead.
        progress: Called with the bytes done and the bytes in all.
    """
    wanted = plan.rules if rules is None else plan.rules & set(rules)
    fixed, rejected = _free_paths(plan.path)
    try:
        source = plan.path.open("rb", buffering=0)
    except OSError as error:
        raise read_error(plan.path, error) from error
    with source, ExitStack() as stack:
        try:
            _require_unchanged(source, plan)
            rights = rights_of(plan.path)
            good = stack.enter_context(_Output(fixed, rights))
            bad = stack.enter_context(_Output(rejected, rights)) if reject else None
            fixer = _Fixer(plan, wanted, good, bad)
            start = _start_after_bom(source, good, "bom" in wanted)
            if wanted & _ID_RULES:
                for piece in read_pieces(source, start, plan.size):
                    _stop_if(cancelled)
                    fixer.add_ids(piece)
            for piece in read_pieces(source, start, plan.size):
                _stop_if(cancelled)
                fixer.write_piece(piece, source)
                if progress is not None:
                    progress(piece.offset + piece.length, plan.size)
            _require_unchanged(source, plan)
            if fixer.rejected_lines and not good.size:
                hint = "Nothing was written. Mend the file where it comes from."
                raise LocalFileError(f"No line of {plan.path} would be left", hint)
            is_rejecting = bad is not None and fixer.rejected_lines > 0
            if bad is not None and is_rejecting:
                bad.publish()  # first: there must be no copy without some of the lines unless these are somewhere
            try:
                good.publish()
            except OSError:
                if is_rejecting:
                    rejected.unlink()
                raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise LocalFileError(
                f"{fixed} cannot be written: {reason}", "See that the folder can be written to, and has room."
            ) from error
    return FixedCopy(fixed, fixer.fixed_lines, rejected if is_rejecting else None, fixer.rejected_lines)


def _start_after_bom(source: FileIO, good: _Output, is_dropped: bool) -> int:
    """Copy a byte order mark or drop it; return where the lines begin."""
    start = sniff(source).start
    if start and not is_dropped:
        good.write(BOM)
    while start and is_dropped and os.pread(source.fileno(), len(BOM), start) == BOM:
        start += len(BOM)  # there may be several, and none must be left at the beginning
    return start


def _require_unchanged(source: FileIO, plan: FixPlan) -> None:
    status = os.fstat(source.fileno())
    if (status.st_size, status.st_mtime_ns) != (plan.size, plan.mtime_ns):
        raise LocalFileError(f"{plan.path} has changed since it was checked", "Check it again, then fix it.")


def _stop_if(cancelled: Callable[[], bool] | None) -> None:
    if cancelled is not None and cancelled():
        raise OperationCancelledError("The fix was stopped")


def _free_paths(path: Path) -> tuple[Path, Path]:
    """Return the first pair of paths where nothing is: `.fixed` and `.rejected`, then `.fixed2` and `.rejected2` …"""
    count = 1
    while True:
        number = str(count) if count > 1 else ""
        fixed, rejected = (path.with_name(f"{path.stem}.{word}{number}.jsonl") for word in ("fixed", "rejected"))
        if not any(map(os.path.lexists, (fixed, rejected, _part_of(fixed), _part_of(rejected)))):
            return fixed, rejected
        count += 1


def _part_of(path: Path) -> Path:
    """Return the path that a file has until it is complete."""
    return path.with_name(path.name + ".part")


class _Output:
    """A file that gets its name only when it is complete."""

    def __init__(self, path: Path, rights: int) -> None:
        self._path = path
        self._part = _part_of(path)
        self._rights = rights
        self.size = 0

    def __enter__(self) -> _Output:
        self._file = create_file(self._part, self._rights)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the disk is full, which write has raised
            self._file.close()
        self._part.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.size += len(data)

    def publish(self) -> None:
        """Give the file its name. Raises FileExistsError if another file has got it meanwhile."""
        self._file.flush()
        os.fsync(self._file.fileno())
        try:
            os.link(self._part, self._path)  # unlike a rename, this never replaces a file
        except FileExistsError:
            raise
        except OSError:  # not every file system has links
            if os.path.lexists(self._path):
                raise FileExistsError(17, "a file of that name has appeared") from None
            self._part.rename(self._path)


class _Fixer:
    """Writes the pieces of a file, in order and fixed."""

    def __init__(self, plan: FixPlan, rules: frozenset[str], good: _Output, bad: _Output | None) -> None:
        self.fixed_lines = 0
        self.rejected_lines = 0
        self._kind = kind = plan.kind
        self._errors = plan.error_rules
        self._rules = rules
        self._good = good
        self._bad = bad
        self._fast = FastPath(kind)
        self._line = 0
        self._earlier_ids: set[int] = set()  # hashes of the ids of the lines so far
        self._taken_ids: set[int] = set()  # hashes of all ids of the file, and of the new ones

    def add_ids(self, piece: Piece) -> None:
        """Note the ids of a piece, so that no new id is equal to one of them."""
        result = self._fast.check(piece) if piece.block else None
        if result is not None:
            self._taken_ids.update(map(hash, result.ids))
            return
        for line in piece.data.split(b"\n"):
            custom_id = check_line(line, self._kind).custom_id
            if custom_id:
                self._taken_ids.add(hash(custom_id))

    def write_piece(self, piece: Piece, source: FileIO) -> None:
        """Fix the lines of the next piece and write them."""
        if not piece.block:
            self._line += 1
            self._copy(piece, source)
            return
        data = piece.data
        result = None if piece.has_cr else self._fast.check(piece)
        if result is not None and not self._rules & result.once_per_file.keys() and not (self._bad and result.doubtful):
            hashes = set(map(hash, result.ids))
            if len(hashes) == len(result.ids) and self._earlier_ids.isdisjoint(hashes):
                self._earlier_ids |= hashes
                self._line += len(result.ids)
                self._good.write(data)
                return
        for line in _with_ends(data):
            self._line += 1
            self._write_line(line)

    def _write_line(self, raw: bytes) -> None:
        end = b"\r\n" if raw.endswith(b"\r\n") else b"\n" if raw.endswith(b"\n") else b""
        line = raw.removesuffix(end)
        report = check_line(line, self._kind)
        id_hash = hash(report.custom_id) if report.custom_id else None
        is_duplicate = id_hash is not None and id_hash in self._earlier_ids
        fixed = _fix(line, report, self._line, self._rules, self._kind, is_duplicate, self._make_unique)
        if fixed is None:
            self.fixed_lines += 1
            return
        if self._bad is not None and self._is_faulty(fixed, is_duplicate):
            self._bad.write(raw)
            self.rejected_lines += 1
            return
        if id_hash is not None:
            self._earlier_ids.add(id_hash)
        if end == b"\r\n" and "crlf" in self._rules:
            fixed, end = fixed.rstrip(b"\r"), b"\n"  # all of several CR, or the next one would end the line
        self._good.write(written := fixed + end)
        self.fixed_lines += written != raw

    def _is_faulty(self, line: bytes, was_duplicate: bool) -> bool:
        """Whether a line still has an error after it was fixed."""
        if was_duplicate and _DUPLICATE in self._errors and _DUPLICATE not in self._rules:
            return True
        return any(finding.rule in self._errors for finding in check_line(line, self._kind).findings)

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
        position = source.tell()
        source.seek(piece.offset)
        remaining = piece.length
        while remaining > 0 and (block := source.read(min(PIECE_BYTES, remaining))):
            output.write(block)
            remaining -= len(block)
        source.seek(position)


def _with_ends(data: bytes) -> Iterator[bytes]:
    """Yield the lines of a piece with their line ends. Only LF ends a line."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def _fix(
    line: bytes,
    report: LineReport,
    number: int,
    rules: Collection[str],
    kind: Kind,
    is_duplicate: bool,
    make_unique: MakeUniqueId,
) -> bytes | None:
    """Return a line, without its line end, fixed; None if it has to be dropped."""
    if report.is_blank:
        return None if "blank-line" in rules else line
    if report.value is None:
        return line
    return fix_line(report.text, number, rules, kind, is_duplicate, make_unique).encode()
