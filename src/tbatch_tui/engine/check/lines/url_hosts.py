"""The host of a URL, and whether the world can reach it; without the cost of a URL library."""

from __future__ import annotations

_OWN_NAMES = (
    ".localhost",
    ".local",
    ".localdomain",
    ".internal",
    ".intranet",
    ".lan",
    ".home.arpa",
    ".test",
    ".invalid",
)
"""Where a name ends so, the world does not know it."""


def host_of(url: str) -> str:
    """The host of an http(s) URL in lower case, without its port; empty for anything else."""
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in ("http", "https"):
        return ""
    end = min((i for i in (rest.find(c) for c in "/?#\\") if i >= 0), default=len(rest))
    authority = rest[:end].rpartition("@")[2].lower()
    if any(c.isspace() or not c.isprintable() for c in authority):
        return ""
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0].rstrip(".")


def is_private(host: str) -> bool:
    """Whether a host is this machine's or a private network's."""
    if host.endswith(_OWN_NAMES):
        return True
    if host.startswith("::ffff:") and "." in host:  # IPv4 in IPv6
        host = host.removeprefix("::ffff:")
    if ":" in host:
        return host in ("::", "::1") or host.startswith(("fe8", "fe9", "fea", "feb", "fc", "fd", "ff"))
    parts = host.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        # A bare name is resolved in a network of one's own; an address cut short (127.1, 0x7f.1) hides such a one.
        return len(parts) == 1 or parts[-1].isdigit() or parts[-1].startswith("0x")
    first, second = int(parts[0]), int(parts[1])
    return (
        first in (0, 10, 127)
        or first >= 224
        or (first, second) in ((192, 168), (169, 254))
        or (first == 172 and 16 <= second < 32)
        or (first == 100 and 64 <= second < 128)
    )
