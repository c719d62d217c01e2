"""Any table through a batch and back: the same rows in the same order, each with the answer that it was given."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.domain.transfer import TransferState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.results import Outcome
from tbatch_tui.engine.results.index.family import family_index
from tbatch_tui.engine.tables.join_back import join_back, open_table
from tbatch_tui.engine.tables.make import MadeFile, NothingToAskError, make_input
from tbatch_tui.engine.tables.readers.open_source import open_source
from tbatch_tui.engine.tables.recipe import Recipe, RowChoice
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import CHAT_MODEL

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tests.engine.conftest import MakeEngine

# Each example is a job: set the variable to try more of them.
EXAMPLES = int(os.environ.get("TBATCH_TABLE_EXAMPLES", "4"))
_ANY = list(HealthCheck)
Rows = list[tuple[str, str]]
_CELLS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["{{ b }}", "x" * 3_000, "\x00", '"', "a\r\nb\n", "🙂", "{", "\\", "=1+1", "007", ",", "same", "same"]
)
_CHOICES = st.sampled_from(
    [RowChoice(empty="keep", once=True), RowChoice(empty="keep"), RowChoice(where=("k=1",), empty="keep")]
)


def _is_fetched(record: JobRecord) -> bool:
    return bool(record.transfers) and all(each.state is TransferState.FETCHED for each in record.transfers)


async def test_any_table_comes_back_with_its_answers(sandbox: Sandbox, make_engine: MakeEngine, tmp_path: Path) -> None:
    number = 0
    loop = asyncio.get_running_loop()
    async with make_engine(sandbox) as engine:

        @settings(max_examples=EXAMPLES, database=None, suppress_health_check=_ANY)
        @given(rows=st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=6), choice=_CHOICES)
        def check(rows: Rows, choice: RowChoice) -> None:
            nonlocal number
            number += 1
            folder = tmp_path / str(number)
            folder.mkdir()
            asyncio.run_coroutine_threadsafe(_there_and_back(engine, folder, rows, choice), loop).result()

        await asyncio.to_thread(check)


def test_any_table_comes_back_through_parts_and_a_retry(make_engine: MakeEngine, tmp_path: Path) -> None:
    """Half of the rows fail. The first goes ahead of the rest, as a job of its own; what failed is asked again."""
    number = 0
    with Sandbox(speed=200, failure_rate=0.5) as box:

        async def run(folder: Path, rows: Rows, choice: RowChoice) -> None:
            async with make_engine(box) as engine:
                await _in_parts_and_again(engine, folder, rows, choice)

        @settings(max_examples=-(-EXAMPLES // 2), database=None, suppress_health_check=_ANY)
        @given(rows=st.lists(st.tuples(_CELLS, _CELLS), min_size=4, max_size=8), choice=_CHOICES)
        def check(rows: Rows, choice: RowChoice) -> None:
            nonlocal number
            number += 1
            (folder := tmp_path / str(number)).mkdir()
            asyncio.run(run(folder, rows, choice))

        check()


async def _in_parts_and_again(engine: BatchEngine, folder: Path, rows: Rows, choice: RowChoice) -> None:
    source = folder / "t.csv"
    made = _make(source, rows, choice)
    if made is None or made.requests < 2:
        return
    fingerprint = await engine.fingerprint(made.path)
    key = await engine.groups.submit(made.path, Endpoint.CHAT, requests=made.requests, fingerprint=fingerprint, first=1)
    first = await engine.wait_until(key, _is_fetched)
    await engine.groups.send_rest(first.key)
    rest = (await engine.groups.parts(first.key))[1]
    await engine.wait_until(rest.key, _is_fetched)
    index = family_index(await engine.family(first.key), engine.results)
    assert index is not None
    await asyncio.to_thread(index.build)
    if failed := [number for number in range(len(index)) if index.row(number).outcome is Outcome.ERROR]:
        again = await engine.retries.write(index, failed, first.key)
        await engine.wait_until(await engine.submit_checked(again, Endpoint.CHAT, requests=len(failed)), _is_fetched)
    family = await engine.family(first.key)
    index = family_index(family, engine.results)
    assert index is not None
    await asyncio.to_thread(index.build)
    table = open_table(str(source), made.recipe)
    joined = await asyncio.to_thread(join_back, made.recipe, table, index, folder / "o.csv")
    records = [member.record for member in family]
    assert len(records) == 2 + bool(failed)
    _check_joined(joined.path, rows, made.path, records, choice)


async def _there_and_back(engine: BatchEngine, folder: Path, rows: Rows, choice: RowChoice) -> None:
    source = folder / "t.csv"
    made = _make(source, rows, choice)
    if made is None:
        return
    key = await engine.submit_checked(made.path, Endpoint.CHAT, requests=made.requests)
    record = await engine.wait_until(key, _is_fetched)
    index = family_index(await engine.family(record.key), engine.results)
    assert index is not None
    await asyncio.to_thread(index.build)
    joined = await asyncio.to_thread(
        join_back, made.recipe, open_table(str(source), made.recipe), index, folder / "o.csv"
    )
    _check_joined(joined.path, rows, made.path, [record], choice)


def _make(source: Path, rows: Rows, choice: RowChoice) -> MadeFile | None:
    """Write a table, and the requests of its rows; None where no row is asked."""
    folder, table = source.parent, io.StringIO()
    csv.writer(table, quoting=csv.QUOTE_ALL).writerows(
        [("a", "b", "k"), *((*row, str(n % 2)) for n, row in enumerate(rows))]
    )
    source.write_bytes(table.getvalue().encode())
    # The name of the folder makes the bytes of each example its own: they are never asked about twice.
    recipe = Recipe(
        model=CHAT_MODEL, prompt=f"{folder.name}: {{{{ a }}}}|{{{{ b }}}}", rows=choice, body={"max_tokens": 90}
    )
    try:
        return make_input(recipe, open_source(str(source), delimiter=","), folder / "t.jsonl")
    except NothingToAskError:
        return None


def _check_joined(path: Path, rows: Rows, made: Path, records: list[JobRecord], choice: RowChoice) -> None:
    """Hold the joined table against what the server answered: the last good answer counts."""
    with path.open(newline="", encoding="utf-8") as file:
        back = list(csv.DictReader(file, strict=True))
    assert [(row["a"], row["b"]) for row in back] == rows
    answers = {}
    for record in records:
        if record.output is not None and record.output.path is not None:
            for line in record.output.path.read_text().splitlines():
                result = json.loads(line)
                answers[result["custom_id"]] = result["response"]["body"]["choices"][0]["message"]["content"]
    asked = {json.loads(line)["custom_id"] for line in made.read_text().split("\n") if line}
    first: dict[str, str] = {}
    for at, row in enumerate(back, start=1):
        custom_id = f"row-{at:04d}"
        if choice.once:
            custom_id = first.setdefault(f"{row['a']}|{row['b']}", custom_id)
        if custom_id in answers:
            assert row["outcome"] in ("ok", "cut short")
            assert row["answer"].removeprefix("'") == answers[custom_id].removeprefix("'")
        elif custom_id in asked:
            assert (row["outcome"], row["answer"]) == ("error", "") and row["error"]
        else:
            assert (row["outcome"], row["answer"]) == ("not asked", "")
