"""What holds for any file: no bytes crash the check, a valid file has no errors, each error is found in its line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.check import check_file, plan_fixes, write_fixed
from tbatch_tui.engine.check.scan import parallel, reader
from tests.helpers.check_lines import audio, chat, dumped, saved, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport

pytestmark = pytest.mark.usefixtures("small_pieces")
quick = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
scraps = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"\n", b"\r\n", b"\r", b"\xef\xbb\xbf", b"{}", b"[", b"]", b",", b"\x00", b'"', b"\xff\xfe"]),
    st.builds(lambda text: json.dumps(chat(text)).encode(), texts),
    st.builds(lambda text: json.dumps(audio(text), ensure_ascii=False).encode(), texts),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    ).map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["custom_id", "body", "messages", "model", "role", "content", "stop", "tools", "stream"]).flatmap(
        lambda key: st.sampled_from([None, 0, "", [], {}, [[]], [{}], True]).map(
            lambda value: json.dumps(with_value(chat(), key, value)).encode() + b"\n"
        )
    ),
)


def with_value(line: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    """Return the line with this value at the key, wherever that key belongs."""
    if key in line:
        return {**line, key: value}
    if key in ("role", "content"):
        return chat(messages=[{"role": "user", "content": "x", key: value}])
    return chat(**{key: value})


@st.composite
def valid_files(draw: st.DrawFn) -> tuple[list[bytes], bool]:
    """The lines of a valid file of either kind, in any spelling that JSON allows."""
    is_chat = draw(st.booleans())
    texts_of_ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
    ids = draw(st.lists(texts_of_ids.filter(str.strip), unique=True))
    optional = st.fixed_dictionaries(
        {},
        optional={
            "temperature": st.none() | st.floats(0, 2),
            "seed": st.none() | st.integers(),
            "stop": st.lists(texts, max_size=4),
            "invented": st.dictionaries(texts, texts, max_size=2),
            "tools": st.just([{"type": "function", "function": {"name": "f"}}]),
        },
    )
    message = st.one_of(
        st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": texts}),
        st.fixed_dictionaries({"content": texts, "role": st.just("user"), "name": texts}),
        st.just({"role": "user", "content": [{"type": "text", "text": "Hi"}]}),
    )
    lines = []
    for custom_id in ids:
        if is_chat:
            body = draw(optional)
            line = chat(custom_id, messages=draw(st.lists(message, min_size=1, max_size=3)), **body)
        else:
            line = audio(custom_id, language=draw(texts))
        spaces = draw(st.sampled_from([(", ", ": "), (",", ":"), (" , ", " : ")]))
        lines.append(json.dumps(line, ensure_ascii=draw(st.booleans()), separators=spaces).encode())
    return lines, is_chat


@pytest.fixture(scope="module", autouse=True)
def small_pieces() -> Iterator[None]:
    """Pieces and halves of a few lines, so that small files are split as large ones are."""
    patch = pytest.MonkeyPatch()
    patch.setattr(reader, "PIECE_BYTES", 300)
    patch.setattr(parallel, "PARALLEL_BYTES_MIN", 0)
    patch.setattr("tbatch_tui.engine.check.checker.PARALLEL_BYTES_MIN", 0)
    yield
    patch.undo()


def check_both_ways(path: Path) -> CheckReport:
    """Check with one process and with two, which must report the same."""
    one, two = check_file(path), check_file(path, processes=2)
    assert one._replace(seconds=0) == two._replace(seconds=0)
    return one


@quick
@given(st.lists(scraps, max_size=12).map(b"".join))
def test_any_bytes_are_reported_on(tmp_path: Path, content: bytes) -> None:
    report = check_both_ways(saved(tmp_path, content))
    assert report.size == len(content)
    for problem in report.problems:
        assert 1 <= problem.line <= max(1, report.lines)
        assert problem.column >= 1
        if problem.length:
            line = reader.read_line(report.path, problem.offset, problem.length)
            assert len(line) == problem.length
            assert b"\n" not in line
    if b"\xef\xbb\xbf" in content[1:]:
        return  # where blank lines before it go, a mark inside the file comes to stand at its beginning
    again = check_file(fix(report))
    assert not again.counts.keys() & {"blank-line", "crlf", "duplicate-custom-id", "custom-id-missing"}


def fix(report: CheckReport, **options: Any) -> Path:
    """Write the fixed copy and return its path."""
    path = write_fixed(plan_fixes(report), **options).path
    return path.replace(report.path.with_name("next.jsonl"))


@quick
@given(valid_files(), st.booleans())
def test_a_valid_file_has_no_errors(tmp_path: Path, file: tuple[list[bytes], bool], is_ended: bool) -> None:
    lines, _ = file
    path = saved(tmp_path, b"\n".join(lines) + (b"\n" if is_ended and lines else b""))
    report = check_both_ways(path)
    assert set(report.counts) <= {"no-requests"} if not lines else not report.counts
    assert report.requests == report.lines == len(lines)
    assert report.longest_line == max(map(len, lines), default=0)
    assert fix(report).read_bytes() == path.read_bytes()


BROKEN: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "not-json": lambda line: dumped(line)[:-3],
    "not-utf8": lambda line: dumped(line)[:-1].replace(b"sound", b"\xff"),
    "not-object": lambda line: dumped([line])[:-1],
    "custom-id-missing": lambda line: dumped(without(line, "custom_id"))[:-1],
    "body-missing": lambda line: dumped(without(line, "body"))[:-1],
    "no-model": lambda line: dumped(without(line, "body", "model"))[:-1],
    "no-messages": lambda line: dumped(without(line, "body", "messages"))[:-1],
    "wrong-type": lambda line: dumped(chat(line["custom_id"], temperature="hot"))[:-1],
    "message-content": lambda line: dumped(chat(line["custom_id"], messages=[{"role": "user"}]))[:-1],
    "duplicate-custom-id": lambda _: dumped(chat("sound 0"))[:-1],
    "blank-line": lambda _: b" ",
    "duplicate-key": lambda line: dumped(line)[:-1].replace(b'"max', b'"max_tokens": 9, "max'),
}


@settings(quick)
@given(
    st.integers(2, 40),
    st.dictionaries(st.integers(1, 40), st.sampled_from(sorted(BROKEN)), min_size=1, max_size=5),
    st.sampled_from([b"\n", b"\r\n"]),
)
def test_each_error_is_found_in_its_line(tmp_path: Path, number: int, broken: dict[int, str], end: bytes) -> None:
    lines = [dumped(chat(f"sound {i}"))[:-1] for i in range(number + 41)]
    for index, rule in broken.items():
        lines[index] = BROKEN[rule](chat(f"sound {index}"))
    report = check_both_ways(saved(tmp_path, end.join(lines) + end))
    problems = [(p.line - 1, p.rule) for p in report.problems if p.rule != "crlf"]
    assert problems == sorted(broken.items())
    assert report.counts.get("crlf", 0) == (len(lines) if end == b"\r\n" else 0)


@settings(quick, max_examples=50)
@given(
    st.dictionaries(
        st.integers(1, 30),
        st.sampled_from(["custom-id-missing", "duplicate-custom-id", "blank-line", "not-json", "no-model"]),
        max_size=8,
    )
)
def test_a_fix_leaves_other_lines_and_is_complete(tmp_path: Path, broken: dict[int, str]) -> None:
    lines = [dumped(chat(f"sound {i}")) for i in range(31)]
    for index, rule in broken.items():
        lines[index] = BROKEN[rule](chat(f"sound {index}")) + b"\n"
    report = check_file(saved(tmp_path, b"".join(lines)))
    fixed = fix(report, reject=True)
    after = fixed.read_bytes().splitlines(keepends=True)
    rejected = tmp_path / "requests.rejected.jsonl"
    left_out = rejected.read_bytes().splitlines(keepends=True) if rejected.exists() else []
    rejected.unlink(missing_ok=True)
    bad = {index for index, rule in broken.items() if rule in ("not-json", "no-model")}
    assert left_out == [lines[index] for index in sorted(bad)]
    untouched = [lines[index] for index in range(31) if index not in broken]
    assert [line for line in after if line in untouched] == untouched
    again = check_file(fixed)
    assert not again.counts
    assert fix(again).read_bytes() == b"".join(after)
