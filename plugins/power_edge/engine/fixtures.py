"""What operators' own tests are given for each selected node: `node`, `facts`, and testinfra's `host`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from power_edge import check
from power_edge.check import Checked
from power_edge.model import Observations, Unseen
from power_edge.resources import names, resource

if TYPE_CHECKING:
    from power_edge.engine.session import Run


class Unknown(Exception):
    """What a test asked for could not be looked at. Makes the test an error, never a pass or a failure."""


class TypeFacts(Mapping[str, Any]):
    """The observations of one resource type, by name as an operator writes it; None is "not there". Raises Unknown."""

    def __init__(self, kind: str, seen: Observations | Unseen) -> None:
        self._kind = resource(kind)
        self._seen = seen

    def __getitem__(self, name: str) -> Any:
        if isinstance(self._seen, Unseen):
            raise Unknown(f"{self._kind.name}: {self._seen.why}")
        key = "" if self._kind.whole else self._kind.canonical(name)
        if key not in self._seen:
            if self._kind.lists_all:
                return None
            raise Unknown(f"{self._kind.name} {name}: not looked at, since state.yaml does not declare it")
        seen = self._seen[key]
        if isinstance(seen, Unseen):
            raise Unknown(f"{self._kind.name} {name}: {seen.why}")
        return seen

    def __iter__(self) -> Iterator[str]:
        return iter(() if isinstance(self._seen, Unseen) else self._seen)

    def __len__(self) -> int:
        return 0 if isinstance(self._seen, Unseen) else len(self._seen)


class Facts(Mapping[str, TypeFacts]):
    """What was seen of a node: `facts["services"]["ssh"]`."""

    def __init__(self, checked: Checked) -> None:
        self._seen = checked.observations

    def __getitem__(self, kind: str) -> TypeFacts:
        if kind not in names():
            raise KeyError(f"{kind}: no resource type; there are {', '.join(names())}")
        return TypeFacts(kind, self._seen.get(kind, Unseen("not looked at, since state.yaml declares none")))

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)


class OwnTests(NamedTuple):
    """The plugin of the fixtures; registered last, so that its `host` wins over testinfra's."""

    run: "Run"

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "node" not in metafunc.fixturenames:
            return
        beside = [node.name for folder, node in self.run.selection.nodes.items() if folder in metafunc.definition.path.parents]
        metafunc.parametrize("node", beside or sorted(self.run.nodes), indirect=True, scope="session")

    @pytest.fixture(scope="session")
    def node(self, request: pytest.FixtureRequest) -> Any:
        """The node: its name, path, state and identity."""
        return self.run.nodes[request.param]

    @pytest.fixture(scope="session")
    def facts(self, node: Any) -> Facts:
        """What the probe saw of the node: `facts[type][name]`."""
        return Facts(self.run.checked(node.name))

    @pytest.fixture(scope="session")
    def host(self, node: Any) -> Iterator[Any]:
        """testinfra's host, connected to the node as the probe is."""
        with TemporaryDirectory(prefix="power-edge-") as sockets:  # not pytest's folder: the path of a socket has 107 bytes at most
            yield check.host(node, self.run.options, Path(sockets))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Any:
        report = yield
        if call.excinfo is not None and isinstance(call.excinfo.value, Unknown):
            report.when = "setup"  # pytest counts a failed setup as an error
            report.longrepr = f"unknown: {call.excinfo.value}"
        return report
