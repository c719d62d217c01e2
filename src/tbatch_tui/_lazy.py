"""Names that a package hands on, loaded when they are first used (PEP 562)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def lazy_names(package: str, names: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """Return the `__getattr__` of a package: `names` holds what each of its modules hands on.

    An eager `__init__` would charge whoever names anything of the package with its heaviest module. A class or
    function says in its `__module__` that it is of the package, as httpx's do: there readers should import it from.
    """
    modules = {name: module for module, handed_on in names.items() for name in handed_on}

    def load(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = __import__(f"{package}.{modules[name]}", fromlist=[name])  # importlib costs 0.3 ms
        value: object = getattr(module, name)
        if callable(value) and value.__module__.startswith(f"{package}."):
            value.__module__ = package
        return value

    return load
