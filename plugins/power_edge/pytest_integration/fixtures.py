"""The fixtures of operators' own tests, for each selected node: `node`, `facts` and `host`.

This module is a plugin. It is registered after all others, so that its `host` wins over that of
testinfra.
"""

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import pytest

from power_edge.checking import check
from power_edge.checking.check import Checked
from power_edge.config import Node
from power_edge.model import NotObserved, Observations
from power_edge.probing.process import Lifeline, shared_connections
from power_edge.pytest_integration import compat, own_tests
from power_edge.pytest_integration.nodes import Nodes
from power_edge.pytest_integration.role_suites import suite_of
from power_edge.resources import names, resource
from power_edge.suites import Unknown
from power_edge.text import printable

NODES: pytest.StashKey[Nodes] = pytest.StashKey()
"""The nodes of a run, for this plugin."""


class TypeFacts(Mapping[str, Any]):
    """The observations of one resource type, by declared name. None: it is not on the node.

    Reading one raises Unknown if it could not be looked at.
    """

    def __init__(self, kind: str, observed: Observations | NotObserved) -> None:
        self._kind = resource(kind)
        self._observed = observed

    def __getitem__(self, name: str) -> Any:
        if isinstance(self._observed, NotObserved):
            raise Unknown(f"{self._kind.name}: {self._observed.why}")
        key = self._kind.observation_key(name)
        if key not in self._observed:
            if self._kind.lists_all:
                return None
            raise Unknown(
                f"{self._kind.name} {name}: not read, because state.yaml does not declare it"
            )
        observed = self._observed[key]
        if self._kind.fact is not None and not isinstance(observed, NotObserved):
            observed = self._kind.fact(observed)
        if isinstance(observed, NotObserved):
            raise Unknown(f"{self._kind.name} {name}: {observed.why}")
        return observed

    def __iter__(self) -> Iterator[str]:
        return iter(() if isinstance(self._observed, NotObserved) else self._observed)

    def __len__(self) -> int:
        return 0 if isinstance(self._observed, NotObserved) else len(self._observed)


class Facts(Mapping[str, TypeFacts]):
    """The observations of a node: `facts["services"]["ssh"]`."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked

    @property
    def _observed(self) -> Mapping[str, Observations | NotObserved]:
        return self._checked.observations

    def __getitem__(self, kind: str) -> TypeFacts:
        if kind not in names():
            raise KeyError(f"{kind} is not a resource type; the types are {', '.join(names())}")
        return TypeFacts(
            kind,
            self._observed.get(kind, NotObserved("not read, because state.yaml declares none")),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._observed)

    def __len__(self) -> int:
        return len(self._observed)


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
    """Return what the probe observed on the node: `facts[type][name]`."""
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
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, Unknown):
        report.when = "setup"  # pytest counts a failed setup as an error
        setattr(report, own_tests.UNKNOWN, True)
        if hasattr(report, "wasxfail"):  # xfail expects a failure, and nobody looked for one
            del report.wasxfail
            report.outcome = "failed"
        message = printable(f"unknown: {call.excinfo.value}")
        file, line, _ = report.location
        report.longrepr = compat.failure([message], file, (line or 0) + 1, message)
    return report


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
