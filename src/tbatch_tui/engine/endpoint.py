"""The three endpoints of the Batch API."""

from __future__ import annotations

from enum import StrEnum


class Endpoint(StrEnum):
    """An endpoint that a batch can run against: `endpoint` of `POST /v1/batches` (API)."""

    CHAT = "/v1/chat/completions"
    TRANSCRIPTION = "/v1/audio/transcriptions"
    TRANSLATION = "/v1/audio/translations"

    @property
    def words(self) -> str:
        """The name for people."""
        return _ENDPOINT_WORDS[self]

    @property
    def is_audio(self) -> bool:
        """Whether a line names an audio file instead of messages."""
        return self is not Endpoint.CHAT


_ENDPOINT_WORDS = {
    Endpoint.CHAT: "Chat completions",
    Endpoint.TRANSCRIPTION: "Audio transcription",
    Endpoint.TRANSLATION: "Audio translation",
}
