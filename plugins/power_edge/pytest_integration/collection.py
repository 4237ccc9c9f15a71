"""Generated items: a folder holds a node, a file its items, and an item runs without pytest's
protocol for tests.

pytest's protocol costs 400 µs an item, this one 118 (measured, 10,000 items): no setup, no capture,
no fixtures. An item gives one report of its outcome and an empty one of its teardown, at which
JUnit and JSON close their records.
"""

import os
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pytest

from power_edge.checking.check import GATE_TYPE
from power_edge.config import ConfigError, role_files
from power_edge.config.node_configs import NODE_IDENTITY, STATE
from power_edge.config.role_suites import suites_of
from power_edge.model import Item, Outcome, Result, Source
from power_edge.pytest_integration import compat, own_tests
from power_edge.pytest_integration.nodes import Nodes
from power_edge.pytest_integration.results import attach
from power_edge.pytest_integration.role_suites import DECLARED, marker_of, tests_of
from power_edge.pytest_integration.selection import GATE, PREFIX, items_of
from power_edge.report.terminal import block, headline
from power_edge.text import identifier, printable


def roles_of(item: Item) -> list[str]:
    """Return the roles and sections that demand an item."""
    return list(dict.fromkeys(each.by for each in item.reasons))


def add_role_markers(config: pytest.Config, root: Path | None) -> None:
    """Register the markers of all roles: those of the package, and those of node-configs/."""
    registered = config.getini("markers")
    about = f"{DECLARED}(path, value): a suite's test, for nodes that declare this (Power Edge)"
    if about not in registered:
        config.addinivalue_line("markers", about)
    for role in (*role_files.built_in(), *(role_files.own(root) if root is not None else ())):
        line = f"{marker_of(role)}: what {role} demands, and its suite (Power Edge)"
        if line not in registered and marker_of(role).isidentifier():
            config.addinivalue_line("markers", line)


def file_of(parent: "NodeFolder", name: str) -> "NodeFile":
    """Return a file of a node's folder, to be collected."""
    file: NodeFile = NodeFile.from_parent(
        parent,
        path=parent.path / name,
        nodeid=compat.NodeId(path=f"{PREFIX}/{parent.path.name}/{name}"),
    )
    file.nodes = parent.nodes
    return file


class CouldNotLook(Exception):
    """The outcome of an item is unknown. Raised in its setup, so that pytest reports an error."""


class Drifted(AssertionError):
    """The outcome of an item is drift, or its gate is shut.

    For allure any error that is not an AssertionError is a broken test.
    """


class NodeFolder(pytest.Directory):
    """A selected node: the gate, the items of state.yaml, those that identity.yaml alone demands,
    the suites of its roles, and the operators' own tests.
    """

    nodes: Nodes

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Yield the files of the node, and the operators' own tests beside them."""
        yield file_of(self, GATE)
        if self.path in self.nodes.selection.gate_only:
            return
        yield file_of(self, STATE)
        node = self.nodes.selection.nodes[self.path]
        if items_of(node, NODE_IDENTITY) or suites_of(node):
            yield file_of(self, NODE_IDENTITY)
        try:
            entries = sorted(os.scandir(self.path), key=lambda entry: entry.name)
        except OSError as error:
            place = f"{PREFIX}/{self.path.name}"
            raise self.CollectError(
                f"{printable(place)}: its own tests cannot be listed: {error.strerror}"
            ) from None
        for entry in entries:
            path = Path(entry.path)
            if self.ihook.pytest_ignore_collect(collection_path=path, config=self.config):
                continue
            if entry.is_dir():
                folder = self.ihook.pytest_collect_directory(path=path, parent=self)
                if folder is not None:
                    yield folder
            elif entry.is_file():
                yield from self.ihook.pytest_collect_file(file_path=path, parent=self)


class BrokenNode(pytest.File):
    """A selected node whose files cannot be used.

    Not a pytest.Directory: pytest would run the conftest.py of one, which may be a link.
    """

    error: ConfigError

    def collect(self) -> Iterator[pytest.Item]:
        """Raise CollectError with the problems of the files."""
        raise self.CollectError(str(self.error))


class NodeFile(pytest.File):
    """system-identity.yaml with the gate as its one item, state.yaml with the declared items, or
    identity.yaml with those that it alone demands and the suites of its roles.
    """

    parent: NodeFolder
    nodes: Nodes

    @cached_property
    def hook(self) -> Any:
        """`ihook`, which pytest finds by the path at each use."""
        return self.ihook

    @cached_property
    def common_keywords(self) -> dict[str, Literal[1]]:
        """The keywords that all items of the file have from their parents."""
        return dict.fromkeys(self.keywords, 1)

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the items of the file, and in identity.yaml the tests of suites."""
        yield from self.check_items()
        if self.path.name == NODE_IDENTITY:
            yield from self.suite_tests()

    def suite_tests(self) -> Iterator[pytest.Item]:
        """Yield the tests of the suites of the node's roles."""
        node = self.nodes.selection.nodes[self.path.parent]
        for role, suite in suites_of(node).items():
            assert node.identity is not None
            yield from tests_of(self, role, suite, node.identity)

    def check_items(self) -> Iterator["CheckItem"]:
        """Yield its items, without the tests of suites."""
        node = self.nodes.selection.nodes[self.path.parent]
        if self.path.name == GATE:
            yield self._item("identity", None, None)
        else:
            for declared in items_of(node, self.path.name):
                yield self._item(declared.type, identifier(declared.name), declared)

    def _item(self, name: str, params: str | None, declared: Item | None) -> "CheckItem":
        node_id = self.id.child(name)
        item: CheckItem = CheckItem.from_parent(
            self,
            name=name if params is None else f"{name}[{params}]",
            nodeid=node_id if params is None else node_id.with_params(params),
            declared=declared,
        )
        for marker in item.own_keywords[1:]:
            item.add_marker(marker)
        return item


