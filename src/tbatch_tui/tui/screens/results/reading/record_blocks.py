"""One row as blocks of text: the request, the response, and what is wrong with them. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tbatch_tui.engine.lenient_json import loads
from tbatch_tui.engine.results import (
    ContentPart,
    Message,
    Outcome,
    PartKind,
    ResultRecord,
    Transcription,
    Usage,
    format_raw_line,
)
from tbatch_tui.engine.schemas.spec import format_spec
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.render.outcome import ISSUE_TEXTS, outcome_style
from tbatch_tui.tui.render.status import ATTENTION, FAILED, QUIET
from tbatch_tui.tui.widgets.reader.wrap import Block

if TYPE_CHECKING:
    from collections.abc import Iterator

_INDENT = 2
_LOGPROBS_SHOWN = 5
"""Tokens whose logprobs are shown without unfolding."""
_ROLE = "bold $accent-text"
_TEXT = (PartKind.TEXT, PartKind.JSON)


class RecordBlocks(NamedTuple):
    """A row as blocks."""

    blocks: list[Block]
    answer: int | None = None
    """The block at which the answer begins, or what stands in its place. None if there is nothing to go to."""


def record_blocks(record: ResultRecord, *, unfolded: bool = False, query: str = "") -> RecordBlocks:
    """Return a row as a conversation: what was asked, what came back, and below it how it was asked.

    Reasoning is folded to one line unless `unfolded` is set, it holds `query`, or there is no other answer.
    """
    row = record.row
    blocks = [Block(issue, ATTENTION) for issue in record.issues]
    if row.issue is not None:
        blocks.append(Block(ISSUE_TEXTS[row.issue], ATTENTION))
    if blocks:
        blocks.append(Block())
    for message in record.request_messages:
        blocks += _message(message, unfolded=unfolded, query=query)
    answer = len(blocks)
    blocks += _response(record, unfolded, query)
    if record.settings or record.model:
        settings = [f"{name} {_short_setting(name, value)}" for name, value in record.settings]
        blocks.append(Block(fmt.join(record.model, *settings), QUIET))
    if record.source is not None and record.source_line is not None:
        source = f"{record.source.words}, line {record.source_line:,}"
        blocks.append(Block(f"{record.origin}, {source}" if record.origin else source, QUIET))
    return RecordBlocks(blocks, answer)


def raw_blocks(record: ResultRecord) -> list[Block]:
    """Return the lines of the request and the response as they are in the files; JSON is indented."""
    blocks = [Block(issue, ATTENTION) for issue in record.issues]
    row = record.row
    request_source = f"input file, line {row.line:,}" if row.line is not None else ""
    response_source = ""
    if record.source and record.source_line:
        response_source = f"{record.source.words}, line {record.source_line:,}"
    for title, source, data in (
        ("request", request_source, record.raw_request),
        ("response", response_source, record.raw_response),
    ):
        if data is None:
            blocks.append(Block("", lead=((title, _ROLE), (" · none is here", QUIET))))
        else:
            blocks.append(Block("", lead=((title, _ROLE), (f" · {fmt.join(source, fmt.size(len(data)))}", QUIET))))
            blocks.append(Block(format_raw_line(data), "", _INDENT))
        blocks.append(Block())
    return blocks


def _short_setting(name: str, value: str) -> str:
    """Return the value of a setting: of a schema the short text that says the same, of tools their names."""
    if name not in ("response_format", "tools"):
        return value
    asked = loads(value.encode("utf-8", "replace"))
    if isinstance(asked, list):
        names = [_field(_field(tool, "function"), "name") for tool in asked]
        return ", ".join(names) if all(isinstance(each, str) for each in names) else value
    return format_spec(_field(_field(asked, "json_schema"), "schema")) or value


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _response(record: ResultRecord, unfolded: bool, query: str) -> Iterator[Block]:
    row, look = record.row, outcome_style(record.row.outcome)
    heading = (f"{look.glyph} {look.word}", f"bold {look.colour}")
    if row.outcome is Outcome.MISSING:
        yield Block("", lead=(heading,))
        yield Block("No row for this request in the output or error file.", indent=_INDENT)
        return
    if row.outcome is Outcome.PENDING:
        yield Block("", lead=(heading,))
        return
    if row.outcome is Outcome.INVALID:
        yield Block("", lead=(heading,))
        yield Block(row.reason or "The answer doesn't match the request.", ATTENTION, _INDENT)
        yield Block()
    elif record.failure is not None:
        status = f"HTTP {record.failure.status}" if record.failure.status is not None else ""
        about = fmt.join(status, record.failure.code)
        yield Block("", lead=(heading, (f" · {about}" if about else "", QUIET)))
        yield Block(record.failure.message, FAILED, _INDENT)
        yield Block()
        if row.outcome is Outcome.UNREADABLE:
            yield from _raw_row(record)
        return
    if row.outcome is Outcome.INVALID and record.failure is not None:
        yield from _raw_row(record)
        return
    if (transcription := record.transcription) is not None:
        about = fmt.join(
            transcription.language,
            f"{fmt.duration(transcription.seconds)} audio" if transcription.seconds else "",
            fmt.plural(len(transcription.speakers), "speaker") if transcription.speakers else "",
        )
        yield Block("", lead=(("transcript", _ROLE), (f" · {about}" if about else "", QUIET)))
        yield from _segments(transcription)
        yield Block()
    for number, answer in enumerate(record.answers):
        about = fmt.join(_used(record.usage) if not number else "", answer.finish_reason)
        reasoning_tokens = record.usage.reasoning if record.usage is not None and not number else None
        yield from _message(answer, about, unfolded=unfolded, query=query, reasoning_tokens=reasoning_tokens)
    if record.removed:
        yield Block(f"Before it was judged, this was taken off: {', '.join(record.removed)}.", QUIET, _INDENT)
        yield Block()
    if row.outcome is Outcome.CUT_SHORT:
        yield Block("", lead=(heading,))
        yield Block(_why_cut(record), ATTENTION, _INDENT)
        yield Block()


def _segments(transcription: Transcription) -> Iterator[Block]:
    """Yield who said what, and when; the text alone where there are no times."""
    if not transcription.segments:
        yield Block(transcription.text or "(silence)", "" if transcription.text else QUIET, _INDENT)
        return
    last = max(segment.start for segment in transcription.segments)
    width = len(fmt.clock(last)) + _INDENT + 1
    speaker = None
    for segment in transcription.segments:
        if segment.speaker and segment.speaker != speaker:
            yield Block("", lead=((f"{' ' * width}{segment.speaker}", _ROLE),))
        speaker = segment.speaker
        time = f"{fmt.clock(segment.start):>{width - 1}} "
        yield Block(segment.text.strip(), "", width, lead=((time, QUIET),))


def _raw_row(record: ResultRecord) -> Iterator[Block]:
    if record.raw_response is not None:
        yield Block(record.raw_response.decode("utf-8", "replace"), QUIET, _INDENT)
        yield Block()


def _message(
    message: Message, about: str = "", *, unfolded: bool = False, query: str = "", reasoning_tokens: int | None = None
) -> Iterator[Block]:
    yield Block("", lead=((message.role, _ROLE), (f" · {about}" if about else "", QUIET)))
    if message.reasoning:
        is_all = not message.parts and not message.tool_calls and not message.refusal
        is_hit = bool(query) and query.lower() in message.reasoning.lower()
        shown = unfolded or is_all or is_hit
        if reasoning_tokens:
            size = fmt.plural(reasoning_tokens, "token")
        else:
            size = fmt.plural(len(message.reasoning), "character")
        yield Block("", lead=((f"  {'▾' if shown else '▸'} reasoning ({size})", QUIET),))
        if shown:
            yield Block(message.reasoning, QUIET, 2 * _INDENT)
    for part in message.parts:
        yield Block(part.text if part.kind in _TEXT else _note(part), "" if part.kind in _TEXT else QUIET, _INDENT)
    if message.refusal:
        yield Block("", lead=(("  refusal", ATTENTION),))
        yield Block(message.refusal, "", 2 * _INDENT)
    for call in message.tool_calls:
        yield Block("", lead=(("  → ", QUIET), (call.name, "bold")))
        yield Block(call.arguments, "", 2 * _INDENT)
    yield from _logprobs(message, unfolded)
    yield Block()


def _logprobs(message: Message, unfolded: bool) -> Iterator[Block]:
    """Yield how likely each token was: a few tokens always, more of them folded like reasoning."""
    if not message.logprobs:
        return
    shown = unfolded or len(message.logprobs) <= _LOGPROBS_SHOWN
    size = fmt.plural(len(message.logprobs), "token")
    yield Block("", lead=((f"  {'▾' if shown else '▸'} logprobs ({size})", QUIET),))
    if shown:
        yield Block("\n".join(message.logprobs), QUIET, 2 * _INDENT)


def _note(part: ContentPart) -> str:
    """Return `[image: https://…]`, or `[image: image/png, 34.1 kB]`."""
    return f"[{part.kind.value}: {part.text}" + (f", {fmt.size(part.size)}]" if part.size is not None else "]")


def _used(usage: Usage | None) -> str:
    """Return `64 in → 2 out tokens`."""
    if usage is None or usage.completion is None:
        return ""
    reasoning = f" ({usage.reasoning:,} of reasoning)" if usage.reasoning else ""
    if usage.prompt is None:
        return f"{fmt.plural(usage.completion, 'token')} out{reasoning}"
    return f"{usage.prompt:,} in → {usage.completion:,} out tokens{reasoning}"


def _why_cut(record: ResultRecord) -> str:
    if any(answer.text or answer.tool_calls for answer in record.answers):
        return "Cut off at the token limit; raise max_tokens."
    if any(answer.reasoning for answer in record.answers):
        return "Empty: all tokens went into reasoning; raise max_tokens."
    return "Empty: cut off at the token limit before the answer began; raise max_tokens."
