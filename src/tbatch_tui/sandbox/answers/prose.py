"""Plausible answers, made from the words of the request and a seeded random generator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zlib import crc32

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
_GOOD = frozenset(
    {"love", "great", "excellent", "perfect", "fast", "friendly", "recommend", "comfortable", "sturdy", "easy", "worth"}
    | {"joy", "recommended", "dry", "even", "warm", "crisp", "plenty", "light", "cool", "quiet", "solid", "lasts"}
    | {"exactly", "described", "again", "stays", "ventilated", "sits"}
)
_BAD = frozenset(
    {"broke", "late", "leaks", "refund", "noisy", "cracked", "disappointed", "terrible", "rude", "awful", "nobody"}
    | {"flickers", "wobbles", "jammed", "short", "stuck", "sinks", "loose", "smells", "smell", "slips", "scratched"}
    | {"hurts", "hurt", "stopped", "apart", "cut", "silent", "lose", "peels", "small", "burnt", "sticks", "wore"}
    | {"disconnects", "snapped", "floor", "never", "dents", "return", "opened", "waterproof", "open"}
)
_HINTS = {
    "delivery": {"late", "fast", "arrived", "box", "days", "delivery", "ordered"},
    "service": {"emails", "shop", "friendly", "refund", "return", "question"},
    "price": {"price", "worth", "money", "value", "penny"},
    "comfort": {"comfortable", "hurt", "hurts", "fit", "shoulders", "sits", "quiet", "noisy", "small", "short"},
}
"""Words that a label is about, where labels are about something else than a mood."""
_SLIPS = {"8B": 0.12, "7B": 0.12, "3B": 0.2, "gemma-3n": 0.2}
"""Share of labels that a model gets wrong, by a part of its name; `_SLIPS_ELSE` for the others."""
_SLIPS_ELSE = 0.04
_WORD = re.compile(r"[^\W\d_]{4,}")
_MARKED = re.compile(r"<(\w+)>\s*(.*?)\s*</\1>", re.DOTALL)
_ALTERNATIVES = re.compile(r"\^?\(?(?:\?:)?([\w -]+(?:\|[\w -]+)+)\)?\$?")
_LABELS = re.compile(r"\b(?:as|into|of|one of|either):? ((?:[\w-]+, )*[\w-]+,? or [\w-]+)", re.IGNORECASE)
_COMMON = frozenset(
    {"about", "after", "also", "answer", "because", "before", "could", "from", "give", "have", "into", "keep", "list"}
    | {"make", "more", "most", "only", "other", "please", "should", "some", "than", "that", "their", "them", "then"}
    | {"there", "these", "they", "this", "very", "what", "when", "where", "which", "while", "will", "with", "would"}
)


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text: four characters each."""
    return (len(text) + 3) // 4


def answer(system: str, question: str, chance: Random, model: str = "") -> str:
    """Return an answer: the written one if there is one, a label if labels are given, else a few general sentences."""
    if question in ANSWERS:
        return ANSWERS[question]
    labels = _labels(system) or _labels(question)
    if labels:
        return _label(labels, question, chance, model)
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


def _label(labels: list[str], question: str, chance: Random, model: str) -> str:
    """Return the label that the words of the question suggest, else a random one. A model gets some of them wrong."""
    lowered = {label.lower(): label for label in labels}
    words = set(re.findall(r"[a-z]+", _marked_text(question).lower()))
    good, bad = len(words & _GOOD), len(words & _BAD)
    found = None
    if good and bad and "mixed" in lowered:
        found = lowered["mixed"]
    elif good > bad and "positive" in lowered:
        found = lowered["positive"]
    elif bad > good and "negative" in lowered:
        found = lowered["negative"]
    if found is None:
        hits = {label: len(words & _HINTS.get(label.lower(), set())) for label in labels}
        best = max(hits.values(), default=0)
        found = next((label for label in labels if best and hits[label] == best), None)
    if found is None:
        return labels[0] if any(label.lower() in _HINTS for label in labels) else chance.choice(labels)
    share = next((share for part, share in _SLIPS.items() if part in model), _SLIPS_ELSE)
    if crc32(f"{model} {question}".encode()) / 2**32 < share:
        return chance.choice([label for label in labels if label != found] or labels)
    return found


def _marked_text(question: str) -> str:
    """Return what is between marks such as `<review>` and `</review>`, which is what the question is about."""
    match = _MARKED.search(question)
    return match[2] if match else question


def text_of_pattern(pattern: str, question: str, chance: Random, model: str) -> str | None:
    """Return one of the alternatives of a pattern such as `(yes|no)`; None for any other pattern."""
    match = _ALTERNATIVES.fullmatch(pattern)
    return _label(match[1].split("|"), question, chance, model) if match else None


class SchemaFiller:
    """Makes values that fit a JSON schema, as far as types, enums, bounds and properties go."""

    def __init__(self, schema: Any, question: str, chance: Random, model: str = "") -> None:
        self._schema = schema
        self._question = question
        self._chance = chance
        self._model = model

    def value(self) -> Any:
        """Return a value that fits."""
        return self._fill(self._schema, 0)

    def _fill(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict) or depth > 8:
            return self._topic()
        if isinstance(reference := schema.get("$ref"), str):
            return self._fill(self._resolve(reference), depth + 1)
        choices = schema.get("enum")
        if isinstance(choices, list) and choices:
            if all(isinstance(choice, str) for choice in choices):
                return _label(choices, self._question, self._chance, self._model)
            return self._chance.choice(choices)
        if "const" in schema:
            return schema["const"]
        for combined in ("anyOf", "oneOf", "allOf"):
            options = schema.get(combined)
            if isinstance(options, list) and options:
                return self._fill(options[0], depth + 1)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = kind[0] if kind else None
        return self._of_type(kind, schema, depth)

    def _of_type(self, kind: object, schema: dict[str, Any], depth: int) -> Any:
        chance = self._chance
        match kind:
            case "object":
                properties = schema.get("properties")
                fields = properties if isinstance(properties, dict) else {"answer": {"type": "string"}}
                return {name: self._fill(part, depth + 1) for name, part in list(fields.items())[:50]}
            case "array":
                low = _bound(schema, "minItems", 1)
                high = max(low, _bound(schema, "maxItems", 3))
                return [self._fill(schema.get("items"), depth + 1) for _ in range(chance.randint(low, min(high, 50)))]
            case "integer":
                low = _bound(schema, "minimum", 1)
                return chance.randint(low, max(low, _bound(schema, "maximum", low + 4)))
            case "number":
                low = _bound(schema, "minimum", 0)
                high = max(low, _bound(schema, "maximum", low + 1))
                return round(low + chance.random() ** 0.3 * (high - low), 2)  # models are rarely unsure
            case "boolean":
                return chance.random() < 0.5
            case "null":
                return None
            case _:
                return self._topic()[: max(1, _bound(schema, "maxLength", 10_000))]

    def _resolve(self, reference: str) -> Any:
        """Return what a reference such as `#/$defs/place` names; None if it names nothing here."""
        part = self._schema
        for name in reference.removeprefix("#").split("/")[1:]:
            part = part.get(name) if isinstance(part, dict) else None
        return part

    def _topic(self) -> str:
        return topic(_marked_text(self._question), self._chance)


def _bound(schema: dict[str, Any], name: str, default: int) -> int:
    value = schema.get(name)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else default
