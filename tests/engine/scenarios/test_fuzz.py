"""A minute each of whatever comes to mind: the check of a file, the index of results, the mapping of answers.

Left out unless asked for: `pytest -n 0 -s -m slow tests/engine/scenarios/test_fuzz.py` runs them and says how many
were tried. `FUZZ_SECONDS` gives them more time, or less.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tbatch_tui.engine.check import check_file, plan_fixes, read_line, write_fixed
from tbatch_tui.engine.client import decode
from tbatch_tui.engine.domain.job import FileKind
from tbatch_tui.engine.endpoint import Endpoint
from tbatch_tui.engine.errors import BatchError, OutcomeUnknownError
from tbatch_tui.engine.local_files.filenames import result_name, stem_of
from tbatch_tui.engine.results import (
    ExportFormat,
    ResultIndex,
    Sources,
    errors_by_message,
    export_rows,
    rows_to_retry,
    write_retry,
)
from tbatch_tui.engine.results.index.cache import CachedIndex, IndexCache
from tests.helpers.hostile_text import NASTY
from tests.helpers.result_rows import answer_row, encode_row, error_row, request_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
MANY = settings(
    max_examples=300,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)

texts = st.text(st.characters(), max_size=30) | st.sampled_from([text for text in NASTY if len(text) < 1_000])
"""Lone surrogates too: JSON can spell them."""
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def for_a_while(test: Callable[[], None], what: str, count: list[int]) -> None:
    """Run a property again and again until its time is over, and print how often it was tried."""
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        test()
    print(f"\n{what}: {count[0]:,} executions in {time.monotonic() - began:.0f} s")  # noqa: T201 - asked for with -s
    assert count[0] > 0


def spelled(value: Any) -> bytes:
    return json.dumps(value).encode()


@st.composite
def broken(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Return a valid thing with a piece taken out, doubled, or written over."""
    data = draw(whole)
    if not data or draw(st.booleans()):
        return data
    at = draw(st.integers(0, len(data)))
    end = draw(st.integers(at, min(len(data), at + 40)))
    return data[:at] + draw(st.binary(max_size=8) | st.just(data[at:end] * 2)) + data[end:]


