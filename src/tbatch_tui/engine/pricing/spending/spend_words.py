"""What a sum of spending does not know, in sentences. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.text.format import money
from tbatch_tui.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbatch_tui.engine.pricing.spending.spend import LearnedRatio, MonthSpend

NOT_KNOWN = "(not known)"
"""What stands for the model of jobs whose model is not known, as of one that failed before it was read."""


def ratio_words(ratio: LearnedRatio) -> str:
    """Return `6 jobs cost $3.10, 41 % of the $7.56 that full-length answers would cost`."""
    share = "" if ratio.ratio is None else f"{ratio.ratio:.0%}".replace("%", " %") + " of "
    jobs = plural(ratio.jobs, "job")
    return f"{jobs} cost {money(ratio.actual)}, {share}the {money(ratio.estimated)} that full-length answers would cost"


def unknown_words(spend: MonthSpend) -> Iterator[str]:
    """Yield a sentence for each thing that is not in the sum."""
    if spend.unknown_jobs:
        verb = "is" if spend.unknown_jobs == 1 else "are"
        yield (
            f"{plural(spend.unknown_jobs, 'job')} {verb} not or not wholly in the sum: the results were not fetched, "
            "or a model has no known price."
        )
    if spend.unknown_tries:
        verb = "has" if spend.unknown_tries == 1 else "have"
        yield f"{plural(spend.unknown_tries, 'request')} tried at once {verb} no known cost."
    if spend.running_jobs:
        yield f"{plural(spend.running_jobs, 'job')} still running: counted when ended."
