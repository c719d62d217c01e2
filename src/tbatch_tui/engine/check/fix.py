"""A mended copy of an input file: what would change, rule by rule, and the writing of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from tbatch_tui.engine.errors import FileTrouble, Stopped
from tbatch_tui.engine.findings import CheckReport, Severity

from .close import Seen, look_closely
from .fast import FastLook
from .mend import Name, mended, suffixed
from .opening import BOM, look_at_opening
from .params import Kind
from .reader import PIECE, Piece, pieces, read_line
from .rules import RULES

_ID_RULES = frozenset({"custom-id-missing", "custom-id-empty", "custom-id-type", "duplicate-custom-id"})


@dataclass(frozen=True, slots=True)
class FixStep:
    """What the fix would do for one rule."""

    rule: str
    lines: int
    before: str
    """One line as it is, for a preview; empty where no line shows it."""
    after: str
    """The same line mended; empty if it is dropped."""


@dataclass(frozen=True, slots=True)
class FixPlan:
    """All that could be mended without guessing. Nothing is written yet."""

    path: Path
    size: int
    mtime_ns: int
    kind: Kind
    steps: tuple[FixStep, ...]
    left: int
    """Faults that no fix mends: their lines can be left out."""

    @property
    def rules(self) -> frozenset[str]:
        return frozenset(step.rule for step in self.steps)


def plan_fixes(report: CheckReport) -> FixPlan:
    """What `write_fixed` would change, each rule with one line before and after."""
    with report.path.open("rb", buffering=0) as file:
        opening = look_at_opening(file)
    kind = opening.kind or Kind.CHAT
    if report.endpoint is not None:
        kind = Kind.AUDIO if report.endpoint.is_audio else Kind.CHAT
    steps = []
    for rule, number in report.counts.items():
        if not RULES[rule].fixable:
            continue
        before = after = ""
        problem = next((p for p in report.problems if p.rule == rule and p.length), None)
        if problem is not None:
            line = read_line(report.path, problem.offset, problem.length)
            before = line.decode("utf-8", "replace")
            is_repeated = rule == "duplicate-custom-id"
            seen = look_closely(line, kind)
            fixed = _mended(line, seen, problem.line, {rule}, kind, is_repeated, _example_name)
            after = "" if fixed is None else fixed.decode("utf-8", "replace")
        steps.append(FixStep(rule, number, before, after))
    left = sum(
        number
        for rule, number in report.counts.items()
        if RULES[rule].severity is Severity.ERROR and not RULES[rule].fixable
    )
    return FixPlan(report.path, report.size, report.mtime_ns, kind, tuple(steps), left)


def _example_name(wanted: str) -> str:
    return wanted if wanted.startswith("line-") else f"{wanted}-dup2"


def write_fixed(
    plan: FixPlan,
    *,
    rules: Collection[str] | None = None,
    reject: bool = False,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Write `<stem>.fixed.jsonl` beside the file and return its path; no existing file is ever written over.

    Only `rules` are mended (all of the plan's, if None). With `reject`, lines that still have an error go to
    `<stem>.rejected.jsonl` instead. Raises FileTrouble and Stopped; then nothing new is left behind.
    """
    wanted = plan.rules if rules is None else plan.rules & set(rules)
    fixed, rejected = _free_names(plan.path)
    with ExitStack() as stack:
        try:
            source = stack.enter_context(plan.path.open("rb", buffering=0))
            status = os.fstat(source.fileno())
            if (status.st_size, status.st_mtime_ns) != (plan.size, plan.mtime_ns):
                raise FileTrouble(f"{plan.path} has changed since it was checked", "Check it again, then fix it")
            good = stack.enter_context(_Output(fixed))
            bad = stack.enter_context(_Output(rejected)) if reject else None
            fixer = _Fixer(plan.kind, wanted, good, bad)
            start = look_at_opening(source).start
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
            good.keep()
            if bad is not None and bad.written:
                bad.keep()
        except OSError as error:
            reason = error.strerror or str(error)
            raise FileTrouble(
                f"{fixed} cannot be written: {reason}", "See that the folder can be written to"
            ) from error
    return fixed


