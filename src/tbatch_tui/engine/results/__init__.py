"""The results of a job, row by row, joined with their requests: index, counts, records, search, export, retry.

    index = ResultIndex(sources_of(record))
    index.build()
    for row in index:
        print(row.custom_id, row.outcome.words, row.preview)

The names are loaded when they are first used: the first frame needs a few of them, and not the parsers behind the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.counts import RequestCounts
    from tbatch_tui.engine.results.conversation import ContentPart, Message, PartKind, ToolCall
    from tbatch_tui.engine.results.counts import count_results, counts_from_index
    from tbatch_tui.engine.results.error_causes import Cause, cause_of
    from tbatch_tui.engine.results.error_groups import (
        ErrorGroup,
        errors_by_message,
        invalid_by_reason,
        rows_by_cause,
    )
    from tbatch_tui.engine.results.export.export import ExportFormat, export_rows
    from tbatch_tui.engine.results.export.merged_jsonl import write_merged
    from tbatch_tui.engine.results.export.tables import AUDIO_TABLE, COLUMNS, DEFAULT_COLUMNS, has_parquet
    from tbatch_tui.engine.results.index.cache import CachedIndex, IndexCache
    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.results.index.merged import MergedIndex, MergedMember
    from tbatch_tui.engine.results.index.staleness import is_stale
    from tbatch_tui.engine.results.outcomes import OUTCOME_OPTIONS, Outcome, Row, RowIssue, count_outcomes
    from tbatch_tui.engine.results.record import Failure, ResultRecord, format_raw_line
    from tbatch_tui.engine.results.recordings.transcript import Transcription
    from tbatch_tui.engine.results.retry import retry_path, rows_to_retry, token_limit, write_retry
    from tbatch_tui.engine.results.row_search import search
    from tbatch_tui.engine.results.sources import Source, Sources, sources_of
    from tbatch_tui.engine.results.usage import Usage
    from tbatch_tui.engine.results.usage_totals import usage_by_model

__all__ = [
    "AUDIO_TABLE",
    "COLUMNS",
    "DEFAULT_COLUMNS",
    "OUTCOME_OPTIONS",
    "CachedIndex",
    "Cause",
    "ContentPart",
    "ErrorGroup",
    "ExportFormat",
    "Failure",
    "IndexCache",
    "MergedIndex",
    "MergedMember",
    "Message",
    "Outcome",
    "PartKind",
    "RequestCounts",
    "ResultIndex",
    "ResultRecord",
    "Row",
    "RowIssue",
    "Source",
    "Sources",
    "ToolCall",
    "Transcription",
    "Usage",
    "cause_of",
    "count_outcomes",
    "count_results",
    "counts_from_index",
    "errors_by_message",
    "export_rows",
    "format_raw_line",
    "has_parquet",
    "invalid_by_reason",
    "is_stale",
    "retry_path",
    "rows_by_cause",
    "rows_to_retry",
    "search",
    "sources_of",
    "token_limit",
    "usage_by_model",
    "write_merged",
    "write_retry",
]

_NAMES_BY_MODULE = {
    "conversation": ("ContentPart", "Message", "PartKind", "ToolCall"),
    "counts": ("count_results", "counts_from_index"),
    "error_causes": ("Cause", "cause_of"),
    "error_groups": ("ErrorGroup", "errors_by_message", "invalid_by_reason", "rows_by_cause"),
    "export.export": ("ExportFormat", "export_rows"),
    "export.merged_jsonl": ("write_merged",),
    "export.tables": ("AUDIO_TABLE", "COLUMNS", "DEFAULT_COLUMNS", "has_parquet"),
    "index.cache": ("CachedIndex", "IndexCache"),
    "index.index": ("ResultIndex",),
    "index.merged": ("MergedIndex", "MergedMember"),
    "index.staleness": ("is_stale",),
    "outcomes": ("OUTCOME_OPTIONS", "Outcome", "Row", "RowIssue", "count_outcomes"),
    "record": ("Failure", "ResultRecord", "format_raw_line"),
    "recordings.transcript": ("Transcription",),
    "retry": ("retry_path", "rows_to_retry", "token_limit", "write_retry"),
    "row_search": ("search",),
    "sources": ("Source", "Sources", "sources_of"),
    "usage": ("Usage",),
    "usage_totals": ("usage_by_model",),
}
_MODULES = {"RequestCounts": "tbatch_tui.engine.domain.counts"} | {
    name: f"{__name__}.{module}" for module, names in _NAMES_BY_MODULE.items() for name in names
}


def __getattr__(name: str) -> Any:
    """Load the module that defines `name`, and remember the name (PEP 562)."""
    if (module := _MODULES.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
