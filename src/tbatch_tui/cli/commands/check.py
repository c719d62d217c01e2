"""`tbatch-tui check`: the check without a screen, for terminals, editors and CI.

Problems go to standard output, one a line; what is said about a file as a whole goes to standard error.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from tbatch_tui.cli.check_report import _COLOURS, _document, _is_coloured, problem_line, summary
from tbatch_tui.engine.check import RULES, check_file
from tbatch_tui.engine.domain.check_report import CheckReport, Severity
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.text.escape import encodable, escape_controls
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Mapping

    from tbatch_tui.engine.check import FixedCopy

_ENDPOINTS = {
    "chat": Endpoint.CHAT,
    "transcription": Endpoint.TRANSCRIPTION,
    "translation": Endpoint.TRANSLATION,
}
_EPILOG = "exit status: 0 no errors (warnings may be), 1 errors, 2 a file cannot be read, or bad use"


def main(argv: list[str], prog: str = "tbatch-tui check") -> int:
    """Run the command; the return value is the exit status."""
    try:
        arguments = _plain(argv) or _parsed(argv, prog)
    except SystemExit as leaving:  # argparse has said why
        return leaving.code if isinstance(leaving.code, int) else 2
    if sys.stdout is None:  # closed by whoever started us
        return 2
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    collecting = gc.isenabled()
    gc.disable()  # what a check makes dies by its reference counts
    run = _Run(arguments)
    try:
        run.all()
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be flushed on leaving
        if not isinstance(error, BrokenPipeError):  # else the reader has seen enough
            _say(f"The report cannot be written: {error.strerror}")
            return 2
    except KeyboardInterrupt:
        return 130
    finally:
        if collecting:
            gc.enable()
    return run.status


class CheckArguments:
    """What was asked for."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.json = False
        self.fix = False
        self.fix_only: list[str] | None = None
        self.reject = False
        self.endpoint: str | None = None
        self.select: list[str] | None = None
        self.ignore: list[str] | None = None
        self.processes: int | None = None


def _plain(argv: list[str]) -> CheckArguments | None:
    """The options where there are files and little else: to load argparse takes as long as to check 5,000 lines."""
    options = CheckArguments()
    words = iter(argv)
    for word in words:
        if word == "--json":
            options.json = True
        elif word == "--processes" and (number := next(words, "")) in ("1", "2"):
            options.processes = int(number)
        elif word.startswith("-"):
            return None
        else:
            options.files.append(word)
    return options if options.files else None


def _parsed(argv: list[str], prog: str) -> CheckArguments:
    """The options as argparse reads them. Raises SystemExit."""
    from argparse import ArgumentParser

    parser = ArgumentParser(
        prog=prog, description="Check input files of Together's Batch API, line by line.", epilog=_EPILOG
    )
    add_arguments(parser)
    options = parser.parse_args(argv, CheckArguments())
    if options.files.count("-") > 1:
        parser.error("standard input can be read only once")
    options.fix |= options.fix_only is not None
    if options.reject and not options.fix:
        parser.error("--reject needs --fix")
    return options


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a JSONL file; - is standard input")
    parser.add_argument("--json", action="store_true", help="print one JSON object with everything")
    parser.add_argument("--fix", action="store_true", help="write a mended copy beside the file, and check that")
    parser.add_argument(
        "--fix-only", action="extend", type=_fixable, metavar="RULES", help="as --fix, but mend these rules only"
    )
    parser.add_argument(
        "--reject", action="store_true", help="with --fix: leave lines with other errors out, in a file of their own"
    )
    parser.add_argument("--endpoint", choices=_ENDPOINTS, help="what the batch is to run against [read from the file]")
    for name, what in (("--select", "only these rules"), ("--ignore", "all rules but these")):
        parser.add_argument(name, action="extend", type=_rules, metavar="RULES", help=f"{what}, parted by commas")
    parser.add_argument("--processes", type=int, choices=(1, 2), help="[2 where there is more than one core]")


def _rules(value: str) -> list[str]:
    rules = [rule.strip() for rule in value.split(",") if rule.strip()]
    for rule in rules:
        if rule not in RULES:
            raise _bad(f"there is no rule {escape_controls(rule)!r}")
    return rules


def _fixable(value: str) -> list[str]:
    rules = _rules(value)
    for rule in rules:
        if not RULES[rule].is_fixable:
            raise _bad(f"{rule} cannot be mended without guessing")
    return rules


def _bad(value: str) -> Exception:
    from argparse import ArgumentTypeError

    return ArgumentTypeError(value)


