"""The door of this room: what a file, or a draft, may cost and is likely to."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import chain
from operator import add
from typing import TYPE_CHECKING

from tbatch_tui.engine.domain.cost import Demand, Estimate
from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.estimates.learned import Learned, learn, with_learned
from tbatch_tui.engine.live.price import demands_of
from tbatch_tui.engine.pricing.prices import estimate
from tbatch_tui.engine.threads import run_detached, run_reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.journal.store import JobStore
    from tbatch_tui.engine.live.request import LiveRequest
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.engine.pricing.pricing import Pricing
    from tbatch_tui.engine.tables.recipe import Recipe


class Estimates:
    """Estimates of an open engine, which learn from its history."""

    def __init__(self, store: JobStore, prices: Pricing) -> None:
        self._store = store
        self._prices = prices

    async def of_file(self, path: Path) -> Estimate:
        """Return what a file may cost and is likely to. Read in threads. Raises LocalFileError and JournalError."""
        from tbatch_tui.engine.local_files.fingerprint import fingerprint_file

        [found] = await self.of_parts([path], (await fingerprint_file(path)).sha256)
        return found

    async def of_parts(self, paths: Sequence[Path], sha256: str) -> list[Estimate]:
        """Return the same of each part of a file, whose recipe is known by the SHA-256 of the whole file."""
        demands, learned, prices = await self._demands(paths, sha256)
        return [with_learned(estimate(of_part, prices), of_part, learned, prices) for of_part in demands]

    async def of_files(self, paths: Sequence[Path], sha256: str) -> Estimate:
        """Return the same of several files together, whose requests are one group. See `of_parts`."""
        demands, learned, prices = await self._demands(paths, sha256)
        together = _summed(demands)
        return with_learned(estimate(together, prices), together, learned, prices)

    async def _demands(
        self, paths: Sequence[Path], sha256: str
    ) -> tuple[list[tuple[Demand, ...]], dict[str, Learned], PriceList]:
        """Return what each file asks for, what was learned of its models, and the prices. Raises as `of_file` does."""
        from tbatch_tui.engine.pricing.demand import demand_of

        prices, noted = await self._prices.price_list(), await self._store.recipe(sha256)
        recipe = _parsed(noted.text) if noted is not None else None
        demands = [await run_reading(demand_of, path) for path in paths]
        models = dict.fromkeys(demand.model for of_part in demands for demand in of_part)
        return demands, await self.learned(list(models), recipe), prices

    async def of_requests(self, requests: Sequence[LiveRequest]) -> Estimate:
        """Return what requests that are asked at once may cost and are likely to. Raises JournalError."""
        prices = (await self._prices.price_list()).in_real_time()
        demands = await run_detached(lambda: demands_of(requests))
        learned = await self.learned([demand.model for demand in demands], None)
        return with_learned(estimate(demands, prices), demands, learned, prices)

    async def learned(self, models: Sequence[str], recipe: Recipe | None) -> dict[str, Learned]:
        """Return what rows used in earlier jobs, by model: by jobs of the recipe, else by those of the model.

        Raises JournalError.
        """
        records = list(self._store.records) or await self._store.read_records()
        texts = await self._store.recipe_texts() if recipe is not None else {}
        return await run_detached(lambda: learned_from(records, texts, models, recipe))


def _summed(demands: Iterable[Iterable[Demand]]) -> list[Demand]:
    """Return what several files ask for together, once for each model."""
    sums: dict[str, Demand] = {}
    for demand in chain.from_iterable(demands):
        known = sums.get(demand.model)
        numbers = map(add, known[1:], demand[1:]) if known is not None else demand[1:]
        sums[demand.model] = Demand(demand.model, *numbers)
    return list(sums.values())


def learned_from(
    records: Sequence[JobRecord], texts: Mapping[str, str], models: Iterable[str], recipe: Recipe | None
) -> dict[str, Learned]:
    """Return what rows used in these jobs, by model.

    Args:
        records: All jobs.
        texts: The recipes of input files, by the SHA-256 of these.
        models: Those of the requests.
        recipe: What is asked; None where that is not known.
    """
    same = _records_of(recipe, records, texts) if recipe is not None else []
    found: dict[str, Learned] = {}
    for model in models:
        known = learn(same, model, is_same_prompt=True) or learn(records, model)
        if known is not None:
            found[model] = known
    return found


def expected_of_made(data_dir: Path, recipe: Recipe, demand: Demand, prices: PriceList) -> Estimate:
    """Return what a file that was just made is likely to cost, without an engine; no bound of it.

    All accounts are learned from. Raises LocalFileError, and JournalError while the history cannot be used.

    Args:
        data_dir: The folder of the history.
        recipe: What the file was made by.
        demand: What it asks for.
        prices: Those in force.
    """
    if not os.path.exists(data_dir / "history.db"):
        return Estimate()
    from tbatch_tui.engine.journal.journal import Journal

    journal = Journal(data_dir / "history.db")
    try:
        with journal.database.translate_errors():
            records = [record for account in journal.accounts.ids() for record in journal.records.all(account)]
            texts = journal.recipes.texts()
    finally:
        journal.close()
    return with_learned(Estimate(), [demand], learned_from(records, texts, [demand.model], recipe), prices)


def _records_of(recipe: Recipe, records: Iterable[JobRecord], texts: Mapping[str, str]) -> list[JobRecord]:
    """Return the jobs whose requests were made by this recipe, of any rows and table."""
    from tbatch_tui.engine.tables.joined.runs import is_same_recipe
    from tbatch_tui.engine.tables.recipe_text import recipe_text

    wanted = _parsed(recipe_text(recipe)) or recipe  # as it is read again
    verdicts: dict[str, bool] = {}

    def asks_the_same(text: str | None) -> bool:
        if text is None or recipe.model not in text:  # parsing takes its time
            return False
        if text not in verdicts:
            other = _parsed(text)
            verdicts[text] = other is not None and is_same_recipe(other, wanted)
        return verdicts[text]

    return [
        record
        for record in records
        if record.counts is not None
        and record.submission is not None
        and asks_the_same(texts.get(record.submission.sha256))
    ]


def _parsed(text: str) -> Recipe | None:
    from tbatch_tui.engine.tables.recipe_file import parse_recipe

    with suppress(BatchError):  # of another version
        return parse_recipe(text)
    return None
