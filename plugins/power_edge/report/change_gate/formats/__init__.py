"""The formats of the gate for changes: one module each, found because it is there.

A module is named as its format, and has `render`: from a Judgement to text that ends with a line
break.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `gate --help` names the formats, and needs nothing of the gate
    from power_edge.change_gate.judgement import Judgement


def names() -> list[str]:
    """Return the names of all formats, sorted."""
    return sorted(module.name for module in iter_modules(__path__))


def render(name: str, judgement: "Judgement") -> str:
    """Return a judgement in the format with that name. Imports no other format."""
    text = import_module(f"{__name__}.{name}").render(judgement)
    assert isinstance(text, str)
    return text
