"""`make` as it is run: without a key and a network, the path on standard output and the rest on standard error."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.link_server import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

NO_KEY: dict[str, Any] = {"TOGETHER_API_KEY": None}
NOBODY: dict[str, Any] = {"TOGETHER_API_KEY": None, "TOGETHER_BASE_URL": "http://127.0.0.1:1/v1"}


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A table of three reviews."""
    path = tmp_path / "reviews.csv"
    path.write_text("id,review,lang\nr1,Good.,en\nr2,Schlecht.,de\nr3,Good.,en\n")
    return path


def requests_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_table_becomes_a_file_with_its_recipe(run: Run, reviews: Path, tmp_path: Path) -> None:
    done = run("make", reviews.name, "-m", "m", "-p", "Label: {{ review }}", "--max-tokens", "9", env=NOBODY)
    assert (done.returncode, done.stdout) == (0, "reviews.jsonl\n")
    assert "3 rows · 3 requests · about" in done.stderr
    assert "1 row asks the same as an earlier row" in done.stderr
    assert [request["body"] for request in requests_in(tmp_path / "reviews.jsonl")] == [
        {"model": "m", "messages": [{"role": "user", "content": f"Label: {text}"}], "max_tokens": 9}
        for text in ("Good.", "Schlecht.", "Good.")
    ]
    assert (tmp_path / "reviews.recipe.toml").exists()
    again = run("make", "--recipe", "reviews.recipe.toml", env=NOBODY)
    assert (again.returncode, again.stdout) == (0, "reviews-2.jsonl\n")
    assert (tmp_path / "reviews-2.jsonl").read_bytes() == (tmp_path / "reviews.jsonl").read_bytes()
    with closing(sqlite3.connect(tmp_path / "data" / "history.db")) as database:
        assert database.execute("SELECT count(*) FROM recipes").fetchone() == (1,)


