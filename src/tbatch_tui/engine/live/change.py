"""Change what one request asks: another model, limit, system prompt or prompt. All else of its body stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tbatch_tui.engine.lenient_json import as_count, as_id, content_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_SYSTEM_ROLES = ("system", "developer")
_LIMITS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True, slots=True)
class Asked:
    """The parts of a request that a person changes to ask it in another way."""

    model: str = ""
    max_tokens: int | None = None
    system: str = ""
    """The system prompt; empty where there is none."""
    prompt: str = ""
    """The text of the last message of the user; of a recording, the prompt."""


def asked_of(body: Mapping[str, Any]) -> Asked:
    """Return what a body asks. It may be any JSON object."""
    messages = _messages(body)
    limit = next((as_count(body[name]) for name in _LIMITS if name in body), None)
    system, user = _system(messages), _last_user(messages)
    return Asked(
        model=as_id(body.get("model")) or "",
        max_tokens=limit or None,
        system=content_text(messages[system].get("content")) if system is not None else "",
        prompt=content_text(messages[user].get("content")) if user is not None else as_id(body.get("prompt")) or "",
    )


def changed_body(body: Mapping[str, Any], wanted: Asked) -> dict[str, Any]:
    """Return a body that asks for this; what is the same already stays as it is written."""
    found, new = asked_of(body), dict(body)
    if wanted.model and wanted.model != found.model:
        new["model"] = wanted.model
    if wanted.max_tokens != found.max_tokens:
        names = [name for name in _LIMITS if name in new] or list(_LIMITS[:1])
        for name in names:
            new.pop(name, None)
            if wanted.max_tokens is not None:
                new[name] = wanted.max_tokens
    if (wanted.system, wanted.prompt) != (found.system, found.prompt):
        _change_texts(new, found, wanted)
    return new


def _change_texts(body: dict[str, Any], found: Asked, wanted: Asked) -> None:
    messages = _messages(body)
    user = _last_user(messages)
    if wanted.prompt != found.prompt:
        if user is not None:
            messages[user] = {**messages[user], "content": _with_text(messages[user].get("content"), wanted.prompt)}
        elif "messages" not in body:
            body["prompt"] = wanted.prompt
    if wanted.system != found.system and "messages" in body:
        place = _system(messages)
        if place is not None and wanted.system:
            messages[place] = {**messages[place], "content": wanted.system}
        elif place is not None:
            del messages[place]
        else:
            messages.insert(0, {"role": "system", "content": wanted.system})
    if isinstance(body.get("messages"), list):
        body["messages"] = messages


def _with_text(content: Any, text: str) -> Any:
    """Return a content with another text; its images and the like stay."""
    if not isinstance(content, list):
        return text
    others = [part for part in content if not (isinstance(part, dict) and isinstance(part.get("text"), str))]
    return [{"type": "text", "text": text}, *others]


def _messages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = body.get("messages")
    return [m if isinstance(m, dict) else {} for m in messages] if isinstance(messages, list) else []


def _system(messages: list[dict[str, Any]]) -> int | None:
    return next((at for at, message in enumerate(messages) if message.get("role") in _SYSTEM_ROLES), None)


def _last_user(messages: list[dict[str, Any]]) -> int | None:
    places = [at for at, message in enumerate(messages) if message.get("role") == "user"]
    return places[-1] if places else None
