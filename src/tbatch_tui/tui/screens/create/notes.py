"""What is said before a submit: of the connection, and of runs of the same bytes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.check.limits import FILE_MEGABYTES, REQUESTS_MAX
from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.status import record_style
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.tui.render.styled import StyledText

_SUBMITS_NOT = (HealthState.NO_KEY, HealthState.KEY_REFUSED)


def can_submit(health: ConnectionHealth) -> bool:
    """Whether a submission could ever go out with this key."""
    return health.state not in _SUBMITS_NOT


def format_health(health: ConnectionHealth) -> StyledText:
    """What keeps a submission from going out, or holds it up; nothing when all is well."""
    match health.state:
        case HealthState.NO_KEY:
            return [
                ("! There is no API key, so nothing can be submitted. ", "$status-attention"),
                ("Set it with export TOGETHER_API_KEY=… and start again, or try tbatch-tui --demo.", ""),
            ]
        case HealthState.KEY_REFUSED:
            said = line(health.title) or "The server refuses the key"
            return [(f"✗ {said}. ", "$status-failed"), (line(fill_keys(health.hint)), "")]
        case HealthState.OFFLINE:
            return [("! Offline. ", "$status-attention"), ("It is kept, and sent when the server can be reached.", "")]
    return []


def format_earlier_runs(earlier: list[JobRecord], now: float) -> StyledText:
    """That these exact bytes ran before: when, as which job, and what became of it."""
    if not earlier:
        return []
    record = earlier[0]
    look = record_style(record)
    job = f"job {line(record.job.id)[:12]}" if record.job is not None else "not created yet"
    more = f", and {fmt.plural(len(earlier) - 1, 'time')} before" if len(earlier) > 1 else ""
    return [
        (f"! These exact bytes ran {_when(record, now)} ", "$status-attention"),
        (f"({job}, ", ""),
        (f"{look.glyph} {look.word}", look.colour),
        (f"){more}. ", ""),
        ("Submitting again is billed again.", "$status-attention"),
    ]


def parts_facts(report: CheckReport) -> list[tuple[str, StyledText]]:
    """That a file over the limits goes as several jobs."""
    if not report.can_be_split:
        return []
    said = f"several, each of {REQUESTS_MAX:,} requests and {FILE_MEGABYTES} MB at most; merged again in Results"
    return [("Jobs", [(said, "")])]


def _when(record: JobRecord, now: float) -> str:
    said = fmt.when(record.created_at, now)
    return f"today at {said}" if ":" in said and " " not in said else said
