"""A key never comes out of `redact`, in whatever form a library or a server writes it."""

from __future__ import annotations

import json
from itertools import permutations
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from tbatch_tui.engine import redaction
from tbatch_tui.engine.redaction import add_secret, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "tgp_v1_FIRST/HALF+OF=THE\"SECRET\nSECOND'HALF\\OF\té-SECRET1234"


@pytest.fixture(autouse=True)
def no_other_secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(redaction, "_masks", {})
    yield


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        repr(KEY),
        repr(KEY.encode()),
        f"Illegal header value {b'Bearer ' + KEY.encode()!r}",
        json.dumps(KEY),
        json.dumps(KEY, ensure_ascii=False),
        quote(KEY),
        quote(KEY, safe=""),
        quote_plus(KEY),
        KEY.splitlines()[0],
        KEY.splitlines()[1],
        ascii(KEY.splitlines()[1]),
    ],
)
def test_no_form_of_a_key_is_left(form: str) -> None:
    add_secret(KEY)
    redacted = redact(f"before {form} after")
    assert "SECRET" not in redacted and "HALF" not in redacted
    assert redacted.startswith("before") and redacted.endswith("after")


@pytest.mark.parametrize("order", list(permutations(["abcdefgh", "abcdefgh-12345678", "12345678"])))
def test_a_key_that_another_begins_with_leaves_nothing_of_the_longer(order: tuple[str, ...]) -> None:
    for secret in order:
        add_secret(secret)
    assert redact("it is abcdefgh-12345678.") == "it is …5678."


def test_what_a_shorter_key_leaves_of_a_longer_one_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_masks", {})
    redaction.add_secret("tgp_v1_0123456789abcdef")
    assert "0123456789" not in redaction.redact("Bearer tgp_v1_0123456789abcdef0123456789abcdef")
