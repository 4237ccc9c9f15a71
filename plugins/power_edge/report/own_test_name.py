"""What reports call the operators' own tests."""

from power_edge.text import readable

OWN_TYPE = "own"
"""Where an item has its resource type."""


def own_test_name(node: str, test: str) -> str:
    """The name of an own test: its id, without the node's folder where it is in it."""
    _, inside, rest = test.partition(f"node-configs/{node}/")
    return readable(rest if inside else test)
