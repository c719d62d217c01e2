"""`check`: the check without a screen, for terminals, editors and CI.

Problems go to standard output, one a line; what concerns a file as a whole goes to standard error. The whole command
ends in a tenth of a second, so nothing heavy is loaded unless it is needed: see `dispatch._check`.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from tbatch_tui.cli import check_report
from tbatch_tui.cli.check_report import problem_line, report_to_dict, stdout_colours, summary
from tbatch_tui.cli.endpoint_names import ENDPOINTS
from tbatch_tui.cli.exit_codes import FAILED, INTERRUPTED, OK, UNKNOWN, USAGE, exit_code_of
from tbatch_tui.engine.check import RULES, check_file
from tbatch_tui.engine.domain.check_report import CheckReport, Severity
from tbatch_tui.engine.errors import BatchError, LocalFileError
from tbatch_tui.text.escape import escape_controls, escape_surrogates
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Collection, Iterator, Mapping

    from tbatch_tui.engine.check import FixedCopy
    from tbatch_tui.engine.domain.catalogue import Catalogue

_GRAVEST_FIRST = (USAGE, FAILED, UNKNOWN, OK)
_EPILOG = "exit status: 0 no errors (there may be warnings), 1 errors, 2 bad use or unreadable input"


def main(argv: list[str], prog: str = "tbatch-tui check") -> int:
    """Run the command, and return the exit code."""
    try:
        arguments = _parse_simple(argv) or _parse(argv, prog)
    except SystemExit as leaving:  # argparse has printed why
        return leaving.code if isinstance(leaving.code, int) else USAGE
    if sys.stdout is None:  # closed by the parent process
        return USAGE
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    was_collecting = gc.isenabled()
    gc.disable()  # a check makes no reference cycles
    run = _Run(arguments)
    try:
        run.check_all()
        sys.stdout.flush()
    except OSError as error:
        # What is still buffered goes nowhere, so that Python does not fail again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # `tbatch-tui check | head` is no failure
            _print_message(f"The report cannot be written: {error.strerror}")
            return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        if was_collecting:
            gc.enable()
    return run.status


class CheckArguments:
    """The arguments of the command."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.json = False
        self.fix = False
        self.fix_only: list[str] | None = None
        self.reject = False
        self.model: str | None = None
        self.urls = False
        self.catalogue = False
        self.data_dir: str | None = None
        self.base_url: str | None = None
        self.profile: str | None = None
        self.insecure = False
        self.endpoint: str | None = None
        self.select: list[str] | None = None
        self.ignore: list[str] | None = None
        self.processes: int | None = None


def _parse_simple(argv: list[str]) -> CheckArguments | None:
    """Parse files and little else; None for anything more.

    Loading argparse takes as long as checking 5,000 lines.
    """
    arguments = CheckArguments()
    words = iter(argv)
    for word in words:
        if word == "--json":
            arguments.json = True
        elif word == "--processes" and (number := next(words, "")) in ("1", "2"):
            arguments.processes = int(number)
        elif word.startswith("-"):
            return None
        else:
            arguments.files.append(word)
    return arguments if arguments.files else None


def _parse(argv: list[str], prog: str) -> CheckArguments:
    """Parse with argparse. Raises SystemExit."""
    from argparse import ArgumentParser

    parser = ArgumentParser(
        prog=prog, description="Check input files for Together's Batch API, line by line.", epilog=_EPILOG
    )
    add_arguments(parser)
    arguments = parser.parse_args(argv, CheckArguments())
    if arguments.files.count("-") > 1:
        parser.error("standard input can only be read once")
    arguments.fix |= arguments.fix_only is not None
    if arguments.profile:
        _require_profile(arguments.profile, parser)
    for option, is_given in (("--reject", arguments.reject), ("--model", arguments.model is not None)):
        if is_given and not arguments.fix:
            parser.error(f"{option} needs --fix")
    return arguments


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command to a parser."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a JSONL file; - is standard input")
    parser.add_argument("--json", action="store_true", help="print one JSON object with everything")
    parser.add_argument("--fix", action="store_true", help="write a fixed copy next to the file, and check that")
    parser.add_argument(
        "--fix-only", action="extend", type=_fixable_rules, metavar="RULES", help="like --fix, but fix only these rules"
    )
    parser.add_argument(
        "--reject", action="store_true", help="with --fix: move lines with other errors to a separate file"
    )
    parser.add_argument(
        "--model", type=_model_name, metavar="NAME", help="with --fix: the model for requests without one"
    )
    parser.add_argument("--endpoint", choices=ENDPOINTS, help="the endpoint to run against [read from the file]")
    for name, text in (("--select", "only these rules"), ("--ignore", "all rules except these")):
        parser.add_argument(name, action="extend", type=_rules, metavar="RULES", help=f"{text}, separated by commas")
    parser.add_argument(
        "--urls", action="store_true", help="check the audio files and images behind http and https URLs"
    )
    parser.add_argument(
        "--catalogue", action="store_true", help="ask the server for its models, with your key [a cached copy]"
    )
    parser.add_argument("--data-dir", metavar="DIR", help="where the catalogue is stored")
    parser.add_argument("--base-url", metavar="URL", help="with --catalogue: a server other than Together's")
    parser.add_argument("--profile", metavar="NAME", help="the server of this profile [TBATCH_PROFILE]")
    parser.add_argument("--insecure", action="store_true", help="with --catalogue: allow http to another machine")
    parser.add_argument("--processes", type=int, choices=(1, 2), help="[2 on more than one core]")


