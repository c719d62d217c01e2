"""Transcriptions and translations as the API returns them (SDK: `types/audio/transcription_create_response.py`).

Nothing is fetched. The text depends only on the URL, so the same recording always has the same text.
"""

from __future__ import annotations

from random import Random
from typing import Any

LINES = (
    "Good morning and welcome, everyone, let us begin.",
    "The first item today is the schedule for the autumn release.",
    "We had two hundred and forty responses, more than last year.",
    "Could you say a little more about how you measured that?",
    "Yes, we asked the same people twice, six weeks apart.",
    "I am not sure the second chart says what the title claims.",
    "Thank you for calling, how can I help you today?",
    "My order arrived, but one of the two parcels was empty.",
    "I am sorry about that, I will send the missing part tomorrow.",
    "That is all for this week, thank you for listening.",
)
LANGUAGES = ("en", "en", "en", "de", "fr", "es")
WORDS_PER_SECOND = 2.5
"""How fast the speakers speak."""


def transcription(body: dict[str, Any], endpoint: str) -> dict[str, Any]:
    """Return the answer to a request: text, language and duration; with `verbose_json` also segments and words."""
    chance = Random(body["file"])
    lines = chance.sample(LINES, chance.randint(3, len(LINES)))
    requested = body.get("language")
    language = chance.choice(LANGUAGES)
    if endpoint.endswith("/translations"):
        language = "en"  # translations are always into English
    elif isinstance(requested, str) and requested not in ("", "auto"):
        language = requested
    segments, words = _with_times(lines, chance)
    answer: dict[str, Any] = {"duration": segments[-1]["end"], "language": language, "text": " ".join(lines)}
    if body.get("response_format") != "verbose_json":
        return answer
    answer["segments"] = segments
    granularities = body.get("timestamp_granularities")
    if granularities == "word" or (isinstance(granularities, list) and "word" in granularities):
        answer["words"] = words
    if body.get("diarize") is True:
        answer["speaker_segments"] = _speakers(segments, words)
    return answer


def _with_times(lines: list[str], chance: Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return each line and each word with its start and end, in seconds."""
    segments: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    now = 0.0
    for number, line in enumerate(lines):
        start = now
        for word in line.split():
            words.append({"word": word, "start": round(now, 2), "end": round(now + 1 / WORDS_PER_SECOND, 2)})
            now += 1 / WORDS_PER_SECOND
        segments.append({"id": number, "start": round(start, 2), "end": round(now, 2), "text": line})
        now += round(chance.uniform(0.2, 1.5), 2)
    return segments, words


def _speakers(segments: list[dict[str, Any]], words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the segments with two speakers who take turns."""
    speaker_segments = []
    for segment in segments:
        speaker = f"SPEAKER_{segment['id'] % 2:02d}"
        own_words = [word for word in words if segment["start"] <= word["start"] < segment["end"]]
        spoken = [{**word, "speaker_id": speaker} for word in own_words]
        speaker_segments.append({**segment, "speaker_id": speaker, "words": spoken})
    return speaker_segments
