"""What an HTML report says above its rows: the job, what its answers are, and how they compare with others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tbatch_tui.engine.answers.columns import FieldType
from tbatch_tui.engine.answers.table import COUNTED, read_table
from tbatch_tui.engine.answers.values import FieldValues, describe
from tbatch_tui.engine.domain.counts import format_sum
from tbatch_tui.engine.results.counts import counts_from_index
from tbatch_tui.engine.results.export.report.parts import Bar, ComparisonTable, FieldBars, ReportParts
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tbatch_tui.engine.answers.compare import Comparison
    from tbatch_tui.engine.answers.statistics import NumberSummary
    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.results.index.index import ResultIndex

_MATRIX_MAX = 30
"""Labels up to which a comparison has a matrix: a page cannot be read with more."""


def report_parts(
    index: ResultIndex,
    record: JobRecord | None,
    rows: Sequence[int],
    *,
    submitted: int | None = None,
    comparisons: Sequence[ComparisonTable] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> ReportParts:
    """Return what stands above the rows of a report. Reads the answers: run it in a thread.

    Raises LocalFileError, and OperationCancelledError when `cancelled()`.

    Args:
        index: The results, built.
        record: Their job; None where it is not known.
        rows: The rows of the report: values are counted of those that are ok.
        submitted: How many requests the job has, where that is known.
        comparisons: With other answers.
        cancelled: Ends it early.
    """
    chosen: Sequence[int] = index.select(COUNTED)
    if len(rows) < len(index):
        taken = set(rows)
        chosen = [row for row in chosen if row in taken]
    fields: list[FieldBars] = []
    if len(chosen):
        table = read_table(index, chosen, cancelled=cancelled)
        fields = [_bars_of(describe(table, name)) for name in table.columns]
    return ReportParts(
        title=record.name if record is not None else "Results",
        facts=tuple(_facts(record)) if record is not None else (),
        summary=format_sum(counts_from_index(index, submitted=submitted)),
        fields=tuple(fields),
        comparisons=tuple(comparisons),
    )


def _facts(record: JobRecord) -> list[tuple[str, str]]:
    job = record.job
    if job is None:
        return []
    created = datetime.fromtimestamp(job.created_at, UTC).strftime("%Y-%m-%d %H:%M UTC") if job.created_at else ""
    facts = [("Job", job.id), ("Model", job.model or ""), ("Created", created)]
    return [(name, value) for name, value in facts if value]


def _bars_of(field: FieldValues) -> FieldBars:
    gaps = [Bar(gap.label, gap.count) for gap in field.gaps]
    filled = f"{field.filled:,} of {plural(field.rows, 'row')} filled"
    if field.type is FieldType.NUMBER and field.numbers is not None:
        bins = tuple(Bar(_range(bin_.low, bin_.high, bin_.is_value), bin_.count) for bin_ in field.numbers.bins)
        others = [Bar("(not a number)", field.not_a_number)] if field.not_a_number else []
        summary = f"{filled} · {_summary(field.numbers)}"
        return FieldBars(field.name, summary, (*others, *gaps), field.rows, bins)
    notes = {False: "not in the schema", True: ""}
    bars = [Bar(value.label, value.count, notes[value.is_allowed]) for value in field.values]
    different = plural(field.distinct, "different value")
    return FieldBars(field.name, f"{filled} · {different}", (*gaps, *bars), field.rows)


def _summary(numbers: NumberSummary) -> str:
    first, middle, last = map(_number, numbers.quartiles)
    return (
        f"from {_number(numbers.min)} to {_number(numbers.max)} · mean {_number(numbers.mean)} · "
        f"quartiles {first}, {middle}, {last}"
    )


def _range(low: float, high: float, is_value: bool) -> str:
    return _number(low) if is_value or low == high else f"{_number(low)} to {_number(high)}"


def _number(number: float) -> str:
    if float(number).is_integer() and abs(number) < 1e15:
        return f"{int(number):,}"
    return f"{number:.4g}"


def comparison_table(comparison: Comparison, first: str, second: str) -> ComparisonTable:
    """Return a comparison as it stands in a report.

    Args:
        comparison: Of two jobs, or of a job and a gold column.
        first: What the first answers are called.
        second: What the others are called.
    """
    lines = [f"{plural(comparison.pairs, 'pair')} · {comparison.same:,} the same, {comparison.differ:,} different"]
    if comparison.agreement is not None and comparison.interval is not None:
        low, high = map(_share, comparison.interval)
        kappa = f"{comparison.kappa:.2f}" if comparison.kappa is not None else "–"
        lines.append(f"agreement {_share(comparison.agreement)}, 95 % interval {low} to {high} · κ {kappa}")
    alone = ((first, comparison.only_first), (second, comparison.only_second))
    lines.append(" · ".join(f"only in {name}: {len(rows):,}" for name, rows in alone))
    if comparison.correlation is not None and comparison.mean_difference is not None:
        lines.append(
            f"correlation {comparison.correlation:.3f} · mean difference {_number(comparison.mean_difference)}"
        )
    codes = comparison.ordered_labels if len(comparison.ordered_labels) <= _MATRIX_MAX else []
    names = [comparison.labels[code] or "(none)" for code in codes]
    if comparison.is_gold and codes:
        lines += [
            f"{score.label or '(none)'}: precision {_share(score.precision)}, recall {_share(score.recall)}, "
            f"{score.support:,} in {second}"
            for score in comparison.scores
        ]
    rows = tuple(
        (name, tuple(comparison.counts[code, other] for other in codes))
        for name, code in zip(names, codes, strict=True)
    )
    title = f"{comparison.field}: {first} and {second}"
    return ComparisonTable(title, tuple(lines), first, second, tuple(names), rows)


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
