"""The fixtures of operators' own tests, for each selected node: `node`, `facts` and `host`.

This module is a plugin. It is registered after all others, so that its `host` wins over that of
testinfra.
"""

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from power_edge.checking import check
from power_edge.config import Node
from power_edge.probing.process import Lifeline, shared_connections
from power_edge.pytest_integration import compat, own_tests
from power_edge.pytest_integration.facts import Facts
from power_edge.pytest_integration.nodes import Nodes
from power_edge.pytest_integration.role_suites import suite_of
from power_edge.suites import Unknown
from power_edge.text import printable

NODES: pytest.StashKey[Nodes] = pytest.StashKey()
"""The nodes of a run, for this plugin."""


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "node" not in metafunc.fixturenames or not _is_ours(metafunc):
        return
    nodes = metafunc.config.stash[NODES]
    suite = suite_of(metafunc.definition)
    beside = nodes.beside(metafunc.definition.path) if suite is None else suite.node_name
    metafunc.parametrize(
        "node",
        sorted(nodes.by_name) if beside is None else [beside],
        indirect=True,
        scope="session",
    )


@pytest.fixture(scope="session")
def node(request: pytest.FixtureRequest) -> Node:
    """Return the node: name, path, state and identity."""
    return request.config.stash[NODES].by_name[request.param]


@pytest.fixture(scope="session")
def facts(node: Node, request: pytest.FixtureRequest) -> Facts:
    """Return what the probe observed on the node, in the words of a declaration."""
    return Facts(request.config.stash[NODES].checked(node.name))


@pytest.fixture(scope="session")
def host(node: Node, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Yield testinfra's host, connected to the node as the probe is."""
    nodes = request.config.stash[NODES]
    if nodes.by_answers:
        raise Unknown("host: a run with --answers connects to no node")
    lifeline = Lifeline()
    with shared_connections() as sockets:
        yield check.host(node, nodes.options, sockets, lifeline)
        lifeline.cut()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, Unknown):
        report.when = "setup"  # pytest counts a failed setup as an error
        setattr(report, own_tests.UNKNOWN, True)
        if hasattr(report, "wasxfail"):  # unknown is not the failure that xfail expects
            del report.wasxfail
            report.outcome = "failed"
        message = printable(f"unknown: {error}")
        file, line, _ = report.location
        report.longrepr = compat.failure([message], file, (line or 0) + 1, message)
    elif isinstance(error, AssertionError) and report.failed and _is_brief(item) and str(error):
        lines = [printable(each) for each in str(error).splitlines()]
        file, line, _ = report.location
        report.longrepr = compat.failure(lines, file, (line or 0) + 1, lines[0])
    return report


def _is_brief(item: pytest.Item) -> bool:
    """Whether only the words of a failure are shown: that of a suite is about the node, and an
    operator does not look for it in the code of the package. -v and --tb show that as well.
    """
    option = item.config.option
    return suite_of(item) is not None and option.verbose <= 0 and option.tbstyle == "auto"


def _is_ours(metafunc: pytest.Metafunc) -> bool:
    """Whether a test's argument `node` is our fixture. Suites of others have fixtures and
    parameters of that name.
    """
    if compat.fixture_module(metafunc, "node") != __name__:
        return False
    for mark in metafunc.definition.iter_markers("parametrize"):
        names = mark.kwargs.get("argnames", mark.args[0] if mark.args else "")
        if "node" in (names.replace(" ", "").split(",") if isinstance(names, str) else names):
            return False
    return True
