"""Check a script's file before it is submitted, and hold on to the bytes that were checked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.checker import check_file
from tbatch_tui.engine.errors import LocalFileError
from tbatch_tui.engine.local_files.file_stamp import read_stamp
from tbatch_tui.engine.local_files.fingerprint import fingerprint_file
from tbatch_tui.engine.submit.input_errors import InvalidInputError, TooLargeError
from tbatch_tui.engine.threads import run_reading

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.endpoint import Endpoint
    from tbatch_tui.engine.local_files.fingerprint import Fingerprint


async def check_input(
    path: Path, endpoint: Endpoint | None, *, reject_errors: bool, store: str = ""
) -> tuple[CheckReport, Endpoint, Fingerprint]:
    """Check a file in a thread, and return its report, its endpoint and the fingerprint of the checked bytes.

    Raises LocalFileError, also when the file changes meanwhile; with `reject_errors` InvalidInputError and
    TooLargeError; InvalidInputError always when no endpoint is given and the lines show none.

    Args:
        path: The file.
        endpoint: What its requests are for; None finds it out from the lines.
        reject_errors: Whether a file with faulty lines, or over the limits, is refused.
        store: `s3://bucket/prefix`, where its recordings may be; empty for none.
    """
    report = await run_reading(check_file, path, endpoint=endpoint, store=store)
    if reject_errors and not report.is_ok:
        raise InvalidInputError(report)
    if reject_errors and report.can_be_split:
        raise TooLargeError(report)
    endpoint = endpoint or report.endpoint
    if endpoint is None:
        raise InvalidInputError(report)
    return report, endpoint, await fingerprint_checked(report)


async def fingerprint_checked(report: CheckReport) -> Fingerprint:
    """Return the fingerprint of a file that is still as it was when it was checked. Raises LocalFileError."""
    path = report.path
    fingerprint = await fingerprint_file(path)
    # A file that is written to while the fingerprint is taken has the old time before and the new one after.
    stamp = await asyncio.to_thread(read_stamp, path)
    checked = (report.size, report.mtime_ns)
    if stamp is None or not (fingerprint.size, fingerprint.mtime_ns) == (stamp.size, stamp.mtime_ns) == checked:
        raise LocalFileError(
            f"{path.name} has changed since it was checked",
            "Nothing was submitted. Submit it again when it is complete.",
        )
    return fingerprint
