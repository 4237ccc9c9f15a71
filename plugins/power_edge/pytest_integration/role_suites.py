"""Role suites in a run: the tests of compliance/ for each node that has the role.

They are own tests of the node, with ids of their own: `identity.yaml::ROLE[TEST]`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from power_edge.config.role_suites import TEST
from power_edge.model import Value
from power_edge.pytest_integration import compat
from power_edge.roles.paths import CONFIG

if TYPE_CHECKING:
    from power_edge.model.generated.node_identity_schema import NodeIdentity


DECLARED = "declared"
"""The marker that says what a test is about."""


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


def tests_of(
    file: pytest.File, role: str, path: Path, identity: "NodeIdentity"
) -> Iterator[pytest.Item]:
    """Yield the tests of a suite for the node of an identity.yaml: those that its declarations
    give something to prove (`@pytest.mark.declared(PATH)` or `(PATH, VALUE)`).

    `file` is the collected identity.yaml, in the folder of the node; `path` is the suite.
    """
    suite: RoleSuite = RoleSuite.from_parent(file, path=path, name=role, nodeid=file.id.child(role))
    suite.node_name = file.path.parent.name
    for test in suite.collect():
        assert isinstance(test, pytest.Function)
        if not all(_declares(identity, role, *mark.args) for mark in test.iter_markers(DECLARED)):
            continue
        name = test.originalname
        compat.rename(test, f"{role}[{name}]", suite.id.with_params(name))
        test.add_marker(marker_of(role))
        yield test


def _declares(identity: "NodeIdentity", role: str, path: str, value: Value = None) -> bool:
    """Return whether an identity.yaml has a value at a path, and, if one is given, this one.

    A path begins with a section, or with `config.`: the settings of the role. What has `enabled:
    false` declares nothing.
    """
    head, *keys = path.split(".")
    found: object = identity
    if head == CONFIG:
        found = next(each.config for each in identity.roles or () if each.name == role)
    else:
        keys.insert(0, head)
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else getattr(found, key, None)
        if getattr(found, "enabled", None) is False:
            return False
    return found == value if value is not None else found not in (None, [])
