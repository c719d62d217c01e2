"""The history, results, settings and keys of version 0.1.0 open as they did there.

`tests/data/history-0.1.0` was written by that version, and so was what is expected: see `tests/data/README.md`. Every
value of 0.1.0 has to be there; more is fine, so that JSON may gain keys.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
import pytest

from tbatch_tui.config.settings import Notify
from tbatch_tui.engine.domain.account import Account
from tbatch_tui.engine.domain.counts import ModelUsage
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import until
from tests.data.expect_0_1 import OFFLINE, ONLINE
from tests.data.make_history_0_1 import FOLDER, KEY, LOCAL_KEY, OTHER_KEY, OTHER_SERVER, WRITTEN_AT
from tests.helpers.app_host import make_app
from tests.helpers.commands import run_command
from tests.helpers.drawn import screen_text

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parent / "data" / "history-0.1.0"
EXPECTED = DATA / "expected"
PATH_TABLES = ("submissions", "groups", "transfers", "recents", "retries")

OLD_NAMES: dict[str, str] = {
    "auto_continue": "goes_on",
    "counts": "tally",
    "is_custom": "own",
    "key_error": "key_trouble",
    "rows_with_duration": "heard",
    "rows_with_tokens": "told",
    "unreadable": "odd",
    "usage": "spent",
}
"""Fields of the engine's values that were renamed since 0.1.0: the name today → the name then."""


# -- the only places that know names inside the program ------------------------------------------------


def read_records(folder: Path, key: str, server: str = "together") -> list[dict[str, Any]]:
    """Return all that the engine reads of the records of an account, also what no command prints."""
    from tbatch_tui.engine.journal.journal import Journal

    journal = Journal(folder / "data" / "history.db")
    account = journal.accounts.at_start(server, key[-4:], WRITTEN_AT)
    records = []
    for record in journal.records.all(account.id):
        more = {
            "account": account,
            "name": record.name,
            "status": record.status,
            "rank": record.rank,
            "created_at": record.created_at,
            "history": journal.progress.history(account.id, record),
            "family": [
                (member.record.key, member.generation) for member in journal.lineage.family(account.id, record.key)
            ],
        }
        records.append({**plain(record, folder), **plain(more, folder)})
    journal.close()
    return records


async def read_memories(folder: Path) -> dict[str, Any]:
    """Return what the engine remembers beside the jobs, without a key."""
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.options import EngineOptions

    options = EngineOptions(folder / "data", folder / "results", now=lambda: WRITTEN_AT)
    async with BatchEngine(options, lambda _: None) as engine:
        names = ("theme", "jobs.filter", "jobs.sort", "jobs.text", "tour.Jobs", "tour.Results", "tour.Check")
        catalogue = await engine.prices.catalogue()
        memories = {
            "remembered": {name: await engine.recall(name) for name in names},
            "recents": await engine.recents(100),
            "catalogue": {
                "fetched_at": catalogue.fetched_at,
                "models": [list(model[:5]) for model in catalogue.values()],
            },
        }
    return dict(plain(memories, folder))


def read_settings() -> Any:
    from tbatch_tui.config.resolve import resolve_settings

    return resolve_settings(
        file=None,
        demo=False,
        output_dir=None,
        data_dir=None,
        poll_interval=None,
        base_url=None,
        mouse=True,
        environment={},
        config_file=DATA / "config.toml",
    )


def read_keys(mapping: dict[str, str]) -> dict[str, Any]:
    from tbatch_tui.tui.keys.bindings import ALL
    from tbatch_tui.tui.keys.keymap import binding_keys, resolve_keymap

    accepted, messages = resolve_keymap(mapping)
    keys = {binding.id: binding_keys(binding, accepted) for binding in ALL}
    return {"accepted": accepted, "refused": len(messages), "keys": keys}


# -- the history, as if it had been made in a folder of the test's own ---------------------------------


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Return a copy of the history of 0.1.0 in a folder of this test."""
    return copy_history(tmp_path / "batches")


def copy_history(folder: Path, server: str = "together") -> Path:
    """Copy the history, with the paths of that folder in it. `server` replaces Together's own."""
    for name in ("data", "inputs", "results"):
        shutil.copytree(DATA / name, folder / name)
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (WRITTEN_AT, WRITTEN_AT))  # the counts are of files of this time
    with closing(sqlite3.connect(folder / "data" / "history.db")) as db:
        for table in PATH_TABLES:
            moved = "CAST(replace(CAST(path AS TEXT), ?, ?) AS BLOB)"
            db.execute(f"UPDATE {table} SET path = {moved}", (str(FOLDER), str(folder)))
        for table in ("accounts", "account_keys"):
            db.execute(f"UPDATE {table} SET base_url = ? WHERE base_url = 'together'", (server,))
        db.commit()
    return folder


