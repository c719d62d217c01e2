"""Write what version 0.1.0 makes of the history that `make_history_0_1` made, and copy both beside this file.

Runs only on commit 92a29db, as that module does. See README.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.data.make_history_0_1 import FOLDER, KEY, LOCAL_KEY, OTHER_KEY, OTHER_SERVER, WRITTEN_AT, old

HISTORY = Path(__file__).parent / "history-0.1.0"
OFFLINE = {
    "ls": (KEY, ["ls", "--offline", "--json"]),
    "ls-attention": (KEY, ["ls", "--offline", "--json", "--filter", "attention", "--limit", "3"]),
    "ls-other-account": (OTHER_KEY, ["ls", "--offline", "--json"]),
    "ls-other-server": (LOCAL_KEY, ["ls", "--offline", "--json", "--base-url", OTHER_SERVER]),
}
"""What is asked without a server: by the name of the answer, the key and the command."""
ONLINE = {
    "get-reviews": ["get", "1e2feb89-414c-443c-9027-c4d1c386bbc4", "--json"],
    "get-by-beginning": ["get", "9b810e76", "--json"],
    "get-by-label": ["get", "accepted with a warning", "--json"],
    "get-by-name": ["get", "archive · 2 of 3", "--json"],
    "get-submission": ["get", "submission:34", "--json"],
    "results-reviews": ["results", "1e2feb89", "--json"],
    "results-reviews-errors": ["results", "1e2feb89", "--json", "--filter", "errors"],
    "results-reviews-missing": ["results", "1e2feb89", "--json", "--filter", "missing"],
    "results-calls": ["results", "Support calls", "--json"],
    "results-elsewhere": ["results", "from-a-notebook", "--json"],
    "results-changed": ["results", "edited-since", "--json"],
    "results-deleted": ["results", "input is gone", "--json"],
    "results-cancelled": ["results", "regretted", "--json"],
    "results-part": ["results", "survey · first 3", "--json"],
}
"""What asks a server first, which knows of no job here."""


def write(name: str, value: Any) -> None:
    path = HISTORY / "expected" / name
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=1, default=str) + "\n")


def run(arguments: list[str], data: Path, key: str, base_url: str = "") -> str:
    """What a command of the old version prints; its home has no config."""
    environment = {"HOME": str(FOLDER / "home"), "PATH": os.environ["PATH"]}
    environment |= {"TOGETHER_API_KEY": key} if key else {}
    environment |= {"TOGETHER_BASE_URL": base_url} if base_url else {}
    command = [sys.executable, "-m", "tbatch_tui", arguments[0], "--data-dir", str(data), *arguments[1:]]
    done = subprocess.run(command, env=environment, cwd=FOLDER, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{arguments}: {done.returncode}: {done.stderr}")
    return done.stdout


def expect_commands() -> None:
    for name, (key, arguments) in OFFLINE.items():
        write(f"{name}.json", run(arguments, FOLDER / "data", key))
    online = FOLDER / "online"
    shutil.copytree(FOLDER / "data", online)
    with old("sandbox.testing").Sandbox(speed=0, key=KEY) as box:
        db = sqlite3.connect(online / "history.db")
        for table in ("accounts", "account_keys"):
            db.execute(f"UPDATE {table} SET base_url = ? WHERE base_url = 'together'", (box.base_url,))
        db.commit()
        db.close()
        for name, arguments in ONLINE.items():
            kind = "jsonl" if name.startswith("results") else "json"
            write(f"{name}.{kind}", run(arguments, online, KEY, box.base_url))
    shutil.rmtree(online)


def read(key: str, server: str = "together") -> list[dict[str, Any]]:
    """All that the old engine reads of the records of an account, also what no command prints."""
    journal = old("engine.journal").Journal(FOLDER / "data" / "history.db")
    account = journal.account_at_start(server, key[-4:], WRITTEN_AT)
    records = []
    for record in journal.records(account.id):
        family = [(kin.record.key, kin.generation) for kin in journal.family(account.id, record.key)]
        facts = {"name": record.name, "status": record.status, "rank": record.rank, "created_at": record.created_at}
        history = asdict(journal.history(account.id, record))
        records.append({"account": asdict(account), **asdict(record), **facts, "history": history, "family": family})
    journal.close()
    return records


async def memories() -> dict[str, Any]:
    """What the old engine remembers beside the jobs, asked without a key."""
    options = old("engine.options").Options(FOLDER / "data", FOLDER / "results", now=lambda: WRITTEN_AT)
    async with old("engine.controller").Controller(options, lambda _: None) as engine:
        names = ("theme", "jobs.filter", "jobs.sort", "jobs.text", "tour.Jobs", "tour.Results", "tour.Check")
        catalogue = await engine.catalogue()
        return {
            "remembered": {name: await engine.recall(name) for name in names},
            "recents": await engine.recents(100),
            "catalogue": {"fetched_at": catalogue.fetched_at, "models": [list(model) for model in catalogue.values()]},
        }


def settings() -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings that config.toml makes, and the keys."""
    settled = old("settings").settle(
        file=None,
        demo=False,
        output_dir=None,
        data_dir=None,
        poll_interval=None,
        base_url=None,
        mouse=True,
        environment={},
        config_file=HISTORY / "config.toml",
    )
    keymap, keys = old("tui.keymap"), old("tui.keys")
    accepted, messages = keymap.check_keymap(settled.keymap)
    table = {binding.id: keymap.keys_of(binding, accepted) for binding in keys.ALL}
    return asdict(settled), {"accepted": accepted, "refused": len(messages), "keys": table}


