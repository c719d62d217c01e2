"""The rules for what a request asks: tools, schemas, media, ranges, URLs that run out. Each at its exact column."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.check import RULES, check_file
from tbatch_tui.engine.domain.catalogue import ModelInfo
from tests.helpers.check_lines import MODEL, audio, chat, dumped, saved, with_messages

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.engine.domain.check_report import CheckReport

NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
TOOL = {"type": "function", "function": {"name": "f"}}
TOOLS = "body.tools[0]"
PART = "body.messages[0].content[0]"
IMAGE_URL = f"{PART}.image_url.url"
CALLS = "body.messages[1].tool_calls"
CALL_ID = "body.messages[0].tool_call_id"
FORMAT = "body.response_format"
SCHEMA = f"{FORMAT}.json_schema"
GRANULARITIES = "body.timestamp_granularities"
OTHER_API = "which is another API's"
FLAT = f"{TOOLS} has its function's name or schema next to type, not in function"
BARE_SCHEMA = f"{SCHEMA} is the bare schema; it has to be an object with name and schema"
LOCAL = f"{IMAGE_URL} is a local path, which Together can't read"
BARE = f"{IMAGE_URL} is base64 without data:image/…;base64, in front"
NOT_BASE64 = "holds data that is not base64"
BAD_TYPE = "is not valid under any of the schemas listed in the 'anyOf' keyword (in type)"
FILE_METHOD = 'method is "FILE", which is for audio: a chat request fails with it'
SIGNED = "https://example.com/a.wav?X-Amz-Signature=x&X-Amz-Expires="


def choice(name: str) -> dict[str, Any]:
    """A tool_choice of a function."""
    return {"type": "function", "function": {"name": name}}


def calling(*calls: object) -> dict[str, Any]:
    """A chat request with these tool calls in its second message."""
    user = {"role": "user", "content": "Hi"}
    return with_messages(user, {"role": "assistant", "content": "x", "tool_calls": [*calls]})


def answering(**more: object) -> dict[str, Any]:
    """A chat request with a tool message."""
    return with_messages({"role": "tool", "content": "x", **more})


def part(part: object) -> dict[str, Any]:
    """A chat request whose only message has this part."""
    return with_messages({"role": "user", "content": [part]})


def image(value: object) -> dict[str, Any]:
    """A chat request with an image."""
    return part({"type": "image_url", "image_url": value})


def sound(value: object) -> dict[str, Any]:
    """A chat request with a sound that stands in it."""
    return part({"type": "input_audio", "input_audio": value})


def schema(**value: object) -> dict[str, Any]:
    """A chat request that asks for an answer by a schema."""
    return chat(response_format={"type": "json_schema", "json_schema": value})


def call(**function: object) -> dict[str, Any]:
    """A tool call."""
    return {"id": "c", "function": function}


# rule, the line, the text in it that is pointed to, message
LINES: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "method-chat",
        {**chat(), "method": "FILE"},
        '"FILE"',
        'method is "FILE", which is for audio: a chat request fails with it',
    ),
    # numbers
    ("out-of-range", chat(n=0), "0}", "body.n is 0, expected: 1 to 128"),
    ("out-of-range", chat(n=129), "129", "body.n is 129, expected: 1 to 128"),
    ("out-of-range", chat(logprobs=21), "21", "body.logprobs is 21, expected: 0 to 20"),
    ("out-of-range", chat(logprobs=-1), "-1", "body.logprobs is -1, expected: 0 to 20"),
    ("out-of-range", chat(max_tokens=0), "0}", "body.max_tokens is 0, expected: 1 or more"),
    ("unusual-value", chat(temperature=2.5), "2.5", "body.temperature is 2.5, expected: 0 to 2"),
    ("unusual-value", chat(temperature=-0.5), "-0.5", "body.temperature is -0.5, expected: 0 to 2"),
    ("unusual-value", chat(top_p=1.5), "1.5", "body.top_p is 1.5, expected: 0 to 1"),
    ("unusual-value", chat(min_p=1.5), "1.5", "body.min_p is 1.5, expected: 0 to 1"),
    ("unusual-value", chat(presence_penalty=-3), "-3}", "body.presence_penalty is -3, expected: -2 to 2"),
    ("unusual-value", chat(frequency_penalty=2.5), "2.5", "body.frequency_penalty is 2.5, expected: -2 to 2"),
    # tools
    ("tool-function", chat(tools=[{"type": "web_search"}]), '{"type"', f"{TOOLS}.function is missing"),
    ("tool-function", chat(tools=[{"function": None}]), "null", f"{TOOLS}.function is null"),
    ("tool-function", chat(tools=[{"function": {}}]), "{}", f"{TOOLS}.function.name is missing"),
    ("tool-function", chat(tools=[{"function": {"name": None}}]), "null", f"{TOOLS}.function.name is null"),
    ("tool-function", chat(tools=[{"function": {"name": ""}}]), '""', f"{TOOLS}.function.name is empty"),
    ("tool-flat", chat(tools=[{"type": "function", "name": "f", "parameters": {}}]), '{"type"', FLAT),
    ("tool-flat", chat(tools=[{"name": "f", "input_schema": {}}]), '{"name"', FLAT),
    ("unusual-value", chat(tools=[{**TOOL, "type": "own"}]), '"own"', f'{TOOLS}.type is "own", documented: function'),
    (
        "tool-choice",
        chat(tools=[TOOL], tool_choice=choice("g")),
        '{"type": "function", "function": {"name": "g"',
        'body.tool_choice names "g", which is not among body.tools',
    ),
    ("tool-choice", chat(tool_choice=choice("g")), '{"type"', 'body.tool_choice names "g", and there are no tools'),
    (
        "tool-choice",
        chat(tools=[TOOL], tool_choice={"name": "f"}),
        '{"name": "f"}}$',
        "body.tool_choice names no function",
    ),
    (
        "unusual-value",
        chat(tools=[TOOL], tool_choice="any"),
        '"any"',
        'body.tool_choice is "any", documented: auto, none or required, or an object',
    ),
    ("tool-calls", calling(), "[]", f"{CALLS} is an empty list"),
    ("tool-calls", calling({"id": "c"}), '{"id"', f"{CALLS}[0].function is missing"),
    ("tool-calls", calling({"function": "f"}), '"f"', f"{CALLS}[0].function is a string, not an object"),
    ("tool-calls", calling(call(arguments="{}")), '{"arguments"', f"{CALLS}[0].function.name is missing"),
    ("tool-calls", calling(call(name="", arguments="{}")), '"", "arg', f"{CALLS}[0].function.name is empty"),
    ("tool-calls", calling(call(name="f")), '{"name"', f"{CALLS}[0].function.arguments is missing"),
    (
        "tool-calls",
        calling(call(name="f", arguments={"a": 1})),
        '{"a": 1}',
        f"{CALLS}[0].function.arguments is an object, not a string",
    ),
    ("tool-call-id", answering(), '{"role"', f"{CALL_ID} is missing"),
    ("tool-call-id", answering(tool_call_id=5), "5}", f"{CALL_ID} is a number"),
    ("tool-call-id", answering(tool_call_id=""), '""', f"{CALL_ID} is empty"),
    # parts
    *(
        ("part-type", part({"type": kind, kind: {}}), f'"{kind}"', f'{PART}.type is "{kind}", {OTHER_API}')
        for kind in ("file", "image", "input_text", "input_image", "tool_result")
    ),
    ("unusual-value", part({"type": "smell"}), '"smell"', f'{PART}.type is "smell", not a documented one'),
    ("media-url", image({}), "{}", f"{IMAGE_URL} is missing"),
    ("media-url", image({"url": None}), "null", f"{IMAGE_URL} is null, not a string"),
    ("media-url", image({"url": " "}), '" "', f"{IMAGE_URL} is empty"),
    ("media-url", image("http://a.org"), '"http', f"{PART}.image_url is a string, not an object with url"),
    *(
        ("media-url", image({"url": path}), f'"{path}"', f'{LOCAL}: "{path}"')
        for path in ("./a.png", "../a", "/a/b", "a.png", "~/a.png", "file:///a.png", "C:/a.png", "folder/a.jpeg")
    ),
    ("media-url", image({"url": "C:\\a.png"}), '"C:', f'{LOCAL}: "C:\\a.png"'),
    ("media-url", image({"url": "\\\\nas\\a"}), '"\\\\', f'{LOCAL}: "\\\\nas\\a"'),
    *(
        ("media-url", image({"url": text}), f'"{text}"', f'{BARE}: "{text}"')
        for text in ("iVBORw0KGgo", "/9j/4AAQSkZJRg==", "R0lGODlh", "SGVsbG8gV29ybGQhISEh")
    ),
    (
        "media-url",
        image({"url": "s3://bucket/a"}),
        '"s3:',
        f'{IMAGE_URL} is not an http or https URL, and not a data URI: "s3://bucket/a"',
    ),
    *(
        ("data-uri", image({"url": uri}), f'"{uri}"', f'{IMAGE_URL} {fault}: "{uri}"')
        for uri, fault in (
            ("data:image/png;base64", "has no comma, so it has no data"),
            ("data:;base64,AAAA", "has no media type, such as image/png"),
            ("data:image/png,AAAA", "is not in base64"),
            ("data:image/png;base64,", "holds no data"),
            ("DATA:image/png;base64,not base64!", NOT_BASE64),
            ("data:image/png;base64,AAAAA", NOT_BASE64),
            ("data:image/png;base64,AA", NOT_BASE64),
            ("data:image/png;base64,AA__", NOT_BASE64),
        )
    ),
    (
        "unusual-value",
        image({"url": "data:text/plain;base64,AAAA"}),
        '"data:',
        f'{IMAGE_URL} has the media type "text/plain", expected: image/…',
    ),
    ("input-audio", sound({"format": "wav"}), '{"format"', f"{PART}.input_audio.data is missing"),
    ("input-audio", sound({"data": "AAAA"}), '{"data"', f"{PART}.input_audio.format is missing"),
    ("input-audio", sound({"data": "", "format": "wav"}), '""', f"{PART}.input_audio.data is empty"),
    ("input-audio", sound({"data": "?", "format": "wav"}), '"?"', f"{PART}.input_audio.data {NOT_BASE64}"),
    ("input-audio", sound("AAAA"), '"AAAA"', f"{PART}.input_audio is a string, not an object with data"),
    (
        "unusual-value",
        sound({"data": "AAAA", "format": "mp3"}),
        '"mp3"',
        f'{PART}.input_audio.format is "mp3", documented: wav',
    ),
    (
        "private-host",
        part({"type": "video_url", "video_url": {"url": "http://10.0.0.1/a.mp4"}}),
        '"http',
        f"{PART}.video_url.url is on 10.0.0.1, which Together cannot reach",
    ),
    # response_format
    ("response-format", chat(response_format={"type": "regex"}), '{"type"', f"{FORMAT}.pattern is missing"),
    ("response-format", chat(response_format={"type": "regex", "pattern": ""}), '""', f"{FORMAT}.pattern is empty"),
    ("schema-name", schema(), "{}", f"{SCHEMA}.name is missing"),
    ("schema-name", schema(schema={}), '{"schema"', f"{SCHEMA}.name is missing"),
    ("schema-name", schema(name=None, schema={}), "null", f"{SCHEMA}.name is null"),
    ("schema-name", schema(name="", schema={}), '""', f"{SCHEMA}.name is empty"),
    (
        "unusual-value",
        schema(name="a b", schema={}),
        '"a b"',
        f'{SCHEMA}.name is "a b", documented: up to 64 letters, digits, _ and -',
    ),
    ("schema-bare", schema(type="object", properties={}), '{"type": "object"', BARE_SCHEMA),
    ("schema-bare", schema(name="x", anyOf=[]), '{"name"', BARE_SCHEMA),
    (
        "schema-invalid",
        schema(name="x", schema={"type": "strng"}),
        '"strng"',
        f'{SCHEMA}.schema is not valid JSON Schema: "strng" {BAD_TYPE}',
    ),
    (
        "schema-invalid",
        schema(name="x", schema={"$ref": "#/$defs/a"}),
        '{"$ref"',
        f"{SCHEMA}.schema is not valid JSON Schema: Pointer '/$defs/a' does not exist",
    ),
    (
        "schema-invalid",
        chat(response_format={"type": "json_schema", "schema": {"type": 5}}),
        "5}",
        f"{FORMAT}.schema is not valid JSON Schema: 5 {BAD_TYPE}",
    ),
    # audio
    ("granularities", audio(timestamp_granularities=""), '""', f"{GRANULARITIES} is empty"),
    ("granularities", audio(timestamp_granularities=[]), "[]", f"{GRANULARITIES} is an empty list"),
    ("granularities", audio(timestamp_granularities=[""]), '[""]', f"{GRANULARITIES} is a list with an empty string"),
    ("unusual-value", audio(timestamp_granularities=["word"] * 2), "[", f"{GRANULARITIES} has a duplicate"),
    ("out-of-range", audio(temperature=1.5), "1.5", "body.temperature is 1.5, expected: 0 to 1"),
    ("out-of-range", audio(temperature=-1), "-1", "body.temperature is -1, expected: 0 to 1"),
]


@pytest.mark.parametrize(("rule", "line", "place", "message"), LINES)
def test_what_is_wrong_in_a_request(tmp_path: Path, rule: str, line: dict[str, Any], place: str, message: str) -> None:
    """It is the only problem among lines that are valid, and the fast path does not hide it."""
    other = audio if "file" in line["body"] else chat
    lines = [other("sound"), {**line, "custom_id": "bad"}, other("last")]
    text = dumped(lines[1]).decode()
    column = (text.rindex(place[:-1]) if place.endswith("$") else text.index(place, text.index('"body"'))) + 1
    report = check_file(saved(tmp_path, dumped(*lines)))
    assert [(p.rule, p.line, p.message, p.custom_id, p.column) for p in report.problems] == [
        (rule, 2, message, "bad", column)
    ]
    assert report.problems[0].severity is RULES[rule].severity


LATER_DRAFT = {"$schema": "https://json-schema.org/draft/2099-01/schema", "type": "object"}
WRAPPED = "data:image/svg+xml;charset=utf-8;base64,AAAA\nAAA="


@pytest.mark.parametrize(
    "line",
    [
        chat(temperature=2, n=128, logprobs=20, presence_penalty=-2, frequency_penalty=2, min_p=0, top_p=1),
        chat(temperature=0, n=1, logprobs=0, max_tokens=1),
        chat(tools=[TOOL], tool_choice=choice("f")),
        chat(tools=[TOOL], tool_choice="f"),
        chat(tools=[TOOL], tool_choice="required"),
        calling(call(name="f", arguments="")),
        answering(tool_call_id="c"),
        schema(name="x", schema={"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {}}}),
        schema(name="x", schema=LATER_DRAFT),
        schema(name="x", schema={"minimum": 2**70}),
        schema(name="x"),
        image({"url": WRAPPED}),
        image({"url": "https://example.com/a?se=2999-01-01", "detail": "low"}),
        sound({"data": "data:audio/wav;base64,AAAA", "format": "wav"}),
        audio(temperature=1, timestamp_granularities=["word", "segment"]),
        audio(file=f"{SIGNED}259200"),
    ],
)
def test_what_is_right_in_a_request(tmp_path: Path, line: dict[str, Any]) -> None:
    assert check_file(saved(tmp_path, dumped(line))).problems == ()


def test_the_same_choice_beside_other_tools_is_judged_again(tmp_path: Path) -> None:
    """Tools and choices that were valid on one line are remembered, but only together."""
    fine = [chat(f"{n}", tools=[TOOL], tool_choice=choice("f")) for n in range(3)]
    other = {"type": "function", "function": {"name": "g"}}
    lines = [
        *fine,
        chat("g", tools=[other], tool_choice=choice("g")),
        chat("bad", tools=[other], tool_choice=choice("f")),
    ]
    report = check_file(saved(tmp_path, dumped(*lines)))
    assert [(p.rule, p.custom_id) for p in report.problems] == [("tool-choice", "bad")]


# -- URLs that run out ---------------------------------------------------------------------------------


def signed_urls(ends: datetime) -> dict[str, str]:
    """The same URL with the signature of each vendor, valid until `ends`."""
    signed = ends - timedelta(days=7)
    return {
        "amazon": f"X-Amz-Algorithm=a&X-Amz-Date={signed:%Y%m%dT%H%M%SZ}&X-Amz-Expires=604800&X-Amz-Signature=x",
        "google": f"X-Goog-Date={signed:%Y%m%dT%H%M%SZ}&X-Goog-Expires=604800&X-Goog-Signature=x",
        "azure": f"sv=2024-11-04&se={ends:%Y-%m-%dT%H}%3A{ends:%M}%3A{ends:%S}Z&sp=r&sig=x",
        "cloudfront": f"Expires={int(ends.timestamp())}&Signature=x&Key-Pair-Id=y",
    }


@pytest.mark.parametrize("vendor", signed_urls(NOW))
@pytest.mark.parametrize(
    ("seconds", "rule", "message"),
    [
        (-3600, "url-expires-within-24h", "ran out 1 hour ago; the job may read it for 24 hours"),
        (0, "url-expires-within-24h", "ran out less than a minute ago; the job may read it for 24 hours"),
        (86_399, "url-expires-within-24h", "runs out in 23 hours; the job may read it for 24 hours"),
        (86_400, "url-expires-within-72h", "runs out in 1 day; a job may run for up to 72 hours"),
        (259_199, "url-expires-within-72h", "runs out in 2 days; a job may run for up to 72 hours"),
        (259_200, None, ""),
    ],
)
def test_a_signed_url_has_to_outlive_the_job(
    tmp_path: Path, vendor: str, seconds: int, rule: str | None, message: str
) -> None:
    url = f"https://files.example.com/a.wav?{signed_urls(NOW + timedelta(seconds=seconds))[vendor]}"
    for line, where in ((audio(file=url), "body.file"), (image({"url": url}), IMAGE_URL)):
        report = check_file(saved(tmp_path, text := dumped(line)), now=NOW.timestamp())
        column = text.decode().index(f'"{url}"') + 1
        expected = [(rule, f"{where} {message}", column)] if rule else []
        assert [(p.rule, p.message, p.column) for p in report.problems] == expected


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("X-Amz-Expires=3600", "url-expires-within-24h"),  # it does not say when it was signed: that is past
        ("X-Amz-Expires=86400", "url-expires-within-72h"),
        ("X-Amz-Expires=259200", None),
        ("se=2026-02-01", "url-expires-within-24h"),
        ("se=2026-02-01T10%3a00Z", "url-expires-within-72h"),
        ("se=soon", None),
        ("se=2026-13-41", None),
        ("Expires=never", None),
        ("Expires=5", None),
        ("Expires=" + "9" * 40, None),
        ("page=se", None),
        ("x=1#Expires=1700000000", None),
    ],
)
def test_what_a_url_says_of_its_end(tmp_path: Path, query: str, rule: str | None) -> None:
    line = audio(file=f"https://example.com/a.wav?{query}")
    report = check_file(saved(tmp_path, dumped(line)), now=NOW.timestamp())
    assert [p.rule for p in report.problems] == ([rule] if rule else [])


# -- the kind of the model -----------------------------------------------------------------------------


def kinds(report: CheckReport) -> list[tuple[str, int, str]]:
    """Line and message of what is said of the kinds of models."""
    return [(p.rule, p.line, p.message) for p in report.problems if p.rule != "mixed-models"]


@pytest.mark.parametrize(
    ("info", "in_chat", "in_audio"),
    [
        (ModelInfo("m"), "", ""),
        (ModelInfo("m", display_type="chat", input_modalities=("text",)), "", "a chat model"),
        (ModelInfo("m", display_type="language", input_modalities=("text", "audio")), "", "a language model"),
        (ModelInfo("m", display_type="transcribe", input_modalities=("audio",)), "a transcribe model", ""),
        (ModelInfo("m", display_type="embedding"), "an embedding model", "an embedding model"),
        (ModelInfo("m", display_type="image", input_modalities=("text",)), "an image model", "an image model"),
        (ModelInfo("m", display_type="audio", input_modalities=("text",)), "an audio model", "audio"),
        (ModelInfo("m", display_type="telepathy", input_modalities=("image",)), "text", "audio"),
        (ModelInfo("m", display_type="telepathy"), "", ""),
    ],
)
def test_a_model_of_another_kind(tmp_path: Path, info: ModelInfo, in_chat: str, in_audio: str) -> None:
    for lines, wrong, endpoint in (
        ([chat("a", model="m"), chat("b", model="m")], in_chat, "chat"),
        ([audio("a", model="m"), audio("b", model="m")], in_audio, "transcription or translation"),
    ):
        report = check_file(saved(tmp_path, dumped(*lines)), catalogue={"m": info})
        fault = f"is {wrong}" if " model" in wrong else f"does not take {wrong}"
        message = f'"m" {fault}, but the requests are for {endpoint}'
        assert kinds(report) == ([("model-kind", 1, message)] if wrong else [])
        assert report.counts == ({"model-kind": 2} if wrong else {})
        assert report.is_ok


def test_an_empty_catalogue_judges_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path, dumped(audio("a", model=MODEL)))
    assert check_file(path, catalogue={}).problems == ()
    assert check_file(path, catalogue=None).problems == ()
