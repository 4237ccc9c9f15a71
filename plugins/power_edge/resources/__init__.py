"""The resource types: one module each, named as its schema and its probe. A type is found by being there; nothing lists them."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from power_edge.model import ResourceType


@cache
def names() -> tuple[str, ...]:
    """The names of all resource types, sorted."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


@cache
def resource(name: str) -> ResourceType:
    """The type of that name. Imports its module and no other; ModuleNotFoundError where there is none."""
    kind = import_module(f"{__name__}.{name}").RESOURCE
    assert isinstance(kind, ResourceType)
    return kind