def test_options_win_over_the_recipe(run: Run, reviews: Path, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(
        'version = 1\nmodel = "m"\nprompt = "{{ review }}"\n[body]\nseed = 1\n[rows]\nwhere = ["lang=en"]\n'
    )
    done = run("make", "reviews.csv", "--recipe", "r.toml", "-m", "other", "--set", "seed=2", "--once", "-o", "o.jsonl")
    assert done.returncode == 0, done.stderr
    (request,) = requests_in(tmp_path / "o.jsonl")
    assert request["body"] == {"model": "other", "messages": [{"role": "user", "content": "Good."}], "seed": 2}
    assert "1 row left out: lang is different" in done.stderr
    assert "1 row merged" in done.stderr
    assert reviews.exists()


def test_a_recipe_that_a_person_wrote_keeps_its_comments(run: Run, reviews: Path, tmp_path: Path) -> None:
    text = '# mine\nversion = 1\nmodel = "m" # small\nprompt = "{{ review }}"\n'
    recipe = tmp_path / "o.recipe.toml"
    recipe.write_text(text)
    done = run("make", reviews.name, "--recipe", recipe.name, "-o", "o.jsonl")
    assert done.returncode == 0, done.stderr
    assert recipe.read_text().startswith(text)
    assert 'path = "reviews.csv"' in recipe.read_text()
    assert run("make", "--recipe", recipe.name, "--preview", "9").stdout == (tmp_path / "o.jsonl").read_text()
    (tmp_path / "o.jsonl").unlink()
    done = run("make", "--recipe", recipe.name, "-m", "other", "-o", "o.jsonl")
    assert done.returncode == 2
    assert "differs from these options" in done.stderr
    assert not (tmp_path / "o.jsonl").exists()


def test_files_behind_an_at_sign_and_values_of_the_body(run: Run, reviews: Path, tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("\ufeffSay:\r\n{{ review }}\n", newline="")
    (tmp_path / "s.json").write_text('{"type": "object"}')
    sets = [f"--set={text}" for text in ("temperature=0", "stop=[1e3]", "note=a=b", "user=007x", "logprobs=null")]
    done = run("make", reviews.name, "-m", "m", "-p", "@p.md", "-s", "Be brief.", "--schema", "@s.json", *sets)
    body = requests_in(tmp_path / "reviews.jsonl")[0]["body"]
    assert body["messages"][1] == {"role": "user", "content": "Say:\nGood.\n"}
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert [body[key] for key in ("temperature", "stop", "note", "user", "logprobs")] == [
        0,
        [1000.0],
        "a=b",
        "007x",
        None,
    ]
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    # Check looks at the outcome as ever, and finds that a stop sequence is a text.
    assert (done.returncode, done.stdout) == (1, "reviews.jsonl\n")
    assert "error wrong-type" in done.stderr


def test_problems_are_named_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + ",x\n" * 30)
    done = run("make", "t.csv", "-m", "m", "-p", "{{ a }}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == "t.csv: row 1, column a: the cell is empty"
    assert "t.csv: and 10 more problems" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv"]


def test_another_encoding_is_shown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("a;b\nGröße;1\n".encode("cp1252"))
    done = run("make", "t.csv", "-m", "m", "-p", "{{ a }}")
    assert done.returncode == 1
    assert "line 2 is not UTF-8" in done.stderr
    assert "cp1252     Größe;1" in done.stderr
    done = run("make", "t.csv", "-m", "m", "-p", "{{ a }}", "--encoding", "cp1252")
    assert requests_in(tmp_path / "t.jsonl")[0]["body"]["messages"][0]["content"] == "Größe", done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["reviews.csv", "-p", "x"], 1, "No model is named"),
        (["reviews.csv", "-m", "m"], 1, "There is no prompt"),
        (["reviews.csv", "-m", "m", "-p", " "], 1, "There is no prompt"),
        (["-m", "m", "-p", "x"], 2, "No source given"),
        (["none.csv", "-m", "m", "-p", "x"], 2, "none.csv does not exist"),
        (["reviews.csv", "-m", "m", "-p", "{{ revue }}"], 1, "Did you mean review?"),
        (["reviews.csv", "-m", "m", "-p", "@none.md"], 2, "none.md cannot be read"),
        (["reviews.csv", "-m", "m", "-p", "x", "--set", "messages=[]"], 2, "messages cannot be set as a parameter"),
        (["reviews.csv", "-m", "m", "-p", "x", "--set", "api_key=x"], 2, "An API key does not belong"),
        (["reviews.csv", "-m", "m", "-p", "x", "--rows", "9-2"], 2, "has no row"),
        (["reviews.csv", "-m", "m", "-p", "x", "--schema", "a: b"], 1, "at character 4"),
        (["reviews.csv", "-m", "m", "-p", "x", "-o", "reviews.csv"], 2, "already exists"),
        (["reviews.csv", "-m", "m", "-p", "x", "-o", "."], 2, "is a folder"),
        (["--recipe", "none.toml"], 2, "none.toml cannot be read"),
        (["job:none", "-m", "m", "-p", "x"], 2, "There is no job"),
    ],
)
def test_bad_use(run: Run, reviews: Path, tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    done = run("make", *arguments, env=NOBODY)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name != "data"] == [reviews.name]


def test_the_key_gets_into_no_recipe(run: Run, reviews: Path, tmp_path: Path) -> None:
    key = "a-key-of-mine-123456"
    done = run("make", reviews.name, "-m", "m", "-p", f"{{{{ review }}}} {key}", env={"TOGETHER_API_KEY": key})
    assert done.returncode == 1
    assert "The API key is in the request" in done.stderr
    assert key not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [reviews.name]


def test_force_replaces_both_files(run: Run, reviews: Path, tmp_path: Path) -> None:
    for name in ("o.jsonl", "o.recipe.toml"):
        (tmp_path / name).write_text("old")
    command = ("make", reviews.name, "-m", "m", "-p", "{{ review }}", "-o", "o.jsonl")
    assert run(*command).returncode == 2
    assert run(*command, "--force").returncode == 0
    assert len(requests_in(tmp_path / "o.jsonl")) == 3
    assert "reviews.csv" in (tmp_path / "o.recipe.toml").read_text()


def test_the_preview_writes_nothing(run: Run, reviews: Path, tmp_path: Path) -> None:
    done = run("make", reviews.name, "-m", "m", "-p", "{{ review }}", "--id", "id", "--preview", "2")
    assert [json.loads(line)["custom_id"] for line in done.stdout.splitlines()] == ["r1", "r2"]
    assert [path.name for path in tmp_path.iterdir()] == [reviews.name]


