"""Faults on a plan: which calls go wrong, and how. What then happens on the wire is in `wire`.

A plan is a JSON array. Each entry names calls by method and path, which of them by number, and a kind:

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
"""How a call can go wrong; `docs/sandbox.md` says what each does on the wire."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}):
    """One entry of a plan."""

    kind: FaultKind
    method: str = "*"
    path: str = "**"
    """`*` stands for anything within a segment, `**` for anything; a path ending in `/` means all below it."""

    first: int = 1
    """The first matching call that goes wrong, counted from 1 …"""

    last: int | msgspec.UnsetType | None = msgspec.UNSET
    """… and the last: the same one if not given, null for all that follow."""

    status: int | None = None
    headers: dict[str, str] = {}
    body: Any = None
    """A string is sent as it is, anything else as JSON."""

    seconds: float | None = None
    bytes: int | None = None
    after: bool | None = None
    """For garbage, html and delay: whether the call's work is done all the same."""

    def matches(self, method: str, path: str) -> bool:
        """Whether the entry is about such a call at all."""
        return self.method in ("*", method) and _pattern(self.path).fullmatch(path) is not None

    def applies_to(self, n: int) -> bool:
        """Whether the n-th matching call is to go wrong."""
        if self.last is None:
            return n >= self.first
        last = self.first if self.last is msgspec.UNSET else self.last
        return self.first <= n <= last

    @property
    def does_work(self) -> bool:
        """Whether the call's work is done although its answer is replaced or late."""
        if self.kind in ("status-after", "close-after"):
            return True
        return self.after if self.after is not None else self.kind == "garbage"


class BadPlanError(Exception):
    """A plan that cannot be followed: where, why, and how to mend it."""


@dataclass(slots=True)
class ActiveFaults:
    """The faults in force, with their counts."""

    _faults: list[Fault] = field(default_factory=list)
    _counts: list[int] = field(default_factory=list)

    def add(self, faults: Iterable[Fault]) -> None:
        """Put more into force; they count from now on."""
        for fault in faults:
            self._faults.append(fault)
            self._counts.append(0)

    def clear(self) -> None:
        """Let everything go well again."""
        self._faults.clear()
        self._counts.clear()

    def next_fault(self, method: str, path: str) -> Fault | None:
        """Count a call that arrived; the first fault that means it, if any."""
        drawn = None
        for index, fault in enumerate(self._faults):
            if fault.matches(method, path):
                self._counts[index] += 1
                if drawn is None and fault.applies_to(self._counts[index]):
                    drawn = fault
        return drawn

    def to_list(self) -> list[dict[str, Any]]:
        """The faults in force and how many calls each has seen."""
        pairs = zip(self._faults, self._counts, strict=True)
        return [{"fault": msgspec.to_builtins(fault), "seen": count} for fault, count in pairs]


def read_plan(path: Path) -> list[Fault]:
    """The plan in a file, or `BadPlanError`."""
    try:
        return parse_plan(path.read_bytes(), str(path))
    except OSError as unreadable:
        raise BadPlanError(f"{path}: cannot be read: {unreadable.strerror}") from unreadable


def parse_plan(text: bytes, source: str = "plan") -> list[Fault]:
    """A plan, or `BadPlanError`."""
    try:
        entries = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as unreadable:
        raise BadPlanError(f"{source}: not JSON: {unreadable}") from unreadable
    if not isinstance(entries, list):
        raise BadPlanError(f"{source}: expected an array of faults; put the entry between [ and ]")
    return [_parse_entry(entry, f"{source}: entry {number}") for number, entry in enumerate(entries, 1)]


def _parse_entry(entry: Any, where: str) -> Fault:
    if not isinstance(entry, dict):
        raise BadPlanError(f'{where}: expected an object such as {{"path": "/v1/batches", "kind": "close"}}')
    known = [each.encode_name for each in msgspec.structs.fields(Fault)]
    for name in entry:
        if name not in known:
            raise BadPlanError(f"{where}: {name!r} is not a field{_suggestion(name, known)}")
    kinds = get_args(FaultKind)
    if entry.get("kind") not in kinds:
        raise BadPlanError(f"{where}: kind {entry.get('kind')!r} is not known{_suggestion(entry.get('kind'), kinds)}")
    try:
        fault = msgspec.convert(entry, Fault)
    except msgspec.ValidationError as wrong:
        raise BadPlanError(f"{where}: {wrong}") from wrong
    _check(fault, where)
    return fault


def _check(fault: Fault, where: str) -> None:
    """What a type cannot say."""
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


def _suggestion(wrong: object, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(str(wrong), known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; it can be {', '.join(known)}"


@lru_cache(256)
def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*)", path + "**" if path.endswith("/") else path)
    signs = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(signs.get(part) or re.escape(part) for part in parts), re.DOTALL)
