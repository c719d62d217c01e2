"""A mended copy of an input file: what would change, rule by rule, and the writing of it."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.fix.line_edits import Name, fixed_line, suffixed
from tbatch_tui.engine.check.lines.check_line import LineReport, check_line
from tbatch_tui.engine.check.lines.params import Kind
from tbatch_tui.engine.check.rules import RULES
from tbatch_tui.engine.check.scan.fast_path import FastPath
from tbatch_tui.engine.check.scan.reader import PIECE, Piece, pieces, read_line, unreadable
from tbatch_tui.engine.check.scan.sniff import BOM, sniff
from tbatch_tui.engine.domain.check_report import CheckReport, Problem, Severity
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from io import FileIO
    from pathlib import Path

_DUPLICATE = "duplicate-custom-id"
_SAMPLE = 100
"""Of each rule's problems so many are tried for the plan."""
_ID_RULES = frozenset({"custom-id-missing", "custom-id-empty", "custom-id-type", _DUPLICATE})


@dataclass(frozen=True, slots=True)
class FixStep:
    """What the fix would do for one rule."""

    rule: str
    lines: int
    before: str
    """One line as it is, for a preview; empty where no line shows it."""
    after: str
    """The same line mended; empty if it is dropped."""
    line: int = 0
    """The number of that line; 0 where no line shows it."""


@dataclass(frozen=True, slots=True)
class FixPlan:
    """All that could be mended without guessing. Nothing is written yet."""

    path: Path
    size: int
    mtime_ns: int
    kind: Kind
    steps: tuple[FixStep, ...]
    unfixable: int
    """Faults of lines that no fix mends: such lines can be left out."""
    error_rules: frozenset[str]
    """The rules of severity error that lines break: what rejecting goes by."""

    @property
    def rules(self) -> frozenset[str]:
        return frozenset(step.rule for step in self.steps)


@dataclass(frozen=True, slots=True)
class FixedCopy:
    """What `write_fixed` wrote."""

    path: Path
    """The copy; every line that needed no mend is in it byte for byte."""
    fixed_lines: int
    """Lines changed or dropped."""
    rejected: Path | None = None
    """Where the lines that were left out are kept; None where there are none."""
    rejected_lines: int = 0


def plan_fixes(report: CheckReport) -> FixPlan:
    """What `write_fixed` would change, each rule with one line before and after. Raises LocalFileError."""
    try:
        with report.path.open("rb", buffering=0) as file:
            opening = sniff(file)
            kind = opening.kind or Kind.CHAT
            if report.endpoint is not None:
                kind = Kind.AUDIO if report.endpoint.is_audio else Kind.CHAT
            steps = () if opening.rule else tuple(_steps(report, kind))
    except OSError as error:
        raise unreadable(report.path, error) from error
    errors = {
        rule: number
        for rule, number in report.counts.items()
        if RULES[rule].severity is Severity.ERROR and not RULES[rule].whole_file
    }
    mended = {step.rule: step.lines for step in steps}
    left = sum(max(0, number - mended.get(rule, 0)) for rule, number in errors.items())
    return FixPlan(report.path, report.size, report.mtime_ns, kind, steps, left, frozenset(errors))


def _steps(report: CheckReport, kind: Kind) -> Iterator[FixStep]:
    by_rule: dict[str, list[Problem]] = {rule: [] for rule in report.counts if RULES[rule].is_fixable}
    for problem in report.problems:
        if (same := by_rule.get(problem.rule)) is not None and len(same) < _SAMPLE:
            same.append(problem)
    for rule, problems in by_rule.items():
        number = report.counts[rule]
        example = ("", "", 0)
        for problem in problems if rule != "bom" else ():
            line = read_line(report.path, problem.offset, problem.length)
            seen = check_line(line, kind)
            name = _suffixed if rule == _DUPLICATE else str
            fixed = _mended(line, seen, problem.line, {rule}, kind, rule == _DUPLICATE, name)
            if fixed == line and rule != "crlf":  # such as a custom_id that is a list
                number -= 1
            elif not example[-1]:
                before = line + b"\r" if rule == "crlf" else line
                example = before.decode("utf-8", "replace"), (fixed or b"").decode("utf-8", "replace"), problem.line
        if number:
            yield FixStep(rule, number, *example)


