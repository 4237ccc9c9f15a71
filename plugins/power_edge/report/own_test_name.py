"""The names of the operators' own tests in reports."""

from power_edge.text import readable

OWN_TYPE = "own"
"""The type of own tests, where an item has its resource type."""


def own_test_name(node: str, test: str) -> str:
    """Return the name of an own test: its test id, without the node's folder."""
    _, inside, rest = test.partition(f"node-configs/{node}/")
    return readable(rest if inside else test)
