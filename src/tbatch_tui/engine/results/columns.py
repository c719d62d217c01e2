"""Compact columns: what is known of 50,000 rows in some 20 MB, most of it the first words of the answers."""

from __future__ import annotations

from array import array

from .judge import Verdict
from .lines import Line
from .values import Outcome, Source

NONE = 0xFFFFFFFF
"""An unknown count; a greater one is kept as one less."""


class Texts:
    """Many short texts in one buffer."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ends = array("Q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._buffer[self._ends[number] : self._ends[number + 1]])

    def append(self, text: bytes) -> None:
        self._buffer += text
        self._ends.append(len(self._buffer))


class Places:
    """Where rows stand in their file: the line, and its bytes."""

    def __init__(self) -> None:
        self.line = array("I")
        self.offset = array("Q")
        self.length = array("Q")

    def __len__(self) -> int:
        return len(self.length)

    def append(self, line: Line) -> None:
        self.line.append(line.number)
        self.offset.append(line.offset)
        self.length.append(line.length)


class Requests:
    """What was asked, in the order of the input file."""

    def __init__(self) -> None:
        self.ids = Texts()
        self.places = Places()
        """Empty without an input file: then the requests are the ids that came back."""
        self.reply = array("i")
        """The reply that counts for the request; -1 while there is none."""

    def __len__(self) -> int:
        return len(self.reply)

    def append(self, custom_id: str, line: Line | None) -> int:
        """Add a request; its index."""
        self.ids.append(custom_id.encode("utf-8", "surrogatepass"))
        if line is not None:
            self.places.append(line)
        self.reply.append(-1)
        return len(self.reply) - 1

    def custom_id(self, number: int) -> str:
        return self.ids[number].decode("utf-8", "surrogatepass")


class Replies:
    """What came back, in the order it was read."""

    def __init__(self) -> None:
        self.source = bytearray()
        self.places = Places()
        self.outcome = bytearray()
        self.tokens = array("I")
        self.prompt_tokens = array("I")
        self.seconds = array("d")
        """Negative where unknown."""
        self.heads = Texts()

    def __len__(self) -> int:
        return len(self.outcome)

    def append(self, source: Source, line: Line, verdict: Verdict) -> int:
        """Add a reply; its index."""
        tokens, prompt_tokens = verdict.tokens, verdict.prompt_tokens
        self.source.append(source)
        self.places.append(line)
        self.tokens.append(NONE if tokens is None else min(tokens, NONE - 1))
        self.prompt_tokens.append(NONE if prompt_tokens is None else min(prompt_tokens, NONE - 1))
        self.seconds.append(-1.0 if verdict.seconds is None else verdict.seconds)
        self.heads.append(verdict.head)
        self.outcome.append(verdict.outcome)
        return len(self.outcome) - 1

    def outcome_of(self, number: int) -> Outcome:
        return Outcome(self.outcome[number])


def known(count: int) -> int | None:
    """A count as it was kept; None for what was unknown."""
    return None if count == NONE else count
