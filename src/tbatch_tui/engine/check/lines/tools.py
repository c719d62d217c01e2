"""The rules for tools: those that a request offers, the one that it chooses, and the calls in its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.check.lines.finding import Finding, JsonObject, JsonPath, join_names, quoted
from tbatch_tui.engine.check.lines.params import FUNCTION_PARAMS, TOOL_CHOICES, Type, type_name, wrong_types
from tbatch_tui.engine.check.lines.stopping import stoppable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FLAT_KEYS = ("name", "parameters", "input_schema")
"""What tools have at the top level in the Responses API and at Anthropic."""


def tool_findings(body: JsonObject, cancelled: Callable[[], bool] | None) -> Iterator[Finding]:
    """Yield what is wrong in `tools` and `tool_choice` of a chat request."""
    tools = body.get("tools")
    names: set[object] = set()
    for index, tool in enumerate(stoppable(tools, cancelled) if isinstance(tools, list) else ()):
        where, path = f"body.tools[{index}]", ("body", "tools", index)
        if not isinstance(tool, dict):
            yield Finding("wrong-type", f"{where} is {type_name(tool)}, not an object", path)
            continue
        yield from wrong_types(tool, {"type": Type.STRING, "function": Type.OBJECT}, where, path)
        yield from _tool(tool, where, path)
        if isinstance(function := tool.get("function"), dict) and isinstance(function.get("name"), str):
            names.add(function["name"])
    yield from _tool_choice(body.get("tool_choice"), names)


def _tool(tool: JsonObject, where: str, path: JsonPath) -> Iterator[Finding]:
    function = tool.get("function")
    if function is None:
        if any(name in tool for name in _FLAT_KEYS):
            message = f"{where} has its function's name or schema next to type, not in function"
            yield Finding("tool-flat", message, path)
        else:
            state = "null" if "function" in tool else "missing"
            yield Finding("tool-function", f"{where}.function is {state}", (*path, "function"))
    elif isinstance(function, dict):
        yield from wrong_types(function, FUNCTION_PARAMS, f"{where}.function", (*path, "function"))
        if not (name := function.get("name")) and (name is None or name == ""):
            state = "empty" if name == "" else "null" if "name" in function else "missing"
            yield Finding("tool-function", f"{where}.function.name is {state}", (*path, "function", "name"))
        kind = tool.get("type")
        if isinstance(kind, str) and kind != "function":
            yield Finding("unusual-value", f"{where}.type is {quoted(kind)}, documented: function", (*path, "type"))


def _tool_choice(choice: object, names: set[object]) -> Iterator[Finding]:
    """Check the chosen tool against the names of the tools that are there."""
    path = ("body", "tool_choice")
    if isinstance(choice, str):
        if choice not in TOOL_CHOICES and choice not in names:
            message = f"body.tool_choice is {quoted(choice)}, documented: {join_names(TOOL_CHOICES)}, or an object"
            yield Finding("unusual-value", message, path)
    elif isinstance(choice, dict):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(name, str):
            yield Finding("tool-choice", "body.tool_choice names no function", path)
        elif name not in names:
            more = "which is not among body.tools" if names else "and there are no tools"
            yield Finding("tool-choice", f"body.tool_choice names {quoted(name)}, {more}", path)


def call_findings(
    message: JsonObject, where: str, path: JsonPath, cancelled: Callable[[], bool] | None
) -> Iterator[Finding]:
    """Yield what is wrong in the tool calls of a message, and in what answers one of them."""
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        if not calls:
            yield Finding("tool-calls", f"{where}.tool_calls is an empty list", (*path, "tool_calls"))
        for index, call in enumerate(stoppable(calls, cancelled)):
            yield from _call(call, f"{where}.tool_calls[{index}]", (*path, "tool_calls", index))
    if message.get("role") == "tool":
        call_id = message.get("tool_call_id")
        if not isinstance(call_id, str) or not call_id:
            state = "missing" if "tool_call_id" not in message else "empty" if call_id == "" else type_name(call_id)
            yield Finding("tool-call-id", f"{where}.tool_call_id is {state}", (*path, "tool_call_id"))


def _call(call: object, where: str, path: JsonPath) -> Iterator[Finding]:
    if not isinstance(call, dict):
        yield Finding("wrong-type", f"{where} is {type_name(call)}, not an object", path)
        return
    function = call.get("function")
    if not isinstance(function, dict):
        state = "missing" if "function" not in call else f"{type_name(function)}, not an object"
        yield Finding("tool-calls", f"{where}.function is {state}", (*path, "function"))
        return
    for name in ("name", "arguments"):
        value = function.get(name)
        if not isinstance(value, str):
            state = "missing" if name not in function else f"{type_name(value)}, not a string"
            yield Finding("tool-calls", f"{where}.function.{name} is {state}", (*path, "function", name))
    if function.get("name") == "":
        yield Finding("tool-calls", f"{where}.function.name is empty", (*path, "function", "name"))