def _model_name(value: str) -> str:
    if not value.strip():
        raise _argument_error("a model needs a name")
    return value.strip()


def _rules(value: str) -> list[str]:
    rules = [rule.strip() for rule in value.split(",") if rule.strip()]
    for rule in rules:
        if rule not in RULES:
            raise _argument_error(f"there is no rule {escape_controls(rule)!r}")
    return rules


def _fixable_rules(value: str) -> list[str]:
    from tbatch_tui.engine.check.rules import FIXABLE_IN_SOME_FORMS

    rules = _rules(value)
    for rule in rules:
        if rule not in FIXABLE_IN_SOME_FORMS and not RULES[rule].is_fixable:
            raise _argument_error(f"{rule} cannot be fixed automatically")
    return rules


def _argument_error(message: str) -> Exception:
    from argparse import ArgumentTypeError

    return ArgumentTypeError(message)


class _Run:
    """One run of the command over its files."""

    def __init__(self, arguments: CheckArguments) -> None:
        self._arguments = arguments
        self._documents: list[dict[str, object]] = []
        self._catalogue: Catalogue | None = None
        self.status = OK

    def check_all(self) -> None:
        """Check each file, and print the reports."""
        self._find_catalogue()
        for name in self._arguments.files:
            try:
                self._check_one(name)
            except BatchError as error:
                self.status = USAGE
                if self._arguments.json:
                    document = {"path": escape_surrogates(name), "trouble": escape_surrogates(error.title)}
                    self._documents.append({**document, "hint": error.hint})
                _print_message(escape_controls(str(error)))
        if self._arguments.json:
            import json

            text = json.dumps({"files": self._documents, "status": self.status}, indent=2)
            print(text.replace("\x7f", "\\u007f"))  # noqa: T201 - DEL is the only character that a terminal could act on

    def _find_catalogue(self) -> None:
        """Take the kept catalogue, with `--catalogue` the server's own. Without either, models are not judged."""
        from tbatch_tui.cli.check_catalogue import fetch_catalogue, kept_catalogue

        arguments = self._arguments
        if arguments.catalogue:
            try:
                self._catalogue = fetch_catalogue(
                    arguments.data_dir, arguments.base_url, arguments.profile, insecure=arguments.insecure
                )
                return
            except BatchError as error:
                from tbatch_tui.config.settings import SettingsError

                self.status = USAGE if isinstance(error, SettingsError) else exit_code_of(error)
                _print_message(f"Could not get the catalogue: {escape_controls(str(error))}")
        self._catalogue = kept_catalogue(arguments.data_dir, arguments.base_url, arguments.profile)

    def _check_one(self, name: str) -> None:
        if name == "-":
            if self._arguments.fix:
                raise LocalFileError("--fix needs a file on disk", "Save standard input to a file first.")
            with _saved_input() as path:
                self._report(name, self._check(path))
            return
        if not name:
            raise LocalFileError("A file name is empty", "Name the JSONL file.")
        report = self._check(Path(name))
        if not self._arguments.fix:
            self._report(name, report)
        elif (copy := self._write_fixed(name, report)) is None:
            self._report(name, report, {"fixed": None})
        else:
            rejected = None if copy.rejected is None else escape_surrogates(str(copy.rejected))
            document = {"from": escape_surrogates(name), "mended": copy.fixed_lines, "rejected": rejected}
            document["rejected_lines"] = copy.rejected_lines
            if copy.id_map is not None:
                document["ids"] = escape_surrogates(str(copy.id_map))
            self._report(str(copy.path), self._check(copy.path), {"fixed": document})

    def _check(self, path: Path) -> CheckReport:
        processes = self._arguments.processes or (2 if cores() > 1 else 1)
        report = self._check_once(path, processes)
        if store := check_report.store_wanted_by(report):
            report = self._check_once(path, processes, store)
        return self._filtered(report)

    def _check_once(self, path: Path, processes: int, store: str = "") -> CheckReport:
        return check_file(
            path,
            endpoint=ENDPOINTS.get(self._arguments.endpoint or ""),
            catalogue=self._catalogue,
            processes=1 if self._arguments.catalogue or self._arguments.urls else processes,  # there may be threads
            measure=self._arguments.json,
            store=store,
        )

    def _filtered(self, report: CheckReport) -> CheckReport:
        return _filter_rules(report, self._arguments.select or (), self._arguments.ignore or ())

    def _report(self, name: str, report: CheckReport, more: Mapping[str, object] = MappingProxyType({})) -> None:
        """Print the report of one file, with what its links lead to if that is asked for."""
        if not self._arguments.urls:
            self._print_report(name, report, more)
            return
        from tbatch_tui.cli.check_links import look_at_links, summary_of_links

        report, sums = look_at_links(report)
        self._print_report(name, self._filtered(report), {**more, "urls": sums})
        _print_message(f"{escape_controls(name)}: {summary_of_links(sums)}")

    def _write_fixed(self, name: str, report: CheckReport) -> FixedCopy | None:
        """Write a fixed copy of the file, and print its path; None when there is nothing to fix."""
        from tbatch_tui.engine.check import plan_fixes, write_fixed

        model, only, reject = self._arguments.model or "", self._arguments.fix_only, self._arguments.reject
        plan = plan_fixes(report, model=model)
        rules = plan.rules if only is None else plan.rules & set(only)
        shown = escape_controls(name)
        if not rules and not (reject and plan.error_rules):
            if "no-model" in report.counts and not model:
                _print_message(f"{shown}: --model NAME sets the model on every line without one")
            elif not report.is_ok:
                _print_message(f"{shown}: nothing can be fixed automatically")
            return None
        copy = write_fixed(plan, rules=None if only is None else rules, reject=reject, model=model)
        _inherit_recipe(plan.path, copy.path)
        lines = f"{plural(copy.fixed_lines, 'line')} fixed"
        _print_message(f"{shown}: wrote a fixed copy to {escape_controls(str(copy.path))} ({lines})")
        if copy.rejected is not None:
            lines = plural(copy.rejected_lines, "line")
            _print_message(f"{shown}: {lines} moved to {escape_controls(str(copy.rejected))}")
        if copy.id_map is not None:
            _print_message(f"{shown}: the original ids are in {escape_controls(str(copy.id_map))}")
        return copy

    def _print_report(self, name: str, report: CheckReport, more: Mapping[str, object] = MappingProxyType({})) -> None:
        """Print the report of one file, or keep it for `--json`, where `more` is added to it."""
        if not report.is_ok:
            self.status = min(self.status, FAILED, key=_GRAVEST_FIRST.index)
        if self._arguments.json:
            self._documents.append({**report_to_dict(name, report), **more})
        else:
            shown, colours = escape_controls(name), stdout_colours()
            sys.stdout.writelines(f"{shown}:{problem_line(problem, colours)}\n" for problem in report.problems)
            sys.stdout.flush()
            _print_message(f"{shown}: {summary(report)}")
            if note := check_report.untimed_note(report):
                _print_message(f"{shown}: {note}")


