"""Results as text: an outcome as glyph, word and colour, and the texts of empty lists. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.results import Outcome, ResultIndex, RowIssue
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.status import ACTIVE, ATTENTION, FAILED, OK, StatusStyle

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord

EXTRA = "not in the sum"
"""The kind of rows that belong to no request: unknown ids, duplicates, rows that cannot be read."""

FILTERS: dict[str, tuple[Outcome, ...]] = {
    "all": tuple(Outcome),
    "ok": (Outcome.OK,),
    "cut short": (Outcome.CUT_SHORT,),
    "invalid": (Outcome.INVALID,),
    "errors": (Outcome.ERROR,),
    "missing": (Outcome.MISSING,),
    EXTRA: (),
}
"""The kinds of rows that the filter key goes through, in this order: those without rows are passed over."""

_STYLES = {
    Outcome.OK: StatusStyle("✓", "ok", OK),
    Outcome.ERROR: StatusStyle("✗", "error", FAILED),
    Outcome.CUT_SHORT: StatusStyle("✂", "cut short", ATTENTION),
    Outcome.INVALID: StatusStyle("≠", "invalid", ATTENTION),
    Outcome.MISSING: StatusStyle("?", "missing", ATTENTION),
    Outcome.UNREADABLE: StatusStyle("✗", "unreadable", FAILED),
    Outcome.PENDING: StatusStyle("·", "reading", ACTIVE),
}

_NO_ROWS = {
    "all": "No results.",
    "ok": "No complete answers.",
    "errors": "No errors.",
    "cut short": "No answer was cut short.",
    "invalid": "No answer is invalid.",
    "missing": "Nothing is missing.",
    EXTRA: "Every row matches a request.",
}

_SHOW_ALL = "Press {list.filter} and {filter.clear} to see all again."
_FIELDS = "Search elsewhere with prompt: id: error: any: or the name of a JSON field before the text."
_NEXT_KIND = "Press {list.next-filter} for the next kind of row."
_FETCH = "Press {go.back}, then {job.download} on the job: that fetches them"

ISSUE_TEXTS = {
    RowIssue.UNKNOWN: "This id is not in the input file.",
    RowIssue.DUPLICATE: "Duplicate row for this request; the better one counts.",
    RowIssue.UNREADABLE: "This row can't be matched to a request.",
}


def outcome_style(outcome: Outcome) -> StatusStyle:
    """Return how an outcome is shown."""
    return _STYLES[outcome]


def format_issues(index: ResultIndex) -> str:
    """Return why the counts may not be the whole truth: a file that is missing, or that changed since."""
    issues = [f"the {source.words} cannot be read: {why}" for source, why in index.read_errors.items()]
    is_unreadable = bool(issues)
    issues += [
        f"{path.name} was changed after it was downloaded: it is read as it is" for path in index.changed_downloads
    ]
    if index.input_changed:
        issues.append("the input file has changed since it was submitted")
    elif index.changed_inputs:
        issues += [
            f"{path.name} has changed since it was submitted: answers are matched by id only"
            for path in index.changed_inputs
        ]
    elif not index.has_input:
        issues.append(
            "without the input file: showing results only"
            if is_unreadable
            else "input file not on this machine: showing results only"
        )
    return fmt.join(*issues)


def empty_title(kind: str, query: str) -> str:
    """Return the text of a list without rows, when there are rows of another kind.

    Args:
        kind: The kind of rows that are shown, a key of `FILTERS`.
        query: What the rows were searched for, and where: `“timeout” in error`; empty for no search.
    """
    if query:
        among = "" if kind == "all" else f" among “{kind}”"
        return f"No hit{among} for {query}.\n\n{_FIELDS}\n\n{fill_keys(_SHOW_ALL)}"
    return _NO_ROWS[kind] + ("" if kind == "all" else f"\n\n{fill_keys(_NEXT_KIND)}")


def no_files_title(record: JobRecord | None, index: ResultIndex) -> str:
    """Return the text that stands for the list when there is no result file to read."""
    if record is None:
        return "This job is no longer in the history."
    if index.read_errors:
        return f"{_capitalize(format_issues(index))}.\n\n{fill_keys(_FETCH)} again."
    if record.has_result_files:
        return f"The result files are not here yet.\n\n{fill_keys(_FETCH)}."
    if record.job is not None and record.job.is_ended:
        return f"This job has ended without result files.\n\n{record.job.error or ''}"
    return "No results yet. They are available when the job has ended."


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
