"""What was heard: transcriptions and translations (SDK: `types/audio/transcription_create_response.py`).

Nothing is fetched. The text depends on the URL alone, so that the same recording always says the same.
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
"""Words a second."""


def transcription(body: dict[str, Any], endpoint: str) -> dict[str, Any]:
    """The answer to a request: text, language and duration; segments and more with `verbose_json`."""
    chance = Random(body["file"])
    spoken = chance.sample(LINES, chance.randint(3, len(LINES)))
    asked = body.get("language")
    language = chance.choice(LANGUAGES)
    if endpoint.endswith("/translations"):
        language = "en"  # what a translation is made into, whatever was spoken
    elif isinstance(asked, str) and asked not in ("", "auto"):
        language = asked
    segments, words = _with_times(spoken, chance)
    answer: dict[str, Any] = {"duration": segments[-1]["end"], "language": language, "text": " ".join(spoken)}
    if body.get("response_format") != "verbose_json":
        return answer
    answer["segments"] = segments
    granularities = body.get("timestamp_granularities")
    if granularities == "word" or (isinstance(granularities, list) and "word" in granularities):
        answer["words"] = words
    if body.get("diarize") is True:
        answer["speaker_segments"] = _speakers(segments, words)
    return answer


def _with_times(spoken: list[str], chance: Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Each line and each word with its start and end, in seconds."""
    segments: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    now = 0.0
    for number, line in enumerate(spoken):
        start = now
        for word in line.split():
            words.append({"word": word, "start": round(now, 2), "end": round(now + 1 / WORDS_PER_SECOND, 2)})
            now += 1 / WORDS_PER_SECOND
        segments.append({"id": number, "start": round(start, 2), "end": round(now, 2), "text": line})
        now += round(chance.uniform(0.2, 1.5), 2)
    return segments, words


def _speakers(segments: list[dict[str, Any]], words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same segments, said in turn by two speakers."""
    shared = []
    for segment in segments:
        speaker = f"SPEAKER_{segment['id'] % 2:02d}"
        inside = [word for word in words if segment["start"] <= word["start"] < segment["end"]]
        said = [{**word, "speaker_id": speaker} for word in inside]
        shared.append({**segment, "speaker_id": speaker, "words": said})
    return shared