def run(folder: Path, arguments: list[str], key: str, server: str | None = None, data: bool = True) -> str:
    """Return what a command prints, with the paths that the history was made with."""
    environment = {**os.environ, "TOGETHER_API_KEY": key}
    if server is not None:
        environment["TOGETHER_BASE_URL"] = server
    options = ["--data-dir", str(folder / "data")] if data else []
    done = run_command([arguments[0], *options, *arguments[1:]], folder, environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace(str(folder), str(FOLDER))


def expected(name: str) -> Any:
    return read_json((EXPECTED / name).read_text(), lines=name.endswith(".jsonl"))


def read_json(text: str, *, lines: bool) -> Any:
    return [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)


def without_requests(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what came back of a job whose input file was changed: 0.1.0 printed it beside the new requests."""
    return [{name: row[name] for name in row if name != "request"} for row in rows if "response" in row]


WERE_DATACLASSES = (Account, ModelUsage, Notify)
"""What is a named tuple since."""


def plain(value: Any, folder: Path) -> Any:
    """Return a value of the engine as JSON has it, under the names and paths of 0.1.0."""
    if is_dataclass(value) or isinstance(value, WERE_DATACLASSES):
        names = value._fields if isinstance(value, tuple) else [field.name for field in fields(value)]
        named = {name: getattr(value, name) for name in names}
        return {OLD_NAMES.get(name, name): plain(one, folder) for name, one in named.items()}
    if isinstance(value, dict):
        return {name: plain(one, folder) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one, folder) for one in value]
    return str(value).replace(str(folder), str(FOLDER)) if isinstance(value, Path | str) else value


def losses(then: Any, now: Any, place: str = "") -> Iterator[str]:
    """Yield a line for each value of 0.1.0 that is not there now."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name, value in then.items():
            if name in now:
                yield from losses(value, now[name], f"{place}.{name}")
            else:
                yield f"{place} has no {name!r} (if it was renamed: OLD_NAMES)"
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, (value, other) in enumerate(zip(then, now, strict=True)):
            yield from losses(value, other, f"{place}[{number}]")
    elif then != now:
        yield f"{place} was {then!r}, is {now!r}"


def by_key(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return jobs by their key, those of a group too.

    What needs attention, and so stands higher in the list, is decided otherwise now; and parts are inside their group.
    """
    parts = [part for job in jobs for part in job.get("parts", [job])]
    return sorted(parts, key=lambda job: str(job["key"]))


def rows_of(folder: Path) -> dict[str, set[tuple[Any, ...]]]:
    """Return every row of the database, in the columns of 0.1.0.

    But for when an account was last used, and where a row stands in the list: an old job made elsewhere moves down.
    """
    with closing(sqlite3.connect(DATA / "data" / "history.db")) as db:
        tables = columns_of(db)
    rows = {}
    with closing(sqlite3.connect(folder / "data" / "history.db")) as db:
        for table, columns in tables.items():
            names = ", ".join(f'"{name}"' for name in columns if name not in ("used_at", "rank"))
            rows[table] = set(db.execute(f"SELECT {names} FROM {table}"))
    return rows


def columns_of(db: sqlite3.Connection) -> dict[str, list[str]]:
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {table: [row[1] for row in db.execute(f"PRAGMA table_info({table})")] for table in tables}


# -- tests ---------------------------------------------------------------------------------------------


def test_the_list_without_a_server_is_the_same_at_every_start(history: Path) -> None:
    before = rows_of(history)
    for _ in range(2):
        for name, (key, arguments) in OFFLINE.items():
            printed = json.loads(run(history, arguments, key))
            assert [*losses(by_key(expected(f"{name}.json")), by_key(printed), name)] == []
    assert rows_of(history) == before


def test_jobs_and_their_results_are_the_same(tmp_path: Path) -> None:
    with Sandbox(speed=0, key=KEY) as box:
        folder = copy_history(tmp_path / "batches", server=box.base_url)
        before = rows_of(folder)
        for name, arguments in ONLINE.items():
            lines = name.startswith("results")
            printed = read_json(run(folder, arguments, KEY, box.base_url), lines=lines)
            then = expected(f"{name}.{'jsonl' if lines else 'json'}")
            if name == "results-changed":
                then = without_requests(then)
                printed.sort(key=lambda row: row["custom_id"])
                assert not any("request" in row for row in printed)
            if name == "results-reviews-errors":  # what is no row of a request is not among them any more
                then = [row for row in then if row["outcome"] != "unreadable"]
            if name.startswith("ls"):
                then, printed = by_key(then), by_key(printed)
            assert [*losses(then, printed, name)] == []
    assert rows_of(folder) == before


def test_every_value_of_every_record_is_read(history: Path) -> None:
    records = [*read_records(history, KEY), *read_records(history, OTHER_KEY)]
    records += read_records(history, LOCAL_KEY, OTHER_SERVER)
    then = {record["key"]: record for record in expected("records.jsonl")}
    now = {record["key"]: record for record in records}
    assert list(then) == list(now)
    assert [*losses(then, now)] == []


async def test_remembered_values_are_recalled(history: Path) -> None:
    assert [*losses(expected("memories.json"), await read_memories(history))] == []


def test_the_schema_is_that_of_a_new_history_and_labels_are_still_there(history: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    run(fresh, ["ls", "--offline"], KEY)
    run(history, ["ls", "--offline"], KEY)
    schemas = []
    for folder in (fresh, history):
        with closing(sqlite3.connect(folder / "data" / "history.db")) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            schemas.append((db.execute("PRAGMA user_version").fetchone(), columns_of(db)))
    assert schemas[0] == schemas[1]
    with closing(sqlite3.connect(history / "data" / "history.db")) as db:
        labels = {label for (label,) in db.execute("SELECT label FROM records")}
        assert {"Reviews, March", "Support calls", "for tomorrow", "of another account"} <= labels


LATER_PARTS = ("2 of 3", "3 of 3", "the rest", "the rest, 1 of 2", "the rest, 2 of 2")


async def test_the_app_shows_its_rows_as_they_were_left(history: Path) -> None:
    shown = expected("screen.json")
    app = make_app(history, None)
    async with app.run_test(size=(150, 60)) as pilot:
        await until(lambda: are_in_order(shown["as it was left"], screen_text(app)), what="the rows as they were left")
        await until(lambda: "Support calls" not in screen_text(app), what="the filter of the last time")
        assert [app.theme] == shown["theme"]
        await pilot.press("escape")
        # Parts are inside the row of their group now.
        rows = [name for name in shown["all"] if not name.endswith(LATER_PARTS)]
        await until(lambda: are_in_order(rows, screen_text(app)), what="all rows")


def are_in_order(names: list[str], text: str) -> bool:
    """Return whether the names, each as far as a narrow column shows it, are in this order on a screen."""
    lines = iter(text.splitlines())
    return all(any(name[:4] in line for line in lines) for name in names)


def test_settings_are_the_same() -> None:
    settings = plain(read_settings(), Path("/nowhere"))
    home = json.loads(json.dumps(settings, default=str).replace(str(Path.home()), "~"))
    assert [*losses(expected("settings.json"), home)] == []


def test_custom_keys_are_the_same_and_no_action_is_gone() -> None:
    then, now = expected("keys.json"), read_keys(expected("settings.json")["keymap"])
    assert (now["accepted"], now["refused"]) == (then["accepted"], then["refused"])
    assert {key: now["keys"][key] for key in then["accepted"]} == {key: then["keys"][key] for key in then["accepted"]}
    assert then["keys"].keys() <= now["keys"].keys()


def test_a_command_finds_the_history_by_the_config(tmp_path: Path) -> None:
    """The config.toml names the folder of the history, and the server."""
    folder = copy_history(tmp_path / "batches", server="https://batch.example.com")
    (Path.home() / "evals").mkdir()
    (folder / "data").rename(Path.home() / "evals" / ".tbatch")
    config = Path(platformdirs.user_config_dir("tbatch-tui", appauthor=False)) / "config.toml"
    config.parent.mkdir(parents=True)
    shutil.copy(DATA / "config.toml", config)
    printed = json.loads(run(folder, ["ls", "--offline", "--json"], KEY, data=False))
    assert [*losses(by_key(expected("ls.json")), by_key(printed))] == []
