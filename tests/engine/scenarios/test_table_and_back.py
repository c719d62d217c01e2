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
from tbatch_tui.engine.results.index.family import family_index
from tbatch_tui.engine.tables.join_back import join_back, open_table
from tbatch_tui.engine.tables.make import NothingToAskError, make_input
from tbatch_tui.engine.tables.readers.open_source import open_source
from tbatch_tui.engine.tables.recipe import Recipe, RowChoice
from tests.conftest import CHAT_MODEL

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.record import JobRecord
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine

# Each example is a job: set the variable to try more of them.
EXAMPLES = int(os.environ.get("TBATCH_TABLE_EXAMPLES", "4"))
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

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(rows=st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=6), choice=_CHOICES)
        def check(rows: list[tuple[str, str]], choice: RowChoice) -> None:
            nonlocal number
            number += 1
            folder = tmp_path / str(number)
            folder.mkdir()
            asyncio.run_coroutine_threadsafe(_there_and_back(engine, folder, rows, choice), loop).result()

        await asyncio.to_thread(check)


async def _there_and_back(engine: BatchEngine, folder: Path, rows: list[tuple[str, str]], choice: RowChoice) -> None:
    source = folder / "t.csv"
    table = io.StringIO()
    csv.writer(table, quoting=csv.QUOTE_ALL).writerows(
        [("a", "b", "k"), *((*row, str(n % 2)) for n, row in enumerate(rows))]
    )
    source.write_bytes(table.getvalue().encode())
    # The name of the folder makes the bytes of each example its own: they are never asked about twice.
    recipe = Recipe(
        model=CHAT_MODEL, prompt=f"{folder.name}: {{{{ a }}}}|{{{{ b }}}}", rows=choice, body={"max_tokens": 90}
    )
    try:
        made = make_input(recipe, open_source(str(source), delimiter=","), folder / "t.jsonl")
    except NothingToAskError:
        return
    key = await engine.submit_checked(made.path, Endpoint.CHAT, requests=made.requests)
    record = await engine.wait_until(key, _is_fetched)
    index = family_index(await engine.family(record.key), engine.results)
    assert index is not None
    await asyncio.to_thread(index.build)
    joined = await asyncio.to_thread(
        join_back, made.recipe, open_table(str(source), made.recipe), index, folder / "o.csv"
    )
    with joined.path.open(newline="", encoding="utf-8") as file:
        back = list(csv.DictReader(file, strict=True))
    assert [(row["a"], row["b"]) for row in back] == rows
    assert record.output is not None and record.output.path is not None
    answers = {}
    for line in record.output.path.read_text().splitlines():
        result = json.loads(line)
        answers[result["custom_id"]] = result["response"]["body"]["choices"][0]["message"]["content"]
    asked = {json.loads(line)["custom_id"] for line in made.path.read_text().split("\n") if line}
    first: dict[str, str] = {}
    for at, row in enumerate(back, start=1):
        custom_id = f"row-{at:04d}"
        if choice.once:
            custom_id = first.setdefault(f"{row['a']}|{row['b']}", custom_id)
        if custom_id in asked:
            assert row["outcome"] in ("ok", "cut short")
            assert row["answer"].removeprefix("'") == answers[custom_id].removeprefix("'")
        else:
            assert (row["outcome"], row["answer"]) == ("not asked", "")
