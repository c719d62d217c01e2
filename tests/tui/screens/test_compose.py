"""Compose: a form over a table, beside the request of each row and the sums of all of them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.tables.compose.draft import Draft
from tbatch_tui.engine.tables.make import MadeFile, make_input
from tbatch_tui.engine.tables.recipe import MessageTemplate, Recipe, RecipeSource
from tbatch_tui.engine.tables.recipe_text import recipe_text
from tbatch_tui.tui.messages import CheckFile, GoBack, OpenModels
from tbatch_tui.tui.screens.compose import session
from tbatch_tui.tui.screens.compose.columns import ColumnTable
from tbatch_tui.tui.screens.compose.form import DraftForm
from tbatch_tui.tui.screens.compose.screen import ComposeScreen
from tbatch_tui.tui.screens.compose.sums import SumLine
from tbatch_tui.tui.screens.compose.text_area import TemplateArea
from tests.conftest import CHAT_MODEL, until
from tests.helpers.drawn import resize, screen_opened
from tests.helpers.new_batch_host import SIZES, NewBatchHost, offline, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from textual.pilot import Pilot

    from tbatch_tui.sandbox.testing import Sandbox

    Shown = AbstractAsyncContextManager[tuple[NewBatchHost, Pilot[object]]]


def compose(tmp_path: Path, path: Path, size: tuple[int, int] = (100, 50)) -> Shown:
    return shown(offline(tmp_path), lambda engine, bridge: ComposeScreen(engine, bridge, path), size)


def screen(app: NewBatchHost) -> ComposeScreen:
    assert isinstance(app.screen, ComposeScreen)
    return app.screen


def area(app: NewBatchHost, name: str = "prompt") -> TemplateArea:
    return app.screen.query_one(f"#{name}", TemplateArea)


def reviews(folder: Path, *rows: str) -> Path:
    path = folder / "reviews.csv"
    rows = rows or ("1,Great,en", "2,Broke soon,de", "3,,en", "4,Fine,de")
    path.write_text("\n".join(("id,review text,lang", *rows)) + "\n", encoding="utf-8")
    return path


async def ready(app: NewBatchHost) -> None:
    """Wait until the table is read and its sums are whole."""
    await screen_opened(app, ComposeScreen)
    await until(lambda: (profile := screen(app).session.profile) and profile.is_whole, what="the columns are known")
    await until(lambda: "Row 1" in app.text, what="the first row is shown")


async def compute(app: NewBatchHost) -> None:
    """Wait until the sums of the draft as it is now are known."""
    await until(lambda: (summary := screen(app).session.summary) and summary.is_whole, what="the sums are known")


async def type_prompt(app: NewBatchHost, pilot: Pilot[object], text: str = "Good? {{ review text }}") -> None:
    area(app).focus()
    await pilot.press(*text)
    await compute(app)


def requests(app: NewBatchHost) -> list[dict[str, Any]]:
    """Return the requests of the file that was gone on with."""
    [message] = [message for message in app.posted if isinstance(message, CheckFile)]
    return [json.loads(line) for line in message.path.read_text().splitlines()]


def prompts(app: NewBatchHost) -> list[str]:
    return [request["body"]["messages"][-1]["content"] for request in requests(app)]


@pytest.mark.parametrize("size", SIZES)
async def test_a_table_its_columns_and_the_request_of_a_row(tmp_path: Path, size: tuple[int, int]) -> None:
    async with compose(tmp_path, reviews(tmp_path), size) as (app, pilot):
        await ready(app)
        assert "review text" in app.text and "75 %" in app.text and "Compose" in app.text
        assert app.focused is area(app)
        await type_prompt(app, pilot)
        await until(lambda: "Good? Great" in app.text)
        await until(lambda: "4 rows · 3 requests" in app.text and "22 prompt tokens" in app.text)
        await until(lambda: "1 problem · row 3, column review text: the cell" in app.text)
        await pilot.press("escape", "n")
        await until(lambda: "Good? Broke soon" in app.text and "Row 2 of 4" in app.text)
        await pilot.press("right_square_bracket")
        await until(lambda: "Row 3 of 4" in app.text)
        await pilot.press("p", "p", "p", "p")
        await until(lambda: "Row 1 of 4" in app.text)
        await pilot.press("greater_than_sign")
        await until(lambda: "Row 2 of 4" in app.text)
        await pilot.press("escape")
        await until(lambda: any(isinstance(message, GoBack) for message in app.posted))


async def test_what_is_typed_is_in_sight_and_a_high_screen_has_all_faults(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("a,b,c,d,e,f,g,h\n" + "1,2,3,4,5,6,7,8\n" * 3, encoding="utf-8")
    async with compose(tmp_path, path, (60, 20)) as (app, pilot):
        await ready(app)
        assert app.focused is area(app)
        await pilot.press(*"Seen {{ x }}")
        await until(lambda: "Seen {{ x }}" in app.text, what="the prompt is not behind the columns")
        await until(lambda: "column that does not exist: x" in app.text, what="what is typed comes before the model")
        text = "".join(piece for piece, _ in app.screen.query(SumLine).first().styled_text(0))
        assert "No model is named" not in text and "1 more" in text
        await resize(app, pilot, (100, 40))
        await until(lambda: "column that does not exist: x" in app.text and "No model is named" in app.text)
        assert "1 more" not in app.text


async def test_a_table_that_takes_long_to_open_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, may_end = [], threading.Event()

    def slow(*arguments: Any, **names: Any) -> Any:
        begun.append(1)
        may_end.wait(30)
        return open_now(*arguments, **names)

    open_now = session._open
    monkeypatch.setattr(session, "_open", slow)
    async with compose(tmp_path, reviews(tmp_path)) as (app, _):
        await until(lambda: begun, what="it is being opened")
        for _ in range(3):
            await screen(app).look_at_table().wait()
        may_end.set()
        await ready(app)
        assert len(begun) == 1


async def test_enter_writes_what_make_writes_and_goes_on_to_check(tmp_path: Path) -> None:
    path = reviews(tmp_path, "1,Great,en", "2,Broke soon,de")
    async with compose(tmp_path, path) as (app, pilot):
        await ready(app)
        await type_prompt(app, pilot)
        await pilot.press("ctrl+j")
        await until(lambda: "No model is named" in app.toasts)
        assert app.focused is app.screen.query_one("#model")
        await pilot.press(*"m/m", "tab", *"20", "tab", *"0.5", "tab", *"label: string", "enter")
        await until(lambda: app.posted)
        assert prompts(app) == ["Good? Great", "Good? Broke soon"]
        body = requests(app)[0]["body"]
        assert (body["model"], body["max_tokens"], body["temperature"]) == ("m/m", 20, 0.5)
        assert body["response_format"]["json_schema"]["schema"]["required"] == ["label"]
        assert "2 requests of 2 rows" in app.toasts
        recipe = (tmp_path / "reviews.recipe.toml").read_text()
        assert 'path = "reviews.csv"' in recipe and "sha256" in recipe
        app.posted.clear()
        screen(app).query_one("#request").focus()
        await pilot.press("enter")  # the same is not written twice
        await until(lambda: app.posted)
        assert prompts(app)[0] == "Good? Great"
        assert not (tmp_path / "reviews-2.jsonl").exists()


async def test_a_column_goes_into_the_prompt_by_tab_and_by_enter(tmp_path: Path) -> None:
    async with compose(tmp_path, reviews(tmp_path)) as (app, pilot):
        await ready(app)
        await pilot.press(*"{{ rev", "tab")
        assert area(app).text == "{{ review text }}"
        await pilot.press(*" {{ ", "tab", "tab")
        assert area(app).text == "{{ review text }} {{ review text }}"
        await pilot.press(" ", "tab")
        assert app.focused is area(app, "system")
        app.screen.query_one(ColumnTable).focus()
        await pilot.press("G", "enter")
        assert app.focused is area(app) and area(app).text.endswith("}} {{ lang }}")


async def test_what_is_typed_is_there_again(tmp_path: Path) -> None:
    path = reviews(tmp_path)
    async with compose(tmp_path, path) as (app, pilot):
        await ready(app)
        await type_prompt(app, pilot, "Half a thought {{ lang }}")
        await pilot.press("escape", "n")
        await until(lambda: "Row 2" in app.text)
    async with compose(tmp_path, path) as (app, _):
        await until(lambda: isinstance(app.screen, ComposeScreen) and "Half a thought de" in app.text)
        assert "as you left it" in app.text and app.focused is app.screen.query_one("#request")
    [draft] = (tmp_path / "data" / "drafts").iterdir()
    assert draft.stat().st_mode & 0o777 == 0o600


async def test_rows_that_cannot_be_asked_are_shown_first_and_can_be_left_out(tmp_path: Path) -> None:
    async with compose(tmp_path, reviews(tmp_path)) as (app, pilot):
        await ready(app)
        app.screen.query_one("#model").focus()
        await pilot.press(*"m/m")
        await type_prompt(app, pilot)
        await pilot.press("escape", "enter")
        await until(lambda: "what about these rows?" in app.text)
        assert "row 3, column review text: the cell is empty" in app.text
        await pilot.press("enter")
        await until(lambda: "Row 3 of 4" in app.text and not app.posted)
        await pilot.press("enter")
        await until(lambda: "what about these rows?" in app.text)
        await pilot.press("j", "enter")
        await until(lambda: app.posted)
        assert prompts(app) == ["Good? Great", "Good? Broke soon", "Good? Fine"]
        assert "(•) leave the row out" in app.text and "1 left out: review text is empty" in app.toasts


async def test_doubled_ids_can_be_numbered_instead(tmp_path: Path) -> None:
    async with compose(tmp_path, reviews(tmp_path, "1,Great,en", "1,Fine,de")) as (app, pilot):
        await ready(app)
        screen(app).take_draft(Draft(model="m/m", prompt="{{ lang }}", id="id"))
        await compute(app)
        await until(lambda: "row 2, column id" in app.text)
        screen(app).query_one("#request").focus()
        await pilot.press("enter")
        await until(lambda: "what about these rows?" in app.text)
        await pilot.press("j", "enter")
        await until(lambda: app.posted)
        assert [request["custom_id"] for request in requests(app)] == ["row-0001", "row-0002"]


async def test_another_encoding_is_asked_for_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes("id;text\n1;schön\n2;Füße\n".encode("cp1252"))
    async with compose(tmp_path, path) as (app, pilot):
        await until(lambda: "Which encoding does it have?" in app.text)
        assert "cp1252" in app.text and "1;schön" in app.text and "Line 2 is not UTF-8" in app.text
        await pilot.press("enter")
        await ready(app)
        assert "cp1252" in app.text
        await type_prompt(app, pilot, "{{ text }}")
        await until(lambda: "    schön" in app.text)
        screen(app).take_draft(Draft(model="m/m", prompt="{{ text }}"))
        screen(app).query_one("#request").focus()
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert prompts(app) == ["schön", "Füße"]
        assert 'encoding = "cp1252"' in (tmp_path / "excel.recipe.toml").read_text()


async def test_an_encoding_that_shows_late_is_asked_for_and_can_be_put_off(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    path.write_bytes(b"id,text\n" + b"1,plain text that goes on for a while\n" * 9_000 + b"2,sch\xf6n\n")
    async with compose(tmp_path, path) as (app, pilot):
        await until(lambda: "Which encoding does it have?" in app.text)
        await pilot.press("escape")
        await until(lambda: "Open it again to choose its encoding" in app.text)
        await pilot.press("enter")
        await until(lambda: "Which encoding does it have?" in app.text)
        await pilot.press("enter")
        await ready(app)
        await until(lambda: "9,001 rows" in app.text)


def broken(folder: Path, kind: str) -> Path:
    """Write a table that cannot be opened."""
    path = folder / {"folder": "texts", "recipe": "a.recipe.toml", "extra": "a.xlsx"}.get(kind, "a.csv")
    match kind:
        case "folder":
            path.mkdir()
        case "recipe":
            path.write_text('version = 1\nmodel = "m"\n\nprmpt = "x"\n')
        case "empty":
            path.touch()
        case "unreadable":
            path.symlink_to(folder / "gone.csv")
        case "twice":
            path.write_text("a,a\n1,2\n")
        case "extra":
            path.write_bytes(b"PK")
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("folder", ("The folder texts has no files", "Hidden files")),
        ("recipe", ("a.recipe.toml:4", "prmpt", "Did you mean prompt?")),
        ("empty", ("without even a header", "Fix it in the table")),
        ("unreadable", ("does not exist", "Check the spelling")),
        ("twice", ("twice", "Fix it in the table")),
        ("extra", ("excel", "pip install 'tbatch-tui[excel]'")),
    ],
)
async def test_what_cannot_be_opened_says_why_and_what_helps(
    kind: str, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = broken(tmp_path, kind)
    if kind == "extra":
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    async with compose(tmp_path, path, (80, 24)) as (app, pilot):
        await until(lambda: "opened again when it changes" in app.text)
        for word in words:
            assert word in app.text.replace("\n ", ""), app.text
        await pilot.press("n", "]", "e", "r")  # nothing to do it with
        await pilot.press("escape")
        await until(lambda: any(isinstance(message, GoBack) for message in app.posted))


async def test_a_table_that_changes_is_read_again_and_one_that_vanishes_comes_back(tmp_path: Path) -> None:
    path = reviews(tmp_path)
    async with compose(tmp_path, path) as (app, pilot):
        await ready(app)
        await type_prompt(app, pilot, "Say {{ lang }}")
        reviews(tmp_path, "1,Great,xx", "2,Fine,yy")
        await until(lambda: "Say xx" in app.text and "2 rows" in app.text)
        assert area(app).text == "Say {{ lang }}" and "has changed on disk" in app.toasts
        path.unlink()
        await until(lambda: "opened again when it changes" in app.text)
        reviews(tmp_path, "1,Great,zz")
        await until(lambda: "Say zz" in app.text)
        assert area(app).text == "Say {{ lang }}"


async def test_a_recipe_opens_its_table_and_a_table_begins_with_the_last_recipe(tmp_path: Path) -> None:
    path = reviews(tmp_path, "1,Great,en")
    recipe = tmp_path / "mine.recipe.toml"
    text = 'version = 1\nmodel = "m/m"\nprompt = "Say {{ lang }}"\n[body]\ntop_p = 0.5\n'
    recipe.write_text(text + '[source]\npath = "reviews.csv"\n')
    async with compose(tmp_path, recipe) as (app, pilot):
        await ready(app)
        assert "Say en" in app.text and "from mine.recipe.toml" in app.text
        assert area(app, "parameters").text == "top_p=0.5"
        screen(app).query_one("#request").focus()
        await pilot.press("enter")
        await until(lambda: app.posted)
    other = tmp_path / "other.csv"
    other.write_text("id,review text,lang\n7,x,fr\n")
    async with compose(tmp_path, other, (150, 50)) as (app, _):
        await ready(app)
        await until(lambda: "Say fr" in app.text)
        assert "from the last recipe for these columns" in app.text
    async with compose(tmp_path, path) as (app, _):
        await ready(app)
        await until(lambda: "Say en" in app.text)


async def test_a_database_with_several_tables_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE orders (n INTEGER)")
        database.execute("CREATE TABLE notes (text TEXT)")
        database.execute("INSERT INTO orders VALUES (42)")
    async with compose(tmp_path, path) as (app, pilot):
        await until(lambda: "Which table?" in app.text)
        await pilot.press("j", "enter")
        await ready(app)
        await until(lambda: "number" in app.text and "42" in app.text)


async def test_a_list_of_urls_becomes_transcriptions(tmp_path: Path) -> None:
    path = tmp_path / "clips.txt"
    path.write_text("https://example.com/a.wav\nhttps://example.com/b.wav\n")
    async with compose(tmp_path, path) as (app, pilot):
        await until(lambda: isinstance(app.screen, ComposeScreen) and "(•) for transcriptions" in app.text)
        assert not app.screen.query_one("#system-field").display
        app.screen.query_one("#model").focus()
        await pilot.press(*"openai/whisper-large-v3", "ctrl+j")
        await until(lambda: app.posted)
        assert requests(app)[1]["body"]["file"] == "https://example.com/b.wav"


async def test_the_editor_gets_the_prompt_and_gives_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def edit_text(_app: object, _environ: object, text: str, name: str) -> str:
        return f"{text} ({name})"

    monkeypatch.setattr("tbatch_tui.tui.terminal.editor.edit_text", edit_text)
    async with compose(tmp_path, reviews(tmp_path)) as (app, pilot):
        await ready(app)
        await pilot.press(*"Hi", "ctrl+e")
        await until(lambda: area(app).text == "Hi (prompt.md)")
        await pilot.press("escape", "e")
        await until(lambda: area(app).text == "Hi (prompt.md) (prompt.md)")


async def test_several_messages_are_kept_and_edited_in_the_editor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    answers = ["[[messages]]\nrole = 'nobody'\ncontent = 'x'\n"]

    async def edit_text(_app: object, _environ: object, text: str, name: str) -> str:
        assert name == "messages.toml"
        given.append(text)
        return answers[len(given) - 1] if len(given) <= len(answers) else text.replace("nobody", "user")

    monkeypatch.setattr("tbatch_tui.tui.terminal.editor.edit_text", edit_text)
    reviews(tmp_path)
    turns = [("user", "Hi"), ("assistant", "Yes?"), ("user", "Rate {{ review text }}")]
    messages = tuple(MessageTemplate(*turn) for turn in turns)
    recipe = Recipe(model="m/m", messages=messages, source=RecipeSource("reviews.csv", "0" * 64, "csv", 4))
    path = tmp_path / "reviews.recipe.toml"
    path.write_text(recipe_text(recipe), encoding="utf-8")
    async with compose(tmp_path, path) as (app, pilot):
        await ready(app)
        await until(lambda: "3 messages: user, assistant, user. e edits them." in app.text)
        assert screen(app).form.draft.messages == tuple(turns) and not app.screen.query_one("#prompt-field").display
        screen(app).pane.view.focus()
        await pilot.press("e")
        await until(lambda: any("role" in message.title + message.text for message in app.bridge.log))
        assert screen(app).form.draft.messages == tuple(turns), "they stay as they were"
        await pilot.press("e")  # what could not be read is there again; mended it is one prompt
        await until(lambda: area(app).text == "x" and app.screen.query_one("#prompt-field").display)
        assert given[1] == answers[0] and "Rate {{ review text }}" in given[0]
        assert screen(app).form.draft.messages == ()


async def test_a_file_is_written_with_its_progress_and_escape_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_seen = threading.Event()

    def make_slowly(*args: Any, cancelled: Callable[[], bool], **more: Any) -> MadeFile:
        """Make the file as ever, but go on after the first megabyte only once its progress was seen."""
        return make_input(*args, cancelled=lambda: was_seen.wait(20) and cancelled(), **more)

    monkeypatch.setattr("tbatch_tui.tui.screens.compose.writing.make_input", make_slowly)
    path = tmp_path / "many.csv"
    path.write_text("a\n" + "".join(f"{number} {'word ' * 400}\n" for number in range(1_500)), encoding="utf-8")
    async with compose(tmp_path, path) as (app, pilot):
        await ready(app)
        screen(app).take_draft(Draft(model="m/m", prompt="{{ a }}"))
        screen(app).pane.view.focus()
        await pilot.press("enter")
        await until(lambda: "Writing the requests" in app.text and " of 3.0 MB" in app.text)
        assert app.screen.query_one("#parts").size.width == app.screen.size.width
        await pilot.press("escape")
        was_seen.set()
        await until(lambda: any("Stopped" in message.title for message in app.bridge.log))
        assert screen(app).is_current and not screen(app).writing.label and not app.posted
        assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["many.csv"]
        await pilot.press("enter")
        await until(lambda: app.posted)
        assert len(requests(app)) == 1_500


async def test_models_of_the_catalogue_with_price_and_context(tmp_path: Path, sandbox: Sandbox) -> None:
    online = offline(tmp_path, base_url=sandbox.base_url, api_key=sandbox.key)
    path = reviews(tmp_path, "1,Great,en", f"2,{'word ' * 300_000},en")
    async with shown(online, lambda e, b: ComposeScreen(e, b, path), (110, 50)) as (app, pilot):
        await ready(app)
        await until(lambda: len(screen(app)._catalogue) > 0)
        app.screen.query_one("#model").focus()
        await until(lambda: "⏎ Models" in app.text)
        await pilot.press("enter")
        await until(lambda: any(isinstance(message, OpenModels) for message in app.posted))
        [opened] = [message for message in app.posted if isinstance(message, OpenModels)]
        assert opened.take is not None
        opened.take(CHAT_MODEL)
        await until(lambda: "tokens of context" in app.text and "per 1M tokens" in app.text)
        app.screen.query_one("#max_tokens").focus()
        await until(lambda: "⏎ To Check" in app.text)
        await pilot.press(*"10")
        await type_prompt(app, pilot)
        await until(lambda: "up to about $" in app.text)
        await until(
            lambda: (
                "1 problem · row 2, column review text: about 375,006 prompt tokens; the model takes 131,062"
                in app.text
            )
        )
        app.screen.query_one("#prompt").focus()
        await pilot.press("escape", "enter")
        await until(lambda: "No file can be written yet" in app.text)
        assert not list(tmp_path.glob("*.jsonl"))
        await pilot.press("escape")
        app.screen.query_one("#model").focus()
        await pilot.press("end", *"xx")
        await until(lambda: "not in the catalogue" in app.text)


async def test_hostile_cells_and_names_are_harmless(tmp_path: Path) -> None:
    path = tmp_path / "[bad] x.csv"
    path.write_text('"na[/]me","b\x1b[2J"\n"{{ b }} [/red]\x1b]52;c;x\x07","\u202etxt"\n', encoding="utf-8")
    async with compose(tmp_path, path, (80, 24)) as (app, pilot):
        await ready(app)
        app.screen.query_one(ColumnTable).focus()
        await pilot.press("G", "enter", "escape")
        await until(lambda: "Row 1" in app.text)


async def test_a_resize_before_the_fields_are_there_is_no_fault(tmp_path: Path) -> None:
    path = reviews(tmp_path, "1,Great,en")
    async with shown(offline(tmp_path), lambda e, b: ComposeScreen(e, b, path), (110, 50)) as (app, _):
        await ready(app)
        first = screen(app)
        for ticks in range(0, 12, 2):
            another = ComposeScreen(first.engine, first.bridge, path)
            mounting = app.push_screen(another)
            for _tick in range(ticks):
                await asyncio.sleep(0)
            another.on_resize()
            for form in another.query(DraftForm):
                form.on_resize()
            await mounting
            await app.pop_screen()
        assert "No model is named" in app.text
