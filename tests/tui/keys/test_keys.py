"""One key has one meaning, and a user's keymap is checked before Textual drops half of it silently."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from textual.binding import BindingsMap

from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys import docs_page, keymap


def test_every_binding_is_complete() -> None:
    for binding in keys.ALL:
        assert binding.id and binding.description and binding.tooltip and binding.group, binding
        assert keys.CONTEXTS[binding.id]


def test_no_key_means_two_things_in_one_context() -> None:
    by_id = {binding.id: binding for binding in keys.ALL if binding.id}
    for one, other in itertools.combinations(by_id.values(), 2):
        if keys.CONTEXTS[one.id or ""] & keys.CONTEXTS[other.id or ""]:
            assert not set(keymap.binding_keys(one)) & set(keymap.binding_keys(other)), (one, other)


def test_bindings_of_one_id_share_their_keys() -> None:
    for action_id in keys.CONTEXTS:
        assert len({binding.key for binding in keys.ALL if binding.id == action_id}) == 1


def test_a_good_keymap_is_accepted_as_textual_spells_it() -> None:
    accepted, messages = keymap.resolve_keymap({"job.cancel": "shift+z, ctrl+k", "help.keys": "?", "jobs.new": "f5"})
    assert messages == []
    assert accepted == {"job.cancel": "Z,ctrl+k", "help.keys": "question_mark", "jobs.new": "f5"}


def test_two_actions_may_swap_keys() -> None:
    swapped = {"job.cancel": "d", "job.download": "c"}
    assert keymap.resolve_keymap(swapped) == (swapped, [])
    bindings = BindingsMap([keys.CANCEL, keys.DOWNLOAD])
    bindings.apply_keymap(swapped)
    assert bindings.key_to_bindings["d"][0].id == "job.cancel"
    assert bindings.key_to_bindings["c"][0].id == "job.download"


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"job.cncel": "x"}, "did you mean 'job.cancel'"),
        ({"nonsense": "x"}, "no action 'nonsense'"),
        ({"job.cancel": "d"}, "'d' is job.download on"),
        ({"job.cancel": "j"}, "'j' is list.down on Job"),
        ({"list.sort": "question_mark"}, "'question_mark' is help.keys on Files"),
        ({"job.cancel": "ctrl+i"}, "is Tab to a terminal"),
        ({"job.cancel": "ctrl+c"}, "is used by the terminal"),
        ({"job.cancel": "hyperdrive"}, "no key 'hyperdrive'"),
        ({"filter.clear": "z"}, "'z' would be typed into the line"),
        ({"job.cancel": "x,"}, "no key ''"),
        ({"job.cancel": "ctrl+ctrl+x"}, "no key"),
        ({"job.cancel": ""}, "use one key"),
        ({"job.cancel": 7}, "use one key"),
        ({"job.cancel": "\x1b"}, "no key"),
    ],
)
def test_an_invalid_entry_has_a_message_and_the_default_stays(mapping: dict[str, str], message: str) -> None:
    accepted, messages = keymap.resolve_keymap(mapping)
    assert accepted == {}
    assert len(messages) == 1 and message in messages[0]


def test_of_two_actions_that_want_one_key_the_later_loses() -> None:
    accepted, messages = keymap.resolve_keymap({"job.cancel": "z", "job.download": "z"})
    assert accepted == {"job.cancel": "z"}
    assert "job.download: 'z' is job.cancel" in messages[0]


def test_half_a_swap_is_refused_with_the_other_half() -> None:
    accepted, messages = keymap.resolve_keymap({"job.cancel": "d", "job.download": "ctrl+m"})
    assert accepted == {}
    assert len(messages) == 2


def test_the_keys_page_is_generated_from_the_bindings() -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "keys.md"
    assert page.read_text(encoding="utf-8") == docs_page.page(), (
        "python -m tbatch_tui.tui.keys.docs_page > docs/reference/keys.md"
    )


def test_nothing_needs_a_function_key_or_one_that_terminals_swallow() -> None:
    for binding in keys.ALL:
        plain = [key for key in keymap.binding_keys(binding) if not re.fullmatch(r"f\d+|ctrl\+[qs]", key)]
        assert plain, binding


def test_a_key_of_ones_own_outlasts_an_action_that_came_later() -> None:
    assert keymap.resolve_keymap({"job.cancel": "C"}) == ({"job.cancel": "C"}, [])
    _, messages = keymap.resolve_keymap({"job.cancel": "d"})
    assert messages
