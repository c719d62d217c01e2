"""The engine: everything but the screen, as a library. Each name is loaded when it is first used.

    from tbatch_tui.engine import BatchEngine, EngineOptions

See docs/library.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui._lazy import lazy_names

if TYPE_CHECKING:
    from tbatch_tui.engine.check.checker import check_file
    from tbatch_tui.engine.domain.already_submitted import AlreadySubmittedError
    from tbatch_tui.engine.domain.check_report import CheckReport, Problem, Severity
    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.counts import RequestCounts
    from tbatch_tui.engine.domain.job import Job, JobStatus
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.domain.submission import Submission, SubmissionState
    from tbatch_tui.engine.domain.transfer import Transfer, TransferState
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.errors import (
        AuthenticationError,
        BatchError,
        ConnectionFailedError,
        IncompleteDownloadError,
        JournalError,
        LocalFileError,
        NotFoundError,
        OperationCancelledError,
        OutcomeUnknownError,
        RateLimitError,
        RequestRejectedError,
        ServerError,
    )
    from tbatch_tui.engine.events import (
        ConnectionChanged,
        FileDeleted,
        JobsEnded,
        Notice,
        RecordsChanged,
        ResultsDownloaded,
        TransferProgress,
    )
    from tbatch_tui.engine.options import EngineOptions
    from tbatch_tui.engine.pricing.over_budget import OverBudgetError
    from tbatch_tui.engine.pricing.prices import Cost
    from tbatch_tui.engine.results.export.export import ExportFormat, export_rows
    from tbatch_tui.engine.results.index.index import ResultIndex
    from tbatch_tui.engine.results.outcomes import Outcome, Row
    from tbatch_tui.engine.submit.input_errors import InvalidInputError, TooLargeError

__all__ = [
    "AlreadySubmittedError",
    "AuthenticationError",
    "BatchEngine",
    "BatchError",
    "CheckReport",
    "ConnectionChanged",
    "ConnectionFailedError",
    "Cost",
    "Endpoint",
    "EngineOptions",
    "Estimate",
    "ExportFormat",
    "FileDeleted",
    "IncompleteDownloadError",
    "InvalidInputError",
    "Job",
    "JobRecord",
    "JobStatus",
    "JobsEnded",
    "JournalError",
    "LocalFileError",
    "NotFoundError",
    "Notice",
    "OperationCancelledError",
    "Outcome",
    "OutcomeUnknownError",
    "OverBudgetError",
    "Problem",
    "RateLimitError",
    "RecordsChanged",
    "RequestCounts",
    "RequestRejectedError",
    "ResultIndex",
    "ResultsDownloaded",
    "Row",
    "ServerError",
    "Severity",
    "Submission",
    "SubmissionState",
    "TooLargeError",
    "Transfer",
    "TransferProgress",
    "TransferState",
    "check_file",
    "export_rows",
]

__getattr__ = lazy_names(
    __name__,
    {
        "check.checker": ("check_file",),
        "domain.already_submitted": ("AlreadySubmittedError",),
        "domain.check_report": ("CheckReport", "Problem", "Severity"),
        "domain.cost": ("Estimate",),
        "domain.counts": ("RequestCounts",),
        "domain.job": ("Job", "JobStatus"),
        "domain.record": ("JobRecord",),
        "domain.submission": ("Submission", "SubmissionState"),
        "domain.transfer": ("Transfer", "TransferState"),
        "endpoint": ("Endpoint",),
        "engine": ("BatchEngine",),
        "errors": (
            "AuthenticationError",
            "BatchError",
            "ConnectionFailedError",
            "IncompleteDownloadError",
            "JournalError",
            "LocalFileError",
            "NotFoundError",
            "OperationCancelledError",
            "OutcomeUnknownError",
            "RateLimitError",
            "RequestRejectedError",
            "ServerError",
        ),
        "events": (
            "ConnectionChanged",
            "FileDeleted",
            "JobsEnded",
            "Notice",
            "RecordsChanged",
            "ResultsDownloaded",
            "TransferProgress",
        ),
        "options": ("EngineOptions",),
        "pricing.prices": ("Cost",),
        "results.export.export": ("ExportFormat", "export_rows"),
        "results.index.index": ("ResultIndex",),
        "results.outcomes": ("Outcome", "Row"),
        "pricing.over_budget": ("OverBudgetError",),
        "submit.input_errors": ("InvalidInputError", "TooLargeError"),
    },
)
