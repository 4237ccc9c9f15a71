"""A run about nodes: takes part in the session, collects the nodes, and runs their items."""

import gc
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from power_edge import exit_status
from power_edge.checking.check import GATE_TYPE
from power_edge.pytest_integration import compat, fixtures, hooks, own_tests
from power_edge.pytest_integration.atomic_reports import make_atomic
from power_edge.pytest_integration.collection import (
    BrokenNode,
    CheckItem,
    CouldNotLook,
    Drifted,
    NodeFolder,
    add_role_markers,
    attribute_to_node,
    run_item,
)
from power_edge.pytest_integration.formats import formats
from power_edge.pytest_integration.late_answers import LateAnswers
from power_edge.pytest_integration.needed import Beyond, Looks, by_id, needed
from power_edge.pytest_integration.nodes import Nodes
from power_edge.pytest_integration.reporting import Reporting
from power_edge.pytest_integration.results import attach
from power_edge.pytest_integration.run_state import RunState
from power_edge.pytest_integration.unmatched import hints
from power_edge.resources import names
from power_edge.suites import Unknown
from power_edge.text import printable

_STOCK = ("allure_report_dir", "usepdb", "trace", "setupshow", "setuponly")
"""Options that make our items run by pytest's own protocol.

Each comes with a plugin that may be switched off.
"""
_BY_CACHE = ("lf", "failedfirst", "newfirst", "stepwise")
"""Options that use pytest's cache. Without them, a cache that cannot be written does no harm."""


