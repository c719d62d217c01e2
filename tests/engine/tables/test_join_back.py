"""Joining back: the same rows in the same order, their own bytes untouched, each with its own answer."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import tracemalloc
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.errors import LocalFileError, OperationCancelledError
from tbatch_tui.engine.results import ResultIndex, Sources
from tbatch_tui.engine.results.index.merged import MergedIndex, MergedMember
from tbatch_tui.engine.tables.join_back import JoinedTable, NotTheSourceError, join_back, open_table
from tbatch_tui.engine.tables.make import MadeFile, NothingToAskError, make_input
from tbatch_tui.engine.tables.problems import FaultyTableError
from tbatch_tui.engine.tables.readers.open_source import open_source
from tbatch_tui.engine.tables.recipe import Recipe, RowChoice
from tests.engine.tables.conftest import requests_in
from tests.helpers.result_rows import answer_row, error_row, response_row, write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.engine.tables.conftest import Make

SCHEMA = "label: enum[positive,negative], score: number, stars: integer, sure: boolean, tags: list[string]"
GOOD = {"label": "positive", "score": 0.5, "stars": 4, "sure": True, "tags": ["a", "b"]}
_CELL = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["{{ b }}", "x" * 9_000, "\x00", '"', "a\r\nb\n", "🙂", "{", "\\", "=1+1", "007", ";", "\t", "a,b", " x ", "|"]
)


def echo(request: dict[str, Any]) -> str:
    """Return an answer that only this request can have."""
    return f"<{request['body']['messages'][-1]['content']}>"


def answer(made: MadeFile, reply: Callable[[dict[str, Any]], Any] = echo) -> ResultIndex:
    """Return the results of a file: `reply` gives the text, or the whole row, or None where there is none."""
    rows = []
    for request in requests_in(made.path):
        given = reply(request)
        if given is not None:
            rows.append(answer_row(request["custom_id"], given) if isinstance(given, str) else given)
    output = write_rows(made.path.with_suffix(".output"), rows[::-1])
    index = ResultIndex(Sources(input=made.path, output=output))
    index.build()
    return index


def join(made: MadeFile, source: Path | str, index: ResultIndex, out: Path | None = None, **more: Any) -> JoinedTable:
    table = open_table(str(source), made.recipe)
    return join_back(made.recipe, table, index, out or made.path.with_suffix(f".joined{table.path.suffix}"), **more)


def cells(path: Path, delimiter: str = ",", encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(newline="", encoding=encoding) as file:
        return list(csv.DictReader(file, delimiter=delimiter, strict=True))


def split_record(text: str, delimiter: str) -> tuple[str, str]:
    """Return the first record of a text, with its end, and the rest."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    next(csv.reader(lines(), delimiter=delimiter, strict=True))
    record = "".join(taken)
    return record, text[len(record) :]


