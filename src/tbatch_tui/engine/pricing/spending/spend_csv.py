"""The spending of a month as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from tbatch_tui.engine.local_files.atomic_write import atomic_write
from tbatch_tui.engine.results.export.tables import escape_formula

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.pricing.spending.spend import MonthSpend

_COLUMNS = (
    *("usd", "retries", "tries", "jobs", "unknown_jobs"),
    *("prompt_tokens", "completion_tokens", "audio_seconds"),
)


def write_spend(path: Path, spend: MonthSpend, *, replace: bool = False) -> None:
    """Write a line for each entry, dollars not rounded. Raises LocalFileError.

    Text that a spreadsheet would run is made safe.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["month", str(spend.by), *_COLUMNS])
    for entry in spend.entries:
        writer.writerow([spend.month, escape_formula(entry.name), *(getattr(entry, name) for name in _COLUMNS)])
    with atomic_write(path, replace=replace) as file:
        file.write(text.getvalue().encode("utf-8", "replace"))
