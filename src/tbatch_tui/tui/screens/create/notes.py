"""The texts of the Create form: facts about the file and its results, and notes on what to know before a submit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.check.limits import FILE_MEGABYTES, REQUESTS_MAX
from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.local_files.filenames import result_name
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.keys.hints import fill_keys
from tbatch_tui.tui.render.check_report import format_verdict, model_facts
from tbatch_tui.tui.render.path import shorten_path
from tbatch_tui.tui.render.status import record_style
from tbatch_tui.tui.sanitize import line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.tui.render.styled import StyledText

_CANNOT_SUBMIT = (HealthState.NO_KEY, HealthState.KEY_REFUSED)


def file_facts(report: CheckReport, output_dir: Path) -> list[tuple[str, StyledText]]:
    """Return what is known of the file: where it is, what the check found, and where its results will be."""
    stem = report.path.stem + (".part…" if report.can_be_split else "")
    name = result_name(stem, "…", FileKind.OUTPUT)
    return [
        ("File", [(shorten_path(report.path), "")]),
        *model_facts(report),
        ("Check", format_verdict(report)),
        *_parts_facts(report),
        ("Results", [(shorten_path(output_dir / name), "")]),
        ("", [("downloaded when the job ends", "$status-quiet")]),
    ]


def group_facts(total: CheckReport, reports: Sequence[CheckReport], output_dir: Path) -> list[tuple[str, StyledText]]:
    """Return what is known of several files that are one group.

    Args:
        total: What they are together.
        reports: Of each, in the order in which they are sent.
        output_dir: Where their results will be.
    """
    first, last = reports[0].path, reports[-1].path
    each = "each is one part" if total.jobs == len(reports) else "a file over the limits is several"
    return [
        ("Files", [(f"{len(reports):,} files, in this order", "")]),
        ("", [(f"first {shorten_path(first)}", "$status-quiet")]),
        ("", [(f"last {shorten_path(last)}", "$status-quiet")]),
        *model_facts(total),
        ("Check", format_verdict(total)),
        ("Jobs", [(f"{total.jobs:,} jobs as one group", ""), (f" · {each}", "$status-quiet")]),
        ("Results", [(shorten_path(output_dir), "")]),
        ("", [("downloaded as the jobs end; Results merges them", "$status-quiet")]),
    ]


def _parts_facts(report: CheckReport) -> list[tuple[str, StyledText]]:
    """Return how a file over the limits is sent as several jobs; nothing for others."""
    if not report.can_be_split:
        return []
    full, rest = divmod(report.requests, REQUESTS_MAX)
    if report.jobs == full + bool(rest):  # else bytes are the limit, and the sizes are not known yet
        sizes = f" of about {-(-report.requests // report.jobs):,}"
    else:
        sizes = f" of at most {FILE_MEGABYTES} MB"
    return [("Jobs", [(f"{report.jobs:,} jobs{sizes}; Results merges them", "")])]


def can_submit(health: ConnectionHealth) -> bool:
    """Return whether a submission could ever go out with this key."""
    return health.state not in _CANNOT_SUBMIT


def format_health(health: ConnectionHealth) -> StyledText:
    """Return what keeps a submission from going out, or delays it; nothing when all is well."""
    match health.state:
        case HealthState.NO_KEY:
            return [
                ("! There is no API key, so nothing can be submitted. ", "$status-attention"),
                ("Set it with export TOGETHER_API_KEY=… and restart, or try tbatch-tui --demo.", ""),
            ]
        case HealthState.KEY_REFUSED:
            title = line(health.title) or "The server refuses the key"
            return [(f"✗ {title}. ", "$status-failed"), (line(fill_keys(health.hint)), "")]
        case HealthState.OFFLINE:
            return [("! Offline. ", "$status-attention"), ("It is saved, and sent when the server can be reached.", "")]
    return []


def format_earlier_runs(earlier_runs: Sequence[JobRecord], now: float) -> StyledText:
    """Return that these exact bytes ran before: when, as which job, and what became of it."""
    if not earlier_runs:
        return []
    record = earlier_runs[0]
    look = record_style(record)
    job = f"“{line(record.name)}”, " + (line(record.job.id)[:8] if record.job is not None else "not created yet")
    more = f", and {fmt.plural(len(earlier_runs) - 1, 'time')} before" if len(earlier_runs) > 1 else ""
    return [
        (f"! You already submitted this exact file {_format_time(record, now)} ", "$status-attention"),
        (f"({job}, ", ""),
        (f"{look.glyph} {look.word}", look.colour),
        (f"){more}. ", ""),
        ("Submitting again costs again.", "$status-attention"),
    ]


def format_runs_of_files(
    of_all: Sequence[JobRecord], named: Sequence[tuple[str, JobRecord]], files: int, now: float
) -> StyledText:
    """Return which of several files ran before: all of them as one group, or some by themselves or in another.

    Args:
        of_all: Runs of exactly these files, the newest first.
        named: The name of each file that ran otherwise, and its newest run.
        files: How many files there are.
        now: The time, for when that was.
    """
    again: StyledText = [("Submitting again costs again.", "$status-attention")]
    if of_all:
        when = _format_time(of_all[0], now)
        group = of_all[0].group.name if of_all[0].group is not None else of_all[0].name
        what = f"! You already submitted exactly these files {when} "
        return [(what, "$status-attention"), (f"(“{line(group)}”). ", ""), *again]
    if not named:
        return []
    name, record = named[0]
    look = record_style(record)
    more = f", and {len(named) - 1:,} more" if len(named) > 1 else ""
    count = f"! {len(named):,} of the {files:,} files {'was' if len(named) == 1 else 'were'} submitted before: "
    return [
        (count, "$status-attention"),
        (f"{line(name)} {_format_time(record, now)} (", ""),
        (f"{look.glyph} {look.word}", look.colour),
        (f"){more}. ", ""),
        *again,
    ]


def _format_time(record: JobRecord, now: float) -> str:
    time = fmt.when(record.created_at, now)
    return f"today at {time}" if ":" in time and " " not in time else time
