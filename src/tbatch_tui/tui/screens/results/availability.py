"""Which actions of Results are possible with what is shown, and why the others are not. A pure function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.tui.screens.input_file import INPUT_IS_KNOWN

if TYPE_CHECKING:
    from tbatch_tui.tui.screens.results.screen import ResultsScreen

RECORD_ACTIONS = frozenset({"hit", "raw", "reasoning", "copy_id", "copy_record", "record", "open_source"})
"""What is done with the row under the cursor."""
LIST_ACTIONS = frozenset({"next_sort", "reverse_sort", "columns", "turn_columns"})
"""What is done with the list."""


def reason_against(screen: ResultsScreen, action: str) -> str:
    """Return why an action is not possible right now; empty if it is, or is none of Results' own."""
    if action not in _KNOWN:
        return ""
    if not screen.is_mounted:
        return "The screen is just opening"
    session = screen.session
    match action:
        case "open_source" if not session.has_recordings:
            return "These results are not of recordings"
        case "hit" if not screen.row_filter.query.text:
            return "No search yet: press {list.filter}"
        case "retry" | "export" | "answers" | "answer_schema" if not (session.index.is_built and session.has_results):
            return "Still reading the results" if session.activity else "There are no results"
        case "fetch_input" if (record := screen.family.record) is None or not (
            record.is_opened or record.can_fetch_input
        ):
            return INPUT_IS_KNOWN
        case "all_rows" if screen.row_filter.selection is None:
            return "All rows are listed already"
        case "merge" if not (screen.family.is_merged or len(screen.family.records_with_results) > 1):
            return "This job has no retry to merge with"
        case "turn_columns" if not screen.table.has_hidden_columns:
            return "All columns are shown"
        case "next_sort" | "reverse_sort" | "columns" if not session.index.is_built:
            return "Still reading the results" if session.activity else "There are no results"
        case _ if action in RECORD_ACTIONS | LIST_ACTIONS and screen.browser.by_cause:
            return "{results.errors} first returns to the rows"
        case _ if action in RECORD_ACTIONS and not screen.table.row_count:
            return "No row is selected"
    return ""


_KNOWN = (
    RECORD_ACTIONS | LIST_ACTIONS | {"retry", "export", "answers", "answer_schema", "all_rows", "merge", "fetch_input"}
)
