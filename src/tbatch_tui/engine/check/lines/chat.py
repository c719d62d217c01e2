"""The rules for the body of a chat request, as `check_line` applies them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.check.limits import STOPS_MAX
from tbatch_tui.engine.check.lines.finding import Finding, JsonObject, JsonPath, join_names, quoted
from tbatch_tui.engine.check.lines.media import part_findings
from tbatch_tui.engine.check.lines.params import (
    CHAT_BOUNDS,
    CHAT_PARAMS,
    CHAT_VALUES,
    MESSAGE_PARAMS,
    REASONING_PARAMS,
    ROLES,
    USUAL_CHAT_BOUNDS,
    has_type,
    out_of_bounds,
    type_name,
    wrong_types,
)
from tbatch_tui.engine.check.lines.response_format import format_findings
from tbatch_tui.engine.check.lines.stopping import stoppable
from tbatch_tui.engine.check.lines.tools import call_findings, tool_findings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BOUNDS = {
    **{name: ("out-of-range", bounds) for name, bounds in CHAT_BOUNDS.items()},
    **{name: ("unusual-value", bounds) for name, bounds in USUAL_CHAT_BOUNDS.items()},
}
_INSTEAD_OF_CONTENT = ("tool_calls", "function_call", "reasoning", "reasoning_content", "refusal", "audio")
"""What an assistant message may have instead of content."""


def chat_findings(body: JsonObject, now: float, cancelled: Callable[[], bool] | None = None) -> Iterator[Finding]:
    """Yield what is wrong in the body of a chat request. `check_line` checks the model.

    Raises OperationCancelledError soon after `cancelled` returns true.

    Args:
        now: The time, in seconds since the epoch, at which the job would begin.
    """
    yield from _messages(body, now, cancelled)
    for name, value in body.items():
        type_ = CHAT_PARAMS.get(name)
        if type_ is None or value is None or name in ("model", "messages"):
            continue
        path = ("body", name)
        if not has_type(value, type_):
            yield Finding("wrong-type", f"body.{name} is {type_name(value)}, not {type_.value}", path)
        elif name in CHAT_VALUES and value not in CHAT_VALUES[name]:
            known = join_names(CHAT_VALUES[name])
            yield Finding("unusual-value", f"body.{name} is {quoted(str(value))}, documented: {known}", path)
        elif name in _BOUNDS:
            yield from out_of_bounds(*_BOUNDS[name], name, value)
    yield from _stop(body.get("stop"))
    yield from format_findings(body.get("response_format"))
    yield from tool_findings(body, cancelled)
    if isinstance(reasoning := body.get("reasoning"), dict):
        yield from wrong_types(reasoning, REASONING_PARAMS, "body.reasoning", ("body", "reasoning"))


def _messages(body: JsonObject, now: float, cancelled: Callable[[], bool] | None) -> Iterator[Finding]:
    messages = body.get("messages")
    path: JsonPath = ("body", "messages")
    if messages is None:
        other = next((f", and body.{name} is not for chat" for name in ("prompt", "input") if name in body), "")
        state = "null" if "messages" in body else "missing"
        yield Finding("no-messages", f"body.messages is {state}{other}", path)
    elif not isinstance(messages, list):
        yield Finding("wrong-type", f"body.messages is {type_name(messages)}, not a list", path)
    elif not messages:
        yield Finding("no-messages", "body.messages is an empty list", path)
    else:
        for index, message in enumerate(stoppable(messages, cancelled)):
            where = f"body.messages[{index}]"
            if isinstance(message, dict):
                yield from _message(message, where, (*path, index), now, cancelled)
            else:
                yield Finding("wrong-type", f"{where} is {type_name(message)}, not an object", (*path, index))


def _message(
    message: JsonObject, where: str, path: JsonPath, now: float, cancelled: Callable[[], bool] | None
) -> Iterator[Finding]:
    role = message.get("role")
    if "role" not in message:
        yield Finding("message-role", f"{where}.role is missing", path)
    elif role not in ROLES:
        shown = quoted(role) if isinstance(role, str) else type_name(role)
        yield Finding("message-role", f"{where}.role is {shown}", (*path, "role"))
    content = message.get("content")
    if content is None:
        if role != "assistant" or not any(message.get(name) for name in _INSTEAD_OF_CONTENT):
            state = "null" if "content" in message else "missing"
            yield Finding("message-content", f"{where}.content is {state}", (*path, "content"))
    elif isinstance(content, list):
        for index, part in enumerate(stoppable(content, cancelled)):
            yield from part_findings(part, f"{where}.content[{index}]", (*path, "content", index), now)
    elif not isinstance(content, str):
        fault = f"{where}.content is {type_name(content)}, neither text nor a list of parts"
        yield Finding("message-content", fault, (*path, "content"))
    yield from wrong_types(message, MESSAGE_PARAMS, where, path)
    yield from call_findings(message, where, path, cancelled)


def _stop(stop: object) -> Iterator[Finding]:
    path = ("body", "stop")
    if isinstance(stop, list):
        if not all(isinstance(item, str) for item in stop):
            yield Finding("wrong-type", "body.stop holds something that is not a string", path)
        if len(stop) > STOPS_MAX:
            yield Finding("too-many-stops", f"{len(stop)} stop sequences (max. {STOPS_MAX})", path)
    elif stop is not None and not isinstance(stop, str):
        yield Finding("wrong-type", f"body.stop is {type_name(stop)}, neither a string nor a list", path)