async def screen() -> dict[str, list[str]]:
    """The names of the rows that the app shows: as it was left, with its filter and its sort, and then all."""
    options = old("engine.options").Options(FOLDER / "data", FOLDER / "results", now=lambda: WRITTEN_AT)
    settled = old("settings").Settings(options.data_dir, options.output_dir, tour=False)
    app = old("tui.app").TbatchApp(settled, lambda emit: old("engine.controller").Controller(options, emit))
    app.load_first_rows(60)
    async with app.run_test(size=(150, 60)) as pilot:
        shown: dict[str, list[str]] = {}
        while app.jobs._order.sort != "name":
            await pilot.pause(0.1)
        shown["theme"] = [app.theme]
        for name, keys in (("as it was left", ()), ("all", ("escape",))):
            await pilot.press(*keys)
            await pilot.pause(0.2)
            order = app.jobs._order
            shown[name] = [order.records[key].name for key in order.shown()]
    return shown


def tidy() -> None:
    """Make the database one small file, and give every file the time that the test gives it."""
    for path in FOLDER.rglob("*"):
        if path.is_file():
            os.utime(path, (WRITTEN_AT, WRITTEN_AT))
    db = sqlite3.connect(FOLDER / "data" / "history.db")
    for account, job, stamps in db.execute("SELECT account_id, job_id, stamps FROM tallies").fetchall():
        fixed = re.sub(r"(\d+):\d+", rf"\1:{int(WRITTEN_AT) * 10**9}", stamps)
        db.execute("UPDATE tallies SET stamps = ? WHERE account_id = ? AND job_id = ?", (fixed, account, job))
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def take() -> None:
    """Copy the files that the test needs beside this one."""
    for name in ("data", "inputs", "results"):
        shutil.rmtree(HISTORY / name, ignore_errors=True)
        shutil.copytree(FOLDER / name, HISTORY / name)
    for path in (HISTORY / "data").iterdir():
        if path.is_file() and path.name != "history.db":
            path.unlink()
    for path in (HISTORY / "data" / "index").iterdir():
        if not path.name.startswith(("1e2feb89", "9b810e76")):  # two are enough
            path.unlink()


def main() -> None:
    os.environ["HOME"] = str(FOLDER / "home")
    shutil.rmtree(HISTORY / "expected", ignore_errors=True)
    (HISTORY / "expected").mkdir(parents=True)
    tidy()
    take()
    expect_commands()
    records = [*read(KEY), *read(OTHER_KEY), *read(LOCAL_KEY, OTHER_SERVER)]
    write("records.jsonl", "".join(json.dumps(record, default=str) + "\n" for record in records))
    write("memories.json", asyncio.run(memories()))
    resolved, keys = settings()
    text = json.dumps(resolved, indent=1, default=str).replace(os.environ["HOME"], "~")
    write("settings.json", text + "\n")
    write("keys.json", keys)
    write("screen.json", asyncio.run(screen()))
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
