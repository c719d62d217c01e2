"""`try`: some lines at once, each sent once, with the price before and exit codes to go by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.cli.dispatch import main
from tbatch_tui.sandbox.testing import Sandbox
from tests.conftest import CHAT_MODEL, write_chat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CHAT = "/v1/chat/completions"
Try = Any


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(speed=0) as sandbox:
        yield sandbox


@pytest.fixture
def try_file(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Return what tries a file of twenty requests: exit code, output and messages."""
    monkeypatch.setenv("TOGETHER_API_KEY", box.key)
    monkeypatch.setenv("TOGETHER_BASE_URL", box.base_url)
    monkeypatch.chdir(tmp_path)
    write_chat(tmp_path / "r.jsonl", [f"Question {n}" for n in range(20)])

    def run(*arguments: str, name: str = "r.jsonl") -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["try", name, "--data-dir", str(tmp_path / "data"), *arguments])
        return code, *capsys.readouterr()

    yield run
    box.clear_faults()


def test_the_first_line_is_asked_once_with_the_price_before_and_the_meaning_after(try_file: Try, box: Sandbox) -> None:
    before = box.count("POST", CHAT)
    code, out, err = try_file()
    assert code == 0 and box.count("POST", CHAT) == before + 1
    assert out.startswith("line 1 · request-1 · ok · ") and len(out.splitlines()) > 1
    asking, told = err.splitlines()
    assert asking.startswith(f"Asking line 1 now, {CHAT_MODEL}: at most $0.00") and "real-time price" in asking
    assert told.startswith("1 answered · ") and "× 20 ≈ " in told


def test_json_has_the_lines_that_were_asked_for_and_kept_shows_them_without_a_key(
    try_file: Try, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = try_file("--line", "7", "--line", "3", "--json")
    rows = json.loads(out)
    assert code == 0 and [row["line"] for row in rows] == [3, 7]
    assert list(rows[0]) == [
        "line", "custom_id", "outcome", "answer", "prompt_tokens", "completion_tokens", "seconds", "cost"
    ]  # fmt: skip
    assert rows[0]["custom_id"] == "request-3" and rows[0]["outcome"] == "ok" and rows[0]["answer"]
    assert rows[0]["cost"] == pytest.approx((rows[0]["prompt_tokens"] + rows[0]["completion_tokens"]) * 0.88e-6)
    monkeypatch.delenv("TOGETHER_API_KEY")
    before = len(box.requests)
    code, out, err = try_file("--line", "3", "--line", "4", "--json", "--kept")
    assert (code, json.loads(out), err) == (0, rows[:1], "") and len(box.requests) == before


def test_a_sample_is_drawn_again_by_its_seed(try_file: Try) -> None:
    first, second = (json.loads(try_file("--sample", "4", "--seed", "7", "--json")[1]) for _ in range(2))
    numbers = [row["line"] for row in first]
    assert numbers == sorted(numbers) == [row["line"] for row in second] and len(set(numbers)) == 4


@pytest.mark.parametrize(
    ("kind", "more", "code", "outcome"),
    [
        ("status", {"status": 400}, 1, "error"),
        ("status", {"status": 429, "headers": {"x-ratelimit-reset": "9"}}, 1, "error"),
        ("status", {"status": 503}, 3, "lost"),
        ("close-after", {}, 3, "lost"),
        ("html", {}, 3, "lost"),
    ],
)
def test_what_is_refused_is_1_and_what_is_lost_is_3_and_nothing_is_sent_twice(
    kind: str, more: dict[str, Any], code: int, outcome: str, try_file: Try, box: Sandbox
) -> None:
    box.plan_fault(kind, CHAT, to=None, **more)
    before = box.count("POST", CHAT)
    got, out, err = try_file("--json")
    [row] = json.loads(out)
    assert (got, row["outcome"], box.count("POST", CHAT)) == (code, outcome, before + 1)
    if outcome == "lost":
        assert (row["answer"], row["cost"]) == (None, None) and "1 answer lost" in err
    else:
        assert str(more["status"]) in row["answer"] and row["cost"] == 0.0


def test_what_cannot_be_asked_sends_nothing(try_file: Try, box: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"custom_id": "a"}\n{"body": {"temperature": NaN}}\n', encoding="utf-8")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    before = len(box.requests)
    for arguments, name, words in (
        (("--line", "21"), "r.jsonl", "no request in line 21"),
        (("--sample", "11"), "r.jsonl", "At most 10"),
        ([part for n in range(1, 12) for part in ("--line", str(n))], "r.jsonl", "At most 10"),
        ((), "bad.jsonl", "Line 1 is not a request"),
        (("--line", "2"), "bad.jsonl", "Line 2 cannot be sent as JSON"),
        ((), "gone.jsonl", "does not exist"),
        ((), "table.csv", "cannot be tried"),
    ):
        code, out, err = try_file(*arguments, name=name)
        assert (code, out) == (2, "") and words in err, (arguments, name, err)
    assert len(box.requests) == before


def test_without_a_connection_it_is_3(try_file: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(speed=0) as gone:
        pass
    monkeypatch.setenv("TOGETHER_BASE_URL", gone.base_url)
    code, out, err = try_file()
    assert (code, out) == (3, "") and "No connection" in err
