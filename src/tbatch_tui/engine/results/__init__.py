"""What came back, row by row, joined with what was asked: the index, its sum, the record of a row, the search."""

from tbatch_tui.engine.domain.counts import RequestCounts
from tbatch_tui.engine.results.conversation import ContentPart, Message, PartKind, ToolCall
from tbatch_tui.engine.results.counts import count_results, counts_of
from tbatch_tui.engine.results.error_causes import Cause, cause_of
from tbatch_tui.engine.results.error_groups import ErrorGroup, errors_by_message
from tbatch_tui.engine.results.export.export import ExportFormat, export_rows
from tbatch_tui.engine.results.export.merged_jsonl import write_merged
from tbatch_tui.engine.results.export.tables import COLUMNS, USUAL, has_parquet
from tbatch_tui.engine.results.index.cache import CachedIndex, IndexCache
from tbatch_tui.engine.results.index.index import ResultIndex
from tbatch_tui.engine.results.index.merged import MergedIndex, MergedMember
from tbatch_tui.engine.results.index.staleness import is_stale
from tbatch_tui.engine.results.outcomes import Outcome, Row, RowIssue
from tbatch_tui.engine.results.record import Audio, Failure, ResultRecord, spelled
from tbatch_tui.engine.results.retry import retry_path, rows_to_retry, write_retry
from tbatch_tui.engine.results.row_search import search
from tbatch_tui.engine.results.sources import Source, Sources, sources_of
from tbatch_tui.engine.results.usage import Usage
from tbatch_tui.engine.results.usage_totals import usage_by_model

__all__ = [
    "COLUMNS",
    "USUAL",
    "Audio",
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
    "Usage",
    "cause_of",
    "count_results",
    "counts_of",
    "errors_by_message",
    "export_rows",
    "has_parquet",
    "is_stale",
    "retry_path",
    "rows_to_retry",
    "search",
    "sources_of",
    "spelled",
    "usage_by_model",
    "write_merged",
    "write_retry",
]
