"""Tools of other APIs as the chat API takes them: {type, name, parameters} and {name, input_schema}."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.check.fix.object_edits import Edit, json_string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbatch_tui.engine.check.fix.object_edits import ObjectText

_FUNCTION_KEYS = {
    "name": "name",
    "description": "description",
    "parameters": "parameters",
    "input_schema": "parameters",
    "strict": "strict",
}
"""What belongs to a function, and how it is called there."""
_OUR_TYPES = ('"function"', '"custom"', "null", "")
"""Types of a tool that is a function; those of other tools (a web search) have no counterpart."""
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
"""Anthropic's words for which tool is called, and ours."""


def tool_edits(body: ObjectText) -> Iterator[Edit]:
    """Yield the edits that give each flat tool its function."""
    for tool in body.objects("tools"):
        yield from _tool(tool)


def choice_edits(body: ObjectText) -> Iterator[Edit]:
    """Yield the edit that gives a tool choice of another API the shape that goes with such tools."""
    choice = body.object("tool_choice")
    if choice is None or not choice.has_unique_keys or "function" in choice:
        return
    kind = choice.value("type")
    if kind in ("function", "tool") and choice.begins("name", '"'):
        name = choice.member_source("name")
        yield Edit(choice.start, body["tool_choice"].end, f'{{"type": "function", "function": {{{name}}}}}')
    elif kind in _CHOICES and all(member.key in ("type", "disable_parallel_tool_use") for member in choice.members):
        yield Edit(choice.start, body["tool_choice"].end, json_string(_CHOICES[kind]))


def _tool(tool: ObjectText) -> Iterator[Edit]:
    if "function" in tool or not tool.has_unique_keys or not tool.begins("name", '"'):
        return
    if tool.source("type") not in _OUR_TYPES or ("parameters" in tool and "input_schema" in tool):
        return
    inside = [key for key in (str(member.key) for member in tool.members) if key in _FUNCTION_KEYS]
    parts = [tool.member_source(key, "parameters" if key == "input_schema" else "") for key in inside]
    outside = [
        tool.member_source(str(member.key))
        for member in tool.members
        if member.key not in _FUNCTION_KEYS and member.key != "type"
    ]
    function = f'"function": {{{", ".join(parts)}}}'
    end = tool.members[-1].end
    yield Edit(tool.start + 1, end, ", ".join(('"type": "function"', function, *outside)))
