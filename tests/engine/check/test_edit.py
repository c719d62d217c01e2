"""The edited copy: what was asked for changes, every other byte stays, and a file is whole or not there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.check.edit.edited_copy import (
    EditSums,
    FaultyLinesError,
    LineChoice,
    count_edited,
    edited_path,
    preview_edited,
    write_edited,
)
from tbatch_tui.engine.check.edit.line_changes import LineChanges, LineError
from tbatch_tui.engine.check.limits import LINE_BYTES_MAX
from tbatch_tui.engine.errors import BatchError, LocalFileError, OperationCancelledError
from tbatch_tui.engine.local_files.id_map import read_id_map

if TYPE_CHECKING:
    from pathlib import Path

CHAT = b'{"custom_id":"a","body":{"model":"m","messages":[{"role":"user","content":"hi"}]}}'
AUDIO = b'{"custom_id":"a","method":"FILE","body":{"model":"m","file":"https://x.org/a.mp3"}}'
NOTHING = LineChanges()


def lines_file(path: Path, number: int = 10) -> Path:
    path.write_bytes(b"".join(CHAT.replace(b'"a"', b'"%d"' % n) + b"\n" for n in range(1, number + 1)))
    return path


def ids_in(path: Path) -> list[int]:
    return [int(json.loads(line)["custom_id"]) for line in path.read_bytes().splitlines() if line.strip()]


# -- one line --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "before", "after"),
    [
        (LineChanges(model="x/y"), '{"model": "m" , "messages":[]}', '{"model": "x/y" , "messages":[]}'),
        (LineChanges(model="m"), '{ "model" : "m"}', '{ "model" : "m"}'),
        (LineChanges(model="é"), '{"messages":[]}', '{"messages":[], "model": "é"}'),
        (LineChanges(parameters={"top_p": 0.5, "n": None}), '{"top_p":1 }', '{"top_p":0.5, "n": null }'),
        (LineChanges(parameters={"temperature": 0}), '{"temperature": 0.0}', '{"temperature": 0.0}'),
        (LineChanges(parameters={"a": True}), '{"a": 1}', '{"a": true}'),
        (LineChanges(dropped=("a",)), '{"a":1,"b":2}', '{"b":2}'),
        (LineChanges(dropped=("b",)), '{"a":1 ,"b":2}', '{"a":1}'),
        (LineChanges(dropped=("a",)), '{"a":1}', "{}"),
        (LineChanges(dropped=("z",)), '{"a":1}', '{"a":1}'),
        (LineChanges(dropped=("a",), parameters={"b": 2}), '{"a":1}', '{"b": 2}'),
        (LineChanges(dropped=("b", "c"), parameters={"d": 2}), '{"a":1,"b":1,"c":1}', '{"a":1, "d": 2}'),
        (LineChanges(parameters={"a": 1}), "{}", '{"a": 1}'),
        (LineChanges(max_tokens=5), '{"messages":[]}', '{"messages":[], "max_tokens": 5}'),
        (LineChanges(max_tokens=5), '{"max_tokens":9}', '{"max_tokens":5}'),
        (LineChanges(max_tokens=5), '{"max_completion_tokens":9}', '{"max_completion_tokens":5}'),
        (
            LineChanges(max_tokens=5),
            '{"max_tokens":8,"max_completion_tokens":9}',
            '{"max_tokens":5,"max_completion_tokens":5}',
        ),
        (
            LineChanges(system='"Be brief"'),
            '{"messages":[ {"role":"user"}]}',
            r'{"messages":[ {"role": "system", "content": "\"Be brief\""}, {"role":"user"}]}',
        ),
        (
            LineChanges(system="b"),
            '{"messages":[{"role":"system","content":"a"},{"role":"user"}]}',
            '{"messages":[{"role":"system","content":"b"},{"role":"user"}]}',
        ),
        (
            LineChanges(system="b"),
            '{"messages":[{"content":[{"type":"text","text":"a"}],"role":"developer"}]}',
            '{"messages":[{"content":"b","role":"developer"}]}',
        ),
        (
            LineChanges(system="b"),
            '{"messages":[{"role":"system"}]}',
            '{"messages":[{"content": "b", "role":"system"}]}',
        ),
        (LineChanges(system="b"), '{"messages":[]}', '{"messages":[{"role": "system", "content": "b"}]}'),
        (LineChanges(system=""), '{"messages":[{"role":"user"}]}', '{"messages":[{"role":"user"}]}'),
        (
            LineChanges(system=""),
            '{"messages":[{"role":"system"}, {"role":"user"}]}',
            '{"messages":[{"role":"user"}]}',
        ),
        (
            LineChanges(system=""),
            '{"messages":[{"role":"system"}, {"role":"user"}, {"role":"assistant"}]}',
            '{"messages":[{"role":"user"}, {"role":"assistant"}]}',
        ),
        (
            LineChanges(system=""),
            '{"messages":[{"role":"user"}, {"role":"system"}, {"role":"assistant"}]}',
            '{"messages":[{"role":"user"}, {"role":"assistant"}]}',
        ),
        (
            LineChanges(system=""),
            '{"messages":[{"role":"user"} ,{"role":"system"}]}',
            '{"messages":[{"role":"user"}]}',
        ),
    ],
)
def test_only_what_was_asked_for_changes(changes: LineChanges, before: str, after: str) -> None:
    line = f' {{"body" : {before}, "custom_id":"a\\u00e4"}}\t'
    assert changes.apply(line.encode()) == line.replace(before, after).encode()


@pytest.mark.parametrize(
    ("changes", "line", "words"),
    [
        (LineChanges(model="x"), b"not json", "not JSON"),
        (LineChanges(model="x"), b"[1]", "a list, not an object"),
        (LineChanges(model="x"), b'{"custom_id":"a"}', "body"),
        (LineChanges(model="x"), b'{"body":"a"}', "body"),
        (LineChanges(model="x"), b'{"body":{}, "body":{}}', "twice"),
        (LineChanges(model="x"), b'{"body":{"model":"a","model":"b"}}', "twice"),
        (LineChanges(model="x"), b'{"body":{"model":"\xff"}}', "UTF-8"),
        (LineChanges(model="x"), b'{"body":{"model":NaN}}', "JSON"),
        (LineChanges(system="x"), AUDIO, "transcription"),
        (LineChanges(max_tokens=1), AUDIO, "transcription"),
        (LineChanges(system="x"), b'{"body":{"model":"m"}}', "no messages"),
        (LineChanges(system="x"), b'{"body":{"messages":[{"role":"system"},{"role":"system"}]}}', "2 system messages"),
        (LineChanges(system=""), b'{"body":{"messages":[{"role":"system"}]}}', "only one"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: LineChanges, line: bytes, words: str) -> None:
    with pytest.raises(LineError, match=words):
        changes.apply(line)


def test_an_audio_line_gets_another_model_and_parameters() -> None:
    changed = LineChanges(model="x", parameters={"language": "de"}).apply(AUDIO)
    assert changed == AUDIO.replace(b'"m"', b'"x"').replace(b'mp3"', b'mp3", "language": "de"')


_texts = st.text(st.characters(codec="utf-8"), max_size=8)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts, inner, max_size=2),
    max_leaves=4,
)
_bodies = st.dictionaries(st.sampled_from(["seed", "top_p", "stop", "model", "ü", ""]), _values, max_size=5)


@given(body=_bodies, parameters=_bodies, dropped=st.sets(st.sampled_from(["seed", "stop", "ü"])), indent=st.booleans())
def test_a_changed_body_is_what_a_dict_would_be(
    body: dict[str, Any], parameters: dict[str, Any], dropped: set[str], indent: bool
) -> None:
    parameters = {key: value for key, value in parameters.items() if key not in dropped}
    separators = (" , ", " : ") if indent else (",", ":")
    line = json.dumps({"custom_id": "a", "body": body, "z": [1, "}"]}, separators=separators, ensure_ascii=indent)
    changes = LineChanges(parameters=parameters, dropped=tuple(dropped))
    changed = changes.apply(line.encode())
    expected = {key: value for key, value in {**body, **parameters}.items() if key not in dropped}
    assert json.loads(changed) == {"custom_id": "a", "body": expected, "z": [1, "}"]}
    assert changes.apply(changed) == changed


# -- the file --------------------------------------------------------------------------------------------


def test_lines_in_which_nothing_changes_stay_byte_for_byte(tmp_path: Path) -> None:
    source, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    other = CHAT.replace(b'"m"', b'"x"')
    data = b"\xef\xbb\xbf" + CHAT + b"\r\n\n" + b"  " + other + b" \n" + CHAT
    source.write_bytes(data)
    sums = write_edited(source, out, LineChanges(model="x"))
    assert out.read_bytes() == data.replace(b'"m"', b'"x"')
    assert sums == EditSums(lines=3, copied=3, changed=2)


def test_a_range_and_a_sample_keep_the_order_of_the_file(tmp_path: Path) -> None:
    source = lines_file(tmp_path / "a.jsonl", 40)
    out = tmp_path / "b.jsonl"
    assert write_edited(source, out, NOTHING, LineChoice(first=11, last=20)).copied == 10
    assert ids_in(out) == list(range(11, 21))
    assert out.read_bytes() == b"".join(source.read_bytes().splitlines(keepends=True)[10:20])
    choice = LineChoice(first=11, sample=5, seed=7)
    write_edited(source, out, NOTHING, choice, replace=True)
    drawn = ids_in(out)
    assert drawn == sorted(set(drawn))
    assert len(drawn) == 5
    assert min(drawn) >= 11
    write_edited(source, out, NOTHING, choice, replace=True)
    assert ids_in(out) == drawn  # the same seed
    write_edited(source, out, NOTHING, LineChoice(first=11, sample=5, seed=8), replace=True)
    assert ids_in(out) != drawn
    assert write_edited(source, out, NOTHING, LineChoice(sample=99), replace=True).copied == 40


def test_blank_lines_are_not_drawn(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_bytes(b"\n" * 50 + CHAT + b"\n\n" + CHAT + b"\n" * 50)
    out = tmp_path / "b.jsonl"
    assert write_edited(source, out, NOTHING, LineChoice(sample=2)) == EditSums(2, 2, 0)
    assert out.read_bytes() == (CHAT + b"\n") * 2


def test_faulty_lines_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    source, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    source.write_bytes(CHAT + b"\n" + b"{oops}\n" * 30)
    with pytest.raises(FaultyLinesError) as raised:
        write_edited(source, out, LineChanges(model="x"))
    assert raised.value.total == 30
    assert [number for number, _ in raised.value.problems] == list(range(2, 22))
    assert "a.jsonl:2: " in str(raised.value)
    assert sorted(tmp_path.iterdir()) == [source]
    write_edited(source, out, LineChanges(model="x"), LineChoice(last=1))  # they are not among those that are copied
    assert out.read_bytes() == CHAT.replace(b'"m"', b'"x"') + b"\n"


def test_a_line_that_is_too_long_is_copied_but_not_changed(tmp_path: Path) -> None:
    long = b'{"custom_id":"b","body":{"model":"m","messages":"' + b"x" * (LINE_BYTES_MAX + 10) + b'"}}'
    source, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    source.write_bytes(CHAT + b"\n" + long + b"\n" + CHAT + b"\n")
    assert write_edited(source, out, NOTHING, LineChoice(first=2)) == EditSums(3, 2, 0)
    assert out.read_bytes() == long + b"\n" + CHAT + b"\n"
    with pytest.raises(FaultyLinesError, match=r"a\.jsonl:2: the line has 10\.0 MiB"):
        write_edited(source, out, LineChanges(model="x"), replace=True)


@pytest.mark.parametrize(
    ("data", "choice", "words"),
    [
        (b"", LineChoice(), "No line"),
        (b"\n\n", LineChoice(), "No line"),
        (CHAT + b"\n", LineChoice(first=2), "No line"),
        (b"a,b\n1,2\n3,4\n", LineChoice(), "cannot be edited: the file is CSV"),
        (b"[" + CHAT + b"]", LineChoice(), "JSON array"),
    ],
)
def test_a_file_without_a_line_to_copy_is_refused(tmp_path: Path, data: bytes, choice: LineChoice, words: str) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(data)
    with pytest.raises(BatchError, match=words):
        write_edited(source, tmp_path / "b.jsonl", LineChanges(model="x"), choice)
    assert sorted(tmp_path.iterdir()) == [source]


def test_the_source_is_never_written(tmp_path: Path) -> None:
    source = lines_file(tmp_path / "a.jsonl")
    (tmp_path / "link.jsonl").symlink_to(source)
    for out in (source, tmp_path / "link.jsonl"):
        with pytest.raises(LocalFileError, match="the file itself") as error:
            write_edited(source, out, LineChanges(model="x"), replace=True)
        assert error.value.hint == "It was not changed. Use another name with -o."
    with pytest.raises(LocalFileError, match="does not exist"):
        write_edited(tmp_path / "gone", tmp_path / "b.jsonl", LineChanges(model="x"))


def test_a_stopped_edit_leaves_nothing(tmp_path: Path) -> None:
    source = lines_file(tmp_path / "a.jsonl", 9_000)
    asked = iter([False, False, True])
    with pytest.raises(OperationCancelledError):
        write_edited(source, tmp_path / "b.jsonl", LineChanges(model="x"), cancelled=lambda: next(asked))
    assert sorted(tmp_path.iterdir()) == [source]


def test_a_file_that_grows_meanwhile_is_refused(tmp_path: Path) -> None:
    source = lines_file(tmp_path / "a.jsonl", 9_000)

    def grow(_done: int, _total: int) -> None:
        with source.open("ab") as file:
            file.write(CHAT)

    with pytest.raises(LocalFileError, match="changed while being read"):
        write_edited(source, tmp_path / "b.jsonl", LineChanges(model="x"), progress=grow)
    assert sorted(tmp_path.iterdir()) == [source]


def test_the_copy_is_as_private_as_the_file(tmp_path: Path) -> None:
    source = lines_file(tmp_path / "a.jsonl")
    source.chmod(0o600)
    write_edited(source, tmp_path / "b.jsonl", LineChanges(model="x"))
    assert (tmp_path / "b.jsonl").stat().st_mode & 0o777 == 0o600


def test_the_preview_shows_the_first_changed_lines(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_bytes((CHAT.replace(b'"m"', b'"x"') + b"\n") * 3 + (CHAT + b"\n") * 3)
    (line,) = preview_edited(source, LineChanges(model="x"), number=1)
    assert (line.number, line.before, line.after) == (4, CHAT, CHAT.replace(b'"m"', b'"x"'))
    assert [line.number for line in preview_edited(source, NOTHING, LineChoice(first=2, last=3), number=9)] == [2, 3]
    assert count_edited(source, LineChanges(model="x"), LineChoice()) == EditSums(6, 6, 3)


def test_names_are_numbered_and_lead_to_the_ids_of_a_fixed_copy(tmp_path: Path) -> None:
    source = tmp_path / "a.fixed.jsonl"
    assert edited_path(source) == tmp_path / "a.fixed.edited.jsonl"
    (tmp_path / "a.fixed.edited.jsonl").symlink_to("nowhere")
    assert edited_path(source) == tmp_path / "a.fixed.edited2.jsonl"
    (tmp_path / "a.fixed.ids.csv").write_text("custom_id,original_id\nshort,long\n")
    assert read_id_map(tmp_path / "a.fixed.edited2.jsonl") == {"short": "long"}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.sampled_from([CHAT, AUDIO, b"", b" ", CHAT.replace(b'"m"', b'"x"')]), max_size=9),
    end=st.sampled_from([b"\n", b"\r\n"]),
    closed=st.booleans(),
    first=st.none() | st.integers(1, 9),
)
def test_any_file_is_its_lines_with_the_changes(
    tmp_path: Path, lines: list[bytes], end: bytes, closed: bool, first: int | None
) -> None:
    source, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    source.write_bytes(end.join(lines) + (end if closed else b""))
    raw = source.read_bytes().split(b"\n")
    kept = b"\n".join(raw[(first or 1) - 1 :])
    try:
        write_edited(source, out, LineChanges(model="x"), LineChoice(first=first), replace=True)
    except BatchError:
        assert not kept.strip()
    else:
        assert out.read_bytes() == kept.replace(b'"m"', b'"x"')
