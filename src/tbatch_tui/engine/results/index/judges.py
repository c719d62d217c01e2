"""Whether an answer is what the request asked for: the place where answers are judged while they are counted.

A request asks by its `response_format` and by its `tools`, which most lines of a file share: a judge is made once for
each, and called for each answer that is ok so far. It must be fast, as 50,000 answers are judged while the results are
counted (0.3 s at most), and it must not raise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.lenient_json import loads, to_json
from tbatch_tui.engine.schemas.wrapping import JUDGED_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the answers to requests that ask for the same."""

    response_format: bytes = b""
    """As JSON; empty where it asks for nothing that can be judged."""
    tools: bytes = b""

    def violation(self, texts: Iterable[str], calls: Iterable[Any]) -> str:
        """Return the first thing that is not as asked, in one of the answers; empty if all are. Never raises.

        What the requests ask is compiled once, and again where a file asks for hundreds of different things.

        Args:
            texts: The answers that are text.
            calls: The tool calls, as the response has them.
        """
        from tbatch_tui.engine.schemas.verdict import format_of, tool_formats_of

        if self.response_format:
            judge = format_of(self.response_format).judge
            for text in texts:
                if violation := judge(text).violation:
                    return violation
        if self.tools:
            for call in calls:
                function = call.get("function") if isinstance(call, dict) else None
                name, arguments = (
                    (function.get("name"), function.get("arguments")) if isinstance(function, dict) else ("", "")
                )
                if violation := tool_formats_of(self.tools).violation_of(name, arguments):
                    return violation
        return ""


def format_by_schema(schema: str) -> bytes:
    """Return the `response_format` that asks for a JSON Schema, which is given as JSON; nothing for none."""
    if not schema:
        return b""
    asked = {"type": "json_schema", "json_schema": {"name": "answer", "schema": loads(schema.encode())}}
    return to_json(asked).encode()


def judge_for(response_format: bytes, tools: bytes) -> Judge | None:
    """Return the judge of answers to requests with these, as JSON; None if they ask for nothing."""
    asked = loads(response_format) if response_format[:1] == b"{" else None
    kind = asked.get("type") if isinstance(asked, dict) else None
    judged = response_format if kind in JUDGED_FORMATS else b""
    tools = tools if tools[:1] == b"[" and tools != b"[]" else b""
    return Judge(judged, tools) if judged or tools else None
