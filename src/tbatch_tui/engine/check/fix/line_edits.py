"""Fix one line by cutting out and inserting text. All other bytes of it stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Collection
from hashlib import sha256

from tbatch_tui.engine.check.fix.body_edits import fix_body
from tbatch_tui.engine.check.fix.mends import METHOD_RULES
from tbatch_tui.engine.check.fix.object_edits import Edit, ObjectText, apply_edits, json_string
from tbatch_tui.engine.check.limits import CUSTOM_ID_CHARACTERS
from tbatch_tui.engine.check.lines.params import Kind

MakeUniqueId = Callable[[str], str]
"""Turns the wanted custom_id into one that no other line has."""

_HASH_CHARACTERS = 12


def fix_line(
    text: str,
    number: int,
    rules: Collection[str],
    kind: Kind,
    is_duplicate: bool,
    make_unique: MakeUniqueId,
    model: str = "",
) -> str:
    """Return a line that is a JSON object, fixed where it breaks one of the `rules`.

    Args:
        number: The number of the line, for an id that it is given.
        is_duplicate: Whether an earlier line has its custom_id.
        model: The name for a request that has none; empty to leave it without.
    """
    text = fix_body(text, rules, model)
    line = ObjectText(text)
    edits = _fix_custom_id(line, number, rules, is_duplicate, make_unique)
    if "method-file" in rules and kind is Kind.AUDIO and "body" in line:
        if "method" not in line:
            at = line["body"].start
            edits.append(Edit(at, at, '"method": "FILE", '))
        elif line.value("method") != "FILE":
            edits.append(line.replace("method", '"FILE"'))
    cut: set[str] = set()
    if "openai-envelope" in rules:
        cut |= {"method", "url"} if kind is Kind.CHAT else {"url"}
    if kind is Kind.CHAT and not METHOD_RULES.isdisjoint(rules) and line.value("method") == "FILE":
        cut.add("method")
    edits += line.cut_out(cut)
    body = line.object("body") if kind is Kind.CHAT and "stream" in rules else None
    if body is not None and body.source("stream") == "true":
        edits += body.cut_out({"stream"})
    return apply_edits(text, edits)


def _fix_custom_id(
    line: ObjectText, number: int, rules: Collection[str], is_duplicate: bool, make_unique: MakeUniqueId
) -> list[Edit]:
    if "custom_id" not in line:
        if "custom-id-missing" not in rules:
            return []
        return line.insert([f'"custom_id": {json_string(make_unique(f"line-{number}"))}'])
    value = line.value("custom_id")
    wanted = ""
    is_blank = isinstance(value, str) and not value.strip()
    if (value is None and "custom-id-missing" in rules) or (is_blank and "custom-id-empty" in rules):
        wanted = f"line-{number}"
    elif isinstance(value, float) and "custom-id-type" in rules:
        wanted = line.source("custom_id")
    elif isinstance(value, str) and len(value) > CUSTOM_ID_CHARACTERS and "custom-id-long" in rules:
        wanted = short_id(value)
    elif isinstance(value, str) and value and is_duplicate and "duplicate-custom-id" in rules:
        wanted = value
    return [line.replace("custom_id", json_string(make_unique(wanted)))] if wanted else []


def short_id(custom_id: str) -> str:
    """Return a custom_id of the permitted length for one that is longer: its end, and a hash of all of it."""
    digest = sha256(custom_id.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARACTERS]
    return f"{custom_id[_HASH_CHARACTERS + 1 - CUSTOM_ID_CHARACTERS :]}-{digest}"


def add_suffix(wanted: str, taken: Callable[[str], bool]) -> str:
    """Return the wanted id, cut to the permitted length, with a suffix ("-dup2") if it is taken."""
    candidate, count = wanted[:CUSTOM_ID_CHARACTERS], 1
    while taken(candidate):
        count += 1
        suffix = f"-dup{count}"
        candidate = wanted[: CUSTOM_ID_CHARACTERS - len(suffix)] + suffix
    return candidate