def words(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from(names) | texts


# -- the check ---------------------------------------------------------------------------------------

messages = st.lists(
    st.dictionaries(words("role", "content", "name", "tool_calls"), values | words("user", "assistant"), max_size=4),
    max_size=3,
)
bodies = st.dictionaries(
    words("model", "messages", "max_tokens", "stream", "file", "language", "temperature", "n", "response_format"),
    values | messages | words("m/chat", "https://example.com/a.wav"),
    max_size=6,
)
requests = st.dictionaries(
    words("custom_id", "body", "method", "url"), values | bodies | words("a", "FILE", "POST"), max_size=5
)
input_lines = broken(st.builds(spelled, requests | st.builds(request_row, texts, texts) | values)) | st.binary(
    max_size=60
)
ends = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\r", b"", b" \n"])
input_files = st.builds(
    lambda bom, pairs: bom + b"".join(line + end for line, end in pairs),
    st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\xff\xfe"]),
    st.lists(st.tuples(input_lines, ends), max_size=12),
)


def test_the_check(tmp_path: Path) -> None:
    """Any bytes yield a report; each line can be read again; the fixed copy can be checked."""
    path, count = tmp_path / "in.jsonl", [0]

    @MANY
    @given(input_files, st.sampled_from([None, *Endpoint]))
    def any_file(data: bytes, endpoint: Endpoint | None) -> None:
        count[0] += 1
        path.write_bytes(data)
        report = check_file(path, endpoint=endpoint, processes=1)
        assert report.size == len(data)
        lines = data.count(b"\n") + 1
        for problem in report.problems:
            assert 0 <= problem.line <= lines
            with suppress(BatchError):
                if problem.line:
                    read_line(path, problem.offset, problem.length)
        plan = plan_fixes(report)
        with suppress(BatchError):  # no line would be left
            copy = write_fixed(plan, rules=plan.rules, reject=True)
            check_file(copy.path, endpoint=endpoint, processes=1)
            for made in tmp_path.iterdir():
                if made != path:
                    made.unlink()

    for_a_while(any_file, "check", count)


# -- the index of results ----------------------------------------------------------------------------

ids = st.sampled_from(["a", "b", "c", "d"]) | texts
responses = st.dictionaries(
    words("custom_id", "response", "error", "id", "status_code", "body", "choices", "usage", "message"),
    values | ids,
    max_size=5,
)
rows = broken(
    st.builds(encode_row, st.builds(answer_row, ids, values) | st.builds(error_row, ids, texts) | responses | values)
) | st.binary(max_size=40)
row_files = st.none() | st.lists(rows, max_size=8).map(b"\n".join)


def test_the_index(tmp_path: Path) -> None:
    """Any three files become rows that add up and can be exported and retried; a saved index is that of its files."""
    count = [0]
    cache = IndexCache(tmp_path / "kept")
    names = {"input": tmp_path / "in.jsonl", "output": tmp_path / "out.jsonl", "errors": tmp_path / "err.jsonl"}

    @MANY
    @given(row_files, row_files, row_files, st.data())
    def any_files(asked_for: bytes | None, came: bytes | None, refused: bytes | None, data: st.DataObject) -> None:
        count[0] += 1
        given_files: dict[str, bytes | None] = {"input": asked_for, "output": came, "errors": refused}
        for name, content in given_files.items():
            if content is not None:
                names[name].write_bytes(content)
        sources = Sources(
            input=names["input"] if asked_for is not None else None,
            output=names["output"] if came is not None else None,
            errors=names["errors"] if refused is not None else None,
        )
        index = ResultIndex(sources)
        counts = index.build()
        assert counts.requests == counts.answered + counts.errors + counts.missing or not index.has_input
        shown = [index.row(number) for number in range(len(index))]
        for number in range(len(index)):
            index.record(number)
        for form in (ExportFormat.MERGED, ExportFormat.ANSWERS, ExportFormat.CSV, ExportFormat.MARKDOWN):
            export_rows(index, range(len(index)), tmp_path / "out", form, replace=True, columns=["custom_id", "answer"])
        again = rows_to_retry(index, groups=errors_by_message(index), missing=True, cut_short=True)
        if index.has_input and len(again):
            with suppress(BatchError):
                write_retry(index, again, tmp_path / "retry.jsonl", model=None, max_tokens=None)
            (tmp_path / "retry.jsonl").unlink(missing_ok=True)
        CachedIndex(sources, cache, "job").build()
        cached = CachedIndex(sources, cache, "job")
        assert cached.build() == counts and [cached.row(number) for number in range(len(cached))] == shown
        path = cache.path("job")
        if path.exists():
            whole = path.read_bytes()
            path.write_bytes(data.draw(broken(st.just(whole))))
            damaged = CachedIndex(sources, cache, "job")
            assert damaged.build() == counts and [damaged.row(number) for number in range(len(damaged))] == shown
            # A body that is damaged and bears the right sum: by no disk, but nothing may come of it that is no error.
            head = len(b"tbatch-tui index 1\n")
            body = data.draw(broken(st.just(whole[head + 4 :])))
            path.write_bytes(whole[:head] + zlib.crc32(body).to_bytes(4, "little") + body)
            cache.load("job", ResultIndex(sources))
            path.unlink()

    for_a_while(any_files, "index", count)


# -- answers of the server ---------------------------------------------------------------------------

fields = words(
    *("id", "status", "progress", "model_id", "endpoint", "input_file_id", "file_size_bytes", "created_at", "job"),
    *("completed_at", "job_deadline", "output_file_id", "error_file_id", "error", "message", "data", "warning"),
    *("filename", "organization", "project", "name", "pricing", "input", "contextLength", "next_cursor"),
)
objects = st.recursive(
    st.dictionaries(fields, values, max_size=6) | values,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(fields, inner, max_size=5),
    max_leaves=8,
)
answers = broken(objects.map(spelled)) | st.binary(max_size=80)
MAPPINGS: list[Callable[[bytes], object]] = [
    *(
        decode.decode_json,
        decode.decode_jobs,
        decode.decode_created,
        decode.decode_file_names,
        decode.decode_account,
        decode.decode_models,
        decode.decode_error_message,
    ),
    lambda body: decode.raw_job(body, "a"),
]


def test_the_mapping(tmp_path: Path) -> None:
    """Of any answer comes a value or OutcomeUnknownError; what it says is bounded, can be written, and names no other
    folder.
    """
    count = [0]

    @MANY
    @given(answers)
    def any_answer(body: bytes) -> None:
        count[0] += 1
        for mapping in MAPPINGS:
            with suppress(OutcomeUnknownError):
                mapping(body)
        with suppress(OutcomeUnknownError):
            for job in decode.decode_jobs(body):
                assert 0 <= job.progress <= 100 and 0 < len(job.id) <= 10_000
                job.id.encode(), job.status.encode(), (job.error or "").encode()
                for kind in FileKind:
                    name = result_name(stem_of(job.id), job.id, kind)
                    assert (tmp_path / name).parent == tmp_path and len(name.encode()) < 256

    for_a_while(any_answer, "mapping", count)
