"""The demo's table: 500 made-up reviews, always the same, each with the label that a person would give it.

`write_review_table` writes it as `reviews.csv`, with the recipe of a batch over it. Two past jobs asked two models.
"""

from __future__ import annotations

import csv
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 500
SYSTEM = "You label product reviews for a shop. Answer with the fields that are asked for, and nothing else."
PROMPT = """Is this review of the {{ product }} positive, negative or mixed? How sure are you, from 0 to 1?
What is it mostly about?

<review>
{{ text }}
</review>"""
SCHEMA = "label: enum[positive,negative,mixed], confidence: number, topic: enum[quality,delivery,service,price,comfort]"
MODEL = "Qwen/Qwen3-235B-A22B-Instruct-2507-tput"
"""The model of the recipe in the folder of samples: no past job has asked it, so that its file is a new one."""
LARGE = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
SMALL = "meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo"
RUNS = {"reviews-llama-70b.jsonl": LARGE, "reviews-llama-8b.jsonl": SMALL}
"""The files of the two past jobs, and the model that each asked."""
COLUMNS = ("id", "product", "stars", "text", "label")

_PRODUCTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "desk lamp": (
        ("The light is warm and easy on the eyes.", "The arm stays exactly where I put it.", "Setting it up was easy."),
        ("It flickers on the lowest setting.", "The switch broke after a month.", "The base wobbles on my desk."),
    ),
    "rain jacket": (
        (
            "It kept me dry through two hours of rain.",
            "Light, and it folds into its own pocket.",
            "The fit is perfect.",
        ),
        ("It leaks at the shoulders.", "The zip jammed on the second day.", "The sleeves are far too short."),
    ),
    "coffee grinder": (
        (
            "The grind is even and the coffee tastes better for it.",
            "It is quiet enough for early mornings.",
            "Cleaning it takes a minute and is easy.",
        ),
        (
            "So noisy that it wakes the whole house.",
            "Half of the beans get stuck.",
            "The lid cracked in the first week.",
        ),
    ),
    "office chair": (
        (
            "My back has not hurt since I got it.",
            "Comfortable even after nine hours.",
            "Sturdy, and it does not creak.",
        ),
        (
            "The seat sinks all day long.",
            "One armrest came loose after a week.",
            "It smells of plastic, which is awful.",
        ),
    ),
    "bike helmet": (
        (
            "It sits well and I forget that I am wearing it.",
            "Well ventilated, great on hot days.",
            "The strap is easy to close with gloves on.",
        ),
        (
            "The strap slips while I ride.",
            "The paint was scratched when it came.",
            "It runs two sizes small and hurts.",
        ),
    ),
    "electric kettle": (
        (
            "It boils a litre in two minutes, which is fast.",
            "It pours without a drip.",
            "The handle stays cool, love it.",
        ),
        ("It leaks from the bottom.", "It stopped working after six weeks.", "The water tastes of metal, terrible."),
    ),
    "backpack": (
        (
            "Plenty of pockets, and the laptop is well protected.",
            "Comfortable on long walks.",
            "After a year of daily use it still looks great.",
        ),
        (
            "A seam came apart on the first trip.",
            "The straps cut into my shoulders.",
            "It is not waterproof, as was claimed.",
        ),
    ),
    "headphones": (
        (
            "The sound is excellent, with plenty of detail.",
            "The battery lasts for days.",
            "They block the noise of the train, perfect.",
        ),
        ("The left side went silent.", "They lose the connection all the time.", "They hurt after half an hour."),
    ),
    "air fryer": (
        ("Chips come out crisp with hardly any oil.", "It is easy to clean.", "We use it every day and love it."),
        ("The basket's coating peels off.", "It is far too small for a family.", "It smelled burnt and then broke."),
    ),
    "keyboard": (
        ("Typing on it is a joy.", "Solid, sturdy and quiet.", "It works with my old tablet, too, which is great."),
        ("The space bar sticks.", "Several letters wore off within weeks.", "It disconnects whenever I pause."),
    ),
    "camping tent": (
        (
            "Two of us had it up in five minutes, so easy.",
            "It stood through a storm without a drop inside.",
            "Roomy and light, I recommend it.",
        ),
        ("A pole snapped on the first night.", "Water came in through the floor.", "It never fits back into its bag."),
    ),
    "water bottle": (
        (
            "Ice was still there the next morning, excellent.",
            "It does not leak in my bag.",
            "It fits my bike's holder, perfect.",
        ),
        ("The lid leaks.", "It dents if you look at it.", "There is a smell that never goes away, awful."),
    ),
}
_OPENINGS = (
    "Bought in spring.", "This is the second time I order here.", "It was a present for my sister.",
    "I have had the {product} for {weeks} weeks now.", "I was looking for something that lasts.",
    "My old one gave up, so I ordered this.", "Ordered on Monday, arrived on Thursday.", "", "", "", "",
)  # fmt: skip
_GOOD = (
    "Delivery was fast.", "Great value for the price.", "The shop answered my question within an hour, very friendly.",
    "Exactly as described.", "I would buy it again.", "Highly recommended!", "Worth every penny.",
)  # fmt: skip
_BAD = (
    "It came {days} days late.", "Nobody answered my emails.", "I had to pay for the return myself.",
    "I am disappointed.", "I want a refund.", "The box was open when it arrived.", "Not worth the money.",
)  # fmt: skip
_BUTS = ("But ", "On the other hand: ", "Sadly, ", "However, ", "Then again, ")
_SHORT = {"positive": ("Great!", "Love it.", "Excellent, thank you."), "negative": ("Terrible.", "Broke at once.")}
_STARS = {"positive": (5, 5, 5, 4), "negative": (1, 1, 2), "mixed": (3, 3, 4, 2)}
_SMALL_WORDS = ("It ", "The ", "There ", "They ", "One ", "Half ", "Several ", "A ", "So ")


