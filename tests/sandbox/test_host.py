"""The sandbox answers only clients that mean this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tbatch_tui.demo import DemoServer
from tbatch_tui.engine.options import EngineOptions

if TYPE_CHECKING:
    from pathlib import Path

    from tbatch_tui.sandbox.testing import Sandbox


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8123", 200),
        ("LocalHost", 200),
        ("[::1]:1", 200),
        ("rebound.evil.example", 421),
        ("127.0.0.1.evil.example:8123", 421),
        ("192.0.2.1", 421),
        ("[", 421),
    ],
)
def test_a_host_that_is_not_this_machine_is_refused(host: str, status: int, still_sandbox: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {still_sandbox.key}", "Host": host}
    for path in ("/v1/batches", "/_sandbox/faults"):
        assert httpx.get(still_sandbox.base_url + path, headers=headers).status_code == status


def test_each_demo_has_a_key_of_its_own_that_is_no_argument(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        server = DemoServer(tmp_path)
        try:
            url = server.start()
            key = server.options_from(EngineOptions(tmp_path, tmp_path)).api_key
            assert key is not None and server._process is not None
            assert key not in str(server._process.args)
            answer = httpx.get(f"{url}/v1/batches", headers={"Authorization": f"Bearer {key}"})
            assert answer.status_code == 200
        finally:
            server.stop()
        keys.append(key)
    assert keys[0] != keys[1]
    assert keys[0][-4:] == keys[1][-4:]  # by these the history knows the demo's account
