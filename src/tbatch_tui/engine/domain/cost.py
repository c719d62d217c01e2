"""What a file asks for, and what it may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Demand:
    """What the requests of an input file ask of one model, as far as the file tells before it is run."""

    model: str
    requests: int
    prompt_tokens: int = 0
    """About as many: guessed from the bytes of their text."""
    most_output_tokens: int = 0
    """The most that may be answered, of the requests that say so."""
    unbounded: int = 0
    """Requests that do not."""
    attachments: int = 0
    """Requests with an image or the like, whose tokens nobody can guess."""
    audio: int = 0
    """Requests for audio, whose length the file does not tell."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a submission may cost, as it was known before. Dollars."""

    input: float | None = None
    """About; None where there is no price."""
    output: float | None = None
    """At most; None where there is no price, or not every request says how long its answer may be."""
    unbounded: int = 0
    """Requests that do not say it."""
    attachments: int = 0
    """Requests with an image or the like, which are not in it."""
    audio: int = 0
    """Requests for audio, which are not in it: how long that is, is not known before."""
    minute: float | None = None
    """What a minute of it costs, where that is known."""
    unpriced: tuple[str, ...] = ()
    """Models without a known price, which are not in it."""
    discounts: tuple[float, ...] = ()
    """The discounts that were taken off, in percent."""
    is_custom: bool = False
    """Some of the prices or discounts are the person's own."""
    priced_at: float | None = None
    """When the catalogue was fetched."""

    @property
    def most(self) -> float | None:
        """The most it may cost; None where something of it is not known."""
        if self.input is None or self.output is None or self.unpriced or self.audio or self.attachments:
            return None
        return self.input + self.output
