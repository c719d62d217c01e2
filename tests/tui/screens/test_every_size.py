"""Every screen at five sizes: it looks as it did, and a wider and higher terminal shows no less of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.domain.account import ConnectionHealth, HealthState
from tbatch_tui.engine.domain.server_file import FileRole, FileUse, ServerFile
from tbatch_tui.engine.pricing.spending.model_history import model_entries
from tbatch_tui.engine.pricing.spending.spend import Spending
from tbatch_tui.tui.dialogs.base import Box
from tbatch_tui.tui.dialogs.keys_help import KeysHelp
from tbatch_tui.tui.screens.compose.text_area import TemplateArea
from tbatch_tui.tui.screens.files.rows import FileListModel
from tbatch_tui.tui.screens.files.screen import FilesScreen
from tbatch_tui.tui.screens.models.screen import ModelsScreen
from tbatch_tui.tui.screens.spend.screen import SpendScreen
from tests.conftest import until
from tests.engine.pricing.ledger import PRICES, RECORDS, RETRIES
from tests.helpers.app_host import ALL_SIZES, make_app
from tests.helpers.drawn import (
    check_screen,
    missing_words,
    painted,
    resize,
    same_as_before,
    screen_lines,
    screen_opened,
    screen_text,
    snapshot,
)
from tests.tui.screens.test_jobs_look import BUSY, NOW, fill, job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    from tbatch_tui.tui.app import TbatchApp


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with a history, a clean and a faulty file; the clock stands still."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("tbatch_tui.tui.widgets.reader.view.BUDGET", 5.0)  # a busy machine wraps fewer lines at once
    time.tzset()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    model = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
    rows = [
        {
            "custom_id": f"customer-review-{n:06}",
            "body": {
                "model": model,
                "max_tokens": 8,
                "messages": [
                    {"role": "system", "content": "Answer with one word."},
                    {"role": "user", "content": f"Great, love it {n}"},
                ],
            },
        }
        for n in range(40)
    ]
    (work / "reviews-march.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for row in rows[20:]:
        del row["body"]["model"]  # type: ignore[attr-defined]
    rows[5]["body"]["temperature"] = 9  # type: ignore[index]
    (work / "with-faults.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for path in work.iterdir():
        os.utime(path, (NOW - 3_600, NOW - 3_600))
    yield tmp_path
    monkeypatch.undo()
    time.tzset()


async def start(app: TbatchApp, pilot: Pilot[Any], screen: str) -> None:
    """Go to a screen."""
    await until(lambda: app.jobs.table.row_count == len(BUSY) - 2)
    app.engine._runtime.set_health(ConnectionHealth(HealthState.OK, NOW, next_at=NOW + 22))
    await pilot.press("g")
    await until(lambda: "no estimate" in screen_text(app))
    match screen:
        case "help":
            await pilot.press("question_mark")
            await screen_opened(app, KeysHelp)
        case "messages":
            for number in range(3):
                app.bridge.notify(f"reviews-{number}: results downloaded", "1,980 answers, 17 errors")
            app.clear_notifications()
            await pilot.press("L")
            await until(lambda: "results downloaded" in screen_text(app))
        case "pick":
            await pilot.press("n")
            await until(lambda: "with-faults.jsonl" in screen_text(app))
        case "pick-marked" | "check-files" | "create-files":
            work = app.engine.options.data_dir.parent / "work"
            write_shards(work)
            await pilot.press("n")
            await until(lambda: "with-faults.jsonl" in screen_text(app))
            await pilot.press("g", "j", "space", "k")
            await until(lambda: "12 marked" in screen_text(app) and "12 .jsonl files" in screen_text(app))
            if screen != "pick-marked":
                await pilot.press("enter")
                await until(lambda: "1 of 12 files has errors" in screen_text(app))
                await until(lambda: "first used in" in screen_text(app))
            if screen == "create-files":
                await pilot.press("X")
                await until(lambda: "No problems in 11 files" in " ".join(screen_text(app).split()))
                app.clear_notifications()
                await pilot.press("c")
                await until(lambda: "Submit" in screen_text(app) and "Create" in screen_lines(app)[0])
                await until(lambda: "no known price" in screen_text(app))
        case "job":
            await pilot.press("enter")
            await until(lambda: "Job id" in screen_text(app))
        case "compose":
            path = app.engine.options.data_dir.parent / "work" / "reviews.csv"
            rows = [f"{n},{'Great love it' if n % 7 else ''},{n % 5 + 1}" for n in range(1, 41)]
            path.write_text("\n".join(["id,review text,stars", *rows]))
            await app.open_path(path)
            await until(lambda: isinstance(app.focused, TemplateArea))
            await pilot.press(*"Good? {{ rev", "tab", "tab", *"One word.", "tab", *"m/model", "tab", *"8", "escape")
            await until(lambda: "Good? Great" in screen_text(app) and "5 problems" in screen_text(app))
            await until(lambda: "35 requests" in screen_text(app))
        case "check-clean" | "create":
            app.open_check(app.engine.options.data_dir.parent / "work" / "reviews-march.jsonl")
            await until(lambda: "No problems" in screen_text(app) and "customer-review-000000" in screen_text(app))
            if screen == "create":
                await pilot.press("enter")
                await until(lambda: "Submit" in screen_text(app) and "Create" in screen_lines(app)[0])
                await until(lambda: "no known price" in screen_text(app))
        case "files":
            await pilot.press("F")
            await until(lambda: isinstance(app.screen, FilesScreen) and "Nothing was changed" in screen_text(app))
            assert isinstance(app.screen, FilesScreen)
            app.screen._model = FileListModel(LISTED)
            app.screen._arrange()
            app.screen.table.mark({"file-1"})
        case "models":
            await pilot.press("M")
            await until(lambda: isinstance(app.screen, ModelsScreen) and app.screen.is_mounted)
            await until(lambda: "Reading" not in screen_text(app))
            assert isinstance(app.screen, ModelsScreen)
            app.screen._entries = model_entries(PRICES.catalogue, PRICES, RECORDS)
            app.screen._fetched_at = PRICES.catalogue.fetched_at
            app.screen._arrange()
            await pilot.press("g", "j", "j")
        case "spend":
            await pilot.press("dollar_sign")
            await until(lambda: isinstance(app.screen, SpendScreen) and "Adding" not in screen_text(app))
            assert isinstance(app.screen, SpendScreen)
            app.screen._spending, app.screen._month = Spending(RECORDS, RETRIES, PRICES), "2026-11"
            app.screen._months = sorted(app.screen._spending.months())
            app.screen._show_again()
            await until(lambda: "24 % of the" in " ".join(screen_text(app).split()))
        case "check-faulty":
            app.open_check(app.engine.options.data_dir.parent / "work" / "with-faults.jsonl")
            await until(lambda: "errors" in screen_text(app) and "21" in screen_text(app))


def write_shards(work: Path) -> None:
    """Write a folder of twelve files, of which the last has a custom_id of the first."""
    folder = work / "customer-reviews-of-the-year-2026"
    folder.mkdir()
    body = {"model": "meta-llama/Llama-3.3-70B-Instruct-Turbo", "messages": [{"role": "user", "content": "Hi"}]}
    for shard in range(1, 13):
        ids = [f"review-{shard:02}-{row:03}" for row in range(20)] + (["review-01-000"] if shard == 12 else [])
        rows = [json.dumps({"custom_id": each, "body": body | {"max_tokens": 8}}) for each in ids]
        (folder / f"shard-{shard}-of-12.jsonl").write_text("\n".join(rows) + "\n")
        os.utime(folder / f"shard-{shard}-of-12.jsonl", (NOW - 3_600, NOW - 3_600))
    os.utime(folder, (NOW - 3_600, NOW - 3_600))


LISTED = [
    ServerFile(f"file-{number}", name, "batch-api", size, NOW - 3_600 * number, uses, reason, is_last_copy)
    for number, (name, size, uses, reason, is_last_copy) in enumerate(
        [
            ("reviews-march.jsonl", 24_100_000, (FileUse(FileRole.INPUT, "a", "reviews-march"),), "", False),
            ("output.jsonl", 3_100, (FileUse(FileRole.OUTPUT, "b", "safety-eval"),), "", False),
            ("errors.jsonl", 310, (FileUse(FileRole.ERRORS, "b", "safety-eval"),), "not downloaded: d gets it", False),
            ("party-survey.jsonl", 41, (FileUse(FileRole.INPUT, "c", "party-survey"),), "in use: it runs", False),
            ("a-name-that-is-very-long-" * 3, 910, (FileUse(FileRole.INPUT, "d", "nightly"),), "only copy: gone", True),
            ("notes.jsonl", 5, (), "not a batch: it is for fine-tune", False),
        ]
    )
]
"""What the server lists, and what is known of it."""
IN_FULL = ("Llama-3.3-70B-Turbo",)
"""What a wide terminal writes in full: the name of a model, with its vendor."""


def inside(app: TbatchApp) -> str:
    """What a dialog shows, without what is left of the screen behind it; without a dialog, all of the screen."""
    text = [re.sub(r"\d\.\d s · ", "", line) for line in screen_lines(app)]
    boxes = app.screen.query(Box)
    if not boxes:
        return "\n".join(text)
    region = boxes.first().region
    return "\n".join(line[region.x : region.right] for line in text[region.y : region.bottom])


def drawn(app: TbatchApp) -> str:
    """What a snapshot holds of a screen: its text without how long something took."""
    return re.sub(r"\d\.\d s · ", "", screen_text(app)) + "\n"


BAR = frozenset("█▉▊▋▌▍▎▏")
"""What a bar is made of: a longer one ends in another of them."""
SCREENS = (
    *("jobs", "help", "messages", "pick", "job", "compose", "check-clean", "check-faulty", "create"),
    *("pick-marked", "check-files", "create-files"),
    *("files", "models", "spend"),
)


@pytest.mark.parametrize("screen", SCREENS)
async def test_wider_shows_no_less(screen: str, folder: Path) -> None:
    jobs = [job(number, *rest) for number, (_, *rest) in enumerate(BUSY[:-2])]  # type: ignore[arg-type]
    fill(folder, jobs, [name for name, *_ in BUSY[:-2]])
    app = make_app(folder, None, now=lambda: NOW)
    async with app.run_test(size=ALL_SIZES[-1]) as pilot:
        await start(app, pilot, screen)
        texts = []
        for size in ALL_SIZES:
            await resize(app, pilot, size)
            await painted(app)
            check_screen(app)
            name = f"size-{screen}-{size[0]}x{size[1]}.txt"
            with contextlib.suppress(AssertionError):  # what is still being measured or scrolled to settles
                await until(lambda: drawn(app) == snapshot(name), within=10)  # noqa: B023
            texts.append(inside(app))
            same_as_before(drawn(app), name)
    for narrow, wide in pairwise(texts):
        missing = [word for word in missing_words(narrow, wide) if not BAR.issuperset(word)]
        assert [word for word in missing if word not in IN_FULL] == []
