"""The rules for the line of an audio request, as `check_line` applies them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.check.lines.finding import Finding, JsonObject, join_names, quoted
from tbatch_tui.engine.check.lines.params import (
    AUDIO_BOUNDS,
    AUDIO_FORMATS,
    AUDIO_PARAMS,
    GRANULARITIES,
    has_type,
    out_of_bounds,
    type_name,
)
from tbatch_tui.engine.check.lines.signed_urls import expiry_findings
from tbatch_tui.engine.check.lines.url_hosts import host_of, is_in_store, is_private

if TYPE_CHECKING:
    from collections.abc import Iterator


def audio_findings(line: JsonObject, body: JsonObject, now: float, store: str = "") -> Iterator[Finding]:
    """Yield what is wrong in an audio request. `check_line` checks the model.

    Args:
        now: The time, in seconds since the epoch, at which the job would begin.
        store: `s3://bucket/prefix` whose addresses become links when the file is submitted; empty for none.
    """
    method = line.get("method")
    if method != "FILE":
        shown = "missing" if "method" not in line else quoted(method) if isinstance(method, str) else type_name(method)
        yield Finding("method-file", f'method is {shown}, and must be "FILE" for audio', ("method",))
    yield from _file(body, now, store)
    for name, type_ in AUDIO_PARAMS.items():
        value = body.get(name)
        if name not in ("file", "model") and not has_type(value, type_):
            yield Finding("wrong-type", f"body.{name} is {type_name(value)}, not {type_.value}", ("body", name))
        elif name in AUDIO_BOUNDS:
            yield from out_of_bounds("out-of-range", AUDIO_BOUNDS[name], name, value)
    format_ = body.get("response_format")
    if isinstance(format_, str) and format_ not in AUDIO_FORMATS:
        message = f"body.response_format is {quoted(format_)}, supported: {join_names(AUDIO_FORMATS)}"
        yield Finding("response-format", message, ("body", "response_format"))
    yield from _granularities(body.get("timestamp_granularities"))


def _file(body: JsonObject, now: float, store: str) -> Iterator[Finding]:
    path = ("body", "file")
    file = body.get("file")
    if "file" not in body:
        yield Finding("file-url", "body.file is missing", path)
    elif not isinstance(file, str):
        yield Finding("file-url", f"body.file is {type_name(file)}, not a URL", path)
    elif is_in_store(file, store):
        return
    elif not (host := host_of(file)):
        yield Finding("file-url", f"body.file is not an http or https URL: {quoted(file)}", path)
    else:
        if is_private(host):
            yield Finding("private-host", f"body.file is on {host}, which Together cannot reach", path)
        yield from expiry_findings(file, "body.file", path, now)


def _granularities(value: object) -> Iterator[Finding]:
    path = ("body", "timestamp_granularities")
    items = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(item, str) for item in items):
        yield Finding("wrong-type", "body.timestamp_granularities is not a string or a list of strings", path)
    elif value == [] or "" in items:
        state = "an empty list" if value == [] else "empty" if value == "" else "a list with an empty string"
        yield Finding("granularities", f"body.timestamp_granularities is {state}", path)
    elif other := next((item for item in items if item not in GRANULARITIES), None):
        message = f"body.timestamp_granularities has {quoted(str(other))}, documented: {join_names(GRANULARITIES)}"
        yield Finding("unusual-value", message, path)
    elif len(set(items)) < len(items):
        yield Finding("unusual-value", "body.timestamp_granularities has a duplicate", path)
