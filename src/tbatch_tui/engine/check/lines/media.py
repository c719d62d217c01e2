"""The rules for content parts, and for the URLs of images, video and audio in them."""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import TYPE_CHECKING

from tbatch_tui.engine.check.lines.finding import Finding, JsonObject, JsonPath, quoted
from tbatch_tui.engine.check.lines.params import AUDIO_DATA_FORMATS, FOREIGN_PARTS, PARTS, type_name
from tbatch_tui.engine.check.lines.signed_urls import expiry_findings
from tbatch_tui.engine.check.lines.url_hosts import host_of, is_private

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEDIA = {"image_url": "image/", "video_url": "video/", "audio_url": "audio/"}
"""Kinds of part with a URL, and what the media types of their data URIs begin with."""
_LOCAL = re.compile(r"file:|[A-Za-z]:[\\/]|[.~]{0,2}/|\\\\|([^:/?#.]+/)*[^:?#/]+\.[A-Za-z0-9]{2,5}$", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}\s*")
_BASE64_MAGIC = ("iVBOR", "/9j/", "R0lGOD", "UklGR", "Qk0", "AAAA")
"""How PNG, JPEG, GIF, WebP, BMP and MP4 begin in base64."""


def part_findings(part: object, where: str, path: JsonPath, now: float) -> Iterator[Finding]:
    """Yield what is wrong in one part of a message's content."""
    if not isinstance(part, dict):
        yield Finding("message-content", f"{where} is {type_name(part)}, not an object", path)
        return
    kind = part.get("type")
    if not isinstance(kind, str):
        yield Finding("message-content", f"{where}.type is missing, or not a string", path)
    elif kind in FOREIGN_PARTS:
        yield Finding("part-type", f"{where}.type is {quoted(kind)}, which is another API's", (*path, "type"))
    elif kind not in PARTS:
        yield Finding("unusual-value", f"{where}.type is {quoted(kind)}, not a documented one", (*path, "type"))
    elif kind not in part:
        yield Finding("message-content", f"{where}.{kind} is missing", path)
    elif kind == "text":
        if not isinstance(text := part["text"], str):
            yield Finding("message-content", f"{where}.text is {type_name(text)}, not a string", (*path, "text"))
    else:
        yield from _media(part[kind], kind, f"{where}.{kind}", (*path, kind), now)


def _media(value: object, kind: str, where: str, path: JsonPath, now: float) -> Iterator[Finding]:
    if isinstance(value, dict):
        if kind == "input_audio":
            yield from _input_audio(value, where, path)
        else:
            yield from _url(value, kind, where, path, now)
    elif isinstance(value, str):
        rule, key = ("input-audio", "data") if kind == "input_audio" else ("media-url", "url")
        yield Finding(rule, f"{where} is a string, not an object with {key}", path)
    else:
        yield Finding("message-content", f"{where} is {type_name(value)}, not an object", path)


def _url(value: JsonObject, kind: str, where: str, path: JsonPath, now: float) -> Iterator[Finding]:
    url = value.get("url")
    where, path = f"{where}.url", (*path, "url")
    if not isinstance(url, str):
        state = "missing" if "url" not in value else f"{type_name(url)}, not a string"
        yield Finding("media-url", f"{where} is {state}", path)
    elif not url.strip():
        yield Finding("media-url", f"{where} is empty", path)
    elif url[:5].lower() == "data:":
        yield from _data_uri(url, kind, where, path)
    elif host := host_of(url):
        if is_private(host):
            yield Finding("private-host", f"{where} is on {host}, which Together cannot reach", path)
        yield from expiry_findings(url, where, path, now)
    else:
        yield Finding("media-url", f"{where} is {_what(url)}: {quoted(url)}", path)


def _what(url: str) -> str:
    """Return what stands where a URL should."""
    if url.startswith(_BASE64_MAGIC) or (_BASE64.fullmatch(url) and not url.startswith("/")):
        return "base64 without data:image/…;base64, in front"
    if _LOCAL.match(url):
        return "a local path, which Together can't read"
    return "not an http or https URL, and not a data URI"


def _data_uri(url: str, kind: str, where: str, path: JsonPath) -> Iterator[Finding]:
    header, comma, payload = url[5:].partition(",")
    media_type, *options = header.split(";")
    if not comma:
        fault = "has no comma, so it has no data"
    elif "/" not in media_type:
        fault = "has no media type, such as image/png"
    elif not options or options[-1].lower() != "base64":
        fault = "is not in base64"
    else:
        fault = _base64_fault(payload)
    if fault:
        yield Finding("data-uri", f"{where} {fault}: {quoted(url)}", path)
    elif not media_type.lower().startswith(_MEDIA[kind]):
        message = f"{where} has the media type {quoted(media_type)}, expected: {_MEDIA[kind]}…"
        yield Finding("unusual-value", message, path)


def _base64_fault(payload: str) -> str:
    """Return what is wrong with base64, for a sentence; empty if nothing is. Line breaks in it are taken."""
    if not payload.strip():
        return "holds no data"
    try:
        a2b_base64(payload, strict_mode=True)
    except (Base64Error, ValueError):
        try:
            a2b_base64("".join(payload.split()), strict_mode=True)
        except (Base64Error, ValueError):
            return "holds data that is not base64"
    return ""


def _input_audio(value: JsonObject, where: str, path: JsonPath) -> Iterator[Finding]:
    for name in ("data", "format"):
        item = value.get(name)
        if not isinstance(item, str) or not item.strip():
            state = "missing" if name not in value else "empty" if isinstance(item, str) else type_name(item)
            yield Finding("input-audio", f"{where}.{name} is {state}", (*path, name))
    data, format_ = value.get("data"), value.get("format")
    if isinstance(data, str) and data.strip() and (fault := _base64_fault(data[data.find(",") + 1 :])):
        yield Finding("input-audio", f"{where}.data {fault}", (*path, "data"))
    if isinstance(format_, str) and format_.strip() and format_ not in AUDIO_DATA_FORMATS:
        message = f"{where}.format is {quoted(format_)}, documented: {AUDIO_DATA_FORMATS[0]}"
        yield Finding("unusual-value", message, (*path, "format"))
