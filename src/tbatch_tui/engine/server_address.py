"""What a server is called in the history: its canonical address, so that two spellings of one are one server."""

from __future__ import annotations

from urllib.parse import urlsplit

TOGETHER = "together"
"""Together's own server."""
_TOGETHER_HOSTS = ("api.together.ai", "api.together.xyz")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def canonical_server(address: str | None) -> str:
    """Return the one spelling of a server's address. A name that is no address stays as it is.

    Letter case, `/v1`, a trailing slash, the default port, and localhost for 127.0.0.1 make no other server.
    """
    if address is None:
        return TOGETHER
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        return address
    host = (parts.hostname or "").rstrip(".")
    if not host or parts.scheme not in _DEFAULT_PORTS:
        return address
    if host == "localhost":
        host = "127.0.0.1"
    if port == _DEFAULT_PORTS[parts.scheme]:
        port = None
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    if parts.scheme == "https" and host in _TOGETHER_HOSTS and port is None and not path:
        return TOGETHER
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port is not None else ''}{path}"


def is_loopback(address: str) -> bool:
    """Return whether the address is this machine, by its literal name: no name is looked up."""
    host = urlsplit(address).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
