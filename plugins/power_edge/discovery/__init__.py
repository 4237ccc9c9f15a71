"""Discovery of the resource types: one module each, named as its type and its probe below probes/discovery/. A type is found by being there."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from power_edge.model.discovery import Discovery


@cache
def names() -> tuple[str, ...]:
    """The names of all resource types that can be discovered, sorted."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@cache
def discovery(name: str) -> Discovery:
    """How the type of that name is discovered. Imports its module and no other; ModuleNotFoundError where there is none."""
    found = import_module(f"{__name__}.{name}").DISCOVERY
    assert isinstance(found, Discovery)
    return found
