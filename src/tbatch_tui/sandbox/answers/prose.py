"""Plausible answers, made from the words of the request and a seeded random generator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tbatch_tui.sandbox.answers.faq import ANSWERS

if TYPE_CHECKING:
    from random import Random

_OPENINGS = (
    "In short, {topic} comes down to a trade-off between effort and certainty.",
    "There are two things to say about {topic}.",
    "Here is a concise answer about {topic}.",
    "The key point about {topic} is what happens at the edges.",
    "Briefly: {topic} matters most when the volume grows.",
)
_MIDDLES = (
    "First, check the assumptions, because most surprises start there.",
    "A small, representative sample usually tells more than a large, careless one.",
    "The simplest version that works is a good place to begin.",
    "It helps to write down what would change your mind.",
    "Measure before and after, and keep everything else the same.",
    "The numbers point the same way, though not all with the same strength.",
    "Two of the three cases behave as expected; the third deserves a closer look.",
    "Where the sources disagree, the more recent one is the safer choice.",
)
_ENDINGS = (
    "I would start with the smallest step and look again tomorrow.",
    "If in doubt, prefer the option that is easy to undo.",
    "That should be enough to decide on the next step.",
    "Let me know if you would like a worked example.",
)
_THOUGHTS = (
    "Let me read the request again before answering.",
    "The user asks about {topic}, so the answer has to name the main cases.",
    "One reading is literal, the other is about intent; the second fits better.",
    "I should check whether the constraint applies to every item or only to the first.",
    "Comparing the two options: the first is shorter, the second is safer.",
    "Wait, the earlier assumption may not hold when the input is empty.",
)
_GOOD = frozenset({"love", "great", "excellent", "perfect", "fast", "friendly", "recommend", "comfortable", "sturdy"})
_BAD = frozenset({"broke", "late", "leaks", "refund", "noisy", "cracked", "disappointed", "terrible", "rude"})
_WORD = re.compile(r"[^\W\d_]{4,}")
_LABELS = re.compile(r"\b(?:as|into|of|one of|either):? ((?:[\w-]+, )*[\w-]+,? or [\w-]+)", re.IGNORECASE)
_COMMON = frozenset(
    {"about", "after", "also", "answer", "because", "before", "could", "from", "give", "have", "into", "keep", "list"}
    | {"make", "more", "most", "only", "other", "please", "should", "some", "than", "that", "their", "them", "then"}
    | {"there", "these", "they", "this", "very", "what", "when", "where", "which", "while", "will", "with", "would"}
)


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text: four characters each."""
    return (len(text) + 3) // 4


def answer(system: str, question: str, chance: Random) -> str:
    """Return an answer: the written one if there is one, a label if labels are given, else a few general sentences."""
    if question in ANSWERS:
        return ANSWERS[question]
    labels = _labels(system) or _labels(question)
    if labels:
        return _label(labels, question, chance)
    subject = topic(question, chance)
    middles = chance.sample(_MIDDLES, chance.randint(1, 4))
    return " ".join([chance.choice(_OPENINGS).format(topic=subject), *middles, chance.choice(_ENDINGS)])


def thinking(question: str, chance: Random, sentences: int) -> str:
    """Return the reasoning of a reasoning model."""
    subject = topic(question, chance)
    return " ".join(chance.choice(_THOUGHTS).format(topic=subject) for _ in range(sentences))


def topic(question: str, chance: Random) -> str:
    """Return a word of the question that looks like its subject."""
    words = [word.lower() for word in _WORD.findall(question[:300])]
    rare_words = [word for word in words if word not in _COMMON]
    return chance.choice(rare_words) if rare_words else "the question"


def _labels(text: str) -> list[str]:
    match = _LABELS.search(text[:2000]) if " or " in text else None
    return re.split(r",? or |, ", match.group(1)) if match else []


def _label(labels: list[str], question: str, chance: Random) -> str:
    """Return the label that the words of the question suggest, else a random one."""
    lowered = {label.lower(): label for label in labels}
    words = set(question.lower().replace(".", " ").replace(",", " ").split())
    good, bad = len(words & _GOOD), len(words & _BAD)
    if good and bad and "mixed" in lowered:
        return lowered["mixed"]
    if good > bad and "positive" in lowered:
        return lowered["positive"]
    if bad > good and "negative" in lowered:
        return lowered["negative"]
    return chance.choice(labels)


def fill_schema(schema: Any, question: str, chance: Random, depth: int = 0) -> Any:
    """Return a value that fits a JSON schema, as far as types, enums and properties go."""
    if not isinstance(schema, dict) or depth > 8:
        return topic(question, chance)
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return chance.choice(choices)
    if "const" in schema:
        return schema["const"]
    for combined in ("anyOf", "oneOf", "allOf"):
        options = schema.get(combined)
        if isinstance(options, list) and options:
            return fill_schema(options[0], question, chance, depth + 1)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    match kind:
        case "object":
            properties = schema.get("properties")
            fields = properties if isinstance(properties, dict) else {"answer": {"type": "string"}}
            return {name: fill_schema(part, question, chance, depth + 1) for name, part in list(fields.items())[:50]}
        case "array":
            return [fill_schema(schema.get("items"), question, chance, depth + 1) for _ in range(chance.randint(1, 3))]
        case "integer":
            return chance.randint(1, 5)
        case "number":
            return round(chance.random(), 2)
        case "boolean":
            return chance.random() < 0.5
        case "null":
            return None
        case _:
            return topic(question, chance)