class Run:
    """The pytest plugin of one run. Registered only if nodes are selected."""

    config: pytest.Config
    _reporting: Reporting

    def __init__(
        self, nodes: Nodes, *, idle: bool, ask_late: bool, ask_selected: bool = False
    ) -> None:
        """`idle`: the run only lists (--collect-only, --fixtures) and judges nothing.

        `ask_late`: this may be a worker of xdist, which asks no node, or a pytest that one of its
        tests started. The environment is the same for both; only `join` can tell.

        `ask_selected`: the nodes are asked when it is known what is selected.
        """
        self.nodes = nodes
        self.idle = idle
        self._ask_late = ask_late
        self._ask_selected = ask_selected
        self._state = RunState(nodes, idle=idle)
        self._late: LateAnswers | None = None
        self._left_out: list[pytest.Item] = []
        """What -k, -m and other options deselected, until the collection ends."""
        self._only_ours = False
        """Whether no test of anybody else runs."""

    def join(self, config: pytest.Config) -> None:
        """Take part in a session: our items and markers, the fixtures of own tests, the reports.

        Raises UsageError.
        """
        self.config = self._state.config = config
        # What is loaded by now stays. Scanning it again and again costs a tenth of a run.
        gc.freeze()
        selection = self.nodes.selection
        # Without a path pytest falls back to testpaths, or to the current folder.
        config.args[:] = [*selection.arguments, *map(str, selection.by_option)]
        if config.option.importmode == "prepend" and self._own_tests_of_one_name():
            # By default pytest refuses two modules of one name.
            config.option.importmode = "importlib"
        for kind in (GATE_TYPE, *names()):
            config.addinivalue_line("markers", f"{kind}: items of this type (Power Edge)")
        add_role_markers(config, selection.root)
        if not any(config.getoption(each, False) for each in _BY_CACHE):
            # A timer may run where its user cannot write. Nothing that was checked is in the cache.
            config.addinivalue_line("filterwarnings", "ignore::pytest.PytestCacheWarning")
        reporting = self._reporting = Reporting(self._state)
        if self._state.is_worker:
            given = config.workerinput  # type: ignore[attr-defined]
            if not self.idle and given["power_edge"]:
                self.nodes.unpack(given["power_edge"])
            elif not self.idle:
                self.nodes.unpack_later(Path(given["power_edge_late"]))
        else:
            self.nodes.say = reporting.progress
            if self._ask_late:
                self.nodes.ask()
            make_atomic(config, reporting.could_not_write)
            reporting.output = compat.shield_terminal(config)
            reporting.hold_header()
            for name, module in formats():
                config.pluginmanager.register(module, f"power_edge_format_{name}")
        config.pluginmanager.add_hookspecs(hooks)
        config.stash[fixtures.NODES] = self.nodes
        config.pluginmanager.register(self, "power_edge_run")
        config.pluginmanager.register(reporting, "power_edge_reporting")
        config.pluginmanager.register(fixtures, "power_edge_fixtures")

    def _own_tests_of_one_name(self) -> bool:
        """Whether two nodes have own tests in files of the same name."""
        folders = self.nodes.selection.nodes if len(self.nodes.selection.nodes) > 1 else ()
        counts = Counter(
            file.name
            for folder in folders
            for file in folder.rglob("*.py")
            if file.name not in ("conftest.py", "__init__.py")
        )
        return any(count > 1 for count in counts.values())

    # Collecting.

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(
        self, path: Path, parent: pytest.Collector
    ) -> pytest.Collector | None:
        if path in self.nodes.selection.broken:
            broken: BrokenNode = BrokenNode.from_parent(parent, path=path)
            broken.error = self.nodes.selection.broken[path]
            return broken
        if path in self.nodes.selection.nodes:
            folder: NodeFolder = NodeFolder.from_parent(parent, path=path)
            folder.nodes = self.nodes
            return folder
        return None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None]:
        everything = list(items)
        try:
            return (yield)
        except pytest.UsageError as error:  # with --strict-markers pytest refuses -m itself
            if "'-m'" not in str(error):
                raise
            lines = [line for line in hints(self.config, everything) if line.startswith("-m")]
            raise pytest.UsageError("\n".join(lines) or str(error)) from None

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._state.deselected += sum(self._state.node_of(item) is not None for item in items)
        self._left_out += items

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not session.items and self._left_out:
            self._reporting.note(*hints(self.config, self._left_out))
        self._left_out.clear()
        gc.freeze()  # the items stay, too
        self._only_ours = all(isinstance(item, CheckItem) for item in session.items)
        own = self._state.results.own.node_of
        for item in session.items:
            name = self._state.node_of(item)
            if name is not None:
                self._state.selected.add(name)
                if not isinstance(item, CheckItem):
                    own[item.nodeid] = name
        # The controller of xdist collects nothing: see pytest_xdist_node_collection_finished.
        if self._ask_selected and not self.config.pluginmanager.hasplugin("dsession"):
            self.nodes.ask_for(needed(self.nodes.by_name, session.items, self._looks))

    # With xdist: the controller asks, the workers judge.

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Controller: each node is asked once, here; the workers get the answers. If it is not
        known what is selected, they get them later. A worker on another machine gets all, now.
        """
        late = self._ask_selected and node.gateway.spec.popen
        if late and self._late is None:
            self._late = LateAnswers()
        given = b"" if self.idle or late else self.nodes.pack()
        node.workerinput["power_edge"] = given
        node.workerinput["power_edge_late"] = str(self._late.file) if late and self._late else ""

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Controller: a worker says what is selected. No item runs before all of them have."""
        if self._late is None or self._late.file.exists():
            return
        looks = by_id(self.nodes.by_name.values())
        self.nodes.ask_for(needed(self.nodes.by_name, ids, looks))
        self._late.write(self.nodes.pack())

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        if self._late is not None:
            self._late.remove()
        if self._only_ours:
            # Python searches all that is left for garbage once more, for 15 ms. Only files that an
            # own test left open, and that hang in a cycle, would be written then.
            gc.freeze()

    def _looks(self, item: pytest.Item) -> Iterator[Looks]:
        """Yield the node of a test, and what the test looks at on it."""
        name = self._state.node_of(item)
        if name is not None and name in self.nodes.by_name:
            if isinstance(item, CheckItem):
                yield name, item.declared or Beyond.GATE
            else:
                yield name, Beyond.ANY

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if report.failed and (name := self.nodes.beside(collector.path)) is not None:
            setattr(report, own_tests.NODE, name)
        return report

    # Running.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        config = self.config
        failed_early = session.testsfailed and not config.option.continue_on_collection_errors
        if (
            self.idle
            or failed_early
            or self._state.is_worker
            or config.pluginmanager.hasplugin("dsession")
            or not self._lean
        ):
            return None
        if config.option.watch:
            # A check needs none of it.
            from power_edge.pytest_integration.watch_session import watch

            could_not_write = self._reporting.could_not_write
            watch(session, self._state, self._run_all, self._write_line, could_not_write)
        self._run_all(session)
        return True

    def _run_all(self, session: pytest.Session) -> None:
        """Run the session's items, ours without pytest's protocol."""
        for item, following in zip_longest(session.items, session.items[1:]):
            if isinstance(item, CheckItem):
                run_item(item, following)
            else:
                self.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)

    def _write_line(self, text: str) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(text)
            reporter.flush()  # so that the reader of a pipe gets it now

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        if not isinstance(item, CheckItem) or not self._lean:
            return None
        run_item(item, nextitem)
        return True

    @property
    def _lean(self) -> bool:
        """Whether our items run without pytest's protocol.

        With the lean protocol allure gets no status (tried), and a debugger no frame.
        """
        return not any(getattr(self.config.option, name, None) for name in _STOCK)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        name = None if isinstance(item, CheckItem) else self._state.node_of(item)
        if name is not None and not (gate := self.nodes.checked(name).gate).open:
            if gate.status == exit_status.UNKNOWN:
                raise Unknown(f"{name}: {gate.why}")
            raise compat.skip(printable(f"{name} is blocked: {gate.why}"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if isinstance(item, CheckItem):
            if item.result is not None:
                attach(report, item.result)
            error = call.excinfo.value if call.excinfo is not None else None
            if report.failed and not isinstance(error, CouldNotLook | Drifted):
                attribute_to_node(report, item, call)
        return report
