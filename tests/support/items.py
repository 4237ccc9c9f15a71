"""Items as a state.yaml would declare them."""

from typing import Any

from power_edge.model import Item, ResourceType, Source


def item_of(kind: ResourceType[Any, Any], name: str, declared: Any) -> Item:
    """The item of a declaration, on line 1 of the file."""
    return Item(
        "node",
        kind.name,
        name,
        kind.canonical(name),
        declared,
        kind.asserts(declared),
        (Source("node-configs/node/state.yaml", 1),),
    )
