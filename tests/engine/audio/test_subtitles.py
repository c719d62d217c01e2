"""Subtitles can be read by other programs, whatever the transcript says."""

from __future__ import annotations

import io
import json
from itertools import pairwise
from typing import Any

import pysubs2
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from tbatch_tui.engine.audio.subtitles import LINE, LINES, plain_text, srt, vtt, wrap
from tbatch_tui.engine.results.recordings.transcript import Segment, Transcription, read_transcription
from tbatch_tui.sandbox.answers.transcripts import transcription
from tests.helpers.hostile_text import NASTY


def read(**body: Any) -> Transcription:
    found = read_transcription({"text": "", "language": "en", "duration": 4.0, **body})
    assert found is not None
    return found


def spoken(text: str, *, start: float = 0.0, **more: Any) -> dict[str, Any]:
    """Return a segment with a word each second."""
    words = [{"word": word, "start": start + n, "end": start + n + 0.9} for n, word in enumerate(text.split())]
    return {"id": 0, "text": text, "start": start, "end": start + len(words), "words": words, **more}


def srt_cues(text: str) -> list[tuple[int, int, str]]:
    return [(cue.start, cue.end, cue.text.replace("\\N", "\n")) for cue in pysubs2.SSAFile.from_string(text, "srt")]


LONG = (
    "The first item today is the schedule for the autumn release, and we had two hundred and forty responses, more "
    "than last year; could you say a little more about how you measured that?"
)


def test_a_long_segment_is_split_between_its_words() -> None:
    segments = read(segments=[spoken(LONG)]).segments
    assert segments is not None
    cues = srt_cues(srt(segments))
    assert " ".join(text.replace("\n", " ") for _, _, text in cues) == LONG, "with its commas and its question mark"
    assert len(cues) > 2
    for (_, end, text), (start, _, _) in pairwise(cues):
        assert end <= start
        assert len(text.split("\n")) <= LINES and all(len(line) <= LINE for line in text.split("\n"))
    first = cues[0][2].split()
    assert cues[1][0] == len(first) * 1_000, "it begins with its first word"
    assert [(cue.start, cue.end) for cue in webvtt.from_string(vtt(segments)).captions] == [
        (f"00:00:{begin / 1000:06.3f}", f"00:00:{end / 1000:06.3f}") for begin, end, _ in cues
    ]