def _filter_rules(report: CheckReport, select: Collection[str], ignore: Collection[str]) -> CheckReport:
    """Return the report of the selected rules, which are all of them if `select` is empty, less the ignored ones."""
    if not select and not ignore:
        return report
    shown = {rule for rule in (select or RULES) if rule not in ignore}
    reported = dict.fromkeys(RULES, 0)
    for problem in report.problems:
        reported[problem.rule] += 1
    sums = dict.fromkeys(Severity, 0)
    for rule, number in report.counts.items():
        if rule in shown:  # from the counts, as a report lists only so many problems
            sums[RULES[rule].severity] += reported[rule] if RULES[rule].once_per_file else number
    return report._replace(
        problems=tuple(problem for problem in report.problems if problem.rule in shown),
        counts={rule: number for rule, number in report.counts.items() if rule in shown},
        errors=sums[Severity.ERROR],
        warnings=sums[Severity.WARNING],
        notes=sums[Severity.NOTE],
    )


def _require_profile(name: str, parser: ArgumentParser) -> None:
    """End with an error if there is no such profile. Its key is not asked for."""
    from tbatch_tui.config.resolve import resolve_settings
    from tbatch_tui.config.settings import SettingsError

    try:
        resolve_settings(profile=name)
    except SettingsError as error:
        parser.error(str(error))


def _inherit_recipe(path: Path, copy: Path) -> None:
    """Save that a copy was made of a file that may have been made from a table."""
    from tbatch_tui.config.resolve import resolve_settings
    from tbatch_tui.config.settings import SettingsError
    from tbatch_tui.engine.tables.history import inherit_recipe

    with suppress(SettingsError):
        inherit_recipe(resolve_settings().data_dir, path, copy)


def _print_message(sentence: str) -> None:
    # Not `output.print_message`, whose module loads much more than a check needs.
    if sys.stderr is not None:  # with None, print would write to standard output instead
        with suppress(OSError):
            print(sentence, file=sys.stderr)  # noqa: T201


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _saved_input() -> Iterator[Path]:
    """Save standard input to a temporary file: a line whose id is there twice is read a second time."""
    import shutil
    import tempfile

    if sys.stdin is None:
        raise LocalFileError("Standard input is closed", "Name the file instead.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "input.jsonl")
        try:
            with path.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        except OSError as error:
            hint = "It needs a temporary file: make sure there is disk space."
            raise LocalFileError(f"Standard input cannot be read: {error.strerror}", hint) from error
        yield path
