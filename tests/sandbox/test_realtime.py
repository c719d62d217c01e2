"""Requests that are answered at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
import pytest
from together import BadRequestError, NotFoundError, Together

from tbatch_tui.sandbox.testing import Sandbox
from tests.sandbox.conftest import LLAMA

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = "Why is the sky blue?"
WHISPER: Final = "openai/whisper-large-v3"


@pytest.fixture(scope="module")
def client() -> Iterator[Together]:
    with Sandbox() as box, Together(base_url=box.base_url, api_key=box.key, max_retries=0) as client:
        yield client


def test_a_chat_request_is_answered_alike_each_time(client: Together) -> None:
    first, again = (
        client.chat.completions.create(model=LLAMA, messages=[{"role": "user", "content": QUESTION}]) for _ in range(2)
    )
    assert first.choices[0].message is not None and first.choices[0].message.content
    assert first.choices == again.choices
    assert first.usage is not None and first.usage.total_tokens > first.usage.completion_tokens > 0


def test_a_stream_has_the_whole_answer(client: Together) -> None:
    whole = client.chat.completions.create(model=LLAMA, messages=[{"role": "user", "content": QUESTION}])
    chunks = list(
        client.chat.completions.create(model=LLAMA, messages=[{"role": "user", "content": QUESTION}], stream=True)
    )
    assert len(chunks) > 2
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert whole.choices[0].message is not None and text == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_what_fails_a_row_is_refused(client: Together) -> None:
    with pytest.raises(NotFoundError, match="Unable to access model no/such"):
        client.chat.completions.create(model="no/such", messages=[{"role": "user", "content": "x"}])
    with pytest.raises(BadRequestError, match="non-serverless model"):
        client.chat.completions.create(model="google/gemma-3-27b-it", messages=[{"role": "user", "content": "x"}])
    with pytest.raises(BadRequestError, match="Maximum four stop sequences allowed"):
        client.chat.completions.create(model=LLAMA, messages=[{"role": "user", "content": "x"}], stop=["a"] * 5)
    with pytest.raises(BadRequestError, match="does not support"):
        client.chat.completions.create(model=WHISPER, messages=[{"role": "user", "content": "x"}])


def test_a_recording(client: Together) -> None:
    sent = client.audio.transcriptions.create(model=WHISPER, file=("talk.mp3", b"sound"), temperature=0.5)
    assert sent.text
    words = client.audio.transcriptions.create(
        model=WHISPER, file=("talk.mp3", b"sound"), response_format="verbose_json", timestamp_granularities=["word"]
    )
    assert sent.text == words.text and words.words  # type: ignore[union-attr]


def test_the_url_of_a_recording(client: Together) -> None:
    """As curl sends it: the SDK takes a URL by its signature and then refuses it, because it is no file."""

    def post(path: str, **fields: str) -> httpx.Response:
        form = {name: (None, value) for name, value in fields.items()}
        headers = {"Authorization": f"Bearer {client.api_key}"}
        return httpx.post(f"{str(client.base_url).rstrip('/')}/{path}", files=form, headers=headers, trust_env=False)

    url = "https://example.com/talk.mp3"
    answer = post("v1/audio/translations", model=WHISPER, file=url, response_format="verbose_json").json()
    assert answer["language"] == "en" and answer["segments"]
    refused = post("v1/audio/transcriptions", model=WHISPER, file="http://localhost/a.mp3")
    assert (refused.status_code, "could not reach localhost" in refused.text) == (400, True)
    assert "does not support" in post("v1/audio/transcriptions", model=LLAMA, file=url).text
    assert (
        "`temperature` has a wrong type"
        in post("v1/audio/transcriptions", model=WHISPER, file=url, temperature="hot").text
    )
    with pytest.raises(RuntimeError, match="Expected entry at `file`"):
        client.audio.transcriptions.create(model=WHISPER, file=url)
