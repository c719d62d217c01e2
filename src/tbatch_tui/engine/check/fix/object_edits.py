"""Edit the text of a JSON object by its members: all bytes that are not edited stay as they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tbatch_tui.engine.check.lines.json_spans import JsonMember, members, skip

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


class Edit(NamedTuple):
    """Replace [start, end) by `text`."""

    start: int
    end: int
    text: str


class ObjectText:
    """An object inside a text that is valid JSON, with its members."""

    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.start = skip(text, at)
        self.members = list(members(text, self.start))
        self._by_key = {member.key: member for member in self.members}

    @property
    def has_unique_keys(self) -> bool:
        """Whether no key is there twice."""
        return len(self._by_key) == len(self.members)

    def __contains__(self, key: str) -> bool:
        return key in self._by_key

    def __getitem__(self, key: str) -> JsonMember:
        return self._by_key[key]

    def get(self, key: str) -> JsonMember | None:
        """Return a member; None if there is none."""
        return self._by_key.get(key)

    def source(self, key: str) -> str:
        """Return the value of a member as it is written; empty if there is none."""
        member = self._by_key.get(key)
        return self.text[member.value : member.end] if member is not None else ""

    def value(self, key: str) -> Any:
        """Return the value of a member; None if there is none."""
        source = self.source(key)
        return json.loads(source, parse_int=float) if source else None

    def begins(self, key: str, first: str) -> bool:
        """Whether there is a member whose value begins with this character: `{` an object, `[` a list, `"` a string."""
        return self.source(key).startswith(first)

    def object(self, key: str) -> ObjectText | None:
        """Return the object that a member holds; None if it holds something else."""
        return ObjectText(self.text, self._by_key[key].value) if self.begins(key, "{") else None

    def objects(self, key: str) -> list[ObjectText]:
        """Return the objects in the list that a member holds."""
        if not self.begins(key, "["):
            return []
        items = members(self.text, self._by_key[key].value)
        return [ObjectText(self.text, item.value) for item in items if self.text[item.value] == "{"]

    def rename(self, key: str, name: str) -> Edit:
        """Return the edit that gives a member another key."""
        start = self._by_key[key].start
        end = self.text.index(":", _end_of_string(self.text, start))
        return Edit(start, end, json_string(name))

    def replace(self, key: str, source: str) -> Edit:
        """Return the edit that gives a member another value."""
        member = self._by_key[key]
        return Edit(member.value, member.end, source)

    def insert(self, sources: Iterable[str]) -> list[Edit]:
        """Return the edit that puts members, as they are to be written, before all others."""
        text = ", ".join(sources)
        if not text:
            return []
        after = self.start + 1
        comma = "" if self.text[skip(self.text, after)] == "}" else ", "
        return [Edit(after, after, text + comma)]

    def cut_out(self, keys: Collection[str]) -> list[Edit]:
        """Return the edits that remove members, each with the comma that separates it from the others."""
        edits: list[Edit] = []
        kept_end = self.start + 1  # after the last member that stays, or after the brace
        for index, member in enumerate(self.members):
            if member.key not in keys:
                kept_end = member.end
            elif index + 1 < len(self.members):
                edits.append(Edit(member.start, self.members[index + 1].start, ""))
            else:
                while edits and edits[-1].start >= kept_end:  # cut together with this one, from the comma before them
                    edits.pop()
                edits.append(Edit(kept_end, member.end, ""))
        return edits

    def member_source(self, key: str, name: str = "") -> str:
        """Return a member as it is written, with another key if `name` is given."""
        member = self._by_key[key]
        if not name:
            return self.text[member.start : member.end]
        return f"{json_string(name)}: {self.text[member.value : member.end]}"


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with all edits, which must not overlap."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def json_string(text: str) -> str:
    """Return a string as JSON."""
    return json.dumps(text, ensure_ascii=False)


def _end_of_string(text: str, start: int) -> int:
    """Return where the string ends that begins at `start`."""
    at = start + 1
    while text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at + 1
