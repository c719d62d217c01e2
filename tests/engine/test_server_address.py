"""A server is its canonical address, not its spelling."""

from __future__ import annotations

import pytest

from tbatch_tui.engine.server_address import canonical_server, is_loopback


@pytest.mark.parametrize(
    ("address", "server"),
    [
        (None, "together"),
        ("together", "together"),
        ("https://api.together.ai", "together"),
        ("https://api.together.ai/v1", "together"),
        ("HTTPS://API.Together.xyz:443/v1/", "together"),
        ("http://api.together.ai", "http://api.together.ai"),
        ("https://api.together.ai:8443", "https://api.together.ai:8443"),
        ("https://api.together.ai/proxy", "https://api.together.ai/proxy"),
        ("http://localhost:8123/", "http://127.0.0.1:8123"),
        ("http://127.0.0.1:8123/v1", "http://127.0.0.1:8123"),
        ("http://LocalHost:80", "http://127.0.0.1"),
        ("http://[::1]:80/v1", "http://[::1]"),
        ("https://Proxy.Example/Team/v1/", "https://proxy.example/Team"),
        ("demo", "demo"),
        ("https://x:port", "https://x:port"),
    ],
)
def test_canonical_server(address: str | None, server: str) -> None:
    assert canonical_server(address) == server
    assert canonical_server(server) == server


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://127.9.9.9", True),
        ("http://10.0.0.1", False),
        ("https://api.together.ai", False),
    ],
)
def test_is_loopback(url: str, local: bool) -> None:
    assert is_loopback(url) is local
