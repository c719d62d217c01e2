"""`tbatch-tui check` as a shell runs it: what it prints where, and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.check_lines import audio, chat, dumped, saved
from tests.helpers.link_server import serving

CODE = "import sys; from tbatch_tui.cli.dispatch import main; sys.exit(main())"


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CODE, "check", *map(os.fspath, map(str, arguments))]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return saved(tmp_path, dumped(chat("a"), chat("b")), "good.jsonl")


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return saved(tmp_path, dumped(chat("a"), chat("a"), b"{"), "bad.jsonl")


def test_clean_file(good: Path) -> None:
    done = run(good)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{good}: no problems · 2 requests · 300 bytes · chat completions\n"


def test_problems(bad: Path) -> None:
    done = run(bad)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{bad}:2:15: error duplicate-custom-id: duplicate custom_id (first used on line 1) (a)",
        f"{bad}:3:2: error not-json: not JSON: expecting property name enclosed in double quotes",
    ]
    assert done.stderr == f"{bad}: 2 errors · 3 requests · 302 bytes · chat completions\n"


def test_warnings_alone_are_no_failure(tmp_path: Path) -> None:
    done = run(saved(tmp_path, dumped(chat(), b"")))
    assert (done.returncode, done.stdout.count("warning blank-line")) == (0, 1)


def test_status_of_several_files(good: Path, bad: Path) -> None:
    assert run(good, bad).returncode == 1
    done = run(bad, good.with_name("none.jsonl"), good)
    assert done.returncode == 2
    assert f"{good.with_name('none.jsonl')} does not exist. Check the spelling" in done.stderr
    assert "no problems" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--select", "nonsense", "x"], ["--processes", "9", "x"], ["--nonsense"]])
def test_bad_use(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage: tbatch-tui check" in done.stderr


def test_select_and_ignore(bad: Path) -> None:
    assert "duplicate" not in run(bad, "--ignore", "duplicate-custom-id,crlf").stdout
    assert run(bad, "--select", "duplicate-custom-id").stdout.count("\n") == 1
    done = run(bad, "--ignore", "duplicate-custom-id", "--ignore", "not-json")
    assert (done.returncode, done.stdout) == (0, "")


def test_more_problems_than_are_shown(tmp_path: Path) -> None:
    path = saved(tmp_path, b"\n" * 100_002 + b"{\n")
    done = run(path)
    assert (done.returncode, done.stdout.count("\n")) == (1, 100_000)
    assert "1 error · 100,002 warnings · 3 not shown" in done.stderr
    done = run("--select", "not-json", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "1 error · 1 not shown" in done.stderr


def test_json(bad: Path, good: Path) -> None:
    done = run("--json", bad, good.with_name("none.jsonl"))
    document = json.loads(done.stdout)
    first, second = document["files"]
    assert (document["status"], done.returncode) == (2, 2)
    assert (first["path"], first["errors"], first["requests"], first["lines"]) == (str(bad), 2, 3, 3)
    assert first["endpoint"] == "/v1/chat/completions"
    assert first["counts"] == {"not-json": 1, "duplicate-custom-id": 1}
    assert first["longest_line"] == 149
    assert first["problems"][0] == {
        "line": 2,
        "column": 15,
        "severity": "error",
        "rule": "duplicate-custom-id",
        "message": "duplicate custom_id (first used on line 1)",
        "mend": "Give each line its own custom_id",
        "custom_id": "a",
        "offset": 150,
        "length": 149,
    }
    assert second["trouble"].endswith("does not exist")


def test_standard_input() -> None:
    done = run("-", input=dumped(chat("a"), chat("a")).decode())
    assert done.returncode == 1
    assert done.stdout == "-:2:15: error duplicate-custom-id: duplicate custom_id (first used on line 1) (a)\n"
    assert run("-", "--fix", input="").returncode == 2


def test_fix(bad: Path) -> None:
    done = run("--fix", bad)
    fixed = bad.with_name("bad.fixed.jsonl")
    assert done.returncode == 1
    assert done.stdout.startswith(f"{fixed}:3:2: error not-json")
    assert f"{bad}: wrote a fixed copy to {fixed} (1 line fixed)\n" in done.stderr
    done = run("--fix", "--reject", bad)
    assert (done.returncode, done.stdout) == (0, "")
    rejected = bad.with_name("bad.rejected2.jsonl")
    assert f"{bad}: 1 line moved to {rejected}\n" in done.stderr
    assert rejected.read_bytes() == b"{\n"
    assert len(bad.read_bytes().splitlines()) == 3


def test_fix_of_chosen_rules(tmp_path: Path) -> None:
    path = saved(tmp_path, dumped(chat("a"), chat("a", stream=True), b""))
    fixed = path.with_name("requests.fixed.jsonl")
    assert run("--fix-only", "stream,crlf", path).returncode == 1
    assert fixed.read_bytes() == dumped(chat("a"), chat("a"), b"")
    fixed.unlink()
    document = json.loads(run("--fix-only", "blank-line", "--reject", "--json", path).stdout)
    rejected = path.with_name("requests.rejected.jsonl")
    assert document["files"][0]["path"] == str(fixed)
    assert document["files"][0]["fixed"] == {
        "from": str(path),
        "mended": 1,
        "rejected": str(rejected),
        "rejected_lines": 1,
    }
    assert fixed.read_bytes() == dumped(chat("a"))
    assert rejected.read_bytes() == dumped(chat("a", stream=True))
    assert "not-json cannot be fixed automatically" in run("--fix-only", "not-json", path).stderr
    assert "--reject needs --fix" in run("--reject", path).stderr


def test_a_model_is_named_where_there_is_none(tmp_path: Path) -> None:
    path = saved(tmp_path, dumped(chat("a"), chat("b", model="")))
    done = run("--fix", path)
    assert done.returncode == 1
    assert f"{path}: --model NAME sets the model on every line without one\n" in done.stderr
    assert run("--fix", "--model", "other", path).returncode == 0
    assert path.with_name("requests.fixed.jsonl").read_bytes() == dumped(chat("a"), chat("b", model="other"))
    assert "--model needs --fix" in run("--model", "other", path).stderr
    assert "a model needs a name" in run("--fix", "--model", " ", path).stderr


def test_the_map_of_shortened_ids_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path, dumped(chat("x" * 65)))
    done = run("--fix", path)
    assert done.returncode == 0
    assert f"{path}: the original ids are in {path.with_name('requests.fixed.ids.csv')}\n" in done.stderr
    document = json.loads(run("--fix", "--json", path).stdout)
    assert document["files"][0]["fixed"]["ids"] == str(path.with_name("requests.fixed2.ids.csv"))


def test_an_ignored_rule_is_neither_mended_nor_left_out(bad: Path) -> None:
    assert run("--fix", "--reject", "--ignore", "not-json", bad).returncode == 0
    assert bad.with_name("bad.fixed.jsonl").read_bytes() == dumped(chat("a"), chat("a-dup2"), b"{")
    assert not bad.with_name("bad.rejected.jsonl").exists()


def test_nothing_to_fix(good: Path) -> None:
    assert run("--fix", good).returncode == 0
    assert json.loads(run("--fix", "--json", good).stdout)["files"][0]["fixed"] is None
    hopeless = saved(good.parent, b"{\n")
    done = run("--fix", hopeless)
    assert done.returncode == 1
    assert f"{hopeless}: nothing can be fixed automatically\n" in done.stderr
    assert not list(good.parent.glob("*.fixed*"))


HOSTILE = "\x1b]52;c;AA\x07\x9b2J\u202e\u2066\r\n\x7f\ufeff"


def test_nothing_reaches_the_terminal(tmp_path: Path) -> None:
    lines = dumped(chat(HOSTILE), chat(HOSTILE), chat("x", model=HOSTILE), chat("y", stop=HOSTILE))
    lines += dumped(chat("z", messages=[{"role": HOSTILE, "content": HOSTILE}]), {HOSTILE: 1}, {**chat(), "a": 1})
    lines += lines[-2:-1] + b'{"\x1b[2J": 1, "\x1b[2J": NaN}\n{"\\u001b": 1, "\\u001b": 2}\n'
    name = os.fsdecode(b"bad\x1b[2J\xff\n.jsonl")
    path = saved(tmp_path, lines, name)
    runs = ((1, [path]), (1, ["--json", path]), (2, [f"{path}x"]), (0, ["--fix", "--reject", path]))
    for status, arguments in runs:
        done = subprocess.run([sys.executable, "-c", CODE, "check", *arguments], capture_output=True, timeout=60)
        assert done.returncode == status
        for out in (done.stdout.decode(), done.stderr.decode()):
            assert [c for c in out if not c.isprintable() and c != "\n"] == []
            assert "Traceback" not in out
    assert b"\\x1b" in done.stdout


def test_a_terminal_without_unicode(tmp_path: Path) -> None:
    done = run(saved(tmp_path, dumped(chat("é" * 65))), env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 1
    assert "\\xe9" in done.stdout


def test_broken_pipe(tmp_path: Path) -> None:
    path = saved(tmp_path, b"{}\n" * 4_000)
    command = [sys.executable, "-c", CODE, "check", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        stderr_text = child.stderr.read()
        assert child.wait(30) == 1
    assert b"Traceback" not in stderr_text
    assert b"BrokenPipe" not in stderr_text


def test_colours_are_for_terminals(bad: Path) -> None:
    """Only the name of the severity is coloured, and only on a terminal that may show colours."""
    import pty

    def terminal_output(**environment: str) -> str:
        our_end, child_end = pty.openpty()
        command = [sys.executable, "-c", CODE, "check", bad.name]
        inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
        with subprocess.Popen(command, cwd=bad.parent, stdout=child_end, env=inherited | environment) as child:
            os.close(child_end)
            text = b""
            with suppress(OSError):  # how Linux reports that the other end is closed
                while block := os.read(our_end, 4096):
                    text += block
            assert child.wait(30) == 1
        os.close(our_end)
        return text.decode()

    plain = f"{bad.name}:3:2: error not-json: not JSON: expecting property name enclosed in double quotes\r\n"
    assert plain.replace("error", "\x1b[31merror\x1b[0m") in terminal_output(TERM="xterm")
    assert plain in terminal_output(TERM="xterm", NO_COLOR="1")
    assert plain in terminal_output(TERM="dumb")


@pytest.mark.parametrize(
    ("redirection", "status", "message"),
    [
        ("> /dev/full", 2, "The report cannot be written: No space left on device"),
        (">&-", 2, ""),
        ("2>&-", 1, ""),
        ("2> /dev/full", 1, ""),
        ("- <&-", 2, "Standard input is closed. Name the file instead"),
        ("- - < /dev/null", 2, "error: standard input can only be read once"),
        ("''", 2, "A file name is empty. Name the JSONL file"),
    ],
)
def test_unusual_streams_end_without_a_traceback(bad: Path, redirection: str, status: int, message: str) -> None:
    shell = f"{sys.executable} -c '{CODE}' check {bad.name} {redirection}"
    done = subprocess.run(shell, shell=True, cwd=bad.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert bad.name not in done.stdout.replace(f"{bad.name}:2:15: ", "").replace(f"{bad.name}:3:2: ", "")


def test_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = saved(tmp_path, dumped(chat()), os.fsdecode(b"caf\xe9.jsonl"))
    document = json.loads(run("--json", path).stdout)
    assert document["files"][0]["path"] == f"{tmp_path}/caf\\xe9.jsonl"
    assert "caf\\xe9.jsonl: no problems" in run(path).stderr


def test_the_example_of_the_docs_is_what_is_printed(bad: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
    shown = json.loads(page.split("\n## check\n")[1].split("```json")[1].split("```")[0])
    document = json.loads(run("--json", bad.name, "none.jsonl", cwd=bad.parent).stdout)
    first, second = document["files"]
    assert document["status"] == shown["status"]
    assert second == shown["files"][1]
    same = {"path": "evals.jsonl", "seconds": 0.015, "problems": first["problems"][:1]}
    assert first | same == shown["files"][0]


def test_links_are_looked_at_where_that_is_asked_for(tmp_path: Path) -> None:
    with serving() as server:
        lines = [audio(path, file=f"{server.url}/{path}") for path in ("ranged", "404", "login", "503")]
        path = saved(tmp_path, dumped(*lines, audio("again", file=f"{server.url}/404")))
        assert run(path).returncode == 0
        assert server.asked == []
        done = run("--urls", path)
        assert done.returncode == 1
        assert len(server.asked) == 4
        assert f'{path}:2:57: error url-gone: 127.0.0.1 answers 404 Not Found: "{server.url}/404" (404)' in done.stdout
        assert f"{path}:3:59: error url-login-page: 127.0.0.1 answers with a web page" in done.stdout
        assert f"{path}:4:57: warning url-unreachable: 127.0.0.1 answers 503" in done.stdout
        assert f"{path}:5:59: error url-gone" in done.stdout
        assert done.stdout.count("warning private-host") == 5
        assert f"{path}: 4 links checked, 1 fine (0.1 MB). Together's network may get different" in done.stderr
        document = json.loads(run("--urls", "--json", "--ignore", "url-gone,url-login-page", path).stdout)
        assert document["status"] == 0
        [report] = document["files"]
        assert report["urls"] == {"looked": 4, "fine": 1, "bytes": 50_004}
        assert report["counts"] == {"private-host": 5, "url-unreachable": 1}
    good = saved(tmp_path, dumped(chat()), "good.jsonl")
    assert "there are no links to audio files or images" in run("--urls", good).stderr
