"""Fault plans: which calls go wrong, and how. `middleware` makes them go wrong.

A plan is a JSON array. Each entry names calls by method, path and number, and the kind of fault:

    [{"method": "POST", "path": "/v1/batches", "from": 1, "to": 2, "kind": "status-after", "status": 504}]
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FaultKind = Literal[
    "status",
    "status-after",
    "close",
    "close-after",
    "close-body",
    "garbage",
    "html",
    "delay",
    "drip",
    "truncate",
    "truncate-no-length",
    "wrong-byte",
]
"""The ways a call can go wrong. `docs/sandbox.md` describes what the client sees of each."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}):
    """One entry of a plan."""

    kind: FaultKind
    method: str = "*"
    path: str = "**"
    """`*` matches anything within a segment, `**` anything. A path that ends in `/` matches everything below it."""

    first: int = 1
    """Number of the first matching call that goes wrong, from 1."""

    last: int | msgspec.UnsetType | None = msgspec.UNSET
    """Number of the last one: the first if not given, null for all that follow."""

    status: int | None = None
    headers: dict[str, str] = {}
    body: Any = None
    """The body to send: a string as it is, anything else as JSON."""

    seconds: float | None = None
    bytes: int | None = None
    after: bool | None = None
    """For garbage, html and delay: whether the server does what the call asks."""

    def matches(self, method: str, path: str) -> bool:
        """Return whether a call has this method and path."""
        return self.method in ("*", method) and _pattern(self.path).fullmatch(path) is not None

    def applies_to(self, n: int) -> bool:
        """Return whether the n-th matching call goes wrong."""
        if self.last is None:
            return n >= self.first
        last = self.first if self.last is msgspec.UNSET else self.last
        return self.first <= n <= last

    @property
    def does_work(self) -> bool:
        """Whether the server does what the call asks, although the response is replaced or late."""
        if self.kind in ("status-after", "close-after"):
            return True
        return self.after if self.after is not None else self.kind == "garbage"


class BadPlanError(Exception):
    """A fault plan is invalid. The message says where, why, and how to fix it."""


@dataclass(slots=True)
class ActiveFaults:
    """The faults in effect, and how many matching calls each has seen."""

    _faults: list[Fault] = field(default_factory=list)
    _counts: list[int] = field(default_factory=list)

    def add(self, faults: Iterable[Fault]) -> None:
        """Put more faults into effect. They count calls from now on."""
        for fault in faults:
            self._faults.append(fault)
            self._counts.append(0)

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()
        self._counts.clear()

    def next_fault(self, method: str, path: str) -> Fault | None:
        """Count a call that arrived; return the first fault that applies to it, if any."""
        chosen = None
        for index, fault in enumerate(self._faults):
            if fault.matches(method, path):
                self._counts[index] += 1
                if chosen is None and fault.applies_to(self._counts[index]):
                    chosen = fault
        return chosen

    def to_list(self) -> list[dict[str, Any]]:
        """Return the faults in effect and how many matching calls each has seen."""
        pairs = zip(self._faults, self._counts, strict=True)
        return [{"fault": msgspec.to_builtins(fault), "seen": count} for fault, count in pairs]


def read_plan(path: Path) -> list[Fault]:
    """Read a plan from a file. Raises BadPlanError."""
    try:
        return parse_plan(path.read_bytes(), str(path))
    except OSError as error:
        raise BadPlanError(f"{path}: cannot be read: {error.strerror}") from error


def parse_plan(text: bytes, source: str = "plan") -> list[Fault]:
    """Parse a plan. Raises BadPlanError.

    Args:
        source: Name of the plan in error messages.
    """
    try:
        entries = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPlanError(f"{source}: not JSON: {error}") from error
    if not isinstance(entries, list):
        raise BadPlanError(f"{source}: expected an array of faults; put the entry between [ and ]")
    return [_parse_entry(entry, f"{source}: entry {number}") for number, entry in enumerate(entries, 1)]


def _parse_entry(entry: Any, where: str) -> Fault:
    if not isinstance(entry, dict):
        raise BadPlanError(f'{where}: expected an object such as {{"path": "/v1/batches", "kind": "close"}}')
    names = [field.encode_name for field in msgspec.structs.fields(Fault)]
    for name in entry:
        if name not in names:
            raise BadPlanError(f"{where}: {name!r} is not a field{_suggestion(name, names)}")
    kinds = get_args(FaultKind)
    if entry.get("kind") not in kinds:
        raise BadPlanError(f"{where}: kind {entry.get('kind')!r} is not known{_suggestion(entry.get('kind'), kinds)}")
    try:
        fault = msgspec.convert(entry, Fault)
    except msgspec.ValidationError as error:
        raise BadPlanError(f"{where}: {error}") from error
    _check(fault, where)
    return fault


def _check(fault: Fault, where: str) -> None:
    """Check what types alone cannot. Raises BadPlanError."""
    if fault.first < 1:
        raise BadPlanError(f"{where}: from is {fault.first}; calls are counted from 1")
    if isinstance(fault.last, int) and fault.last < fault.first:
        raise BadPlanError(f"{where}: to ({fault.last}) is before from ({fault.first})")
    if fault.kind in ("status", "status-after") and fault.status is None:
        raise BadPlanError(f"{where}: kind {fault.kind!r} needs a status, such as 503")
    if fault.status is not None and not 200 <= fault.status <= 599:
        raise BadPlanError(f"{where}: status {fault.status} is none; give one from 200 to 599")
    if fault.kind == "delay" and fault.seconds is None:
        raise BadPlanError(f"{where}: kind 'delay' needs seconds")
    if fault.seconds is not None and fault.seconds < 0:
        raise BadPlanError(f"{where}: seconds is negative")
    if fault.bytes is not None and fault.bytes < 0:
        raise BadPlanError(f"{where}: bytes is negative")
    if fault.method != fault.method.upper():
        raise BadPlanError(f"{where}: method {fault.method!r} matches nothing; write {fault.method.upper()!r}")
    for name, value in fault.headers.items():
        if re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) is None or not (value.isascii() and value.isprintable()):
            raise BadPlanError(f"{where}: header {name!r} cannot be sent; names and values must be plain ASCII")


def _suggestion(name: object, known_names: Iterable[str]) -> str:
    known_names = list(known_names)
    matches = difflib.get_close_matches(str(name), known_names, 1)
    return f"; did you mean {matches[0]!r}?" if matches else f"; it can be {', '.join(known_names)}"


@lru_cache(256)
def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*)", path + "**" if path.endswith("/") else path)
    patterns = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(patterns.get(part) or re.escape(part) for part in parts), re.DOTALL)
