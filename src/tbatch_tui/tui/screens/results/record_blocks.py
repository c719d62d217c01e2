"""One row as a person reads it: what was asked, what came back, and what is odd about it. Pure: a record to blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbatch_tui.engine.results import ContentPart, Message, Outcome, PartKind, ResultRecord, Usage, format_raw_line
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.outcome import ODD, look_of_outcome
from tbatch_tui.tui.render.status import ATTENTION, FAILED, QUIET
from tbatch_tui.tui.widgets.reader.wrap import Block

if TYPE_CHECKING:
    from collections.abc import Iterator

_INDENT = 2
_ROLE = "bold $accent-text"
_TEXT = (PartKind.TEXT, PartKind.JSON)


def record_blocks(record: ResultRecord, *, unfolded: bool = False, sought: str = "") -> list[Block]:
    """The blocks of a reading pane. Reasoning is folded, unless it is asked for, holds what is sought, or is all."""
    row = record.row
    blocks = [Block(trouble, ATTENTION) for trouble in record.issues]
    if row.issue is not None:
        blocks.append(Block(ODD[row.issue], ATTENTION))
    if blocks:
        blocks.append(Block())
    for message in record.request_messages:
        blocks += _message(message, unfolded=unfolded, sought=sought)
    if record.settings or record.model:
        settings = [f"{name} {value}" for name, value in record.settings]
        blocks += [Block(fmt.joined(record.model, *settings), QUIET), Block()]
    blocks += _came_back(record, unfolded, sought)
    if record.source is not None and record.source_line is not None:
        place = f"{record.source.words}, line {record.source_line:,}"
        blocks.append(Block(f"{record.origin}, {place}" if record.origin else place, QUIET))
    return blocks


def raw_blocks(record: ResultRecord) -> list[Block]:
    """Both lines as they stand in the files, indented where they are JSON."""
    blocks = [Block(trouble, ATTENTION) for trouble in record.issues]
    row = record.row
    asked = f"input file, line {row.line:,}" if row.line is not None else ""
    came = f"{record.source.words}, line {record.source_line:,}" if record.source and record.source_line else ""
    for title, where, data in (("request", asked, record.raw_request), ("response", came, record.raw_response)):
        if data is None:
            blocks.append(Block("", lead=((title, _ROLE), (" · none is here", QUIET))))
        else:
            blocks.append(Block("", lead=((title, _ROLE), (f" · {fmt.joined(where, fmt.size(len(data)))}", QUIET))))
            blocks.append(Block(format_raw_line(data), "", _INDENT))
        blocks.append(Block())
    return blocks


def _came_back(record: ResultRecord, unfolded: bool, sought: str) -> Iterator[Block]:
    row, look = record.row, look_of_outcome(record.row.outcome)
    heading = (f"{look.glyph} {look.word}", f"bold {look.colour}")
    if row.outcome is Outcome.MISSING:
        yield Block("", lead=(heading,))
        yield Block("Neither the output nor the error file has a row for this request.", indent=_INDENT)
        return
    if row.outcome is Outcome.PENDING:
        yield Block("", lead=(heading,))
        return
    if record.failure is not None:
        status = f"HTTP {record.failure.status}" if record.failure.status is not None else ""
        about = fmt.joined(status, record.failure.code)
        yield Block("", lead=(heading, (f" · {about}" if about else "", QUIET)))
        yield Block(record.failure.message, FAILED, _INDENT)
        yield Block()
        if row.outcome is Outcome.UNREADABLE and record.raw_response is not None:
            yield Block(record.raw_response.decode("utf-8", "replace"), QUIET, _INDENT)
            yield Block()
        return
    if record.transcription is not None:
        heard = fmt.joined(
            record.transcription.language,
            fmt.duration(record.transcription.seconds) if record.transcription.seconds else "",
        )
        yield Block("", lead=(("heard", _ROLE), (f" · {heard}" if heard else "", QUIET)))
        yield Block(record.transcription.text or "(silence)", "" if record.transcription.text else QUIET, _INDENT)
        yield Block()
    for number, answer in enumerate(record.answers):
        about = fmt.joined(answer.finish_reason, _used(record.usage) if not number else "")
        thought = record.usage.reasoning if record.usage is not None and not number else None
        yield from _message(answer, about, unfolded=unfolded, sought=sought, thought=thought)
    if row.outcome is Outcome.CUT_SHORT:
        yield Block("", lead=(heading,))
        yield Block(_why_cut(record), ATTENTION, _INDENT)
        yield Block()


def _message(
    message: Message, about: str = "", *, unfolded: bool = False, sought: str = "", thought: int | None = None
) -> Iterator[Block]:
    yield Block("", lead=((message.role, _ROLE), (f" · {about}" if about else "", QUIET)))
    if message.reasoning:
        is_all = not message.parts and not message.tool_calls
        is_sought = bool(sought) and sought.lower() in message.reasoning.lower()
        shown = unfolded or is_all or is_sought
        size = fmt.plural(thought, "token") if thought else fmt.plural(len(message.reasoning), "character")
        yield Block("", lead=((f"  {'▾' if shown else '▸'} reasoning ({size})", QUIET),))
        if shown:
            yield Block(message.reasoning, QUIET, 2 * _INDENT)
    for part in message.parts:
        yield Block(part.text if part.kind in _TEXT else _note(part), "" if part.kind in _TEXT else QUIET, _INDENT)
    for call in message.tool_calls:
        yield Block("", lead=(("  → ", QUIET), (call.name, "bold")))
        yield Block(call.arguments, "", 2 * _INDENT)
    yield Block()


def _note(part: ContentPart) -> str:
    """`image: https://…`, or `image: image/png, 34.1 kB`."""
    return f"[{part.kind.value}: {part.text}" + (f", {fmt.size(part.size)}]" if part.size is not None else "]")


def _used(usage: Usage | None) -> str:
    if usage is None or usage.completion is None:
        return ""
    reasoning = f" ({usage.reasoning:,} of reasoning)" if usage.reasoning else ""
    asked = f", {fmt.plural(usage.prompt, 'token')} asked" if usage.prompt is not None else ""
    return f"{fmt.plural(usage.completion, 'token')}{reasoning}{asked}"


def _why_cut(record: ResultRecord) -> str:
    if any(answer.text or answer.tool_calls for answer in record.answers):
        return "The answer stopped at the token limit: it is not whole. A greater max_tokens would let it finish."
    if any(answer.reasoning for answer in record.answers):
        return "The answer is empty: the tokens went into reasoning. A greater max_tokens would leave some for it."
    return "The answer is empty, although the server calls it a success."
