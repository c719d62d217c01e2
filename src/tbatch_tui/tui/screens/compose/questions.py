"""Questions that a table raises: its encoding, its delimiter, which of its tables, and rows that cannot be asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tbatch_tui.engine.tables.problems import EncodingError
from tbatch_tui.engine.tables.readers.delimiter import DelimiterError
from tbatch_tui.engine.tables.readers.source import SeveralTablesError
from tbatch_tui.tui.dialogs.choose import ChoiceDialog, Option
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tbatch_tui.engine.errors import BatchError
    from tbatch_tui.engine.tables.compose.draft import Draft
    from tbatch_tui.engine.tables.problems import RowProblem
    from tbatch_tui.tui.screens.compose.session import Reading

_QUIET = "$status-quiet"
_NAMED = 5
"""Problems that a question names."""
SHOW = "show"
"""The answer that goes to the first row with a problem."""


def reading_question(error: BatchError, reading: Reading) -> ChoiceDialog[Reading] | None:
    """Return the question how a table is to be read; None where the error is about something else.

    Args:
        error: Why it cannot be read.
        reading: How it was tried.
    """
    title, explanation, heads = "", "", ("", "")
    options: list[Option[Reading]] = []
    if isinstance(error, EncodingError) and error.readings:
        title, heads = "Which encoding does it have?", ("Encoding", "The line in it")
        explanation = (
            f"{error.problems[0].message[:1].upper()}{error.problems[0].message[1:]}. In which one is this right?"
        )
        options = [Option(reading._replace(encoding=name), name, [(line(text), "")]) for name, text in error.readings]
    elif isinstance(error, DelimiterError):
        title, explanation = "What parts its columns?", "Several delimiters fit all rows."
        heads = ("Delimiter", "")
        options = [
            Option(reading._replace(delimiter=text), name, [(text.strip(), _QUIET)]) for text, name in error.choices
        ]
    elif isinstance(error, SeveralTablesError) and error.names:
        title, explanation, heads = "Which table?", error.title, ("Name", "")
        options = [Option(reading._replace(sheet=name), line(name), [("", "")]) for name in error.names]
    return ChoiceDialog(title, explanation, options, leave="Cancel", heads=heads, verb="Take") if options else None


def problems_question(problems: Sequence[RowProblem], total: int, draft: Draft) -> ChoiceDialog[Draft | str]:
    """Return the question what to do about rows that cannot be asked. The answer is another draft, or `SHOW`."""
    named = "\n".join(line(str(problem)) for problem in problems[:_NAMED])
    more = f"\nand {total - _NAMED:,} more" if total > _NAMED else ""
    options: list[Option[Draft | str]] = [Option(SHOW, "Show them", [("Go to the first row with a problem", _QUIET)])]
    if draft.empty == "error" and any("is empty" in problem.message and problem.column for problem in problems):
        skip, keep = replace(draft, empty="skip"), replace(draft, empty="keep")
        options.append(Option(skip, "Leave out", [("Rows with an empty cell are not asked", _QUIET)]))
        options.append(Option(keep, "Ask anyway", [("An empty cell stands for nothing in the text", _QUIET)]))
    if draft.id and any(problem.column == draft.id.strip() for problem in problems):
        numbered = replace(draft, id="")
        options.append(Option(numbered, "Number them", [("The custom_id is row-0001, row-0002 …", _QUIET)]))
    title = "No file can be written yet: what about these rows?"
    return ChoiceDialog(title, f"{named}{more}", options, leave="Cancel")
