"""What came back, row by row, joined with what was asked: the index, its sum, the record of a row, the search."""

from .causes import Cause, cause_of
from .conversation import Message, Part, PartKind, ToolCall
from .export import ExportFormat, export_rows
from .family import FamilyIndex, Member
from .groups import ErrorGroup, errors_by_message
from .index import ResultIndex
from .kept import KeptIndex, Shelf
from .merge import write_merged
from .record import Audio, Failure, Record, spelled
from .retry import plan_retry, retry_path, write_retry
from .search import search
from .spending import spending
from .stamps import is_stale, sources_of
from .table import COLUMNS, USUAL, has_parquet
from .tally import count, tally_of
from .usage import Usage
from .values import Oddity, Outcome, Reconciliation, Row, Source, Sources

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
