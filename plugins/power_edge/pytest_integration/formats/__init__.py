"""The report formats that ship with Power Edge: one module each, found because it is there.

A module implements hooks of pytest_integration/hooks.py, and of pytest's report plugins. It is
registered as a pytest plugin in runs about nodes.
"""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


def formats() -> Iterator[tuple[str, ModuleType]]:
    """Yield the name and the module of each format."""
    for module in iter_modules(__path__):
        yield module.name, import_module(f"{__name__}.{module.name}")