@given(
    rows=st.lists(st.lists(_CELL, min_size=2, max_size=2), min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    bom=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    choice=st.sampled_from(
        [
            RowChoice(empty="keep"),
            RowChoice(empty="skip"),
            RowChoice(once=True, empty="keep"),
            RowChoice(first=2, empty="keep"),
            RowChoice(sample=2, seed=3, once=True, empty="keep"),
            RowChoice(where=("k=1",), empty="keep"),
        ]
    ),
    is_open=st.booleans(),
)  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_bytes_of_each_row_stay_and_its_answer_stands_behind_them(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    delimiter: str,
    end: str,
    bom: bool,
    quoting: Any,
    choice: RowChoice,
    is_open: bool,
) -> None:
    folder = tmp_path_factory.mktemp("join")
    texts = []
    rows = [[*row, str(number % 2)] for number, row in enumerate(rows * 2)]  # each is there twice
    for row in [["a", "b c", "k"], *rows]:
        line = io.StringIO()
        csv.writer(line, delimiter=delimiter, lineterminator=end, quoting=quoting).writerow(row)
        texts.append(line.getvalue())
    if is_open:
        texts[-1] = texts[-1].removesuffix(end)
    source = folder / "t.csv"
    source.write_bytes(b"\xef\xbb\xbf" * bom + "".join(texts).encode())
    recipe = Recipe(model="m", prompt="{{ a }}|{{ b c }}", rows=choice)
    try:
        made = make_input(recipe, open_source(str(source), delimiter=delimiter), folder / "o.jsonl")
    except (NothingToAskError, FaultyTableError):
        return  # a lone \r in a cell that is not quoted
    joined = join(made, source, answer(made))
    assert joined.rows == len(rows) == sum(joined.outcomes.values())
    data = joined.path.read_bytes().removeprefix(b"\xef\xbb\xbf" * bom).decode()
    for text in texts:  # the bytes of each record, in order
        assert data.startswith(text.removesuffix(end) + delimiter)
        record, data = split_record(data, delimiter)
        assert record.endswith(end) == text.endswith(end)
    assert not data
    asked = {request["custom_id"] for request in requests_in(made.path)}
    with joined.path.open(newline="", encoding="utf-8-sig") as file:
        read = list(csv.reader(file, delimiter=delimiter, strict=True))[1:]
    assert [row[:3] for row in read] == rows
    chosen = {"|".join(rows[int(custom_id[4:]) - 1][:2]) for custom_id in asked}  # what was asked: rows may differ
    for number, row in enumerate(read, start=1):
        is_asked = f"row-{number:04d}" in asked or (
            choice.once and choice.sample is None and "|".join(row[:2]) in chosen
        )
        if is_asked:
            assert (row[3].replace("'", ""), row[4]) == (f"<{row[0]}|{row[1]}>".replace("'", ""), "ok")
        elif choice.sample is None:
            assert row[3:] == ["", "not asked", ""]
        else:
            assert row[4] in ("ok", "not asked")


def reply_by_number(*replies: Any) -> Callable[[dict[str, Any]], Any]:
    """Return what gives each request the next of these replies, with its own custom_id."""
    rest = iter(replies)

    def reply(request: dict[str, Any]) -> Any:
        given = next(rest)
        return given(request["custom_id"]) if callable(given) else given

    return reply


def of_each_outcome() -> Callable[[dict[str, Any]], Any]:
    return reply_by_number(
        json.dumps(GOOD),
        "```json\n" + json.dumps({**GOOD, "score": 1, "tags": []}) + "\n```",
        lambda custom_id: answer_row(custom_id, '{"label": "posi', reason="length"),
        json.dumps({**GOOD, "label": "unsure"}),
        lambda custom_id: error_row(custom_id, "Request timeout"),
        None,
    )


OUTCOMES = ["ok", "ok", "cut short", "invalid", "error", "missing", "not asked"]


def test_fields_of_the_schema_become_columns_and_the_rest_stays_as_text(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_bytes("\ufeffid;größe;label\r\n".encode() + b"".join(b"r%d;=1+%d;x\r\n" % (n, n) for n in range(7)))
    made = make(source, {"last": 6}, prompt="{{ größe }}", schema=SCHEMA, id="id")
    joined = join(made, source, answer(made, of_each_outcome()))
    assert joined.columns == ("label_2", "score", "stars", "sure", "tags", "answer", "outcome", "error")
    assert joined.outcomes == {"ok": 2, "cut short": 1, "invalid": 1, "error": 1, "missing": 1, "not asked": 1}
    data = joined.path.read_bytes()
    lines = data.split(b"\r\n")
    assert lines[0] == "\ufeffid;größe;label;label_2;score;stars;sure;tags;answer;outcome;error".encode()
    assert lines[1] == b'r0;=1+0;x;positive;0.5;4;true;"[""a"",""b""]";;ok;'
    rows = cells(joined.path, ";", "utf-8-sig")
    assert [row["outcome"] for row in rows] == OUTCOMES
    assert [row["answer"] for row in rows[:3]] == ["", "", '{"label": "posi']
    assert json.loads(rows[3]["answer"])["label"] == "unsure"
    assert "unsure" in rows[3]["error"]
    assert (rows[4]["error"], rows[4]["answer"], rows[4]["label_2"]) == ("Request timeout", "", "")


def test_a_transcript_stands_beside_its_row_with_duration_and_language(tmp_path: Path) -> None:
    source = tmp_path / "talks.csv"
    source.write_text("url,language\nhttps://h/a.mp3,?\nhttps://h/b.mp3,?\nhttps://h/c.mp3,?\n")
    made = make_input(Recipe(model="m", audio="url"), open_source(str(source)), tmp_path / "in.jsonl")
    rows = [
        response_row("row-0001", {"text": "Good morning.", "duration": 2.5, "language": "en", "segments": []}),
        error_row("row-0002", "unreachable"),
    ]
    index = ResultIndex(Sources(input=made.path, output=write_rows(tmp_path / "out", rows)))
    index.build()
    joined = join(made, source, index)
    assert joined.columns == ("answer", "outcome", "error", "duration", "language_2")
    assert [[*row.values()] for row in cells(joined.path)] == [
        ["https://h/a.mp3", "?", "Good morning.", "ok", "", "2.5", "en"],
        ["https://h/b.mp3", "?", "", "error", "unreachable", "", ""],
        ["https://h/c.mp3", "?", "", "missing", "", "", ""],
    ]


def test_json_lines_keep_their_bytes_and_get_typed_members(make: Make, tmp_path: Path) -> None:
    lines = [
        '{"a": 1e3, "b": "\\u00e9", "b": "x"}', '  {"a":[1 , 2]}  ', "", '{ }',
        '{"a": {"x": "}"}, "outcome": 1}\t', '{"a": "ü"}', '{"a": null}', '{"a": 7}',
    ]  # fmt: skip
    source = tmp_path / "t.jsonl"
    source.write_text("\r\n".join(lines), newline="", encoding="utf-8")
    made = make(source, {"last": 6, "empty": "keep"}, prompt="{{ a }}", schema=SCHEMA)
    joined = join(made, source, answer(made, of_each_outcome()))
    written = joined.path.read_bytes().decode().split("\r\n")
    assert written[0] == (
        '{"a": 1e3, "b": "\\u00e9", "b": "x", "label": "positive", "score": 0.5, "stars": 4, "sure": true, '
        '"tags": ["a","b"], "answer": null, "outcome_2": "ok", "error": null}'
    )
    assert written[2] == ""
    for line, new in zip(lines, written, strict=True):
        if line.strip():
            assert new.startswith(line.rstrip()[:-1].rstrip())
            assert new.endswith(line[line.rindex("}") :])
    rows = [json.loads(line) for line in written if line]
    assert [row["outcome_2"] for row in rows] == OUTCOMES
    assert rows[1]["score"] == 1
    assert rows[1]["tags"] == []
    assert rows[6]["answer"] is None


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_stays_as_it_was_written(make: Make, tmp_path: Path, indent: int | None, encoding: str) -> None:
    objects: list[dict[str, Any]] = [{"a": "é{", "n": [1, {"b": 2}]}, {}, {"a": 'x"}'}]
    source = tmp_path / "t.json"
    text = f" {json.dumps(objects, indent=indent, ensure_ascii=False)}\r\n"
    source.write_bytes(text.encode(encoding))
    more = {"encoding": encoding} if encoding == "cp1252" else {}
    made = make(source, {"empty": "keep"}, prompt="{{ a }}", **more)
    joined = join(made, source, answer(made, lambda request: f"{echo(request)} → 🙂"))
    written = joined.path.read_bytes().decode(encoding)
    own = [{"answer": f"<{row.get('a', '')}> → 🙂", "outcome": "ok", "error": None} for row in objects]
    new = [row | added for row, added in zip(objects, own, strict=True)]
    assert json.loads(written) == new
    if encoding != "cp1252":
        expected = f" {json.dumps(new, indent=indent, ensure_ascii=False)}\r\n"
        assert "".join(written.split()) == "".join(expected.split())
        assert written == expected or objects[1] == {}  # an empty object has no spaces of its own


def test_parquet_keeps_types_and_gets_typed_columns(make: Make, tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = arrow.table(
        {
            "n": arrow.array(range(2_501), arrow.int16()),
            "text": arrow.array([None if n % 5 == 4 else f"t{n}" for n in range(2_501)]).dictionary_encode(),
            "nested": [{"x": [n]} for n in range(2_501)],
        }
    ).replace_schema_metadata({"owner": "me"})
    source = tmp_path / "t.parquet"
    parquet.write_table(table, source, compression="zstd")
    made = make(source, {"empty": "skip"}, prompt="{{ text }}", schema=SCHEMA)
    joined = join(
        made,
        source,
        answer(
            made, lambda request: json.dumps({**GOOD, "stars": 10**30 if "t1 " in f"{echo(request)[1:-1]} " else 3})
        ),
    )
    read = parquet.ParquetFile(joined.path)
    assert read.schema_arrow.names == [
        "n",
        "text",
        "nested",
        "label",
        "score",
        "stars",
        "sure",
        "tags",
        "answer",
        "outcome",
        "error",
    ]
    assert [str(field.type) for field in read.schema_arrow][3:8] == ["string", "double", "int64", "bool", "string"]
    assert read.metadata.row_group(0).column(0).compression == "ZSTD"
    assert read.schema_arrow.metadata[b"owner"] == b"me"
    written = read.read()
    assert written.select(["n", "text", "nested"]).equals(table)
    rows = written.select(["label", "stars", "tags", "outcome", "answer"]).to_pylist()
    assert rows[0] == {"label": "positive", "stars": 3, "tags": '["a","b"]', "outcome": "ok", "answer": None}
    assert rows[1]["stars"] is None  # too large for the column, so that the text is kept
    assert str(10**30) in rows[1]["answer"]
    assert rows[4] == {"label": None, "stars": None, "tags": None, "outcome": "not asked", "answer": None}


@pytest.mark.parametrize("encoding", ["cp1252", "shift_jis", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_another_encoding_comes_back_and_what_it_lacks_is_counted(
    make: Make, tmp_path: Path, encoding: str, end: str
) -> None:
    source = tmp_path / "t.csv"
    texts = ["a;b", "", "x|y;1", '"q""\n";2', ""]
    source.write_bytes(end.join(texts).encode(encoding))
    more = {} if encoding == "utf-16" else {"encoding": encoding}
    made = make(source, prompt="{{ a }}", **more)
    joined = join(made, source, answer(made, lambda _: "née 🙂"))
    written = joined.path.read_bytes().decode(encoding)
    if encoding.startswith("utf"):
        assert (joined.replaced, cells(joined.path, ";", encoding)[0]["answer"]) == (0, "née 🙂")
    else:
        assert joined.replaced == (2 if encoding == "cp1252" else 4)
        assert "\\U0001f600".upper() in written.upper() or "\\U0001f642" in written
    assert joined.path.read_bytes().startswith(source.read_bytes()[:2])
    assert written.startswith(f"a;b;answer;outcome;error{end}{end}x|y;1;")
    assert f'{end}"q""\n";2;' in written
    assert written.endswith(f";ok;{end}")


def test_one_column_that_holds_commas_is_put_in_quotes(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_bytes(b'\xef\xbb\xbftext\nhello, world\nplain\n"quoted, ""so"""\n')
    made = make(source, prompt="{{ text }}")
    joined = join(made, source, answer(made, lambda _: "yes"))
    assert joined.path.read_bytes() == (
        b'\xef\xbb\xbftext,answer,outcome,error\n"hello, world",yes,ok,\nplain,yes,ok,\n"quoted, ""so""",yes,ok,\n'
    )


def test_quotes_are_put_as_the_source_puts_them(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.tsv"
    source.write_bytes(b'"a"\t"b"\n"1"\t"2"\n')
    made = make(source, prompt="{{ a }}")
    joined = join(made, source, answer(made, lambda _: "yes"))
    assert joined.path.read_bytes() == (b'"a"\t"b"\t"answer"\t"outcome"\t"error"\n"1"\t"2"\t"yes"\t"ok"\t""\n')


def test_an_answer_is_no_formula_and_a_cell_of_the_source_stays_one(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_bytes(b"a,b\n=1+1,2\n")
    made = make(source, prompt="{{ a }}")
    joined = join(made, source, answer(made, lambda _: "=HYPERLINK(1)"))
    assert joined.path.read_bytes().endswith(b"\n=1+1,2,'=HYPERLINK(1),ok,\n")


def other_sources(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "lines.txt").write_text("first, line\n\nsecond\n")
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "folder" / "b.txt").write_text("second")
    (tmp_path / "folder" / "a,.txt").write_text("first\nline")
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as database:
        database.execute("CREATE TABLE orders (id INTEGER, text TEXT, data BLOB, note TEXT)")
        database.execute("INSERT INTO orders VALUES (7, 'first', x'ff00', '=1'), (8, 'second', NULL, NULL)")
        database.commit()
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["text", "n"], ["first", 1.5], ["second", 7]):
        book.active.append(row)
    book.save(tmp_path / "book.xlsx")
    return {name: tmp_path / name for name in ("lines.txt", "folder", "shop.sqlite", "book.xlsx")}


def test_what_is_no_text_file_of_rows_comes_back_as_csv(make: Make, tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    expected = {
        "lines.txt": ["text", "first, line", "second"],
        "folder": ["path,name,text", '"a,.txt","a,.txt","first\nline"', "b.txt,b.txt,second"],
        "shop.sqlite": ["id,text,data,note", "7,first,ff00,=1", "8,second,,"],
        "book.xlsx": ["text,n", "first,1.5", "second,7"],
    }
    for name, source in other_sources(tmp_path).items():
        made = make(source, prompt="{{ text }}")
        joined = join(made, source, answer(made, lambda _: "A"), tmp_path / f"{name}.csv")
        head, *rows = expected[name]
        rows[0] = '"first, line"' if name == "lines.txt" else rows[0]
        lines = [f"{head},answer,outcome,error", *(f"{row},A,ok," for row in rows)]
        assert joined.path.read_bytes().decode() == "".join(f"{line}\r\n" for line in lines)


def test_rows_asked_once_have_the_answer_of_the_first(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("k,a\n" + "".join(f"{n},{'same' if n % 3 else f'own {n}'}\n" for n in range(12)))
    made = make(source, {"once": True, "first": 3}, prompt="{{ a }}")
    assert len(requests_in(made.path)) == 4
    joined = join(made, source, answer(made, lambda request: None if "own 3" in echo(request) else echo(request)))
    rows = cells(joined.path)
    assert [row["outcome"] for row in rows[:4]] == ["not asked", "not asked", "ok", "missing"]
    assert [row["answer"] for row in rows[4:]] == [f"<{row['a']}>" for row in rows[4:]]
    assert joined.outcomes == {"ok": 9, "missing": 1, "not asked": 2}


def test_retries_and_parts_count_as_one(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("a,b\n" + "".join(f"{n},x\n" for n in range(6)))
    made = make(source, prompt="{{ a }}")
    requests = requests_in(made.path)
    for number, part in enumerate((requests[:3], requests[3:], [requests[4]])):
        write_rows(tmp_path / f"p{number}.jsonl", part)
        reply = [
            error_row(r["custom_id"]) if r is requests[4] and number < 2 else answer_row(r["custom_id"], echo(r))
            for r in part
        ]
        write_rows(tmp_path / f"p{number}.output", reply)
    whole = MergedMember("", "t", ResultIndex(Sources(input=made.path)))
    members = [
        MergedMember(
            str(n), "p", ResultIndex(Sources(input=tmp_path / f"p{n}.jsonl", output=tmp_path / f"p{n}.output")), n < 2
        )
        for n in range(3)
    ]
    merged = MergedIndex([whole, *members])
    merged.build()
    assert [row["answer"] for row in cells(join(made, source, merged).path)] == [f"<{n}>" for n in range(6)]


def test_a_line_that_was_left_out_later_was_not_asked(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("a,b\n" + "".join(f"{n},x\n" for n in range(6)))
    made = make(source, prompt="{{ a }}")
    edited = replace(made, path=write_rows(tmp_path / "edited.jsonl", requests_in(made.path)[1::2]))
    joined = join(made, source, answer(edited))
    assert [row["outcome"] for row in cells(joined.path)] == ["not asked", "ok"] * 3
    index = answer(edited)
    without = ResultIndex(Sources(output=index.sources.output))  # what was asked is not known any more
    without.build()
    assert join(made, source, without, tmp_path / "o.csv").outcomes == {"ok": 3, "missing": 3}


def test_a_changed_source_is_joined_by_its_ids_alone(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("id,a\n" + "".join(f"k{n},{n}\n" for n in range(30)))
    made = make(source, prompt="{{ a }}", id="id")
    index = answer(made)
    source.write_text("a;id;new\n9;k3;x\n\n8;k1;y\n7;k77;z\n7;;z\n")
    joined = join(made, source, index)
    assert joined.path.read_text() == (
        "a;id;new;answer;outcome;error\n9;k3;x;<3>;ok;\n\n8;k1;y;<1>;ok;\n7;k77;z;;not asked;\n7;;z;;not asked;\n"
    )
    assert (joined.is_changed, joined.new, joined.gone_total) == (True, ("k77", "row 4"), 28)
    assert joined.gone[:2] == ("k0", "k2")
    assert len(joined.gone) == 20
    source.write_text("id,a\nk1,1\nk2\n")
    with pytest.raises(FaultyTableError, match=r"row 2: 1 cells? instead of 2"):
        join(made, source, index, tmp_path / "no.csv")
    source.write_text("key,a\nk1,1\n")
    with pytest.raises(NotTheSourceError, match="has no column id"):
        join(made, source, index, tmp_path / "no.csv")
    assert not (tmp_path / "no.csv").exists()


def test_a_changed_source_without_ids_is_refused(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("a,b\n1,x\n2,x\n")
    made = make(source, prompt="{{ a }}")
    index = answer(made)
    source.write_text("a,b\n2,x\n1,x\n")
    with pytest.raises(NotTheSourceError, match="has changed since the requests were made"):
        join(made, source, index)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".jsonl", ".output", ".toml"]


def test_the_source_and_the_results_are_never_written_over(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("a,b\n1,x\n")
    made = make(source, prompt="{{ a }}")
    index = answer(made)
    link = tmp_path / "link.csv"
    link.symlink_to(source)
    hard = tmp_path / "hard.csv"
    os.link(source, hard)
    for path in (source, link, hard, index.sources.output):
        with pytest.raises(LocalFileError, match="is the source table"):
            join(made, source, index, path, replace=True)
    with pytest.raises(LocalFileError, match="already exists"):
        join(made, source, index, made.recipe_path)
    with pytest.raises(OperationCancelledError):
        source.write_text("a,b\n" + "1,x\n" * 600)
        made = make(source, prompt="{{ a }}")
        join(made, source, answer(made), tmp_path / "stopped.csv", cancelled=lambda: True)
    assert source.read_text() == "a,b\n" + "1,x\n" * 600
    assert not (tmp_path / "stopped.csv").exists()


def test_a_copy_of_what_is_private_is_private(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("a,b\n1,x\n")
    made = make(source, prompt="{{ a }}")
    index = answer(made)
    source.chmod(0o600)
    assert join(made, source, index).path.stat().st_mode & 0o777 == 0o600


def test_reasoning_several_answers_and_odd_values(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("a,b\n" + "1,x\n" * 4)
    made = make(source, prompt="{{ a }}", schema="label: string, n: number")

    def two(custom_id: str) -> Any:
        row = answer_row(custom_id, '{"label": "x", "n": 1}')
        choices = row["response"]["body"]["choices"]
        choices.append({**choices[0], "message": {"role": "assistant", "content": '{"label": 1}'}})
        return row

    joined = join(
        made,
        source,
        answer(
            made,
            reply_by_number(
                '<think>{"label": 0}</think>\n{"label": "y", "n": 2}',
                two,
                '{"label": "=x", "n": 1}',
                '["label"]',
            ),
        ),
    )
    rows = cells(joined.path)
    assert [row["outcome"] for row in rows] == ["ok", "invalid", "ok", "invalid"]
    assert rows[0]["label"] == "y"
    assert rows[1]["answer"] == '{"label": "x", "n": 1}\n\n{"label": 1}'
    assert rows[2]["label"] == "'=x"


def test_values_that_cannot_be_written_keep_the_text_of_the_answer(make: Make, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("a,b\n" + "1,x\n" * 3)
    schema = '{"properties": {"label": {"type": "nonsense"}, "n": {}}}'  # by which nothing can be judged
    made = make(source, prompt="{{ a }}", schema=schema)
    replies = ('{"label": "x", "n": [2]}', '{"label": {"a": 1}, "n": 1e999}', '["label"]')
    rows = cells(join(made, source, answer(made, reply_by_number(*replies))).path)
    assert [(row["label"], row["n"], row["outcome"]) for row in rows] == [
        ("x", "[2]", "ok"),
        ('{"a":1}', "", "ok"),
        ("", "", "ok"),
    ]
    assert [row["answer"] for row in rows] == ["", replies[1], replies[2]]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json"])
def test_memory_does_not_grow_with_the_cells(make: Make, tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"t.{suffix}"
    rows = [{"id": f"k{number}", "text": chr(48 + number) * (1 << 20)} for number in range(26)]
    if suffix == "csv":
        source.write_text("id,text\n" + "".join(f"{row['id']},{row['text']}\n" for row in rows))
    elif suffix == "jsonl":
        source.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    else:
        source.write_text(json.dumps(rows))
    made = make(source, prompt="{{ id }}", id="id")
    index = answer(made)
    tracemalloc.start()
    try:
        joined = join(made, source, index)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert joined.outcomes == {"ok": 26}
    assert peak < 18 << 20, f"{peak:,} bytes of a table of {source.stat().st_size:,}"


_NAMES = st.sampled_from(["a", "b c", "é", "answer", "outcome", '"', "{"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | _CELL,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_NAMES, inner, max_size=2),
    max_leaves=4,
)


@given(
    rows=st.lists(st.dictionaries(_NAMES, _VALUES, max_size=4), min_size=1, max_size=6),
    is_array=st.booleans(),
    style=st.sampled_from([{}, {"ensure_ascii": False}, {"separators": (",", ":")}]),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    bom=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_object_stays_and_its_answer_stands_behind_it(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    is_array: bool,
    style: dict[str, Any],
    end: str,
    bom: bool,
) -> None:
    folder = tmp_path_factory.mktemp("join")
    source = folder / f"t.{'json' if is_array else 'jsonl'}"
    lines = [json.dumps(row, **style) for row in rows]
    text = f"[{end}{f',{end}'.join(lines)}{end}]{end}" if is_array else end.join(lines)
    source.write_bytes(b"\xef\xbb\xbf" * bom + text.encode())
    recipe = Recipe(model="m", prompt="asked", rows=RowChoice(empty="keep"))
    made = make_input(recipe, open_source(str(source)), folder / "o.jsonl")
    joined = join(made, source, answer(made, lambda request: f'<{request["custom_id"]}> {{"é\n'))
    data = joined.path.read_bytes().removeprefix(b"\xef\xbb\xbf" * bom).decode()
    rest = data
    for line in lines:  # the text of each object up to its brace, in order
        before, _, rest = rest.partition(line[:-1])
        assert len(before) < 200
    read = json.loads(data) if is_array else [json.loads(line) for line in data.split("\n") if line.strip()]
    assert [dict(list(row.items())[: len(own)]) for row, own in zip(read, rows, strict=True)] == rows
    added = [list(row.items())[len(own) :] for row, own in zip(read, rows, strict=True)]
    for number, new in enumerate(added, start=1):
        assert [name for name, _ in new] == list(joined.columns)
        assert [value for _, value in new] == [f'<row-{number:04d}> {{"é\n', "ok", None]
    assert not {*joined.columns} & {name for row in rows for name in row}