def test_more_rows_than_a_batch_takes_are_no_fault(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("".join(f"{number}\n" for number in range(50_001)))
    done = run("make", "t.txt", "-m", "m", "-p", "{{ text }}", "--max-tokens", "5")
    assert (done.returncode, done.stdout) == (0, "t.jsonl\n")
    assert "The file goes into 2 jobs" in done.stderr


def test_urls_and_a_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("https://example.com/a/b.mp3\n")
    done = run("make", "urls.txt", "-m", "openai/whisper-large-v3", "--audio", "--no-urls")
    assert (done.returncode, done.stdout) == (0, "urls.jsonl\n"), done.stderr
    assert "link" not in done.stderr
    assert run("make", "urls.txt", "-m", "w", "--audio", "text", "--no-urls").stdout == "urls-2.jsonl\n"
    assert run("make", "-m", "w", "--audio", "urls.txt", "--no-urls").stdout == "urls-3.jsonl\n"
    (tmp_path / "texts.v2").mkdir()
    (tmp_path / "texts.v2" / "a.txt").write_text("A")
    done = run("make", "texts.v2", "-m", "m", "-p", "{{ name }}: {{ text }}")
    assert done.stdout == "texts.v2.jsonl\n"
    assert requests_in(tmp_path / "texts.v2.jsonl")[0]["custom_id"] == "a.txt"


def test_links_to_recordings_are_looked_at(run: Run, tmp_path: Path) -> None:
    with serving() as server:
        (tmp_path / "urls.txt").write_text(f"{server.url}/ranged\n{server.url}/404\n")
        make = ("make", "urls.txt", "-m", "openai/whisper-large-v3", "--audio")
        assert run(*make, "--no-urls", env=NOBODY).returncode == 0
        assert server.asked == []
        done = run(*make, env=NOBODY)
        assert (done.returncode, done.stdout) == (1, "urls-2.jsonl\n")  # the file is there, with a faulty line
        assert "urls-2.jsonl:2:" in done.stderr and "error url-gone" in done.stderr
        assert "2 links checked, 1 fine" in done.stderr
        assert len(server.asked) == 2


def test_the_results_of_a_job_are_a_table(run: Run, chat_file: Path, tmp_path: Path) -> None:
    assert run("submit", chat_file.name, "--wait", "--poll-interval", "0.2", "--label", "mine").returncode == 0
    done = run("make", "job:mine", "-m", "judge", "-p", "Judge: {{ answer }}", "--id", "custom_id", env=NO_KEY)
    assert done.returncode == 0, done.stderr
    made = tmp_path / done.stdout.strip()
    assert [request["custom_id"] for request in requests_in(made)] == ["request-1", "request-2"]
    prompts = [request["body"]["messages"][0]["content"] for request in requests_in(made)]
    assert all(prompt.startswith("Judge: ") and len(prompt) > 10 for prompt in prompts)
    again = run("make", "--recipe", made.name.replace(".jsonl", ".recipe.toml"), "-o", "again.jsonl", env=NO_KEY)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again.jsonl").read_bytes() == made.read_bytes()


def test_controls_of_a_cell_do_not_reach_the_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,a\n\x1b[2Jx,1\n\x1b[2Jx,2\n")
    done = run("make", "t.csv", "-m", "m", "-p", "{{ a }}", "--id", "id")
    assert done.returncode == 1
    assert "\x1b" not in done.stderr
    assert "row 2, column id: duplicate id" in done.stderr


@pytest.mark.parametrize("end", ["", "x\n", '"x,y\n', "\xff,1\n"])
def test_a_large_table_is_read_ahead_and_gives_the_same(run: Run, tmp_path: Path, end: str) -> None:
    rows = "".join(f'{number},"text ""{number}""\nééé {"x" * 2_000}"\n' for number in range(5_000))
    (tmp_path / "t.csv").write_bytes(("a,b c\n" + rows).encode() + end.encode("latin-1"))
    command = ("make", "t.csv", "-m", "m", "-p", "{{ a }}: {{ b c }}")
    done = run(*command, "-o", "one.jsonl")
    with_ids = run(*command, "--id", "a", "-o", "two.jsonl")
    assert done.returncode == with_ids.returncode == bool(end)
    if end:
        assert done.stderr == with_ids.stderr
        assert not (tmp_path / "one.jsonl").exists()
        return
    one, two = ((tmp_path / name).read_bytes() for name in ("one.jsonl", "two.jsonl"))
    assert [line["body"] for line in map(json.loads, one.splitlines())] == [
        line["body"] for line in map(json.loads, two.splitlines())
    ]
    recipes = [
        (tmp_path / name).read_text().replace('id = "a"\n', "") for name in ("one.recipe.toml", "two.recipe.toml")
    ]
    assert recipes[0] == recipes[1]
