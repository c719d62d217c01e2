"""A user who has remapped every action reads only their own keys, wherever a text names one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tbatch_tui.config.settings import Settings
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.engine.options import EngineOptions
from tbatch_tui.tui.app import TbatchApp
from tbatch_tui.tui.dialogs.base import Box
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys import keymap
from tbatch_tui.tui.keys.hints import fill_keys
from tests.conftest import CHAT_MODEL, until, write_chat
from tests.helpers.drawn import screen_lines, screen_text
from tests.tui.screens.test_disabled_reason import unexplained

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tbatch_tui.sandbox.testing import Sandbox

LETTERS = [
    *"αβγδεζηθικλμνξοπρστυφχψω",
    *map(chr, range(ord("а"), ord("я") + 1)),
    *map(chr, range(ord("А"), ord("Я") + 1)),
    *"ђєіјљњћўџґ",
    *"ΓΔΘΛΞΠΣΦΨΩ",
    *"ҐҒҖҚҢҮҰҲҶҺӘӨ",
    *"ՁԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿ",
]
"""Letters that no text of ours has."""
TYPING = (
    "filter.keep",
    "filter.clear",
    "answer.save",
    "answer.discard",
    "form.next",
    "form.previous",
    "try.done",
    "try.editor",
)
OTHERS = dict(zip(keys.CONTEXTS, LETTERS, strict=False)) | {action_id: f"f{n}" for n, action_id in enumerate(TYPING, 5)}
DEFAULT = re.compile(r"(?<![\w/.~…'’[-])(?<!\d )(?:[b-zB-HJ-Z]|esc|enter|⏎|⌫)(?= \w|[);])")
"""A default key, as it would stand in a sentence or in the footer; of letters, what is not a word or a unit."""


def on(app: TbatchApp, name: str) -> bool:
    return getattr(app.screen, "NAME", type(app.screen).__name__) == name


def test_every_action_can_have_another_key() -> None:
    assert keymap.resolve_keymap(OTHERS) == (keymap.resolve_keymap(OTHERS)[0], []) and len(OTHERS) == len(keys.CONTEXTS)


def test_without_an_app_a_text_names_the_defaults_and_leaves_other_braces_alone() -> None:
    assert fill_keys("{job.download} fetches, {go.back} goes back") == "d fetches, esc goes back"
    assert fill_keys('{"a.b": 1} {no.such} {} {job.download') == '{"a.b": 1} {no.such} {} {job.download'


async def test_no_text_names_a_default_key(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    good = write_chat(tmp_path / "good.jsonl", ["Hello", "World"])
    row = {"custom_id": "one", "body": {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "Hello"}]}}
    twice = tmp_path / "twice.jsonl"
    twice.write_text(2 * f"{json.dumps(row)}\n")
    options = EngineOptions(
        data_dir=tmp_path / "data",
        output_dir=tmp_path / "results",
        base_url=sandbox.base_url,
        api_key=sandbox.key,
        poll_interval=0.2,
    )
    settings = Settings(data_dir=options.data_dir, output_dir=options.output_dir, tour=True, keymap=OTHERS)
    app = TbatchApp(settings, lambda emit: BatchEngine(options, emit))
    app.load_first_rows(60)
    async with app.run_test(size=(140, 40)) as pilot:

        async def press(action_id: str) -> None:
            key = keymap.normalize_key(OTHERS[action_id])
            assert key is not None
            await pilot.press(key)

        def check_texts() -> None:
            box = app.screen.query(Box).first().region if app.screen.is_modal else app.screen.region
            for line in (whole[box.x : box.right] for whole in screen_lines(app)[box.y : box.bottom]):
                assert not DEFAULT.search(line), (DEFAULT.findall(line), line[-90:])
                assert not re.search(r"\{\w+\.[\w-]+\}", line), line

        async def see(name: str, *texts: str) -> None:
            def shown() -> bool:
                return on(app, name) and all(text in screen_text(app) for text in texts)

            await until(shown, what=f"{name}: {texts}")
            check_texts()
            assert unexplained(app) == set(), name

        await see("Jobs", f"Press {OTHERS['jobs.new']} to pick a file", f"{OTHERS['tour.hide']} hides this")
        await press("help.keys")
        await see("KeysHelp")
        await press("answer.close")
        await press("jobs.new")
        await see("Pick", f"{OTHERS['list.filter']} to filter or to type a path")
        app.open_check(twice)
        await see("Check", f"; {OTHERS['check.fix']} fixes a copy")
        await press("go.on")
        await until(lambda: any(f"{OTHERS['check.fix']} fixes a copy" in toast.message for toast in app._notifications))
        await press("list.filter")
        await pilot.press(*"zzz")
        await see("Check", f"{OTHERS['list.filter']} and {OTHERS['filter.clear']} show all again")
        await press("filter.clear")
        await press("check.fix")
        await see("FixDialog", f"{OTHERS['form.tick']} Toggle")
        await press("answer.discard")
        app.open_check(good)
        await see("Check", f"{OTHERS['go.on']} to continue")
        await press("go.on")
        await see("Create", "Submit")
        await press("go.on")
        await see("Jobs", "Completed", "all ok")
        await press("job.cancel")
        await press("go.on")
        await see("Job", "Completed")
        await press("job.results")
        await see("Results", "request-1")
        await press("results.export")
        await see("ExportDialog", f"{OTHERS['form.tick']} Choose")
        await press("answer.discard")
        await press("go.back")
        await press("go.back")
        await see("Jobs")
        await press("list.next-filter")
        await see("Jobs", f"Press {OTHERS['go.back']} to show")
        await press("jobs.files")
        await see("Files", "output of good")