def test_words_of_the_recording_go_to_their_segments_and_without_words_a_cue_keeps_its_times() -> None:
    words = [word for start in (0.0, 50.0) for word in spoken(LONG, start=start)["words"]]
    plain = [{key: value for key, value in spoken(LONG, start=start).items() if key != "words"} for start in (0, 50)]
    with_words, without = read(segments=plain, words=words).segments, read(segments=plain).segments
    assert with_words is not None and without is not None
    assert [len(segment.words) for segment in with_words] == [len(LONG.split())] * 2
    assert len(srt_cues(srt(with_words))) > 4
    cues = srt_cues(srt(without))
    assert [(start, end) for start, end, _ in cues] == [(0, 34_000), (50_000, 84_000)]
    assert all(len(line) <= LINE for _, _, text in cues for line in text.split("\n"))
    only_words = read(text=LONG, words=words[: len(words) // 2]).segments
    assert only_words is not None and len(srt_cues(srt(only_words))) == len(cues) + 1


def test_speakers_are_voices_or_stand_before_the_text() -> None:
    said = [
        spoken("Good morning.", speaker_id="SPEAKER_00"),
        spoken("And a good morning to you.", start=3, speaker_id="A & <B>"),
    ]
    found = read(text="x", segments=[], speaker_segments=said)
    assert found.segments is not None and found.speakers == ("SPEAKER_00", "A & <B>")
    assert next(text for *_, text in srt_cues(srt(found.segments))) == "SPEAKER_00: Good morning."
    captions = webvtt.from_string(vtt(found.segments))
    assert captions[0].raw_text == "<v SPEAKER_00>Good morning." and captions[0].voice == "SPEAKER_00"
    assert captions[1].raw_text.startswith("<v A &amp; &lt;B&gt;>And")
    assert plain_text(found.text, found.segments).splitlines() == [
        "SPEAKER_00: Good morning.",
        "A & <B>: And a good morning to you.",
    ]
    assert plain_text("Just text.", ()) == "Just text.\n"


def test_an_arrow_in_a_text_is_no_time() -> None:
    segments = [Segment("from a --> b <i>& 00:00:01,000 --> 00:00:02,000", 3_661.5, 3_662.25)]
    assert srt(segments).startswith("1\n01:01:01,500 --> 01:01:02,250\nfrom a → b")
    assert vtt(segments).startswith("WEBVTT\n\n01:01:01.500 --> 01:01:02.250\nfrom a --&gt; b &lt;i&gt;&amp;")
    assert srt(segments).count("-->") == vtt(segments).count("-->") == 1
    assert len(webvtt.from_string(vtt(segments))) == len(srt_cues(srt(segments))) == 1


def test_a_text_without_spaces_is_cut_where_a_line_is_full() -> None:
    words = [{"word": "字", "start": n, "end": n + 1} for n in range(200)]
    segments = read(segments=[{"text": "字" * 200, "start": 0, "end": 200, "words": words}]).segments
    assert segments is not None
    cues = srt_cues(srt(segments))
    assert [len(text) for *_, text in cues] == [85, 85, 32] and "".join(text for *_, text in cues).count("字") == 200
    assert wrap("x" * 100 + " y") == ["x" * 42, "x" * 42, "x" * 16 + " y"]


def test_times_are_in_order_and_have_two_digits_of_hours() -> None:
    text = srt([Segment("a", 5.0, 5.0), Segment("b", 1e300, 1e300), Segment("", 1, 2), Segment(" \n ", 1, 2)])
    assert [line for line in text.splitlines() if "-->" in line] == [
        "00:00:05,000 --> 00:00:05,001",
        "99:59:59,998 --> 99:59:59,999",
    ]


@pytest.mark.parametrize(
    ("body", "segments"),
    [
        ({"text": "Hi"}, None),
        ({"text": "Hi", "segments": "no"}, None),
        ({"text": "", "segments": []}, ()),
        ({"text": "Hi", "segments": []}, (Segment("Hi", 0.0, 4.0),)),
        (
            {"text": "Hi", "segments": [{"text": "Hi"}, 3, {"text": "Hi", "start": "1", "end": 0}]},
            (Segment("Hi", 1, 1),),
        ),
    ],
)
def test_what_is_not_as_documented_is_left_out(body: dict[str, Any], segments: Any) -> None:
    assert read(**body).segments == segments
    assert read_transcription({**body, "choices": []}) is None
    assert read_transcription({**body, "text": 1}) is read_transcription([]) is None


def test_the_sandbox_answers_as_subtitles_need_it() -> None:
    body = {"file": "https://example.com/a.mp3", "response_format": "verbose_json", "diarize": True}
    answer = transcription({**body, "timestamp_granularities": ["segment", "word"]}, "/v1/audio/transcriptions")
    found = read_transcription(answer)
    assert found is not None and found.segments and found.speakers == ("SPEAKER_00", "SPEAKER_01")
    assert all(segment.words for segment in found.segments)
    assert len(srt_cues(srt(found.segments))) >= len(found.segments)


_json = st.recursive(
    st.none() | st.floats() | st.integers() | st.sampled_from(NASTY) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "start", "end", "word", "words", "speaker_id"]), inner, max_size=6)
    ),
    max_leaves=12,
)


@given(segments=_json, words=_json, text=st.sampled_from(NASTY))
def test_whatever_the_response_says_the_files_can_be_read(segments: Any, words: Any, text: str) -> None:
    good = {"text": text, "start": 1, "end": 2, "speaker_id": text}
    body = {"text": text, "segments": [good, segments], "words": words, "duration": 3}
    found = read_transcription(json.loads(json.dumps(body)))
    assert found is not None
    cues = found.segments or ()
    read_back = srt_cues(srt(cues))
    captions = webvtt.from_buffer(io.StringIO(vtt(cues))).captions
    assert len(read_back) == len(captions) or any("{" in cue.text or "<" in cue.text for cue in cues)
    assert all(start < end for start, end, _ in read_back)
