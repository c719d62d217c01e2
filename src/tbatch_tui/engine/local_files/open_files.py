"""How many files this process may have open at once."""

from __future__ import annotations

from contextlib import suppress

_OTHERS = 256
"""Files that are open for other reasons, at most."""


def allow_open_files(count: int) -> None:
    """Let so many more files be open at once, as far as the system allows: often it is 1,024 until one asks."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _OTHERS if hard == resource.RLIM_INFINITY else min(count + _OTHERS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
