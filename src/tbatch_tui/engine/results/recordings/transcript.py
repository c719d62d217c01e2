"""What was said in a recording: text, language, and with `verbose_json` who said what, and when.

Responses can be any JSON: what is not as documented is left out, and nothing here raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tbatch_tui.engine.lenient_json import as_id, as_seconds


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word. Times are in seconds from the beginning of the recording."""

    text: str
    start: float
    end: float
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """What is said in one go. Times are in seconds from the beginning of the recording."""

    text: str
    start: float
    end: float
    speaker: str = ""
    words: tuple[SpokenWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcription:
    """The transcription or translation of a recording."""

    text: str
    language: str
    seconds: float | None
    """How long the recording is."""
    segments: tuple[Segment, ...] | None = None
    """None where the response has no times: it was asked for without `verbose_json`."""

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who speaks, in the order of their first words; nobody where that was not asked for."""
        return tuple(dict.fromkeys(segment.speaker for segment in self.segments or () if segment.speaker))


def read_transcription(body: Any) -> Transcription | None:
    """Return the transcription that a response holds; None where it is another answer, or none.

    Where speakers were told apart, the segments are theirs.
    """
    if not isinstance(body, dict) or "choices" in body or not isinstance(text := body.get("text"), str):
        return None
    return Transcription(
        text, as_id(body.get("language")) or "", seconds := as_seconds(body.get("duration")), _segments(body, seconds)
    )


def _segments(body: dict[str, Any], seconds: float | None) -> tuple[Segment, ...] | None:
    for name in ("speaker_segments", "segments"):
        values = body.get(name)
        segments = [*filter(None, map(_segment, values))] if isinstance(values, list) else []
        if segments:
            return _with_words(segments, _words(body.get("words")))
    if words := _words(body.get("words")):
        return (Segment(body["text"], words[0].start, words[-1].end, words=words),)
    if not isinstance(body.get("segments"), list):
        return None
    return (Segment(body["text"], 0.0, seconds),) if body["text"].strip() and seconds else ()


def _segment(value: Any) -> Segment | None:
    if not isinstance(value, dict) or not isinstance(text := value.get("text"), str):
        return None
    start, end = as_seconds(value.get("start")), as_seconds(value.get("end"))
    if start is None:
        return None
    speaker = as_id(value.get("speaker_id")) or ""
    return Segment(text, start, max(start, end or 0.0), speaker, _words(value.get("words")))


def _words(values: Any) -> tuple[SpokenWord, ...]:
    words = []
    for value in values if isinstance(values, list) else ():
        if not isinstance(value, dict) or not isinstance(text := value.get("word"), str) or not text.strip():
            continue
        start, end = as_seconds(value.get("start")), as_seconds(value.get("end"))
        if start is not None:
            words.append(SpokenWord(text.strip(), start, max(start, end or 0.0), as_id(value.get("speaker_id")) or ""))
    return tuple(words)


def _with_words(segments: list[Segment], words: tuple[SpokenWord, ...]) -> tuple[Segment, ...]:
    """Give segments that have no words of their own those of the recording: each to the last that has begun by then."""
    if not words or any(segment.words for segment in segments):
        return tuple(segments)
    own: list[list[SpokenWord]] = [[] for _ in segments]
    at = 0
    for word in words:
        while at + 1 < len(segments) and segments[at + 1].start <= word.start:
            at += 1
        own[at].append(word)
    return tuple(
        Segment(segment.text, segment.start, segment.end, segment.speaker, tuple(spoken))
        for segment, spoken in zip(segments, own, strict=True)
    )
