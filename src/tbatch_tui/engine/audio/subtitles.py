"""Subtitles of a transcript: SubRip (.srt) and WebVTT (.vtt), in cues of at most two lines of 42 characters.

A longer segment is split between its words where the transcript has their times; where it has none, its cue keeps the
times of the segment and has as many lines as it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbatch_tui.text.escape import escape_for_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tbatch_tui.engine.results.recordings.transcript import Segment, SpokenWord

LINE = 42
"""Characters of a line."""
LINES = 2
"""Lines of a cue."""
_LATEST = 99 * 3_600 + 59 * 60 + 59.999
"""Seconds: more has no room in the two digits of the hours."""
_SHORTEST = 0.001
"""Seconds: the end of a cue is behind its beginning."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A text, and when it is shown, in seconds."""

    start: float
    end: float
    lines: tuple[str, ...]
    speaker: str = ""


def srt(segments: Iterable[Segment]) -> str:
    """Return the subtitles as SubRip. The speaker stands in the text: `SPEAKER_00: Good morning`."""
    cues = [cue for segment in segments for cue in _cues(segment, _prefix(segment))]
    return "".join(
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_srt_text(cue)}\n\n"
        for number, cue in enumerate(cues, start=1)
    )


def vtt(segments: Iterable[Segment]) -> str:
    """Return the subtitles as WebVTT. The speaker is a voice: `<v SPEAKER_00>Good morning`."""
    cues = [cue for segment in segments for cue in _cues(segment)]
    return "WEBVTT\n\n" + "".join(
        f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_vtt_text(cue)}\n\n" for cue in cues
    )


def plain_text(text: str, segments: Sequence[Segment]) -> str:
    """Return the text; where speakers were told apart, a line for each time another one speaks."""
    if not any(segment.speaker for segment in segments):
        return escape_for_file(text.strip()) + "\n"
    lines: list[str] = []
    last = None
    for segment in segments:
        said = _line(segment.text)
        if lines and segment.speaker == last:
            lines[-1] += f" {said}"
        elif said:
            name = _line(segment.speaker)
            lines.append(f"{name}: {said}" if name else said)
            last = segment.speaker
    return "".join(f"{line}\n" for line in lines)


def _prefix(segment: Segment) -> str:
    name = _line(segment.speaker)
    return f"{name}: " if name else ""


def _srt_text(cue: Cue) -> str:
    return "\n".join(cue.lines).replace("-->", "→")


def _vtt_text(cue: Cue) -> str:
    """Return the text of a cue, in which `<`, `>` and `&` would begin a tag or an escape."""
    text = _escaped("\n".join(cue.lines))
    return f"<v {_escaped(cue.speaker)}>{text}" if cue.speaker else text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(seconds: float, point: str) -> str:
    """Return `00:01:02,500`."""
    milliseconds = round(min(seconds, _LATEST) * 1_000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1_000:02d}{point}{milliseconds % 1_000:03d}"


# -- cues ----------------------------------------------------------------------------------------------


def _cues(segment: Segment, prefix: str = "") -> Iterator[Cue]:
    """Yield the cues of a segment; `prefix` stands before the text of each."""
    text = _line(segment.text)
    speaker = _line(segment.speaker)
    words = [word for word in segment.words if _line(word.text)]
    if not text:
        return
    if not words or _fits(prefix + text):
        yield Cue(*_span(segment.start, segment.end), tuple(wrap(prefix + text)), speaker)
        return
    said = _as_written(text, words)
    first = 0
    while first < len(words):
        last = first + 1
        while last < len(words) and _fits(prefix + "".join(said[first : last + 1]).strip()):
            last += 1
        lines = wrap(prefix + "".join(said[first:last]).strip())
        yield Cue(*_span(words[first].start, words[last - 1].end), tuple(lines), speaker)
        first = last


def _as_written(text: str, words: Sequence[SpokenWord]) -> list[str]:
    """Return the piece of the text that belongs to each word: with what is between the words, such as punctuation.

    A space is put between the words of a text that does not have them all, one after the other.
    """
    starts, at = [], 0
    for word in words:
        found = text.find(spoken := _line(word.text), at)
        if found < 0:
            return [f"{_line(word.text)} " for word in words]
        starts.append(found)
        at = found + len(spoken)
    starts[0] = 0
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def wrap(text: str) -> list[str]:
    """Return the lines of a text; one without spaces is cut where a line is full."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) <= LINE:
            lines[-1] += f" {word}"
            continue
        if lines[-1]:
            lines.append("")
        while len(word) > LINE:
            lines[-1] = word[:LINE]
            lines.append("")
            word = word[LINE:]
        lines[-1] = word
    return [line for line in lines if line]


def _fits(text: str) -> bool:
    return len(wrap(text)) <= LINES


def _span(start: float, end: float) -> tuple[float, float]:
    start = min(start, _LATEST - _SHORTEST)
    return start, max(end, start + _SHORTEST)


def _line(text: str) -> str:
    """Return text on one line, without what a terminal would act on: a blank line would end a cue."""
    return escape_for_file(" ".join(text.split()))
