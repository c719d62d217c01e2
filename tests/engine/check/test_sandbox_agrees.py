"""The check and the sandbox agree: a file without errors does not fail a job, and each error fails a job or its row.

The sandbox is used as a client uses it: upload, create, read the status and the error file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings

from tbatch_tui.engine.check import RULES, check_file, limits, read_line
from tbatch_tui.engine.domain.check_report import CheckReport, Problem, Severity
from tbatch_tui.sandbox.answers import failures
from tbatch_tui.sandbox.jobs import file_store, validation
from tbatch_tui.sandbox.testing import Sandbox
from tests.engine.check.test_oracle import files
from tests.helpers.check_lines import MODEL, audio, chat, dumped, saved, with_messages, without

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHAT, TRANSCRIPTIONS, TRANSLATIONS = "/v1/chat/completions", "/v1/audio/transcriptions", "/v1/audio/translations"
USER = {"role": "user", "content": "Hi"}
CALL = {"id": "1", "index": 0, "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
IMAGE = {"url": "https://example.com/a.png"}
SCHEMA = {"name": "x", "schema": {"type": "object"}}

Outcome = tuple[str, str, set[str]]
RunJob = Callable[[bytes, str], Outcome]


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox(speed=0, strict=True) as running:
        yield running


@pytest.fixture
def run_job(shared_sandbox: Sandbox) -> RunJob:
    """Run a job on a file; return its status, its error, and the custom_ids of its error file."""

    def run(content: bytes, endpoint: str) -> Outcome:
        headers = {"Authorization": f"Bearer {shared_sandbox.key}"}
        with httpx.Client(base_url=shared_sandbox.base_url, headers=headers, timeout=60, trust_env=False) as client:
            form = {"purpose": "batch-api", "file_name": "a.jsonl", "file_type": "jsonl"}
            answer = client.post("/v1/files/upload", data=form, files={"file": ("a.jsonl", content)})
            assert answer.status_code == 200, answer.text
            request = {"input_file_id": answer.json()["id"], "endpoint": endpoint}
            job_id = client.post("/v1/batches", json=request).raise_for_status().json()["job"]["id"]
            shared_sandbox.advance(20_000)
            job = client.get(f"/v1/batches/{job_id}").raise_for_status().json()
            error_file = job.get("error_file_id")
            rows = client.get(f"/v1/files/{error_file}/content").raise_for_status().text if error_file else ""
        return job["status"], job.get("error") or "", {json.loads(line)["custom_id"] for line in rows.splitlines()}

    return run


PASSING: list[tuple[str, bytes]] = [
    (
        CHAT,
        dumped(
            chat("plain"),
            chat("parameters", temperature=0.5, top_p=1, top_k=40, seed=7, n=1, stop=["a"] * 4, logit_bias={"5": -1.5}),
            chat("nulls", temperature=None, stop=None, tools=None, response_format=None, stream=False, seed=None),
            chat("unknown", user="u", metadata={"a": [1]}, parallel_tool_calls=True, reasoning={"enabled": False}),
            chat("effort", reasoning_effort="low", logprobs=1, echo=False, context_length_exceeded_behavior="error"),
            chat("json", response_format={"type": "json_object"}),
            chat("schema", response_format={"type": "json_schema", "json_schema": SCHEMA}),
            chat("regex", response_format={"type": "regex", "pattern": "a+"}),
            chat("text", response_format={"type": "text"}),
            chat("tools", tools=[TOOL], tool_choice="auto"),
            {
                **with_messages(
                    {"role": "system", "content": "x"},
                    {"role": "developer", "content": "x"},
                    {**USER, "name": "Bob"},
                    {"role": "assistant", "content": None, "tool_calls": [CALL]},
                    {"role": "tool", "content": "x", "tool_call_id": "1"},
                    {"role": "function", "name": "f", "content": "x"},
                ),
                "custom_id": "roles",
            },
            {
                **with_messages(
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": IMAGE}],
                    }
                ),
                "custom_id": "parts",
            },
            chat("é" * 64),
            chat("\u2028 🙂 \\ / \x7f"),
            {"body": chat()["body"], "custom_id": "turned"},
        ),
    ),
    # warnings only
    (
        CHAT,
        b"\xef\xbb\xbf"
        + dumped(
            without(chat("no limit"), "body", "max_tokens"),
            chat("stream", stream=True),
            {**chat("envelope"), "method": "POST", "url": CHAT},
            chat("one stop", stop="x"),
            chat("other", model="openai/gpt-oss-20b"),
            b"",
            b"  ",
            dumped(chat("twice"))[:-1].replace(b'"max', b'"max_tokens": 5, "max'),
        ).replace(b"\n", b"\r\n"),
    ),
    (CHAT, dumped(chat("unended"))[:-1]),
    (
        TRANSCRIPTIONS,
        dumped(
            audio("plain"),
            audio("json", response_format="json", language="en", prompt="p", temperature=0),
            audio("verbose", response_format="verbose_json", timestamp_granularities=["word", "segment"]),
            audio("speakers", diarize=True, min_speakers=1, max_speakers=3, timestamp_granularities="word"),
            {**audio("envelope"), "url": TRANSCRIPTIONS},
        ),
    ),
    (TRANSLATIONS, dumped({**audio("a", language="en"), "url": TRANSLATIONS}, audio("b"))),
]


@pytest.mark.parametrize(("endpoint", "content"), PASSING)
def test_what_passes_is_answered(tmp_path: Path, run_job: RunJob, endpoint: str, content: bytes) -> None:
    report = check_file(saved(tmp_path, content))
    assert (report.errors, report.endpoint) == (0, endpoint)
    assert run_job(content, endpoint) == ("COMPLETED", "", set())


LINE = dumped(chat("bad"))[:-1]

FAILS: dict[str, bytes] = {
    "utf16": dumped(chat("bad")).decode().encode("utf-16"),
    "not-jsonl": dumped(chat("bad"), chat("worse")).replace(b"\n", b"\r"),
    "json-array": b"[\n" + dumped(chat("bad")) + b"]\n",
    "pretty-printed": json.dumps(chat("bad"), indent=1).encode(),
    "table-file": b"id,prompt\n1,Hello\n",
    "result-file": dumped({"custom_id": "bad", "response": {"status_code": 200, "body": {}}}),
    "no-requests": b"\n \n",
    "not-utf8": LINE.replace(b"Hello", b"\xff"),
    "not-json": LINE[:-1],
    "lone-surrogate": LINE.replace(b"Hello", b"\\ud800"),
    "too-deep": b"[" * 100_000,
    "number-too-large": LINE.replace(b": 9", b": 1e999"),
    "not-object": b"[1]",
    "trailing-comma": LINE + b",",
    "several-objects": LINE + LINE,
    "double-encoded": dumped(LINE.decode()),
    "custom-id-missing": dumped(without(chat(), "custom_id")),
    "custom-id-type": dumped(chat(7)),
    "custom-id-empty": dumped(chat("")),
    "custom-id-long": dumped(chat("x" * 65)),
    "duplicate-custom-id": dumped(chat("sound")),
    "body-missing": dumped(without(chat("bad"), "body")),
    "body-flat": dumped({"custom_id": "bad", **chat()["body"]}),
    "anthropic-params": dumped({"custom_id": "bad", "params": chat()["body"]}),
    "body-type": dumped({"custom_id": "bad", "body": "{}"}),
    "line-too-long": LINE.replace(b"Hello", b"x" * limits.LINE_BYTES_MAX),
}
"""A line, or a file, for each rule that fails the whole job."""

WHOLE_FILE = ("utf16", "not-jsonl", "json-array", "pretty-printed", "table-file", "result-file", "no-requests")


@pytest.mark.parametrize("rule", FAILS)
def test_what_fails_the_job(tmp_path: Path, run_job: RunJob, rule: str) -> None:
    content = FAILS[rule] if rule in WHOLE_FILE else dumped(chat("sound"), FAILS[rule].strip())
    assert errors_of(check_file(saved(tmp_path, content))) == {rule}
    status, error, _ = run_job(content, CHAT)
    assert status == "FAILED"
    assert error


def part(part: dict[str, Any]) -> dict[str, Any]:
    """A request with one part."""
    return chat("bad", messages=[{"role": "user", "content": [part]}])


def image(value: object) -> dict[str, Any]:
    """A request with an image."""
    return part({"type": "image_url", "image_url": value})


def response_format(**value: object) -> dict[str, Any]:
    """A request with a response_format."""
    return chat("bad", response_format=value)


def calling(*calls: object) -> dict[str, Any]:
    """A request with tool calls."""
    return chat("bad", messages=[USER, {"role": "assistant", "content": "x", "tool_calls": [*calls]}])


REFUSED: dict[str, list[dict[str, Any]]] = {
    "wrong-type": [chat("bad", temperature="hot"), chat("bad", tools={}), chat("bad", seed=True), chat("bad", stop=5)],
    "model-spaces": [chat("bad", model=f"{MODEL} "), chat("bad", model=f"\n{MODEL}")],
    "no-model": [without(chat("bad"), "body", "model"), chat("bad", model="")],
    "other-kind": [audio("bad")],
    "no-messages": [without(chat("bad"), "body", "messages"), chat("bad", messages=[])],
    "message-role": [chat("bad", messages=[{"content": "x"}]), chat("bad", messages=[{**USER, "role": "bot"}])],
    "message-content": [chat("bad", messages=[{"role": "user"}]), chat("bad", messages=[{**USER, "content": 5}])],
    "too-many-stops": [chat("bad", stop=["a"] * 5)],
    "response-format": [response_format(type="xml"), response_format(type="regex")],
    "schema-name": [
        response_format(type="json_schema", json_schema={}),
        response_format(type="json_schema", json_schema={"schema": {}, "name": ""}),
    ],
    "schema-bare": [response_format(type="json_schema", json_schema={"type": "object", "properties": {}})],
    "schema-invalid": [
        response_format(type="json_schema", json_schema={"name": "x", "schema": {"type": "strng"}}),
        response_format(type="json_schema", json_schema={"name": "x", "schema": {"$ref": "#/$defs/x"}}),
    ],
    "tool-flat": [chat("bad", tools=[{"type": "function", "name": "f"}]), chat("bad", tools=[{"input_schema": {}}])],
    "tool-function": [chat("bad", tools=[{"type": "function"}]), chat("bad", tools=[{"function": {"name": ""}}])],
    "tool-choice": [
        chat("bad", tool_choice={"type": "function", "function": {"name": "f"}}),
        chat("bad", tools=[TOOL], tool_choice={"type": "function", "function": {"name": "g"}}),
        chat("bad", tools=[TOOL], tool_choice={"type": "function", "name": "f"}),
    ],
    "tool-calls": [
        calling(),
        calling({"id": "1", "type": "function"}),
        calling({"function": {"name": "f", "arguments": {}}}),
        calling({"function": {"arguments": "{}"}}),
    ],
    "tool-call-id": [chat("bad", messages=[{"role": "tool", "content": "x"}])],
    "part-type": [part({"type": "file", "file": {"file_id": "f"}}), part({"type": "input_text", "text": "x"})],
    "media-url": [
        image({}),
        image("https://a.org"),
        image({"url": ""}),
        image({"url": "./a.png"}),
        image({"url": "iVBORw0"}),
    ],
    "data-uri": [image({"url": "data:image/png;base64,?"}), image({"url": "data:;base64,AAAA"})],
    "input-audio": [part({"type": "input_audio", "input_audio": {"data": "AAAA"}})],
    "out-of-range": [
        *(chat("bad", **{name: value}) for name, value in (("n", 0), ("n", 129), ("logprobs", 21), ("max_tokens", 0))),
    ],
    "method-chat": [{**chat("bad"), "method": "FILE"}],
    "granularities": [audio("bad", timestamp_granularities=value) for value in ("", [], [""])],
    "method-file": [without(audio("bad"), "method"), {**audio("bad"), "method": "POST"}],
    "file-url": [without(audio("bad"), "body", "file"), audio("bad", file="a.wav"), audio("bad", file=None)],
}
"""Lines for each rule that fails its row, which costs a day and brings no answer."""


@pytest.mark.parametrize(("rule", "line"), [(rule, line) for rule, lines in REFUSED.items() for line in lines])
def test_what_fails_its_row(tmp_path: Path, run_job: RunJob, rule: str, line: dict[str, Any]) -> None:
    is_audio = rule in ("method-file", "file-url", "granularities")
    content = dumped((audio if is_audio else chat)("sound"), line)
    assert errors_of(check_file(saved(tmp_path, content))) == {rule}
    assert run_job(content, TRANSCRIPTIONS if is_audio else CHAT) == ("COMPLETED", "", {"bad"})


ELSEWHERE = {
    "suffix": "the SDK refuses the name, before anything is sent",
    **dict.fromkeys(("url-gone", "url-refused", "url-empty", "url-login-page"), "found by asking, with --urls alone"),
    "url-expires-within-24h": "it depends on when the row runs: tests/engine/check/test_request_rules.py",
    "links-too-large": "the addresses become links when it is submitted: tests/engine/check/test_rules.py",
    "changed-while-read": "not a problem of the file",
}


def test_more_requests_than_a_job_takes_fail_it(tmp_path: Path, run_job: RunJob) -> None:
    """For the check that is a note: the file goes as several jobs."""
    content = dumped(*({"custom_id": f"{n}", "body": chat()["body"]} for n in range(50_001)))
    report = check_file(saved(tmp_path, content))
    assert report.counts == {"too-many-requests": 1} and report.can_be_split
    assert run_job(content, CHAT)[0] == "FAILED"


def test_every_error_is_accounted_for() -> None:
    errors = {rule.id for rule in RULES.values() if rule.severity is Severity.ERROR}
    assert errors == {*FAILS, *REFUSED, *ELSEWHERE}


def test_limits_are_the_same() -> None:
    assert validation.MAX_REQUESTS == limits.REQUESTS_MAX
    assert validation.MAX_LINE == limits.LINE_BYTES_MAX
    assert validation.MAX_CUSTOM_ID == limits.CUSTOM_ID_CHARACTERS
    assert failures.MAX_STOP == limits.STOPS_MAX
    assert file_store.MAX_BYTES == limits.FILE_MEGABYTES * limits.MEBIBYTE


@settings(suppress_health_check=list(HealthCheck))
@given(files())
@example((dumped(chat("a"), chat("b", model=False)), True))
@example((dumped(chat("a"), chat("b", model=" ")), True))
@example((dumped(chat("a", messages=[{"role": "assistant", "content": "x", "tool_calls": True}])), True))
@example((dumped(chat("a", tools=True, tool_choice=7)), True))
def test_check_and_sandbox_agree_on_any_file(tmp_path: Path, file: tuple[bytes, bool]) -> None:
    """The job fails if one of the errors says so, and only then."""
    content, is_chat = file
    path = saved(tmp_path, content)
    error = validation.validate(
        path, CHAT if is_chat else TRANSCRIPTIONS, "job", validation.Rates(0, 0, 0), strict=True
    ).error
    failing = [problem for problem in check_file(path).problems if fails_the_job(path, problem)]
    assert (error is not None) is bool(failing), (error, failing)


def fails_the_job(path: Path, problem: Problem) -> bool:
    """Whether the sandbox fails the whole job for this problem.

    An id of spaces only is `custom-id-empty` for the check, and passes the sandbox's validation.
    """
    if problem.rule == "custom-id-empty":
        return not json.loads(read_line(path, problem.offset, problem.length))["custom_id"]
    return problem.severity is Severity.ERROR and problem.rule in FAILS


def errors_of(report: CheckReport) -> set[str]:
    """The rules of severity error that a file breaks."""
    return {rule for rule in report.counts if RULES[rule].severity is Severity.ERROR}
