"""`compare`: where two jobs, or a job and a gold column, agree and differ. Needs neither a key nor a network."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tbatch_tui.cli.commands.answers.open_answers import open_answers
from tbatch_tui.cli.exit_codes import OK, USAGE
from tbatch_tui.cli.output import print_json, print_message, print_result, print_table
from tbatch_tui.engine.answers.columns import FieldType
from tbatch_tui.engine.answers.compare import compare as compare_jobs
from tbatch_tui.engine.answers.compare import compare_with_gold, comparison_as_data
from tbatch_tui.engine.answers.fields import NoSuchFieldError
from tbatch_tui.engine.tables.joined.source_column import NoSuchColumnError
from tbatch_tui.engine.threads import run_reading
from tbatch_tui.text import format as fmt

if TYPE_CHECKING:
    import argparse

    from tbatch_tui.config.settings import Settings
    from tbatch_tui.engine.answers.compare import Comparison

_LABELS_SHOWN = 12
"""Labels of a matrix on a terminal; `--json` has all."""
_LONGEST_LABEL = 16
_EMPTY = "(empty)"


async def compare(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the sum, the matrix, and against a gold column how well each label was found."""
    if (arguments.second is None) == (arguments.gold is None):
        print_message("Give two jobs, or one job and --gold COLUMN.")
        return USAGE
    names = [arguments.job] + [arguments.second] * (arguments.second is not None)
    jobs = await open_answers(settings, *names)
    first = jobs[0]
    try:
        if arguments.gold is not None:
            gold = await first.source_column(arguments.gold)
            found = await run_reading(compare_with_gold, first.index, gold, arguments.field)
        else:
            found = await run_reading(compare_jobs, first.index, jobs[1].index, arguments.field)
    except (NoSuchFieldError, NoSuchColumnError) as error:
        print_message(str(error))
        return USAGE
    if arguments.json:
        print_json(comparison_as_data(found))
        return OK
    print_result(sum_words(found))
    other = arguments.gold if arguments.gold is not None else jobs[1].record.name
    _print_matrix(found, first.record.name, other)
    if found.is_gold and found.matrix is not None:
        _print_scores(found)
    return OK


def sum_words(found: Comparison) -> str:
    """Return `label: 1,980 pairs · 1,731 the same 87.4 % (85.9–88.8) · κ 0.79 · 249 differ · 12 only in the first`."""
    interval = found.interval
    parts = [f"{found.pairs:,} pairs"]
    if interval is not None:
        share = f"{found.same:,} the same {fmt.share(found.same, found.pairs)}"
        parts.append(f"{share} ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})")
    parts += [f"κ {found.kappa:.2f}" if found.kappa is not None else "κ –", f"{found.differ:,} differ"]
    if found.type is FieldType.NUMBER:
        correlation = f"{found.correlation:.2f}" if found.correlation is not None else fmt.MISSING
        parts += [f"correlation {correlation}", f"mean difference {fmt.number(found.mean_difference)}"]
    second = "without an answer" if found.is_gold else "only in the second"
    first = "without gold" if found.is_gold else "only in the first"
    parts += [f"{len(found.only_first):,} {first}"] if found.only_first else []
    parts += [f"{len(found.only_second):,} {second}"] if found.only_second else []
    return f"{found.field}: {fmt.join(*parts)}"


def _print_matrix(found: Comparison, first: str, second: str) -> None:
    """Print how often each two labels met, unless there are too many of them to be read."""
    codes = found.ordered_labels
    if not codes or len(codes) > _LABELS_SHOWN:
        if codes:
            print_message(f"{len(codes):,} values: too many for a matrix here. --json has those of up to 1,000.")
        return
    names = [fmt.cut(" ".join(found.labels[code].split()) or _EMPTY, _LONGEST_LABEL) for code in codes]
    print_message(f"Rows are the answers of {first}, columns those of {second}.")
    rows = [
        [name, *(f"{found.counts[code, other]:,}" for other in codes)] for name, code in zip(names, codes, strict=True)
    ]
    print_table(["", *names], rows, frozenset(range(1, len(codes) + 1)))
    sys.stdout.flush()


def _print_scores(found: Comparison) -> None:
    rows = [
        [
            fmt.cut(" ".join(score.label.split()) or _EMPTY, 40),
            *(
                f"{value:.3f}" if value is not None else fmt.MISSING
                for value in (score.precision, score.recall, score.f1)
            ),
            f"{score.support:,}",
        ]
        for score in found.scores[: 10 * _LABELS_SHOWN]
    ]
    print_table(["LABEL", "PRECISION", "RECALL", "F1", "SUPPORT"], rows, frozenset({1, 2, 3, 4}))


def _score_words(value: float | None) -> str:
    return f"{value:.3f}" if value is not None else fmt.MISSING
