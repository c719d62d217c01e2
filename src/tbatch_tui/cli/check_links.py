"""`check --urls`: what the links of a file lead to, as this machine sees it."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.check_report import CheckReport

_ERASE_LINE = "\r\x1b[K"


def look_at_links(report: CheckReport) -> tuple[CheckReport, dict[str, int]]:
    """Return the report with what is wrong with the links of its file, and how many were looked at and are fine.

    Asks the hosts of the links. Raises LocalFileError.
    """
    from tbatch_tui.engine.check.links import add_looks, find_links, sum_up
    from tbatch_tui.engine.client.probe import look_at  # loads httpx, which no other check needs

    links = find_links(report.path)
    looks = look_at([*links], progress=_progress) if links else {}
    if links:
        _write(_ERASE_LINE)
    return add_looks(report, links, looks), sum_up(links, looks)


def summary_of_links(sums: dict[str, int]) -> str:
    """Return `12 links looked at, 11 lead to a file (3.1 MB) …`."""
    if not sums["looked"]:
        return "there are no links to audio files or images"
    size = f" ({sums['bytes'] / 1_000_000:,.1f} MB)" if sums["bytes"] else ""
    looked = f"{plural(sums['looked'], 'link')} checked, {sums['fine']:,} fine{size}"
    return f"{looked}. Together's network may get different answers"


def _progress(done: int, total: int) -> None:
    _write(f"{_ERASE_LINE}{done:,} of {total:,} links")


def _write(text: str) -> None:
    """Write to standard error if that is a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()
