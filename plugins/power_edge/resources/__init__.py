"""The resource types: one folder each, named as its schema and its probe.

A type is found by being there; nothing lists them.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from power_edge.model import ResourceType
from power_edge.model.discovery import Discovery


@cache
def names() -> tuple[str, ...]:
    """Return the names of all resource types, sorted."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@cache
def resource(name: str) -> ResourceType[Any, Any]:
    """Return the type with that name.

    Imports this type's package and no other. Raises ModuleNotFoundError if there is none.
    """
    kind = import_module(f"{__name__}.{name}").RESOURCE
    assert isinstance(kind, ResourceType)
    return kind


def turn(name: str) -> int:
    """Return where the mends of a type stand among all."""
    return resource(name).turn


@cache
def discoverable() -> tuple[str, ...]:
    """Return the names of the types with a `discover` module, sorted."""
    return tuple(name for name in names() if _has_discover(name))


@cache
def discovery(name: str) -> Discovery[Any, Any]:
    """Return how the type with that name is discovered.

    Imports this type's package and no other. Raises ModuleNotFoundError if it has no `discover`
    module.
    """
    found = import_module(f"{__name__}.{name}.discover").DISCOVERY
    assert isinstance(found, Discovery)
    return found


def _has_discover(name: str) -> bool:
    """Whether a type has that module. Imports nothing, because `discover --help` lists all."""
    folders = [f"{folder}/{name}" for folder in __path__]
    return any(module.name == "discover" for module in iter_modules(folders))