def _suffixed(wanted: str) -> str:
    return suffixed(wanted, lambda candidate: candidate == wanted)


def write_fixed(
    plan: FixPlan,
    *,
    rules: Collection[str] | None = None,
    reject: bool = False,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FixedCopy:
    """Write `<stem>.fixed.jsonl` beside the file; no existing file is ever written over.

    Only `rules` are mended (all of the plan's, if None). With `reject`, lines that still have one of the plan's errors
    go to `<stem>.rejected.jsonl` instead. Raises LocalFileError and OperationCancelledError; then nothing new is left
    behind.
    """
    wanted = plan.rules if rules is None else plan.rules & set(rules)
    fixed, rejected = _free_names(plan.path)
    try:
        source = plan.path.open("rb", buffering=0)
    except OSError as error:
        raise unreadable(plan.path, error) from error
    with source, ExitStack() as stack:
        try:
            _same_as_planned(source, plan)
            good = stack.enter_context(_Output(fixed))
            bad = stack.enter_context(_Output(rejected)) if reject else None
            fixer = _Fixer(plan, wanted, good, bad)
            start = sniff(source).start
            if start and "bom" not in wanted:
                good.write(BOM)
            while start and "bom" in wanted and os.pread(source.fileno(), len(BOM), start) == BOM:
                start += len(BOM)  # of several none is to be left at the beginning
            if wanted & _ID_RULES:
                for piece in pieces(source, start, plan.size):
                    _stop_if(cancelled)
                    fixer.learn_ids(piece)
            for piece in pieces(source, start, plan.size):
                _stop_if(cancelled)
                fixer.take(piece, source)
                if progress is not None:
                    progress(piece.offset + piece.length, plan.size)
            _same_as_planned(source, plan)
            if fixer.rejected and not good.written:
                hint = "Nothing was written. Mend the file where it comes from."
                raise LocalFileError(f"No line of {plan.path} would be left", hint)
            is_rejecting = bad is not None and fixer.rejected > 0
            if bad is not None and is_rejecting:
                bad.keep()  # first: a copy without some of its lines is not to be had without them
            try:
                good.keep()
            except OSError:
                if is_rejecting:
                    rejected.unlink()
                raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise LocalFileError(
                f"{fixed} cannot be written: {reason}", "See that the folder can be written to, and has room."
            ) from error
    return FixedCopy(fixed, fixer.mended, rejected if is_rejecting else None, fixer.rejected)


def _same_as_planned(source: FileIO, plan: FixPlan) -> None:
    status = os.fstat(source.fileno())
    if (status.st_size, status.st_mtime_ns) != (plan.size, plan.mtime_ns):
        raise LocalFileError(f"{plan.path} has changed since it was checked", "Check it again, then fix it.")


def _stop_if(cancelled: Callable[[], bool] | None) -> None:
    if cancelled is not None and cancelled():
        raise OperationCancelledError("The fix was stopped")


def _free_names(path: Path) -> tuple[Path, Path]:
    """The first pair of names that nothing bears: `.fixed` and `.rejected`, then `.fixed2` and `.rejected2` …"""
    count = 1
    while True:
        number = str(count) if count > 1 else ""
        fixed, rejected = (path.with_name(f"{path.stem}.{word}{number}.jsonl") for word in ("fixed", "rejected"))
        if not any(map(os.path.lexists, (fixed, rejected, _part_of(fixed), _part_of(rejected)))):
            return fixed, rejected
        count += 1


def _part_of(path: Path) -> Path:
    """What a file is called until it is whole."""
    return path.with_name(path.name + ".part")


class _Output:
    """A file that gets its name only when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = _part_of(path)
        self.written = 0

    def __enter__(self) -> _Output:
        self._file = self._part.open("xb")
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # of a full disk: it has been told
            self._file.close()
        self._part.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.written += len(data)

    def keep(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        try:
            os.link(self._part, self._path)  # unlike a rename, it never takes the place of a file
        except FileExistsError:
            raise
        except OSError:  # not every file system has links
            if os.path.lexists(self._path):
                raise FileExistsError(17, "a file of that name has appeared") from None
            self._part.rename(self._path)


class _Fixer:
    """Takes the pieces of a file in order and writes them out mended."""

    def __init__(self, plan: FixPlan, rules: frozenset[str], good: _Output, bad: _Output | None) -> None:
        self.mended = 0  # lines
        self.rejected = 0
        self._kind = kind = plan.kind
        self._errors = plan.error_rules
        self._rules = rules
        self._good = good
        self._bad = bad
        self._fast = FastPath(kind)
        self._line = 0
        self._seen: set[int] = set()  # hashes of the ids of the lines so far
        self._taken: set[int] = set()  # hashes of all ids of the file, and of those given

    def learn_ids(self, piece: Piece) -> None:
        look = self._fast.look(piece) if piece.block else None
        if look is not None:
            self._taken.update(map(hash, look.ids))
            return
        for line in piece.data.split(b"\n"):
            custom_id = check_line(line, self._kind).custom_id
            if custom_id:
                self._taken.add(hash(custom_id))

    def take(self, piece: Piece, source: FileIO) -> None:
        if not piece.block:
            self._line += 1
            self._copy(piece, source)
            return
        data = piece.data
        look = None if piece.has_cr else self._fast.look(piece)
        if look is not None and not self._rules & look.once.keys() and not (self._bad and look.doubtful):
            hashes = set(map(hash, look.ids))
            if len(hashes) == len(look.ids) and self._seen.isdisjoint(hashes):
                self._seen |= hashes
                self._line += len(look.ids)
                self._good.write(data)
                return
        for line in _with_ends(data):
            self._line += 1
            self._take_line(line)

    def _take_line(self, raw: bytes) -> None:
        end = b"\r\n" if raw.endswith(b"\r\n") else b"\n" if raw.endswith(b"\n") else b""
        line = raw.removesuffix(end)
        seen = check_line(line, self._kind)
        mark = hash(seen.custom_id) if seen.custom_id else None
        is_repeated = mark is not None and mark in self._seen
        fixed = _mended(line, seen, self._line, self._rules, self._kind, is_repeated, self._name)
        if fixed is None:
            self.mended += 1
            return
        if self._bad is not None and self._is_faulty(fixed, is_repeated):
            self._bad.write(raw)
            self.rejected += 1
            return
        if mark is not None:
            self._seen.add(mark)
        if end == b"\r\n" and "crlf" in self._rules:
            fixed, end = fixed.rstrip(b"\r"), b"\n"  # of several CR all go, or the next one would end the line
        self._good.write(mended_line := fixed + end)
        self.mended += mended_line != raw

    def _is_faulty(self, line: bytes, was_repeated: bool) -> bool:
        if was_repeated and _DUPLICATE in self._errors and _DUPLICATE not in self._rules:
            return True
        return any(finding.rule in self._errors for finding in check_line(line, self._kind).findings)

    def _name(self, wanted: str) -> str:
        name = suffixed(wanted, lambda candidate: hash(candidate) in self._taken)
        self._taken.add(hash(name))
        return name

    def _copy(self, piece: Piece, source: FileIO) -> None:
        """A line too long to be held: rejected, or copied as it is."""
        is_rejected = self._bad is not None and "line-too-long" in self._errors
        output = self._bad if self._bad is not None and is_rejected else self._good
        self.rejected += is_rejected
        here = source.tell()
        source.seek(piece.offset)
        left = piece.length
        while left > 0 and (block := source.read(min(PIECE, left))):
            output.write(block)
            left -= len(block)
        source.seek(here)


def _with_ends(data: bytes) -> Iterator[bytes]:
    """The lines of a piece with their line ends; only LF ends a line."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def _mended(
    line: bytes, seen: LineReport, number: int, rules: Collection[str], kind: Kind, is_repeated: bool, name: Name
) -> bytes | None:
    """A line without its line end, mended; None if it is to be dropped."""
    if seen.is_blank:
        return None if "blank-line" in rules else line
    if seen.value is None:
        return line
    return fixed_line(seen.text, number, rules, kind, is_repeated, name).encode()
