"""What came back, row by row, joined with what was asked: the index, its sum, the record of a row, the search."""

from tbatch_tui.engine.results.conversation import Message, Part, PartKind, ToolCall
from tbatch_tui.engine.results.counts import count, tally_of
from tbatch_tui.engine.results.error_causes import Cause, cause_of
from tbatch_tui.engine.results.error_groups import ErrorGroup, errors_by_message
from tbatch_tui.engine.results.export.export import ExportFormat, export_rows
from tbatch_tui.engine.results.export.merged_jsonl import write_merged
from tbatch_tui.engine.results.export.tables import COLUMNS, USUAL, has_parquet
from tbatch_tui.engine.results.index.cache import KeptIndex, Shelf
from tbatch_tui.engine.results.index.index import ResultIndex
from tbatch_tui.engine.results.index.merged import FamilyIndex, Member
from tbatch_tui.engine.results.index.staleness import is_stale
from tbatch_tui.engine.results.record import Audio, Failure, Record, spelled
from tbatch_tui.engine.results.retry import plan_retry, retry_path, write_retry
from tbatch_tui.engine.results.row_search import search
from tbatch_tui.engine.results.sources import Source, Sources, sources_of
from tbatch_tui.engine.results.usage import Usage
from tbatch_tui.engine.results.usage_totals import spending
from tbatch_tui.engine.results.values import Oddity, Outcome, Reconciliation, Row

__all__ = [
    "COLUMNS",
    "USUAL",
    "Audio",
    "Cause",
    "ErrorGroup",
    "ExportFormat",
    "Failure",
    "FamilyIndex",
    "KeptIndex",
    "Member",
    "Message",
    "Oddity",
    "Outcome",
    "Part",
    "PartKind",
    "Reconciliation",
    "Record",
    "ResultIndex",
    "Row",
    "Shelf",
    "Source",
    "Sources",
    "ToolCall",
    "Usage",
    "cause_of",
    "count",
    "errors_by_message",
    "export_rows",
    "has_parquet",
    "is_stale",
    "plan_retry",
    "retry_path",
    "search",
    "sources_of",
    "spelled",
    "spending",
    "tally_of",
    "write_merged",
    "write_retry",
]
