"""The lab as fixtures.

A node is one with-statement: the nodes here are the ones that many tests share.
"""

from collections.abc import Iterator

import pytest

from tests.support.lab.nodes import Lab, Node, open_lab
from tests.support.lab.requirements import missing
from tests.support.lab.roots import FIREWALLD, RPM
from tests.support.lab.t420 import t420_node


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The session's private network; `lab.node(...)` boots a node in it."""
    if absent := missing():
        pytest.fail(
            f"the lab needs {', '.join(absent)}: run tests/lab/install-system-packages.sh as root",
            pytrace=False,
        )
    with open_lab(tmp_path_factory.mktemp("lab")) as opened:
        yield opened


@pytest.fixture(scope="module")
def node(lab: Lab) -> Iterator[Node]:
    """A usual Debian node, fresh for each test file."""
    with lab.node("usual") as booted:
        yield booted


@pytest.fixture(scope="module")
def firewalld_node(lab: Lab) -> Iterator[Node]:
    """A node with firewalld in force, fresh for each test file."""
    with lab.node("firewalld", root=FIREWALLD) as booted:
        yield booted


@pytest.fixture(scope="module")
def rpm_node(lab: Lab) -> Iterator[Node]:
    """A node whose packages are rpms, fresh for each test file."""
    with lab.node("rpm", root=RPM) as booted:
        yield booted


@pytest.fixture(scope="module")
def t420(lab: Lab) -> Iterator[Node]:
    """The T420 as its published files describe it, fresh for each test file."""
    with t420_node(lab) as booted:
        yield booted
