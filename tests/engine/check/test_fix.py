"""The fixed copy: what it changes, what it leaves, its name, and what it never overwrites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tbatch_tui.engine.check import RULES, check_file, plan_fixes, write_fixed
from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tests.helpers.check_lines import audio, chat, dumped, saved

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

BODY = b'"body": {"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}}\n'
AUDIO_BODY = b'"body": {"file": "https://example.com/a.wav", "model": "m"}}\n'


def fixed_content(folder: Path, content: bytes, rules: Collection[str] | None = None) -> bytes:
    """Return the content of the fixed copy of a file."""
    report = check_file(saved(folder, content))
    return write_fixed(plan_fixes(report), rules=rules).path.read_bytes()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"{" + BODY, b'{"custom_id": "line-1", ' + BODY),
        (b'{"custom_id": null, ' + BODY, b'{"custom_id": "line-1", ' + BODY),
        (b'{"custom_id":"", ' + BODY, b'{"custom_id":"line-1", ' + BODY),
        (b'{"custom_id": 007, ' + BODY, b'{"custom_id": 007, ' + BODY),
        (b'{"custom_id": 17.50, ' + BODY, b'{"custom_id": "17.50", ' + BODY),
        (b'{"custom_id": [1], ' + BODY, b'{"custom_id": [1], ' + BODY),
        (b'{"custom_id": "a", "method": "POST", "url": "/v1", ' + BODY, b'{"custom_id": "a", ' + BODY),
        (b'{"method": "POST", "custom_id": "a",' + BODY[:-2] + b' , "url":"/v1"}\n', b'{"custom_id": "a",' + BODY),
        (
            b'{"custom_id": "a",' + BODY.replace(b'"max', b'"stream": true, "max'),
            b'{"custom_id": "a",' + BODY,
        ),
        (
            b'{"custom_id": "a",' + BODY.replace(b"1}", b'1, "stream" : true }'),
            b'{"custom_id": "a",' + BODY.replace(b"1}", b"1 }"),
        ),
        (b'{"custom_id": "a", ' + AUDIO_BODY, b'{"custom_id": "a", "method": "FILE", ' + AUDIO_BODY),
        (
            b'{"custom_id": "a", "method": "POST", ' + AUDIO_BODY,
            b'{"custom_id": "a", "method": "FILE", ' + AUDIO_BODY,
        ),
        (b"\xef\xbb\xbf" + dumped(chat()), dumped(chat())),
        (b"\xef\xbb\xbf" * 3 + dumped(chat()), dumped(chat())),
        (b"\n" + dumped(chat()) + b"  \n", dumped(chat())),
        (dumped(chat()).replace(b"\n", b"\r\n"), dumped(chat())),
        (dumped(chat()).replace(b"\n", b"\r\r\n"), dumped(chat())),
        (dumped(chat("a"), chat("a"), chat("a-dup2")), dumped(chat("a"), chat("a-dup3"), chat("a-dup2"))),
        (dumped(chat(17), chat("17")), dumped(chat("17-dup2"), chat("17"))),
        (dumped(chat("x" * 64), chat("x" * 64)), dumped(chat("x" * 64), chat("x" * 59 + "-dup2"))),
    ],
)
def test_fix(tmp_path: Path, before: bytes, after: bytes) -> None:
    assert fixed_content(tmp_path, before) == after


def test_a_rule_that_is_not_asked_for_is_left(tmp_path: Path) -> None:
    content = b"\n" + dumped(chat("a"), chat("a", stream=True)).replace(b"\n", b"\r\n")
    assert fixed_content(tmp_path, content, rules=[]) == content
    assert fixed_content(tmp_path, content, rules=["blank-line"]) == content[1:]
    assert fixed_content(tmp_path, content, rules=["duplicate-custom-id"]) == b'"a-dup2"'.join(
        content.rsplit(b'"a"', 1)
    )


def test_plan_shows_a_line_before_and_after(tmp_path: Path) -> None:
    line = dumped(chat("b", stream=True)).decode().strip()
    report = check_file(saved(tmp_path, dumped(chat("a"), line.encode(), b"", chat("a"))))
    steps = {step.rule: step for step in plan_fixes(report).steps}
    assert set(steps) == {"stream", "blank-line", "duplicate-custom-id"}
    assert (steps["stream"].lines, steps["stream"].before) == (1, line)
    assert steps["stream"].after == line.replace(', "stream": true', "")
    assert steps["blank-line"].after == ""
    assert '"a-dup2"' in steps["duplicate-custom-id"].after


def test_every_fixable_rule_is_fixed(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + dumped(
        chat("a", stream=True), {**chat("a"), "url": "x"}, chat(""), chat(7), {"body": chat()["body"]}, b"\r"
    )
    assert not fixable(tmp_path, fixed_content(tmp_path, content))
    assert not fixable(tmp_path, fixed_content(tmp_path, dumped({**audio(), "method": None})))


def fixable(folder: Path, content: bytes) -> list[str]:
    """Return the fixable rules that a file breaks."""
    return [rule for rule in check_file(saved(folder, content)).counts if RULES[rule].is_fixable]


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    plan = plan_fixes(check_file(saved(tmp_path, dumped(chat(), b"x"))))
    names = [write_fixed(plan, reject=True).path.name for _ in range(2)]
    (tmp_path / "requests.rejected3.jsonl").touch()
    names.append(write_fixed(plan).path.name)
    assert names == ["requests.fixed.jsonl", "requests.fixed2.jsonl", "requests.fixed4.jsonl"]
    assert (tmp_path / "requests.rejected.jsonl").read_bytes() == b"x\n"
    assert not list(tmp_path.glob("*.part"))


def test_files_in_the_way_are_left_alone(tmp_path: Path) -> None:
    """A copy that was not finished, and a file that takes the name meanwhile."""
    plan = plan_fixes(check_file(saved(tmp_path, dumped(chat(), b""))))
    unfinished = tmp_path / "requests.fixed.jsonl.part"
    unfinished.write_bytes(b"not ours")
    assert write_fixed(plan).path.name == "requests.fixed2.jsonl"
    assert unfinished.read_bytes() == b"not ours"
    late = tmp_path / "requests.fixed3.jsonl"

    def take_the_name(_done: int, _size: int) -> None:
        late.write_bytes(b"other")

    with pytest.raises(LocalFileError, match="cannot be written"):
        write_fixed(plan, progress=take_the_name)
    assert late.read_bytes() == b"other"
    assert not (tmp_path / "requests.fixed3.jsonl.part").exists()


def test_lines_that_cannot_be_fixed_are_left_out(tmp_path: Path) -> None:
    long = b'{"custom_id": "' + b"x" * 11_000_000 + b'"}\n'
    content = dumped(chat("a"), chat("b", max_tokens="x"), chat("a")) + long + dumped(chat("c"))
    plan = plan_fixes(check_file(saved(tmp_path, content)))
    assert plan.unfixable == 2
    copy = write_fixed(plan, rules=[], reject=True)
    assert copy.path.read_bytes() == dumped(chat("a"), chat("c"))
    assert (copy.fixed_lines, copy.rejected_lines) == (0, 3)
    rejected = dumped(chat("b", max_tokens="x"), chat("a")) + long
    assert (tmp_path / "requests.rejected.jsonl").read_bytes() == rejected


def test_a_changed_file_is_not_fixed(tmp_path: Path) -> None:
    plan = plan_fixes(check_file(saved(tmp_path, dumped(chat(), b""))))
    saved(tmp_path, dumped(chat("other"), b"", b""))
    with pytest.raises(LocalFileError, match="has changed since it was checked"):
        write_fixed(plan)
    assert [path.name for path in tmp_path.iterdir()] == ["requests.jsonl"]


def test_a_file_that_changes_meanwhile_is_not_fixed(tmp_path: Path) -> None:
    path = saved(tmp_path, dumped(chat(), b""))
    plan = plan_fixes(check_file(path))

    def change(_done: int, _size: int) -> None:
        saved(tmp_path, dumped(chat(), b"", b""))

    with pytest.raises(LocalFileError, match="has changed since it was checked"):
        write_fixed(plan, progress=change)
    assert [path.name for path in tmp_path.iterdir()] == ["requests.jsonl"]
    path.unlink()
    with pytest.raises(LocalFileError, match="does not exist"):
        write_fixed(plan)


def test_a_copy_without_a_line_is_not_written(tmp_path: Path) -> None:
    plan = plan_fixes(check_file(saved(tmp_path, b"{}}\n" * 3)))
    assert (plan.steps, plan.unfixable, plan.error_rules) == ((), 3, frozenset({"not-json"}))
    with pytest.raises(LocalFileError, match="No line of .* would be left"):
        write_fixed(plan, reject=True)
    assert [path.name for path in tmp_path.iterdir()] == ["requests.jsonl"]


def test_the_plan_counts_what_can_be_fixed(tmp_path: Path) -> None:
    content = dumped(chat([1]), chat(2), chat("x", max_tokens="x"))
    plan = plan_fixes(check_file(saved(tmp_path, content, "requests.json")))
    (step,) = plan.steps
    assert (step.rule, step.lines, plan.unfixable) == ("custom-id-type", 1, 2)
    assert ('"custom_id": 2,' in step.before, '"custom_id": "2",' in step.after) == (True, True)
    assert "suffix" not in plan.error_rules
    plan = plan_fixes(check_file(saved(tmp_path, content.decode().encode("utf-16"))))
    assert (plan.steps, plan.unfixable) == ((), 0)
    crlf = dumped(chat()).replace(b"\n", b"\r\n")
    (step,) = plan_fixes(check_file(saved(tmp_path, crlf))).steps
    assert (step.before, step.after) == (crlf.decode()[:-1], crlf.decode()[:-2])


def test_stopping_leaves_nothing_behind(tmp_path: Path) -> None:
    plan = plan_fixes(check_file(saved(tmp_path, dumped(chat(), b""))))
    with pytest.raises(OperationCancelledError):
        write_fixed(plan, reject=True, cancelled=lambda: True)
    assert [path.name for path in tmp_path.iterdir()] == ["requests.jsonl"]


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    plan = plan_fixes(check_file(saved(tmp_path, dumped(chat(), b""), f"{'x' * 240}.jsonl")))
    with pytest.raises(LocalFileError, match="cannot be written"):
        write_fixed(plan)