def _stop_if(cancelled: Callable[[], bool] | None) -> None:
    if cancelled is not None and cancelled():
        raise Stopped("The fix was stopped")


def _free_names(path: Path) -> tuple[Path, Path]:
    """The first pair of names that nothing bears: `.fixed` and `.rejected`, then `.fixed2` and `.rejected2` …"""
    count = 1
    while True:
        number = str(count) if count > 1 else ""
        fixed, rejected = (path.with_name(f"{path.stem}.{word}{number}.jsonl") for word in ("fixed", "rejected"))
        if not os.path.lexists(fixed) and not os.path.lexists(rejected):
            return fixed, rejected
        count += 1


class _Output:
    """A file that gets its name only when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self.written = 0

    def __enter__(self) -> _Output:
        self._file = self._part.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.written += len(data)

    def keep(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        if os.path.lexists(self._path):
            raise FileExistsError(17, "a file of that name has appeared")
        self._part.rename(self._path)


class _Fixer:
    """Takes the pieces of a file in order and writes them out mended."""

    def __init__(self, kind: Kind, rules: frozenset[str], good: _Output, bad: _Output | None) -> None:
        self._kind = kind
        self._rules = rules
        self._good = good
        self._bad = bad
        self._fast = FastLook(kind)
        self._line = 0
        self._seen: set[int] = set()  # hashes of the ids of the lines so far
        self._taken: set[int] = set()  # hashes of all ids of the file, and of those given

    def learn_ids(self, piece: Piece) -> None:
        look = self._fast.look(piece.view) if piece.block else None
        if look is not None:
            self._taken.update(map(hash, look.ids))
            return
        for line in piece.data.split(b"\n"):
            custom_id = look_closely(line, self._kind).custom_id
            if custom_id:
                self._taken.add(hash(custom_id))

    def take(self, piece: Piece, source: FileIO) -> None:
        if not piece.block:
            self._line += 1
            self._copy(piece, source)
            return
        data = piece.data
        look = None if b"\r" in data else self._fast.look(data)
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
        seen = look_closely(line, self._kind)
        mark = hash(seen.custom_id) if seen.custom_id else None
        is_repeated = mark is not None and mark in self._seen
        fixed = _mended(line, seen, self._line, self._rules, self._kind, is_repeated, self._name)
        if fixed is None:
            return
        if self._bad is not None and self._is_faulty(fixed, is_repeated):
            self._bad.write(raw)
            return
        if mark is not None:
            self._seen.add(mark)
        if end == b"\r\n" and "crlf" in self._rules:
            fixed, end = fixed.rstrip(b"\r"), b"\n"  # of several CR all go, or the next one would end the line
        self._good.write(fixed + end)

    def _is_faulty(self, line: bytes, was_repeated: bool) -> bool:
        if was_repeated and "duplicate-custom-id" not in self._rules:
            return True
        findings = look_closely(line, self._kind).findings
        return any(RULES[finding.rule].severity is Severity.ERROR for finding in findings)

    def _name(self, wanted: str) -> str:
        name = suffixed(wanted, lambda candidate: hash(candidate) in self._taken)
        self._taken.add(hash(name))
        return name

    def _copy(self, piece: Piece, source: FileIO) -> None:
        """A line too long to be held: rejected, or copied as it is."""
        output = self._bad if self._bad is not None else self._good
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
    line: bytes, seen: Seen, number: int, rules: Collection[str], kind: Kind, is_repeated: bool, name: Name
) -> bytes | None:
    """A line without its line end, mended; None if it is to be dropped."""
    if seen.is_blank:
        return None if "blank-line" in rules else line
    if seen.value is None:
        return line
    return mended(seen.text, number, rules, kind, is_repeated, name).encode()
