"""Role suites in a run: the tests of compliance/ for each node that has the role.

They are own tests of the node, with ids of their own: `identity.yaml::ROLE[TEST]`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from power_edge.config.role_suites import TEST
from power_edge.pytest_integration import compat

if TYPE_CHECKING:
    from power_edge.pytest_integration.collection import NodeFile


def marker_of(role: str) -> str:
    """Return the marker of what a role demands, and of its suite's tests: `role_vpn_gateway`."""
    return f"role_{role.replace('-', '_')}"


class RoleSuite(compat.UnnamedModule):
    """The suite of a role, for one node."""

    node_name: str

    def funcnamefilter(self, name: str) -> bool:
        """The project's `python_functions` is about the project's tests."""
        return name.startswith(TEST)

    def classnamefilter(self, name: str) -> bool:  # noqa: ARG002
        """A suite has functions alone."""
        return False


def suite_of(node: pytest.Item | pytest.Collector) -> RoleSuite | None:
    """Return the suite that a test belongs to, None if it belongs to none."""
    return node.getparent(RoleSuite)


def tests_of(file: "NodeFile", role: str, path: Path) -> Iterator[pytest.Item]:
    """Yield the tests of a suite for the node of an identity.yaml."""
    suite: RoleSuite = RoleSuite.from_parent(file, path=path, name=role, nodeid=file.id.child(role))
    suite.node_name = file.path.parent.name
    for test in suite.collect():
        assert isinstance(test, pytest.Function)
        name = test.originalname
        compat.rename(test, f"{role}[{name}]", suite.id.with_params(name))
        test.add_marker(marker_of(role))
        yield test
