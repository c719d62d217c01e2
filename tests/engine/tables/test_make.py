"""Making input files: each request is its row's, in order, the same bytes twice, and all or nothing."""

from __future__ import annotations

import csv
import hashlib
import os
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.check import check_file
from tbatch_tui.engine.errors import BatchError, LocalFileError, OperationCancelledError
from tbatch_tui.engine.tables.make import NothingToAskError, make_input, preview_requests
from tbatch_tui.engine.tables.problems import FaultyTableError
from tbatch_tui.engine.tables.readers.open_source import open_source
from tbatch_tui.engine.tables.recipe import Recipe, RecipeError, RowChoice
from tbatch_tui.engine.tables.recipe_file import read_recipe
from tbatch_tui.engine.tables.requests.builder import MissingColumnError
from tests.engine.tables.conftest import ids_in, prompts_in, requests_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.tables.conftest import Make

_CELL = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["{{ b }}", "{% raw %}", "x" * 9_000, "\x00", '"', "a\r\nb\n", "🙂", "{", "\\", "=1+1", "007"]
)


def table(path: Path, rows: list[list[str]], header: tuple[str, ...] = ("a", "b c")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return path


def problems_of(error: pytest.ExceptionInfo[FaultyTableError]) -> list[str]:
    return [str(problem) for problem in error.value.problems]


@given(st.lists(st.lists(_CELL, min_size=2, max_size=2), min_size=1, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_request_is_its_rows_in_order_and_the_same_bytes_twice(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("make")
    source = table(folder / "t.csv", rows)
    recipe = Recipe(
        model="m", system="S {{ b c }}", prompt="<{{ a }}|{{ b c }}>{", rows=RowChoice(empty="keep"), body={"seed": 1}
    )
    made = make_input(recipe, open_source(str(source)), folder / "one.jsonl")
    requests = requests_in(made.path)
    assert [request["body"]["messages"][1]["content"] for request in requests] == [f"<{a}|{b}>{{" for a, b in rows]
    assert [request["body"]["messages"][0]["content"] for request in requests] == [f"S {b}" for _, b in rows]
    assert [request["custom_id"] for request in requests] == [f"row-{n:04d}" for n in range(1, len(rows) + 1)]
    assert (made.rows, made.requests, made.jobs) == (len(rows), len(rows), 1)
    data = made.path.read_bytes()
    assert made.sha256 == hashlib.sha256(data).hexdigest()
    assert made.size == len(data)
    assert check_file(made.path).is_ok
    again = make_input(read_recipe(made.recipe_path), open_source(str(source)), folder / "two.jsonl")
    assert again.path.read_bytes() == data
    assert again.recipe == made.recipe


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c"]), min_size=2, max_size=2), min_size=1, max_size=30))
def test_once_asks_each_request_the_first_time_it_comes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("once")
    recipe = Recipe(model="m", prompt="{{ a }}", rows=RowChoice(once=True))
    made = make_input(recipe, open_source(str(table(folder / "t.csv", rows))), folder / "o.jsonl")
    firsts = list(dict.fromkeys(row[0] for row in rows))
    assert prompts_in(made.path) == firsts
    assert ids_in(made.path) == [f"row-{[row[0] for row in rows].index(a) + 1:04d}" for a in firsts]
    assert made.asked_once == len(rows) - len(firsts)
    plain = Recipe(model="m", prompt="{{ a }}")
    assert make_input(plain, open_source(str(folder / "t.csv")), folder / "p.jsonl").repeats == made.asked_once


# -- which rows ----------------------------------------------------------------------------------------


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    rows = [[f"text {number}", "de" if number % 2 else "en"] for number in range(1, 11)]
    return table(tmp_path / "ten.csv", rows, ("text", "lang"))


def test_rows_where_and_sample_apply_in_this_order(make: Make, ten: Path) -> None:
    made = make(ten, {"first": 3, "last": 8, "where": ("lang=de",)}, prompt="{{ text }}")
    assert ids_in(made.path) == ["row-0003", "row-0005", "row-0007"]
    assert made.left_out == {"not in rows 3-8": 4, "lang is different": 3}
    assert made.rows == 10
    some = make(ten, {"where": ("lang=de",), "sample": 2, "seed": 1}, prompt="{{ text }}")
    assert len(ids_in(some.path)) == 2
    assert ids_in(some.path) == sorted(ids_in(some.path))
    assert set(ids_in(some.path)) < {f"row-{number:04d}" for number in (1, 3, 5, 7, 9)}
    assert some.left_out == {"lang is different": 5, "not drawn for the sample": 3}


def test_conditions_are_exact_text_and_all_hold(make: Make, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", [["1", "x"], ["01", "x"], ["1", "X"], ["1", ""]], ("a=b", "c"))
    assert ids_in(make(path, {"where": ("a=b=1", "c=x")}, prompt="{{ c }}").path) == ["row-0001"]
    made = make(path, {"where": ("c=",), "empty": "keep"}, prompt="{{ c }}")
    assert ids_in(made.path) == ["row-0004"]


def test_a_seed_draws_the_same_rows_and_one_that_is_drawn_is_written_down(make: Make, ten: Path) -> None:
    drawn = [ids_in(make(ten, {"sample": 3, "seed": seed}, prompt="{{ text }}").path) for seed in range(30)]
    assert ids_in(make(ten, {"sample": 3, "seed": 7}, prompt="{{ text }}").path) == drawn[7]
    assert len({id for ids in drawn for id in ids}) == 10
    made = make(ten, {"sample": 3}, prompt="{{ text }}")
    assert made.recipe.rows.seed is not None
    assert f"seed = {made.recipe.rows.seed}" in made.recipe_path.read_text()
    again = make_input(read_recipe(made.recipe_path), open_source(str(ten)), ten.with_name("again.jsonl"))
    assert again.path.read_bytes() == made.path.read_bytes()
    assert len(ids_in(make(ten, {"sample": 99}, prompt="{{ text }}").path)) == 10


def test_no_row_is_left(make: Make, ten: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingToAskError):
        make(ten, {"where": ("lang=fr",)}, prompt="{{ text }}")
    assert [path.name for path in tmp_path.iterdir()] == ["ten.csv"]


def test_a_source_without_rows_is_called_so(make: Make, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "t.csv").write_text("text\n", encoding="utf-8")
    for name, words in (("folder", "folder has no files"), ("t.csv", "t.csv has no rows")):
        with pytest.raises(NothingToAskError, match=words):
            make(tmp_path / name, prompt="{{ text }}")


# -- empty cells ---------------------------------------------------------------------------------------


def test_empty_cells_are_errors_unless_said_otherwise(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": "x", "b": 1}\n{"a": "", "b": 2}\n{"b": null}\n{"a": null, "b": 0}\n')
    with pytest.raises(FaultyTableError) as caught:
        make(path, prompt="{{ a }}")
    assert problems_of(caught) == [f"row {row}, column a: the cell is empty" for row in (2, 3, 4)]
    made = make(path, {"empty": "skip"}, prompt="{{ a }}")
    assert prompts_in(made.path) == ["x"]
    assert made.left_out == {"a is empty": 3}
    assert prompts_in(make(path, {"empty": "keep"}, prompt="<{{ a }}>").path) == ["<x>", "<>", "<>", "<>"]
    with pytest.raises(FaultyTableError):
        make(path, prompt="{{ b }}")


def test_na_is_text(make: Make, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", [["NA", "NaN"], ["null", "None"]])
    assert prompts_in(make(path, prompt="{{ a }} {{ b c }}").path) == ["NA NaN", "null None"]


# -- custom_ids ----------------------------------------------------------------------------------------


def test_ids_of_a_column(make: Make, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", [["x", "1"], ["007", "2"], ["é" * 64, "3"]])
    assert ids_in(make(path, prompt="{{ b c }}", id="a").path) == ["x", "007", "é" * 64]


def test_ids_that_cannot_be_used_are_named(make: Make, tmp_path: Path) -> None:
    path = table(
        tmp_path / "t.csv", [["x", "1"], ["", "2"], ["x" * 65, "3"], ["y", "4"], ["x", "5"], ["y", "6"], ["x", "7"]]
    )
    with pytest.raises(FaultyTableError) as caught:
        make(path, prompt="{{ b c }}", id="a")
    assert problems_of(caught) == [
        "row 2, column a: the id is empty",
        "row 3, column a: the id has 65 characters (max. 64)",
        "row 5, column a: duplicate id x (first used in row 1)",
        "row 6, column a: duplicate id y (first used in row 4)",
        "row 7, column a: duplicate id x (first used in row 1)",
    ]


def test_the_first_twenty_problems_are_named_and_the_rest_is_counted(make: Make, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", [["same", "x"]] * 2_001)
    with pytest.raises(FaultyTableError) as caught:
        make(path, prompt="{{ b c }}", id="a")
    assert len(caught.value.problems) == 20
    assert caught.value.total == 2_000


def test_once_takes_the_id_of_the_first_row(make: Make, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", [["x", "1"], ["x", "1"], ["y", "2"]])
    assert ids_in(make(path, {"once": True}, prompt="{{ b c }}", id="a").path) == ["x", "y"]
    path = table(tmp_path / "t.csv", [["x", "1"], ["x", "2"]])
    with pytest.raises(FaultyTableError, match="duplicate id x"):
        make(path, {"once": True}, prompt="{{ b c }}", id="a")


def test_ids_of_a_folder_are_paths(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    (folder / "sub").mkdir(parents=True)
    long = f"{'d' * 70}.txt"
    for name in ("b.txt", "sub/a.txt", long):
        (folder / name).write_text(f"of {name}")
    made = make(folder, prompt="{{ name }}: {{ text }}")
    digest = hashlib.sha256(long.encode()).hexdigest()[:8]
    assert ids_in(made.path) == ["b.txt", f"{digest}-{long[-55:]}", "sub/a.txt"]
    assert all(len(id) <= 64 for id in ids_in(made.path))
    assert prompts_in(made.path)[0] == "b.txt: of b.txt"


# -- what is in a request ------------------------------------------------------------------------------


def test_body_schema_and_messages(make: Make, ten: Path) -> None:
    made = make(ten, prompt="{{ text }}", body={"temperature": 0, "stop": None}, schema="label: enum[a,b]")
    body = requests_in(made.path)[0]["body"]
    assert [*body] == ["model", "messages", "temperature", "stop", "response_format"]
    assert body["response_format"]["json_schema"]["schema"]["properties"] == {
        "label": {"type": "string", "enum": ["a", "b"]}
    }
    assert (body["temperature"], body["stop"]) == (0, None)


def test_recordings_of_a_column_and_of_a_list(make: Make, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", [["https://x.org/a%20b/c.mp3?sig=1", "hint"]], ("url", "h"))
    (request,) = requests_in(make(path, prompt="{{ h }}", audio="url").path)
    assert request == {
        "custom_id": "row-0001",
        "method": "FILE",
        "body": {"model": "m", "prompt": "hint", "file": "https://x.org/a%20b/c.mp3?sig=1"},
    }
    urls = tmp_path / "urls.txt"
    urls.write_text("https://x.org/a%20b/c.mp3?sig=1\n  https://x.org \n")
    made = make(urls, audio=True)
    assert ids_in(made.path) == ["a%20b/c.mp3", "x.org"]
    assert check_file(made.path).is_ok
    urls.write_text("https://x.org/a\nfile:///etc/passwd\nhttps://y.org/a\n")
    with pytest.raises(FaultyTableError) as caught:
        make(urls, audio=True)
    assert problems_of(caught) == [
        "row 2, column text: file:///etc/passwd is not an http or https URL of a recording",
        "row 3, column text: duplicate id a (first used in row 1)",
    ]


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def test_images_are_urls_or_files_beside_the_table(make: Make, tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    (tmp_path / "pics" / "a.png").write_bytes(PNG)
    path = table(tmp_path / "t.csv", [["pics/a.png", "1"], ["https://x.org/b.jpg", "2"]], ("pic", "n"))
    made = make(path, prompt="Look: {{ n }}", image="pic")
    contents = [request["body"]["messages"][0]["content"] for request in requests_in(made.path)]
    assert contents[0][0] == {"type": "text", "text": "Look: 1"}
    assert contents[0][1]["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")
    assert contents[1][1] == {"type": "image_url", "image_url": {"url": "https://x.org/b.jpg"}}
    assert ids_in(make(tmp_path / "pics", prompt="Look", image="path").path) == ["a.png"]


def test_images_that_cannot_be_sent_are_named(make: Make, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "text.png").write_bytes(b"no image")
    with (tmp_path / "big.png").open("wb") as file:
        file.write(PNG)
        file.truncate(9_000_000)
    path = table(tmp_path / "t.csv", [["a.png"], ["none.png"], ["text.png"], ["big.png"]], ("pic",))
    with pytest.raises(FaultyTableError) as caught:
        make(path, prompt="Look", image="pic")
    none, text, big = problems_of(caught)
    assert none.startswith("row 2, column pic: the image none.png cannot be read")
    assert text.startswith("row 3, column pic: text.png is not a PNG, JPEG, GIF or WebP image")
    assert big.startswith("row 4, column pic: the image has 9.0 MB")


def test_a_request_over_the_limit_of_a_line_is_named(make: Make, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", [["x", "1"], ["y" * (11 << 20), "2"]])
    with pytest.raises(FaultyTableError) as caught:
        make(path, prompt="{{ a }}")
    assert problems_of(caught) == ["row 2, column a: the request has 11.5 MB (max. 10 MB per line)"]


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"prompt": "{{ tex }}"}, "Did you mean text?"),
        ({"prompt": "{{ text }}", "system": "{{ txt }}"}, "The system uses a column that does not exist: txt"),
        ({"prompt": "{{ text }}", "id": "Lang"}, "--id: there is no column Lang. Did you mean lang?"),
        ({"prompt": "{{ text }}", "image": "pic"}, "--image: there is no column pic"),
        ({"prompt": "{{ text }}", "rows": {"where": ("land=de",)}}, "--where: there is no column land"),
        ({"audio": True}, "--audio needs the column"),
    ],
)
def test_an_unknown_column_is_an_error_before_any_row(
    make: Make, ten: Path, tmp_path: Path, recipe: dict[str, Any], words: str
) -> None:
    with pytest.raises(BatchError) as caught:
        make(ten, recipe.pop("rows", None), **recipe)
    assert words in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["ten.csv"]


def test_a_folder_of_recordings_is_refused(make: Make, tmp_path: Path) -> None:
    (tmp_path / "sound").mkdir()
    with pytest.raises(MissingColumnError, match="have no URLs"):
        make(tmp_path / "sound", audio=True)


# -- all or nothing ------------------------------------------------------------------------------------


def test_nothing_is_written_where_a_row_has_a_problem(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "x,y\n" * 20_000 + "x\n")
    with pytest.raises(FaultyTableError) as caught:
        make(path, prompt="{{ a }}" * 50)
    assert problems_of(caught) == ["row 20001: 1 cell instead of 2 (line 20,002)".replace("20001", "20,001")]
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_names_that_are_taken_are_left_alone(make: Make, ten: Path, tmp_path: Path) -> None:
    for name in ("out1.jsonl", "out2.recipe.toml"):
        (tmp_path / name).write_text("mine")
    for _ in range(2):
        with pytest.raises(LocalFileError, match="already exists"):
            make(ten, prompt="{{ text }}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out1.jsonl", "out2.recipe.toml", "ten.csv"]
    assert (tmp_path / "out1.jsonl").read_text() == (tmp_path / "out2.recipe.toml").read_text() == "mine"


def test_it_can_be_stopped(ten: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", [["x" * 9_000, "y"]] * 500)
    recipe = Recipe(model="m", prompt="{{ a }}")
    with pytest.raises(OperationCancelledError):
        make_input(recipe, open_source(str(path)), tmp_path / "o.jsonl", cancelled=lambda: True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv", "ten.csv"]
    assert ten.exists()


def test_a_killed_make_leaves_no_file_under_its_name(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", [[f"text {number} " * 50, "y"] for number in range(60_000)])
    out = tmp_path / "o.jsonl"
    command = [sys.executable, "-m", "tbatch_tui", "make", str(path), "-m", "m", "-p", "{{ a }}", "-o", str(out)]
    process = subprocess.Popen([*command, "--data-dir", str(tmp_path / "data")], stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 60
    while not [part for part in tmp_path.glob(".*.part") if part.stat().st_size] and process.poll() is None:
        assert time.monotonic() < give_up
    process.kill()
    process.wait()
    assert not out.exists()
    assert not (tmp_path / "o.recipe.toml").exists()


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_what_is_made_of_a_private_table_is_private(make: Make, ten: Path, tmp_path: Path) -> None:
    ten.chmod(0o600)
    made = make(ten, prompt="{{ text }}")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (made.path, made.recipe_path)} == {0o600}
    ten.chmod(0o644)
    made = make(ten, prompt="{{ text }}")
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o644
    (tmp_path / "p.png").write_bytes(PNG)
    (tmp_path / "p.png").chmod(0o600)
    path = table(tmp_path / "t.csv", [["p.png"]], ("pic",))
    assert stat.S_IMODE(make(path, prompt="x", image="pic").path.stat().st_mode) == 0o600


def test_the_recipe_says_what_was_read(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "sub"
    folder.mkdir()
    path = folder / "t.csv"
    path.write_bytes("a;b\né;1\n".encode("cp1252"))
    made = make(path, prompt="{{ a }}", encoding="cp1252")
    source = made.recipe.source
    assert source is not None
    assert (source.path, source.format, source.rows) == ("sub/t.csv", "csv", 1)
    assert (source.encoding, source.delimiter) == ("cp1252", ";")
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert made.recipe_text == made.recipe_path.read_text(encoding="utf-8")


def test_a_recipe_without_a_prompt_is_refused_before_anything(make: Make, ten: Path) -> None:
    with pytest.raises(RecipeError, match="no prompt"):
        make(ten)


def test_a_preview_shows_what_would_be_written(make: Make, ten: Path) -> None:
    made = make(ten, prompt="{{ text }}")
    lines, problems = preview_requests(Recipe(model="m", prompt="{{ text }}"), open_source(str(ten)), 3)
    assert b"".join(lines) == b"".join(made.path.read_bytes().splitlines(keepends=True)[:3])
    assert problems.total == 0


def test_memory_grows_by_40_bytes_a_row_at_most(tmp_path: Path) -> None:
    """Both counts of rows are so high that what does not grow with them is the same."""
    code = (
        "import resource, sys; from pathlib import Path; from tbatch_tui.engine.tables.make import *;"
        "from tbatch_tui.engine.tables.readers.open_source import open_source;"
        "from tbatch_tui.engine.tables.recipe import Recipe;"
        "make_input(Recipe(model='m', prompt='{{ b c }}', id='a'), open_source(sys.argv[1]), Path(sys.argv[1] + 'l'));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
    )
    peaks = []
    for count in (100_000, 300_000):
        path = tmp_path / f"{count}.csv"
        with path.open("w") as file:
            file.write("a,b c\n")
            file.writelines(f"id{number},text {number}\n" for number in range(count))
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert (peaks[1] - peaks[0]) / 200_000 <= 40


def test_a_prompt_over_the_models_context_is_a_problem_of_its_row(tmp_path: Path) -> None:
    """What is estimated a little over it is asked: the estimate may be wrong by half."""
    long, longer = "word " * 400, "word " * 1_300
    source = table(tmp_path / "t.csv", [["short"], [long], [longer], ["x"]], ("a",))
    recipe = Recipe(model="m", prompt="{{ a }}", body={"max_tokens": 100})
    with pytest.raises(FaultyTableError) as caught:
        make_input(recipe, open_source(str(source)), tmp_path / "o.jsonl", context=500)
    assert problems_of(caught) == ["row 3, column a: about 1,629 prompt tokens; the model takes 400"]
    assert not (tmp_path / "o.jsonl").exists()
    assert make_input(recipe, open_source(str(source)), tmp_path / "o.jsonl", context=1_200).requests == 4
    assert make_input(recipe, open_source(str(source)), tmp_path / "p.jsonl").requests == 4
