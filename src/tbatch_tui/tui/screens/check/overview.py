"""What a clean file asks for: its first request, and which values its parameters have."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from textual import work
from textual.containers import Vertical

from tbatch_tui.engine.check.untimed import untimed_words
from tbatch_tui.engine.lenient_json import content_text, loads, to_json
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.sanitize import line
from tbatch_tui.tui.widgets.divider import Divider
from tbatch_tui.tui.widgets.reader.json_blocks import json_blocks
from tbatch_tui.tui.widgets.reader.view import RecordView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from textual.app import ComposeResult

    from tbatch_tui.tui.render.styled import StyledText
    from tbatch_tui.tui.widgets.fact_list import Fact
    from tbatch_tui.tui.widgets.reader.wrap import Block

SAMPLE_REQUESTS, SAMPLE_BYTES = 2_000, 4 << 20
"""How much of a file the statistics are made from; of a larger one they say so."""
_LINE_LIMIT = 1 << 20
"""Bytes that are shown of the first request."""
_VALUES_NAMED = 3
"""Values of a parameter that are named, the most frequent first."""
_PARAMETERS_NAMED = 12
_VALUE_LENGTH = 40
"""Characters of a value."""
_NOT_PARAMETERS = frozenset({"messages", "model", "prompt", "input", "file"})


@dataclass(slots=True)
class FileOverview:
    """The first request of a file and the parameters of its requests."""

    first: bytes = b""
    """The first line, up to its limit."""
    custom_id: str = ""
    requests: int = 0
    """How many requests were looked at."""
    is_whole: bool = True
    """Whether those are all."""
    parameters: dict[str, Counter[str]] = field(default_factory=dict)
    """By the name of a parameter, how many requests have which value."""
    untimed: int = 0
    """How many are about recordings, and ask without `verbose_json`."""
    systems: Counter[str] = field(default_factory=Counter)
    """How many requests have which system prompt; requests without one are not counted."""


def read_overview(path: Path) -> FileOverview:
    """Read the start of a file. For a thread. Raises OSError."""
    overview, left = FileOverview(), SAMPLE_BYTES
    with path.open("rb") as file:
        for raw in islice(file, 2 * SAMPLE_REQUESTS):
            left -= len(raw)
            text = raw.removeprefix(b"\xef\xbb\xbf").strip()
            if not text:
                continue
            if overview.requests == SAMPLE_REQUESTS or left < 0 < overview.requests:
                overview.is_whole = False
                break
            if not overview.requests:
                overview.first = text[:_LINE_LIMIT]
            _count(overview, text)
        else:
            overview.is_whole = not file.read(1)
    return overview


def _count(overview: FileOverview, text: bytes) -> None:
    overview.requests += 1
    try:
        request = loads(text)
    except ValueError:
        return
    if not isinstance(request, dict):
        return
    if overview.requests == 1:
        overview.custom_id = str(request.get("custom_id", ""))
    body = request.get("body")
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        if name not in _NOT_PARAMETERS:
            overview.parameters.setdefault(name, Counter())[_short(value)] += 1
    if "file" in body and body.get("response_format") != "verbose_json":
        overview.untimed += 1
    if (system := _system_prompt(body)) is not None:
        overview.systems[system] += 1


def _system_prompt(body: Mapping[str, Any]) -> str | None:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return None
    texts = [
        content_text(message.get("content"))
        for message in messages
        if isinstance(message, dict) and message.get("role") in ("system", "developer")
    ]
    return "\n".join(texts) if texts else None


def _short(value: object) -> str:
    """Return a value on one line: text as it is, what is nested as the start of its JSON."""
    text = value if isinstance(value, str) else to_json(value)
    return text if len(text) <= _VALUE_LENGTH else f"{text[: _VALUE_LENGTH - 1]}…"


def parameter_facts(overview: FileOverview) -> list[tuple[str, StyledText]]:
    """Return the parameters and their values, `temperature 0 ×1,990 · 0.7 ×10`, then the system prompts."""
    facts: list[tuple[str, StyledText]] = []
    if overview.systems:
        variants, total = len(overview.systems), overview.systems.total()
        text = "same in every request" if variants == 1 else f"{variants:,} different ones"
        without = overview.requests - total
        facts.append(("System", [(text, ""), (f" · {without:,} without one" if without else "", "$status-quiet")]))
    for name, values in islice(sorted(overview.parameters.items()), _PARAMETERS_NAMED):
        title = "" if any(title == "Parameters" for title, _ in facts) else "Parameters"
        facts.append((title, [(f"{line(name)[:30]} ", "$status-quiet"), *_values(values, overview.requests)]))
    if (more := len(overview.parameters) - _PARAMETERS_NAMED) > 0:
        facts.append(("", [(f"and {fmt.plural(more, 'parameter')} more", "$status-quiet")]))
    if overview.untimed:
        facts.append(("Note", [(untimed_words(overview.untimed), "")]))
    if not overview.is_whole and facts:
        facts.append(("", [(f"in the first {overview.requests:,} requests", "$status-quiet")]))
    return facts


def _values(values: Counter[str], requests: int) -> StyledText:
    text: StyledText = []
    for value, count in values.most_common(_VALUES_NAMED):
        text += [(" · ", "$rule")] if text else []
        text += [(line(value), ""), (f" ×{count:,}", "$status-quiet")]
    if (more := len(values) - _VALUES_NAMED) > 0:
        text += [(" · ", "$rule"), (f"{fmt.plural(more, 'other value')}", "$status-quiet")]
    if (without := requests - values.total()) > 0:
        text += [(" · ", "$rule"), (f"{without:,} without it", "$status-quiet")]
    return text


def request_blocks(overview: FileOverview) -> list[Block]:
    """Return the first request, laid out."""
    return json_blocks(overview.first.decode("utf-8", "replace"))[0]


class FirstRequest(Vertical):
    """The first request of a file without problems, in the room that the list of problems would have."""

    DEFAULT_CSS = """
    FirstRequest { height: 1fr; min-height: 4; & > RecordView { padding: 0 2; } }
    """

    def compose(self) -> ComposeResult:
        """Compose the title and the request."""
        yield Divider("The first request")
        yield RecordView()

    @work(group="overview", exclusive=True, exit_on_error=False)
    async def load(self, path: Path, show_facts: Callable[[Sequence[Fact]], object]) -> None:
        """Read the start of the file in a thread; show its first request here, and hand on the facts."""
        try:
            overview = await asyncio.to_thread(read_overview, path)
        except OSError:
            return  # the check says what there is to say of a file that cannot be read
        title = fmt.join("The first request", overview.custom_id)
        self.query_one(Divider).set_title(title)
        self.query_one(RecordView).show(request_blocks(overview))
        show_facts(parameter_facts(overview))
