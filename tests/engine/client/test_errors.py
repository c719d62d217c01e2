"""What the SDK and httpx raise, as errors of ours: none repeats a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tbatch_tui.engine.client.api import TogetherApi
from tbatch_tui.engine.client.translate_errors import translate_errors
from tbatch_tui.engine.errors import AuthenticationError, ConnectionFailedError

if TYPE_CHECKING:
    from tbatch_tui.sandbox.testing import Sandbox

KEY = "tgp_v1_FIRSTHALFOFTHESECRET\nSECONDHALFOFTHESECRET1234"


def test_a_key_that_no_header_can_hold_is_refused_before_it_is_used() -> None:
    with pytest.raises(AuthenticationError) as error:
        TogetherApi.connect(base_url="http://127.0.0.1:9", api_key=KEY)
    assert "SECRET" not in str(error.value)


def test_what_a_library_says_of_a_header_is_not_passed_on(sandbox: Sandbox) -> None:
    """It quotes the header, with the key in it, in a form of its own."""
    with pytest.raises(ConnectionFailedError) as error, translate_errors("list the jobs", host="h", key="another-key"):
        httpx.get(sandbox.base_url, headers={"Authorization": f"Bearer {KEY}"})
    assert "SECRET" not in str(error.value)
