"""What an input file requests, and what that may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tbatch_tui.text import format as fmt


class Demand(NamedTuple):
    """What the requests of an input file ask of one model, as far as that is known before they run."""

    model: str
    requests: int
    prompt_tokens: int = 0
    """Estimated from the bytes of the text, near enough for English."""
    most_output_tokens: int = 0
    """The sum of the limits of the requests that have one."""
    unbounded: int = 0
    """Requests without a limit of output tokens."""
    attachments: int = 0
    """Requests with an image or the like, whose tokens cannot be estimated."""
    audio: int = 0
    """Requests for audio, whose length is not in the file."""
    most_prompt_tokens: int = 0
    """As many prompt tokens as there can be, whatever the text and the tokenizer."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a submission may cost, in dollars, as it was known before it was sent."""

    input: float | None = None
    """About what the prompts cost; None where there is no price."""
    output: float | None = None
    """The most that the answers may cost; None where there is no price, or a request has no limit of output tokens."""
    unbounded: int = 0
    """Requests without a limit of output tokens."""
    attachments: int = 0
    """Requests with an image or the like, which are not included."""
    audio: int = 0
    """Requests for audio, which are not included: their length is not known before."""
    minute: float | None = None
    """Dollars per minute of audio; None where there is no price."""
    unpriced: tuple[str, ...] = ()
    """Models without a known price, which are not included."""
    discounts: tuple[float, ...] = ()
    """The discounts that were subtracted, in percent."""
    is_custom: bool = False
    """Whether some of the prices or discounts are the person's own."""
    priced_at: float | None = None
    """When the catalogue was fetched, in seconds since the epoch."""
    most_input: float | None = None
    """The most that the prompts may cost; None where there is no price, or it was stored by a version without it."""
    is_listed_audio: bool = False
    """Whether the price of a minute is that of the dated list."""
    expected: float | None = None
    """About what it costs if its rows use what those of earlier jobs did; None where there is nothing to learn from."""
    expected_jobs: int = 0
    """The jobs that this was learned from."""
    tokens: tuple[tuple[str, int], ...] = ()
    """About how many tokens are enqueued for each model: of the prompts, and at most of the answers."""

    @property
    def expected_words(self) -> str:
        """`about $0.94, from 3 earlier jobs`; empty where nothing was learned."""
        if self.expected is None:
            return ""
        return f"{fmt.money_about(self.expected)}, from {fmt.plural(self.expected_jobs, 'earlier job')}"

    @property
    def words(self) -> str:
        """`about $0.94, from 3 earlier jobs, up to about $1.46`, or what of it is known; empty for nothing."""
        most = f"up to about {fmt.money_bound(self.about)}" if self.about is not None else ""
        return fmt.join(self.expected_words, most, by=", ")

    @property
    def most(self) -> float | None:
        """The most that it may cost, a true bound; None where a part of that is not known."""
        return self._with_output(self.most_input)

    @property
    def about(self) -> float | None:
        """About what it costs if every answer is as long as it may be; None where a part of that is not known."""
        return self._with_output(self.input)

    def _with_output(self, prompts: float | None) -> float | None:
        if prompts is None or self.output is None or self.unpriced or self.audio or self.attachments:
            return None
        return prompts + self.output
