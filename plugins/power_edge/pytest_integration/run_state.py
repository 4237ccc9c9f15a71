"""What the plugins of one run share."""

import time

import pytest

from power_edge.pytest_integration.collection import CheckItem
from power_edge.pytest_integration.nodes import Nodes
from power_edge.pytest_integration.results import RunResults
from power_edge.pytest_integration.role_suites import suite_of


class RunState:
    """The nodes of a run, which of them have a selected item, and the results so far."""

    config: pytest.Config

    def __init__(self, nodes: Nodes, *, idle: bool) -> None:
        """`idle`: the run only lists (--collect-only, --fixtures) and judges nothing."""
        self.nodes = nodes
        self.idle = idle
        self.started = time.time()
        """In seconds since 1970."""
        self.results = RunResults()
        self.selected: set[str] = set()
        """Nodes with a selected item, of theirs or of the operators' own."""
        self.deselected = 0
        """How many items about nodes were deselected."""

    @property
    def is_worker(self) -> bool:
        """Whether this process is a worker of xdist."""
        return hasattr(self.config, "workerinput")

    @property
    def usable(self) -> list[str]:
        """Names of the nodes with a selected item whose configuration can be used, sorted."""
        return sorted(self.selected & self.nodes.by_name.keys())

    def node_of(self, item: pytest.Item) -> str | None:
        """Return the node that a test is about: its own, the one that its role suite is for, the
        one it was parametrized with, or the one whose folder it is in.
        """
        if isinstance(item, CheckItem):
            return item.node_name
        if (suite := suite_of(item)) is not None:
            return suite.node_name
        callspec = getattr(item, "callspec", None)
        node = callspec.params.get("node") if callspec is not None else None
        if isinstance(node, str) and node in self.nodes.by_name:
            return node
        return self.nodes.beside(item.path)
