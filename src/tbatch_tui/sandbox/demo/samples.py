"""The demo's input files: made up, always the same, and similar to what people send."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from tbatch_tui.sandbox.answers.faq import ANSWERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LLAMA = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
WHISPER = "openai/whisper-large-v3"

_THINGS = (
    "desk lamp", "rain jacket", "coffee grinder", "office chair", "bike helmet", "electric kettle", "backpack",
    "headphones", "running shoes", "water bottle", "phone case", "air fryer", "camping tent", "keyboard", "blanket",
)  # fmt: skip
_PRAISE = (
    "I love it, the {part} is excellent.",
    "Great value, and the {part} feels sturdy.",
    "Fast delivery and a friendly note in the box.",
    "Perfect for {use}, I recommend it to everyone.",
    "Very comfortable, even after hours of {use}.",
)
_BLAME = (
    "The {part} broke after {days} days.",
    "It arrived {days} days late and nobody answered my mail.",
    "The {part} leaks, and I want a refund.",
    "Far too noisy for {use}, and the {part} came cracked.",
    "I am disappointed: the {part} looks nothing like the picture.",
)
_PLAIN = (
    "I bought the {thing} for {use}.",
    "This is my second {thing} from this shop.",
    "The {thing} was a present for my sister.",
    "I have used the {thing} for {days} weeks now.",
)
_PARTS = ("handle", "zip", "lid", "strap", "cable", "finish", "switch", "seam", "hinge", "stand")
_USES = ("travelling", "the office", "the kitchen", "long walks", "working from home", "the children", "winter")


def encode_line(row: dict[str, Any]) -> bytes:
    """Return a line of an input file."""
    return msgspec.json.encode(row) + b"\n"


def chat_request(
    custom_id: str, question: str, *, system: str | None = None, model: str = LLAMA, **more: Any
) -> dict[str, Any]:
    """Return a chat request."""
    messages = [{"role": "user", "content": question}]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    return {"custom_id": custom_id, "body": {"model": model, "messages": messages, **more}}


def audio_request(custom_id: str, url: str, *, model: str = WHISPER, **more: Any) -> dict[str, Any]:
    """Return a request for a recording. Without `"method": "FILE"` it would fail (documentation)."""
    return {"custom_id": custom_id, "method": "FILE", "body": {"model": model, "file": url, **more}}


def review(chance: Random) -> str:
    """Return a product review."""
    mood = chance.choice((_PRAISE, _PRAISE, _BLAME, _PRAISE + _BLAME))
    sentences = [chance.choice(_PLAIN), *chance.sample(mood, chance.randint(1, 3))]
    words = {
        "thing": chance.choice(_THINGS),
        "part": chance.choice(_PARTS),
        "use": chance.choice(_USES),
        "days": chance.randint(2, 30),
    }
    return " ".join(sentences).format(**words)


def reviews(count: int, seed: int = 2000, model: str = LLAMA) -> Iterator[dict[str, Any]]:
    """Yield requests to classify reviews."""
    chance = Random(seed)
    system = "Classify the sentiment of the review as positive, negative or mixed. Answer with one word."
    for number in range(1, count + 1):
        yield chat_request(
            f"review-{number:04d}", review(chance), system=system, model=model, max_tokens=8, temperature=0
        )


def questions(count: int, seed: int = 12, model: str = LLAMA, prefix: str = "question") -> Iterator[dict[str, Any]]:
    """Yield requests with questions of all kinds."""
    chance = Random(seed)
    pool = list(ANSWERS)
    for number in range(1, count + 1):
        if not pool:
            pool = list(ANSWERS)
        question = pool.pop(chance.randrange(len(pool)))
        yield chat_request(f"{prefix}-{number:03d}", question, model=model, max_tokens=512, temperature=0.7)


def recordings(count: int, name: str = "interview", model: str = WHISPER) -> Iterator[dict[str, Any]]:
    """Yield requests to transcribe recordings, with times and speakers; every fifth asks for the text alone."""
    timed = {"response_format": "verbose_json", "timestamp_granularities": ["segment", "word"], "diarize": True}
    for number in range(1, count + 1):
        options: dict[str, Any] = timed if number % 5 else {}
        yield audio_request(
            f"{name}-{number:02d}", f"https://media.example.org/{name}s/{number:02d}.mp3", model=model, **options
        )


def faulty_lines() -> bytes:
    """Return 20 lines; eight of them have an error, each another one."""
    lines = [encode_line(row) for row in questions(20, seed=20, prefix="item")]
    lines[2] = lines[2].replace(b'"body"', b"'body'")  # not JSON
    lines[4] = encode_line(chat_request("item-004", "The same custom_id as the line before."))
    lines[6] = encode_line(
        {"custom_id": "item-007", "body": {"messages": [{"role": "user", "content": "Which model?"}]}}
    )
    lines[8] = encode_line({"body": {"model": LLAMA, "messages": [{"role": "user", "content": "Who am I?"}]}})
    lines[10] = encode_line(chat_request("item-011", "Too many stops.", stop=["\n", "###", "END", "Q:", "A:"]))
    lines[12] = encode_line(chat_request("item-013-" + "x" * 64, "A custom_id of more than 64 characters."))
    lines[15] = encode_line({"custom_id": "item-016", "body": {"model": LLAMA, "messages": []}})
    lines[17] = encode_line({"custom_id": "item-018"})
    return b"".join(lines)


def write_samples(folder: Path) -> None:
    """Write `chat.jsonl`, `audio.jsonl`, `with-faults.jsonl`, `reviews-2000.jsonl`, and a table with its recipe."""
    from tbatch_tui.sandbox.demo.review_table import write_review_table

    folder.mkdir(parents=True, exist_ok=True)
    # With these ids one of the twelve fails and one is cut short: a first batch should show that this happens.
    (folder / "chat.jsonl").write_bytes(b"".join(map(encode_line, questions(12))))
    (folder / "audio.jsonl").write_bytes(b"".join(map(encode_line, recordings(6))))
    (folder / "with-faults.jsonl").write_bytes(faulty_lines())
    (folder / "reviews-2000.jsonl").write_bytes(b"".join(map(encode_line, reviews(2000))))
    write_review_table(folder)
