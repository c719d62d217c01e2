"""The host of a URL, and whether it can be reached from outside. A URL library would take longer to load."""

from __future__ import annotations

_PRIVATE_SUFFIXES = (
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
"""Host names that end so cannot be resolved from outside."""


def host_of(url: str) -> str:
    """Return the host of an http(s) URL in lower case, without its port; empty for anything else."""
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
    """Whether a host is this machine or in a private network."""
    if host.endswith(_PRIVATE_SUFFIXES):
        return True
    if ":" in host:
        return _is_private_ipv6(host)
    parts = host.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        # A bare name resolves only in a local network; a short address (127.1, 0x7f.1) can stand for a local one.
        return len(parts) == 1 or parts[-1].isdigit() or parts[-1].startswith("0x")
    first, second = int(parts[0]), int(parts[1])
    return (
        first in (0, 10, 127)
        or first >= 224
        or (first, second) in ((192, 168), (169, 254))
        or (first == 172 and 16 <= second < 32)
        or (first == 100 and 64 <= second < 128)
    )


def _is_private_ipv6(host: str) -> bool:
    """Whether an IPv6 address, in any spelling, is of this machine or network; what is no address cannot be reached."""
    from ipaddress import IPv6Address  # rare, and it takes longer to load than many files to check

    try:
        address = IPv6Address(host)
    except ValueError:
        return True
    if address.ipv4_mapped is not None:
        return is_private(str(address.ipv4_mapped))
    return not address.is_global or address.is_site_local or address.is_multicast


def is_in_store(url: str, store: str) -> bool:
    """Whether this is the address of a recording in a store, `s3://bucket/prefix`; an empty one has none."""
    return bool(store) and url.startswith(f"{store}/") and len(url) > len(store) + 1