class _Run:
    """One run of the command over its files."""

    def __init__(self, arguments: CheckArguments) -> None:
        self._arguments = arguments
        self._documents: list[dict[str, object]] = []
        self.status = 0

    def all(self) -> None:
        for name in self._arguments.files:
            try:
                self._one(name)
            except BatchError as trouble:
                self.status = 2
                if self._arguments.json:
                    told = {"trouble": encodable(trouble.title), "hint": trouble.hint}
                    self._documents.append({"path": encodable(name), **told})
                _say(escape_controls(str(trouble)))
        if self._arguments.json:
            import json

            document = {"files": self._documents, "status": self.status}
            print(json.dumps(document, indent=2).replace("\x7f", "\\u007f"))  # noqa: T201

    def _one(self, name: str) -> None:
        if name == "-":
            if self._arguments.fix:
                raise LocalFileError("--fix needs a file to write beside", "Save standard input to a file first.")
            with _saved_input() as path:
                report = self._check(path)
            self._tell(name, report)
            return
        if not name:
            raise LocalFileError("A file name is empty", "Name the JSONL file.")
        report = self._check(Path(name))
        if not self._arguments.fix:
            self._tell(name, report)
        elif (copy := self._fixed(name, report)) is None:
            self._tell(name, report, {"fixed": None})
        else:
            rejected = None if copy.rejected is None else encodable(str(copy.rejected))
            told = {"from": encodable(name), "mended": copy.fixed_lines, "rejected": rejected}
            told["rejected_lines"] = copy.rejected_lines
            self._tell(str(copy.path), self._check(copy.path), {"fixed": told})

    def _fixed(self, name: str, report: CheckReport) -> FixedCopy | None:
        """A mended copy of the file, and a word about it; None when there is nothing that may be mended."""
        from tbatch_tui.engine.check import plan_fixes, write_fixed

        plan, only, reject = plan_fixes(report), self._arguments.fix_only, self._arguments.reject
        wanted = plan.rules if only is None else plan.rules & set(only)
        shown = escape_controls(name)
        if not wanted and not (reject and plan.error_rules):
            if not report.is_ok:
                _say(f"{shown}: nothing that may be mended without guessing")
            return None
        copy = write_fixed(plan, rules=wanted, reject=reject)
        lines = f"{plural(copy.fixed_lines, 'line')} mended"
        _say(f"{shown}: a mended copy is in {escape_controls(str(copy.path))} ({lines})")
        if copy.rejected is not None:
            lines = plural(copy.rejected_lines, "line")
            _say(f"{shown}: {lines} left out, in {escape_controls(str(copy.rejected))}")
        return copy

    def _check(self, path: Path) -> CheckReport:
        processes = self._arguments.processes or (2 if _cores() > 1 else 1)
        endpoint = _ENDPOINTS.get(self._arguments.endpoint or "")
        report = check_file(path, endpoint=endpoint, processes=processes, measure=self._arguments.json)
        return _only(report, self._arguments.select, self._arguments.ignore or ())

    def _tell(self, name: str, report: CheckReport, more: Mapping[str, object] = MappingProxyType({})) -> None:
        if not report.is_ok:
            self.status = max(self.status, 1)
        if self._arguments.json:
            self._documents.append({**_document(name, report), **more})
        else:
            shown = escape_controls(name)
            colours = _COLOURS if _is_coloured() else {}
            sys.stdout.writelines(f"{shown}:{problem_line(problem, colours)}\n" for problem in report.problems)
            sys.stdout.flush()
            _say(f"{shown}: {summary(report)}")


def _only(report: CheckReport, select: list[str] | None, ignore: list[str] | tuple[()]) -> CheckReport:
    """The report without the rules that were not asked for."""
    if not select and not ignore:
        return report
    kept = {rule for rule in (select or RULES) if rule not in ignore}
    told = dict.fromkeys(RULES, 0)
    for problem in report.problems:
        told[problem.rule] += 1
    sums = dict.fromkeys(Severity, 0)
    for rule, number in report.counts.items():
        if rule in kept:  # by the counts: of very many problems not all are there
            sums[RULES[rule].severity] += told[rule] if RULES[rule].once_per_file else number
    return report._replace(
        problems=tuple(problem for problem in report.problems if problem.rule in kept),
        counts={rule: number for rule, number in report.counts.items() if rule in kept},
        errors=sums[Severity.ERROR],
        warnings=sums[Severity.WARNING],
        notes=sums[Severity.NOTE],
    )


def _say(sentence: str) -> None:
    if sys.stderr is not None:  # print would take standard output instead
        with suppress(OSError):
            print(sentence, file=sys.stderr)  # noqa: T201


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _saved_input() -> Iterator[Path]:
    """Standard input as a file: a line with the same id as another is read a second time."""
    import shutil
    import tempfile

    if sys.stdin is None:
        raise LocalFileError("Standard input is closed", "Give it a file, or name the file.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "input.jsonl")
        try:
            with path.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        except OSError as error:
            hint = "It is kept in a temporary file meanwhile: see that there is room for it."
            raise LocalFileError(f"Standard input cannot be read: {error.strerror}", hint) from error
        yield path
