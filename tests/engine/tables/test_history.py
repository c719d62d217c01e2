"""A recipe goes with the bytes of a file, and with what is made of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tbatch_tui.engine.check import check_file, plan_fixes, write_fixed
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.journal.tables.recipes import NotedRecipe
from tbatch_tui.engine.local_files.fingerprint import read_fingerprint
from tbatch_tui.engine.results import ResultIndex, sources_of
from tbatch_tui.engine.tables.history import inherit_recipe, note_recipe
from tests.conftest import CHAT_MODEL, until, write_chat

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.tables.make import MadeFile
    from tbatch_tui.sandbox.testing import Sandbox
    from tests.engine.conftest import MakeEngine
    from tests.engine.tables.conftest import Make


def made_file(make: Make, tmp_path: Path) -> MadeFile:
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"Say {number}.\n" for number in range(4)))
    made = make(path, model=CHAT_MODEL, prompt="{{ text }}", body={"max_tokens": 50})
    note_recipe(tmp_path / "data", made.sha256, made.recipe_text, made.recipe_path)
    return made


async def test_a_submit_of_the_bytes_inherits_the_recipe_and_so_does_a_retry(
    sandbox: Sandbox, make_engine: MakeEngine, make: Make, tmp_path: Path
) -> None:
    made = await asyncio.to_thread(made_file, make, tmp_path)
    expected = NotedRecipe(made.recipe_text, made.recipe_path)
    moved = made.path.rename(tmp_path / "other.jsonl")
    async with make_engine(sandbox) as engine:
        job = await engine.wait(await engine.submit(moved))
        assert await engine.recipes.recipe_of(job) == expected
        index = ResultIndex(sources_of(job))
        await asyncio.to_thread(index.build)
        path = await engine.retries.write(index, range(2), job.key, model="other")
        retry = await engine.submit(path, check=False)
        assert await engine.recipes.recipe_of(retry) == expected
        edited = write_chat(tmp_path / "x.jsonl", ["No table."])
        await engine.retries.add(edited, job.key)
        edited.write_text(edited.read_text().replace("No", "Any"))  # by a person, after it was written
        assert await engine.recipes.recipe_of(await engine.submit(edited)) == expected
        plain = await engine.submit(write_chat(tmp_path / "plain.jsonl", ["Something else."]))
        assert await engine.recipes.recipe_of(plain) is None


async def test_the_parts_of_a_file_inherit_its_recipe(
    sandbox: Sandbox, make_engine: MakeEngine, make: Make, tmp_path: Path
) -> None:
    made = await asyncio.to_thread(made_file, make, tmp_path)
    async with make_engine(sandbox) as engine:
        fingerprint = await engine.fingerprint(made.path)
        await engine.groups.submit(made.path, Endpoint.CHAT, requests=4, fingerprint=fingerprint, first=1)
        records = await engine.records()
        assert len(records) == 2
        for record in records:
            assert await engine.recipes.recipe_of(record) == NotedRecipe(made.recipe_text, made.recipe_path)


async def test_a_mended_copy_inherits_the_recipe(
    still_sandbox: Sandbox, make_engine: MakeEngine, make: Make, tmp_path: Path
) -> None:
    made = await asyncio.to_thread(made_file, make, tmp_path)
    made.path.write_bytes(made.path.read_bytes() + b"\n")  # a blank line can be mended
    note_recipe(tmp_path / "data", read_fingerprint(made.path).sha256, "recipe", made.recipe_path)
    copy = write_fixed(plan_fixes(check_file(made.path)))
    async with make_engine(still_sandbox) as engine:
        await until(lambda: engine.listed_at)
        assert await engine.recipes.inherit(made.path, copy.path)
        assert not await engine.recipes.inherit(made.recipe_path, copy.path)


def test_without_an_engine(make: Make, tmp_path: Path) -> None:
    made = made_file(make, tmp_path)
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(made.path.read_bytes() + b"\n")
    assert inherit_recipe(tmp_path / "data", made.path, copy)
    assert not inherit_recipe(tmp_path / "data", made.recipe_path, copy)
    assert not inherit_recipe(tmp_path / "nothing", made.path, copy)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "history.db").mkdir()
    assert not inherit_recipe(tmp_path / "bad", made.path, copy)


async def test_a_table_with_the_same_columns_has_the_last_recipe(
    still_sandbox: Sandbox, make_engine: MakeEngine, make: Make, tmp_path: Path
) -> None:
    made = await asyncio.to_thread(made_file, make, tmp_path)
    columns = ("text", "n")
    await asyncio.to_thread(note_recipe, tmp_path / "data", made.sha256, made.recipe_text, made.recipe_path, columns)
    async with make_engine(still_sandbox) as engine:
        await until(lambda: engine.listed_at)
        assert await engine.recipes.last_for(columns) == made.recipe
        assert await engine.recipes.last_for(("n", "text")) is None
        changed = made.recipe_text.replace("{{ text }}", "{{ n }}")
        await engine.recipes.note_recipe("0" * 64, changed, made.recipe_path, columns)
        last = await engine.recipes.last_for(columns)
        assert last is not None and last.prompt == "{{ n }}"