class CheckItem(compat.ReportedItem):
    """One declared item, or the gate (`declared` is None)."""

    parent: NodeFile

    def __init__(self, *, declared: Item | None, **rest: Any) -> None:
        super().__init__(**rest)
        self.declared = declared
        self.result: Result | None = None
        self.source = declared.source if declared is not None else Source(str(self.id.path), 1)
        self.node_name = self.path.parent.name
        self.own_keywords = (
            self.name,
            declared.type if declared is not None else GATE_TYPE,
            *(marker_of(role) for role in (roles_of(declared) if declared is not None else ())),
        )
        """Its name, and the names of its markers."""

    @property
    def folder(self) -> NodeFolder:
        """The folder of its node."""
        return self.parent.parent

    def judge(self) -> Result:
        """Return the result. The first item of a node waits for the node's answer."""
        checked = self.parent.nodes.checked(self.node_name)
        self.result = (
            checked.gate_result if self.declared is None else checked.result(self.declared)
        )
        return self.result

    def setup(self) -> None:
        """Judge the item. Raises CouldNotLook if it is unknown; skips it if its gate is shut."""
        result = self.judge()
        if result.outcome is Outcome.UNKNOWN:
            raise CouldNotLook(headline(result))
        if result.outcome is Outcome.BLOCKED and self.declared is not None:
            pytest.skip(headline(result))

    def runtest(self) -> None:
        """Raise Drifted unless the item is compliant."""
        result = self.result or self.judge()
        if result.outcome is not Outcome.COMPLIANT:
            raise Drifted(headline(result))

    def failure_of(self, error: BaseException) -> compat.Failure | None:
        """Return the item's block as the failure; None for any other error."""
        if isinstance(error, CouldNotLook | Drifted) and self.result is not None:
            return _failure(self.result)
        return None

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return file, line (from 0, as pytest counts) and name for reports."""
        return self.path, self.source.line - 1, self.name


def _failure(result: Result) -> compat.Failure:
    """Return a failure with our block as its text and the declaration's line as its place."""
    place = result.item.source
    return compat.failure(block(result).split("\n"), place.file, place.line, headline(result))


_Longrepr = compat.Failure | tuple[str, int, str] | None


def _phase(
    item: CheckItem, result: Result
) -> tuple[Literal["setup", "call"], Literal["passed", "failed", "skipped"], _Longrepr]:
    """Return phase, pytest's outcome and the failure that stand for a result."""
    match result.outcome:
        case Outcome.COMPLIANT:
            return "call", "passed", None
        case Outcome.BLOCKED if item.declared is not None:
            return "setup", "skipped", (str(item.path), 1, f"Skipped: {headline(result)}")
        case Outcome.UNKNOWN:
            return "setup", "failed", _failure(result)
        case _:
            return "call", "failed", _failure(result)


def run_item(item: CheckItem, nextitem: pytest.Item | None) -> None:
    """Judge an item and report it: an error if unknown, skipped if the gate is shut, else passed or
    failed.
    """
    hook = item.parent.hook
    location = (item.source.file, item.source.line - 1, item.name)
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=location)
    start, begun = time.time(), time.perf_counter()
    result = item.judge()
    when, outcome, longrepr = _phase(item, result)
    took = time.perf_counter() - begun
    keywords = item.parent.common_keywords | dict.fromkeys(item.own_keywords, 1)
    report = pytest.TestReport(
        item.id, location, keywords, outcome, longrepr, when, (), took, start, start + took
    )
    attach(report, result)
    hook.pytest_runtest_logreport(report=report)
    ended = _teardown(item, result, nextitem) or pytest.TestReport(
        item.id, location, keywords, "passed", None, "teardown", (), 0.0, start + took, start + took
    )
    hook.pytest_runtest_logreport(report=ended)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=location)
    item.result = None  # pytest keeps every item to the end of the session


def _teardown(
    item: CheckItem, result: Result, nextitem: pytest.Item | None
) -> pytest.TestReport | None:
    """End the fixtures of an own test before this item. Return the report of one that failed."""
    if isinstance(nextitem, CheckItem):
        return None
    call = compat.end_fixtures_before(item, nextitem)
    if call is None:
        return None
    report = pytest.TestReport.from_item_and_call(item, call)
    attach(report, result)
    attribute_to_node(report, item, call)
    return report


def attribute_to_node(
    report: pytest.TestReport, item: CheckItem, call: pytest.CallInfo[None]
) -> None:
    """Mark the failure of a fixture or a hook (not of the item) with a node: the one in whose
    folder it was raised, else the item's.
    """
    raised = (
        (item.parent.nodes.beside(Path(entry.path)) for entry in reversed(call.excinfo.traceback))
        if call.excinfo
        else ()
    )
    setattr(
        report, own_tests.NODE, next((name for name in raised if name is not None), item.node_name)
    )
