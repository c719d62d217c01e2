"""Names that a package hands on, loaded when they are first asked for (PEP 562)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return the `__getattr__` of a package that hands on `homes`: each name, and the module that defines it.

    An eager `__init__` would charge whoever names anything of the package with its heaviest module. What is handed on
    says in its `__module__` that it is of the package, as httpx's names do: that is where readers should import it.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(homes[name]), name)
        if isinstance(value, type) or callable(value):
            value.__module__ = package
        return value

    return load
