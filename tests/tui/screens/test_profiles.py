"""`P` on Jobs: another key, server and history without a restart, and nothing of what was under way is lost."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tbatch_tui.config.engine_options import options_from
from tbatch_tui.config.profiles import with_key
from tbatch_tui.config.resolve import resolve_settings
from tbatch_tui.engine.domain.account import HealthState
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.engine import BatchEngine
from tbatch_tui.sandbox.testing import Sandbox
from tbatch_tui.tui import theme
from tbatch_tui.tui.app import TbatchApp
from tbatch_tui.tui.dialogs.choose import ChoiceDialog
from tbatch_tui.tui.dialogs.confirm import Confirm
from tbatch_tui.tui.messages import SwitchProfile
from tbatch_tui.tui.screens.jobs.dialogs.profile import KeyWait
from tbatch_tui.tui.terminal.crash_report import report_crash
from tests.conftest import until, write_chat
from tests.helpers.app_host import SIZES, make_app
from tests.helpers.drawn import same_as_before, screen_lines, screen_opened, screen_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.pilot import Pilot
    from textual.theme import Theme

WORK_KEY, HOME_KEY = "tgp_v1_key-of-work-aaaa", "tgp_v1_key-of-home-bbbb"


@pytest.fixture
def work() -> Iterator[Sandbox]:
    with Sandbox(speed=0, key=WORK_KEY) as box:
        box.add_job(rows=3)
        yield box


@pytest.fixture
def home() -> Iterator[Sandbox]:
    with Sandbox(speed=0, key=HOME_KEY, seed=7) as box:
        yield box


@pytest.fixture
def app(work: Sandbox, home: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TbatchApp:
    """An app with the profile `work`, and others to go to."""
    monkeypatch.setenv("WORK_KEY", WORK_KEY)
    monkeypatch.setenv("HOME_KEY", HOME_KEY)
    monkeypatch.setenv("TOGETHER_API_KEY", "tgp_v1_key-of-nobody-cccc")
    config = tmp_path / "config.toml"
    config.write_text(
        f'[profiles.work]\nkey_env = "WORK_KEY"\nbase_url = "{work.base_url}"\ncolour = "red"\n'
        f'[profiles.home]\nkey_env = "HOME_KEY"\nbase_url = "{home.base_url}"\ncolour = "#00aaff"\n'
        f'[profiles.slow]\nkey_command = ["sleep", "60"]\nbase_url = "{home.base_url}"\n'
        f'[profiles.unset]\nkey_env = "NO_SUCH_KEY"\nbase_url = "{home.base_url}"\n'
    )
    resolve = partial(
        resolve_settings, config_file=config, data_dir=tmp_path / "data", output_dir=tmp_path / "out", poll_interval=0.2
    )
    settings = with_key(resolve(profile="work"))
    app = TbatchApp(
        settings, partial(BatchEngine, options_from(settings)), settings_of=lambda name: resolve(profile=name)
    )
    app.load_first_rows(60)
    return app


async def switch_to(name: str, app: TbatchApp, pilot: Pilot[str]) -> None:
    """Choose a profile by its place in the list."""
    await pilot.press("P")
    await until(lambda: isinstance(app.screen, ChoiceDialog) and name in screen_text(app), what="asked which")
    order = ["work", "home", "slow", "unset", "no profile"]
    await pilot.press(*["down"] * order.index(name), "enter")


def is_on(app: TbatchApp, name: str) -> bool:
    profile = app.settings.profile
    return (
        profile is not None
        and profile.name == name
        and app.screen is app.jobs
        and app.engine.health.state is HealthState.OK
    )


async def test_its_jobs_its_name_and_its_key_are_there_at_once(app: TbatchApp, work: Sandbox, home: Sandbox) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: "Validating" in screen_text(app))
        assert " work " in screen_lines(app)[0]
        await switch_to("home", app, pilot)
        await until(lambda: is_on(app, "home"))
        assert " home " in screen_lines(app)[0] and " work " not in screen_lines(app)[0]
        assert "Validating" not in screen_text(app) and app.engine.account.base_url == home.base_url
        home.add_job(rows=2)
        await until(lambda: "Validating" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: getattr(app.screen, "NAME", "") == "Job")
        assert " home " in screen_lines(app)[0]
        await pilot.press("escape")
        await switch_to("work", app, pilot)
        await until(lambda: is_on(app, "work") and "Validating" in screen_text(app))
        assert len(await app.engine.records()) == len(work.jobs) == 1
    for box in (work, home):  # nobody was asked with another's key
        assert {call.status for call in box.requests} <= {200}


@pytest.mark.parametrize("size", SIZES)
async def test_the_name_is_in_the_header_at_every_size(
    app: TbatchApp, work: Sandbox, home: Sandbox, size: tuple[int, int]
) -> None:
    """The list of profiles is compared with snapshots; `TBATCH_SNAPSHOTS=write pytest …` writes them again."""
    async with app.run_test(size=size) as pilot:
        await until(lambda: "Validating" in screen_text(app))
        assert screen_lines(app)[0].startswith(" Jobs   work  ")
        await pilot.press("P")
        await screen_opened(app, ChoiceDialog)
        shown = screen_text(app)
        for box, name in ((work, "PORT-A"), (home, "PORT-B")):
            port = box.base_url.rpartition(":")[2]
            shown = shown.replace(port, name[: len(port)].ljust(len(port)))
        lines = shown.splitlines()
        top = next(number for number, text in enumerate(lines) if "╭" in text)
        bottom = next(number for number, text in enumerate(lines) if "╯" in text)
        left, right = lines[top].index("╭"), lines[top].index("╮") + 1
        # Without what is behind it, where a clock runs.
        dialog = "".join(text[left:right] + "\n" for text in lines[top : bottom + 1])
        same_as_before(dialog, f"profiles-{size[0]}x{size[1]}.txt")
        for words in ("work", "in use", "WORK_KEY", "home", "slow", "sleep …", "no profile", "Stay"):
            assert words in shown, words


async def test_a_key_that_cannot_be_had_leaves_everything_as_it_was(app: TbatchApp, work: Sandbox) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: is_on(app, "work"))
        engine = app.engine
        await switch_to("unset", app, pilot)
        await until(lambda: any("NO_SUCH_KEY" in message.title for message in app.bridge.log))
        assert is_on(app, "work") and app.engine is engine
        await switch_to("slow", app, pilot)
        await until(lambda: isinstance(app.screen, KeyWait) and "Switching to slow" in screen_text(app))
        assert "sleep is asked for its key" in screen_text(app)
        await pilot.press("escape")
        await until(lambda: is_on(app, "work"))
        assert app.engine is engine
        work.add_job(rows=2)
        await until(lambda: len(app.engine._store._published.by_key) == 2)


async def test_an_upload_is_asked_about_and_goes_on_when_its_profile_is_back(
    app: TbatchApp, work: Sandbox, tmp_path: Path
) -> None:
    file = write_chat(tmp_path / "requests.jsonl", ["Hello"])
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: is_on(app, "work"))
        work.plan_fault("delay", "/_storage/*", method="PUT", seconds=15.0, last=1)  # until it is stopped
        await app.engine.submit_checked(file, Endpoint.CHAT, requests=1)
        await until(lambda: app.engine.has_transfers)
        await switch_to("home", app, pilot)
        await screen_opened(app, Confirm)
        await pilot.press("y")
        await until(lambda: is_on(app, "home"))
        assert len(work.jobs) == 1  # the one that was there before
        await until(lambda: "1 submission of work: waiting until you switch back (P)." in screen_text(app))
        await pilot.press("P")
        await until(lambda: "1 submission waiting" in screen_text(app))
        await pilot.press("escape")
        await switch_to("work", app, pilot)
        await until(lambda: is_on(app, "work") and len(work.jobs) == 2)
        await until(lambda: "requests" in screen_text(app) and "Uploading" not in screen_text(app))
        assert "waiting until" not in screen_text(app)
    assert work.count("POST", "/v1/batches") == 1


async def test_nothing_is_switched_while_a_history_is_being_opened(app: TbatchApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        assert "being opened" in app.profile_blocker
        await until(lambda: is_on(app, "work") and not app.profile_blocker)
        app._switching = asyncio.create_task(asyncio.sleep(0))  # as while a profile is being gone over to
        app.post_message(SwitchProfile())
        await pilot.press("P")
        await until(lambda: any("being opened" in message.text for message in app.bridge.log))
        assert app.screen is app.jobs
        await app._switching
        app._switching = None
        await switch_to("home", app, pilot)
        await until(lambda: is_on(app, "home"))


async def test_no_profile_is_a_choice_too(app: TbatchApp, home: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: is_on(app, "work"))
        monkeypatch.setenv("TOGETHER_BASE_URL", home.base_url)
        await switch_to("no profile", app, pilot)
        await until(lambda: app.settings.profile is None and app._switching is None)
        assert (
            app.engine.options.api_key == "tgp_v1_key-of-nobody-cccc" and app.engine.options.base_url == home.base_url
        )
        assert app.engine.options.profile_name == ""
        assert " work " not in screen_lines(app)[0]


async def test_without_profiles_the_key_says_why(still_sandbox: Sandbox, tmp_path: Path) -> None:
    app = make_app(tmp_path, still_sandbox)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.engine.health.state is HealthState.OK)
        await pilot.press("P")
        await until(lambda: any("There are no profiles" in message.text for message in app.bridge.log))


@pytest.mark.parametrize("chosen", [*theme.THEMES], ids=lambda each: each.name)
@pytest.mark.parametrize("colour", ["red", "yellow", "green", "cyan", "blue", "magenta", "#00aaff", "#808080"])
def test_a_name_can_be_read_on_its_colour(colour: str, chosen: Theme) -> None:
    from textual.color import Color

    _, ink, _, ground = theme.badge_style(colour, chosen).split()
    assert theme.contrast(Color.parse(ink), Color.parse(ground)) >= theme.MIN_CONTRAST


async def test_downloads_of_a_profile_that_was_left_wait_for_it_and_that_is_said(app: TbatchApp, work: Sandbox) -> None:
    async with app.run_test(size=(60, 20)) as pilot:
        await until(lambda: is_on(app, "work"))
        job_id = work.add_job("COMPLETED", rows=2)
        work.plan_fault("delay", "/v1/files/*/content", seconds=30.0, last=1)
        await until(lambda: app.engine.record(job_id) is not None)
        await app.engine.download(job_id)
        await until(lambda: app.engine.has_transfers)
        await switch_to("home", app, pilot)
        await screen_opened(app, Confirm)
        await pilot.press("y")
        await until(lambda: is_on(app, "home"))
        await until(lambda: "1 download of work: waiting" in screen_text(app))
        await switch_to("slow", app, pilot)
        await screen_opened(app, KeyWait)
        await pilot.press("escape")
        await until(lambda: is_on(app, "home") and "1 download of work" in screen_text(app))
        await switch_to("work", app, pilot)
        await until(lambda: is_on(app, "work") and len(app.engine.record(job_id).paths) == 1)  # type: ignore[union-attr]


async def test_a_crash_report_under_a_profile_has_neither_its_key_nor_what_its_command_said(
    app: TbatchApp, home: Sandbox, tmp_path: Path
) -> None:
    said = f"{HOME_KEY}\nsecond line of the command\n"
    printed = tmp_path / "printed"
    printed.write_text(said)
    printed.chmod(0o600)
    config = tmp_path / "config.toml"
    config.write_text(
        config.read_text()
        + f"""[profiles.told]
key_command = ["head", "-n", "1", "{printed}"]
base_url = "{home.base_url}"
"""
    )

    def crash(*_: object) -> str:
        raise RuntimeError(f"a bug with {app.engine.options.api_key} in its text")

    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: is_on(app, "work"))
        assert app.settings_of is not None
        app.settings = with_key(app.settings_of("work"))  # config.toml has one more
        await pilot.press("P")
        await until(lambda: isinstance(app.screen, ChoiceDialog) and "told" in screen_text(app))
        await pilot.press(*["down"] * 4, "enter")
        await until(lambda: is_on(app, "told"))
    try:
        crash()
    except RuntimeError:
        told = report_crash(tmp_path)
    [report] = tmp_path.glob("crash-*.txt")
    for text in (told, report.read_text(), (tmp_path / "data" / "tbatch-tui.log").read_text()):
        assert HOME_KEY not in text and WORK_KEY not in text and "second line" not in text
    assert "a bug with" in report.read_text()
    kept = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert kept and not [path for path in kept if HOME_KEY.encode() in path.read_bytes()]