class Review(NamedTuple):
    """A row of the table."""

    id: str
    product: str
    stars: int
    text: str
    label: str


def review_rows() -> Iterator[Review]:
    """Yield the rows of the table."""
    chance = Random(500)
    for number in range(1, ROWS + 1):
        label = chance.choices(("positive", "negative", "mixed"), (50, 32, 18))[0]
        product = chance.choice(tuple(_PRODUCTS))
        stars = chance.choice(_STARS[label])
        yield Review(f"R{1000 + number}", product, stars, _text(label, product, chance), label)


def _text(label: str, product: str, chance: Random) -> str:
    if label in _SHORT and chance.random() < 0.04:
        return chance.choice(_SHORT[label])
    good, bad = _PRODUCTS[product]
    opening = chance.choice(_OPENINGS)
    praise = [*chance.sample(good, chance.randint(1, 2)), *chance.sample(_GOOD, chance.randint(0, 2))]
    blame = [*chance.sample(bad, chance.randint(1, 2)), *chance.sample(_BAD, chance.randint(0, 2))]
    if label == "positive":
        sentences = praise
    elif label == "negative":
        sentences = blame
    else:
        first, second = chance.sample((praise[:2], blame[:2]), 2)
        sentences = [*first, chance.choice(_BUTS) + _continued(second[0]), *second[1:]]
    text = " ".join(filter(None, (opening, *sentences)))
    if chance.random() < 0.06:  # a table has such cells
        text = text.replace(". ", ".\n\n", 1)
    return text.format(product=product, weeks=chance.randint(2, 11), days=chance.randint(3, 14))


def _continued(sentence: str) -> str:
    """Return a sentence as it goes on after others of its own."""
    return sentence[0].lower() + sentence[1:] if sentence.startswith(_SMALL_WORDS) else sentence


def review_requests(model: str) -> Iterator[dict[str, Any]]:
    """Yield the requests that the recipe makes of the table, for a model."""
    schema = {
        "type": "object",
        "properties": {
            "label": {"type": "string", "enum": ["positive", "negative", "mixed"]},
            "confidence": {"type": "number"},
            "topic": {"type": "string", "enum": ["quality", "delivery", "service", "price", "comfort"]},
        },
        "required": ["label", "confidence", "topic"],
        "additionalProperties": False,
    }
    for row in review_rows():
        prompt = PROMPT.replace("{{ product }}", row.product).replace("{{ text }}", row.text)
        yield {
            "custom_id": row.id,
            "body": {
                "model": model,
                "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}],
                "temperature": 0,
                "max_tokens": 200,
                "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
            },
        }


def recipe_text(model: str = MODEL, source: str = "reviews.csv") -> str:
    """Return the recipe of a batch over the table, whose path is relative to the recipe's folder."""
    return f'''version = 1
model = "{model}"
system = "{SYSTEM}"
prompt = """
{PROMPT}"""
id = "id"
schema = "{SCHEMA}"

[body]
temperature = 0
max_tokens = 200

[source]
path = "{source}"
'''


def write_review_table(folder: Path) -> None:
    """Write `reviews.csv` and `reviews.recipe.toml`."""
    with (folder / "reviews.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(review_rows())
    (folder / "reviews.recipe.toml").write_text(recipe_text(), encoding="utf-8")
