"""The resource types that a node declares nothing of, so that no check looks at them."""

from typing import NamedTuple

from power_edge.config import ConfigError, Node
from power_edge.config.node_configs import STATE, read_file
from power_edge.report.terminal import shortened
from power_edge.resources import names

_LONGEST = 240
"""Characters of a reason: three lines of the terminal."""


class Undeclared(NamedTuple):
    """What a node does not declare."""

    types: tuple[str, ...]
    """Resource types, without those that have a note."""
    notes: tuple[str, ...] = ()
    """For people: the types that discovery could not look at, each with the reason."""


def undeclared(node: Node) -> Undeclared:
    """Return the resource types that a node declares nothing of. state.yaml's comments say which of
    them discovery could not look at, and why.
    """
    declared = {item.type for item in node.items}
    types = [each for each in names() if each not in declared]
    notes = _notes(node, types)
    return Undeclared(tuple(each for each in types if each not in notes), tuple(notes.values()))


def _notes(node: Node, types: list[str]) -> dict[str, str]:
    try:
        content = read_file(node.path, STATE) or b""
    except ConfigError:
        return {}  # it was there when the node was loaded; the types are not declared all the same
    if b" not observed: " not in content:
        return {}
    from power_edge.discover.own_comments import not_observed  # few nodes need it

    text = content.decode(errors="replace")
    return {
        each: f"{each} not looked at: {shortened(why, _LONGEST)} ({STATE} says so)"
        for each in types
        if (why := not_observed(text, each)) is not None
    }
