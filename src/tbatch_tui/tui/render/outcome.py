"""Results in words: an outcome as glyph, word and colour, and what is said where no row is. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.results import Outcome, ResultIndex, RowIssue
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.status import ACTIVE, ATTENTION, FAILED, OK, StatusStyle

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.record import JobRecord

FILTERS: dict[str, tuple[Outcome, ...]] = {
    "all": tuple(Outcome),
    "ok": (Outcome.OK,),
    "errors": (Outcome.ERROR, Outcome.UNREADABLE),
    "cut short": (Outcome.CUT_SHORT,),
    "missing": (Outcome.MISSING,),
}
"""What `f` goes through, in this order."""

_LOOKS = {
    Outcome.OK: StatusStyle("✓", "ok", OK),
    Outcome.ERROR: StatusStyle("✗", "error", FAILED),
    Outcome.CUT_SHORT: StatusStyle("✂", "cut short", ATTENTION),
    Outcome.MISSING: StatusStyle("?", "missing", ATTENTION),
    Outcome.UNREADABLE: StatusStyle("✗", "unreadable", FAILED),
    Outcome.PENDING: StatusStyle("·", "reading", ACTIVE),
}

_NOTHING = {
    "all": "No rows came back.",
    "ok": "No row was answered in full.",
    "errors": "No errors.",
    "cut short": "No answer was cut short.",
    "missing": "Nothing is missing.",
}

_SHOW_ALL = "Press {list.filter} and {filter.clear} to see all again."
_NEXT_KIND = "Press {list.next-filter} for the next kind of row."
_FETCH = "Press {go.back}, then {job.download} on the job: that fetches them"

ISSUE_TEXTS = {
    RowIssue.UNKNOWN: "This id is in no line of the input file.",
    RowIssue.DUPLICATE: "This request has a row already; the better one counts.",
    RowIssue.UNREADABLE: "This row cannot be told to belong to a request.",
}


def outcome_style(outcome: Outcome) -> StatusStyle:
    """How an outcome is shown."""
    return _LOOKS[outcome]


def format_issues(index: ResultIndex) -> str:
    """What keeps the sum from being the whole truth: a file that is gone, or is another one by now."""
    said = [f"the {source.words} cannot be read: {why}" for source, why in index.absent.items()]
    if index.input_changed:
        said.append("the input file has changed since it was submitted")
    elif not index.has_input:
        said.append(
            "without the input file this is what came back"
            if said
            else "the input file is not known here: this is what came back"
        )
    return fmt.joined(*said)


def empty_title(filter_: str, text: str) -> str:
    """What a list without rows says, when there are rows of another kind."""
    if text:
        kind = "" if filter_ == "all" else f"among “{filter_}” "
        return f"No row {kind}holds “{text}”.\n\n" + fill_keys(
            "Press {list.filter} and {filter.clear} to see all again."
        )
    return _NOTHING[filter_] + (
        "" if filter_ == "all" else fill_keys("\n\nPress {list.next-filter} for the next kind of row.")
    )


def no_files_title(job: JobRecord | None, index: ResultIndex) -> str:
    """What is said instead of a list when there is no result file to read."""
    if job is None:
        return "This job is not in the history any more."
    if index.absent:
        return f"{_capital(format_issues(index))}.\n\n{fill_keys(_FETCH)} again."
    if job.job is not None and any(job.job.file_id(kind) for kind in FileKind):
        return f"The result files are not here yet.\n\n{fill_keys(_FETCH)}."
    if job.job is not None and job.job.is_ended:
        return f"This job has ended without result files.\n\n{job.job.error or ''}"
    return "There are no results yet. They are there when the job has ended."


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
