"""A run about nodes: asks them while pytest starts, runs their items, and ends with the status and the reports that the results call for."""

import gc
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from _pytest.junitxml import xml_key

from power_edge import check
from power_edge.check import GATE_NAME, GATE_TYPE, Checked
from power_edge.config import Node
from power_edge.engine import fixtures
from power_edge.engine.folding import folded
from power_edge.engine.items import CheckItem, NodeFolder, annotate
from power_edge.engine.items import run as run_item
from power_edge.engine.selection import Selection
from power_edge.engine.whole_reports import make_whole
from power_edge.model import Outcome
from power_edge.probing.answer import Answer
from power_edge.probing.route import Options
from power_edge.probing.transport import Pending, Unreachable
from power_edge.report import junit, prometheus, terminal
from power_edge.report.prometheus import Sample
from power_edge.resources import names

USAGE_ERROR = 4
NO_TESTS = 5
_STOCK = ("allure_report_dir", "usepdb", "trace", "setupshow", "setuponly")
"""Options with which our items run as all others do. Each comes with a plugin, which may be switched off."""
_OURS = (0, 1, NO_TESTS)  # statuses of pytest's that results may replace; 2, 3 and 4 stay


class Run:
    """The pytest plugin of one run. Registered only where nodes are selected."""

    config: pytest.Config

    def __init__(self, selection: Selection, options: Options, pending: dict[str, Pending], *, idle: bool) -> None:
        self.selection = selection
        self.options = options
        self.idle = idle
        """Whether this run shows what there is (--collect-only, --fixtures) and judges nothing."""
        self.nodes: dict[str, Node] = {node.name: node for node in selection.nodes.values()}
        self.started = time.time()
        self.pending = pending
        self.answers: dict[str, Checked] = {}
        self.ask_late: Callable[[], dict[str, Pending]] | None = None
        """Set where this may be an xdist worker, which asks nothing, or a pytest that one of its tests started: the environment does not tell."""
        self.by_answers = False
        self.judged: dict[str, dict[tuple[str, str], dict[str, Any]]] = defaultdict(dict)
        """Node -> type and name -> what Result.metadata() said; filled in the process that reports. (Ids show names escaped: two can be equal.)"""
        self.selected: set[str] = set()
        """Nodes with a selected item, of theirs or of the operators' own."""
        self.gates: dict[str, int] = {}
        self.deselected = 0
        self.failed_checks = 0
        self.told: list[str] = []
        """Lines about reports, for the end of the run."""
        self.unwritten = False
        """Whether a report that the run was asked for could not be written."""

    def join(self, config: pytest.Config) -> None:
        """Take part in a session: our items and markers, and the fixtures that own tests are given."""
        self.config = config
        gc.freeze()  # what is loaded by now stays: to go through it again and again costs a tenth of a run
        # testpaths, or the current folder, are what pytest falls back to where no path was given.
        config.args[:] = [*self.selection.arguments, *map(str, self.selection.by_option)]
        if config.option.importmode == "prepend" and self._own_tests_of_one_name():
            config.option.importmode = "importlib"  # by default pytest refuses them, being modules of one name
        for kind in (GATE_TYPE, *names()):
            config.addinivalue_line("markers", f"{kind}: items of this type (Power Edge)")
        if self._is_worker:
            self.take(config.workerinput["power_edge"])  # type: ignore[attr-defined]
        else:
            if self.ask_late is not None:
                self.pending = self.ask_late()
            make_whole(config, self._could_not_write)
        config.pluginmanager.register(self, "power_edge_run")
        config.pluginmanager.register(fixtures, "power_edge_fixtures")

    def _own_tests_of_one_name(self) -> bool:
        folders = self.selection.nodes if len(self.selection.nodes) > 1 else ()
        counts = Counter(file.name for folder in folders for file in folder.rglob("*.py") if file.name not in ("conftest.py", "__init__.py"))
        return any(count > 1 for count in counts.values())

    # -- asking ------------------------------------------------------------------------------------------------------------------------------

    def take_answer(self, answer: Answer, max_age: float) -> None:
        """Judge this answer instead of asking its node."""
        self.by_answers = True
        self.answers[answer.node] = check.from_answer(self.nodes[answer.node], answer, max_age)

    def checked(self, name: str) -> Checked:
        """What came back from a node; waits for it."""
        if name not in self.answers:
            pending = self.pending[name]
            if not pending.here_within(1.0):
                self._say(f"waiting for {name}, at most {pending.limit:.0f} s")
            self.answers[name] = check.wait(self.nodes[name], pending)
        return self.answers[name]

    def _say(self, text: str) -> None:
        """Progress, for a person who waits; a log has no use for it."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter.isatty():
            reporter.ensure_newline()
            reporter.write_line(text)

    # -- collecting --------------------------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        if path in self.selection.nodes or path in self.selection.broken:
            folder: NodeFolder = NodeFolder.from_parent(parent, path=path)
            folder.run = self
            return folder
        return None

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.deselected += sum(isinstance(item, CheckItem) for item in items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        gc.freeze()  # the items stay, too
        self.selected |= {name for item in session.items if (name := self.node_of(item)) is not None}

    def node_of(self, item: pytest.Item) -> str | None:
        """The node that an item is about: its own, the one it was parametrized with, or the one in whose folder it stands."""
        if isinstance(item, CheckItem):
            return item.node_name
        callspec = getattr(item, "callspec", None)
        if callspec is not None and isinstance(node := callspec.params.get("node"), str) and node in self.nodes:
            return node
        return next((node.name for folder, node in self.selection.nodes.items() if folder in item.path.parents), None)

    # -- running -----------------------------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        config = self.config
        failed_early = session.testsfailed and not config.option.continue_on_collection_errors
        if self.idle or failed_early or self._is_worker or config.pluginmanager.hasplugin("dsession") or not self._lean:
            return None
        items = session.items
        for item, following in zip_longest(items, items[1:]):
            if isinstance(item, CheckItem):
                run_item(item, following)
            else:
                config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if not isinstance(item, CheckItem) or not self._lean:
            return None
        run_item(item, nextitem)
        return True

    @property
    def _lean(self) -> bool:
        """allure sees no status in the lean protocol (tried), and a debugger no frame."""
        return not any(getattr(self.config.option, name, None) for name in _STOCK)

    @property
    def _is_worker(self) -> bool:
        return hasattr(self.config, "workerinput")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        name = None if isinstance(item, CheckItem) else self.node_of(item)
        if name is not None and name in self.nodes and not (gate := self.checked(name).gate).open:
            raise pytest.skip.Exception(terminal.printable(f"{name} is blocked: {gate.why}"), _use_item_location=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if isinstance(item, CheckItem) and item.result is not None:
            annotate(report, item.result)
        return report

    # -- reporting ---------------------------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        metadata = getattr(report, "power_edge", None)
        if metadata is None or self._is_worker:
            return (yield)
        self.failed_checks += report.failed
        report._json_report_extra = {"metadata": {"power_edge": metadata}}  # type: ignore[attr-defined]
        self.judged[metadata["node"]][metadata["type"], metadata["name"]] = metadata
        xml = self.config.stash.get(xml_key, None)
        if xml is not None:
            junit.annotate(xml.node_reporter(report), metadata)
        yield
        last_failed = self.config.pluginmanager.get_plugin("lfplugin")
        if metadata["outcome"] == Outcome.BLOCKED and last_failed is not None:
            last_failed.lastfailed[report.id] = True  # pytest takes a skip for a success
        return None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        if self._is_worker:
            session.config.workeroutput["power_edge"] = {  # type: ignore[attr-defined]
                "deselected": self.deselected,
                "selected": sorted(self.selected),
            }
        elif self.idle:
            if self.selection.broken and session.exitstatus in _OURS:
                session.exitstatus = USAGE_ERROR
        else:
            # Before json-report looks, while the terminal still gets pytest's own status and prints its summary.
            # A 1 without a failed test is pytest.exit's.
            own_failed = session.testsfailed > self.failed_checks or (not session.testsfailed and session.exitstatus == 1)
            session.exitstatus = self._status(int(session.exitstatus), own_failed)
            self._write_textfile(session.exitstatus)
        result = yield
        if self.unwritten and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        return result

    def _could_not_write(self, file: Path, error: OSError) -> None:
        self.unwritten = True
        self.told.append(f"{file} could not be written: {error.strerror or error}")

    def _status(self, status: int, own_failed: bool) -> int:
        if status not in _OURS:
            return status
        # Where all items were deselected the nodes were asked all the same, and a shut gate is no "nothing to do".
        for name in self.nodes if status == NO_TESTS else self.selected & self.nodes.keys():
            self.gates[name] = self.checked(name).gate.status
        if self.selection.broken:
            return USAGE_ERROR
        if status == NO_TESTS and not any(self.gates.values()):
            return status
        return check.worst([int(own_failed), *(self.node_status(name) for name in {*self.gates, *self.judged})])

    def node_status(self, name: str) -> int:
        """The exit status that a node alone would give."""
        statuses = (check.STATUS.get(Outcome(metadata["outcome"]), 0) for metadata in self.judged[name].values())
        return check.worst([self.gates.get(name, 0), *statuses])

    def counts(self, name: str) -> dict[str, int]:
        """How many items of a node had each outcome."""
        found = Counter(metadata["outcome"] for metadata in self.judged[name].values())
        return {outcome.value: found.get(outcome.value, 0) for outcome in Outcome}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None]:
        stats, errors = terminalreporter.stats, terminalreporter.stats.get("error")
        if errors and terminalreporter.verbosity <= 0:
            stats["error"] = list(folded(errors))
        try:
            return (yield)
        finally:
            if errors:
                stats["error"] = errors
            self._write_nodes(terminalreporter)  # last, where they are seen below hundreds of drifts

    def _write_nodes(self, terminalreporter: Any) -> None:
        names = sorted((self.selected | self.gates.keys()) & self.nodes.keys())
        if self.idle or not (names or self.told):
            return
        terminalreporter.section("nodes")
        for name in names:
            for line in terminal.node_lines(name, self.counts(name), self._notes(name)):
                terminalreporter.write_line(line)
        for line in self.told:
            terminalreporter.write_line(line)

    def _notes(self, name: str) -> Iterator[str]:
        checked = self.answers.get(name)
        if checked is None:  # the run was interrupted, and must not wait once more
            return
        if checked.gate.why:
            told = f"{'gate' if checked.gate.open else 'blocked'}: {checked.gate.why}"
            shown_above = not checked.gate.open and (GATE_TYPE, GATE_NAME) in self.judged[name] and self.config.option.tbstyle != "no"
            yield terminal.shortened(told) if shown_above else told
        if checked.age is not None:
            yield checked.stale or f"judged by an answer that is {checked.age} old"
        for metadata in self.judged[name].values():
            for extra in metadata.get("extra", ()):
                yield f"not declared: {extra}"

    @pytest.hookimpl(optionalhook=True)
    def pytest_json_modifyreport(self, json_report: dict[str, Any]) -> None:
        json_report["power_edge"] = {
            name: {**self.counts(name), "exit_status": self.node_status(name)} for name in sorted(self.selected & self.nodes.keys())
        }

    def _write_textfile(self, status: int) -> None:
        file = self.config.option.prometheus_textfile
        if not file:
            return
        complete_but_broken = status == USAGE_ERROR and self.config.option.continue_on_collection_errors
        checked = [self.answers[name] for name in sorted(self.selected & self.answers.keys())]
        reason = None
        if 2 <= status <= 5 and not complete_but_broken:
            reason = f"the run ended with {status}"
        elif self.deselected:
            reason = "items were deselected"
        elif any(len(self.judged[each.node.name]) <= len(each.node.items) for each in checked):  # the gate is one more
            reason = "not all items were judged"
        if reason is not None:
            self.told.append(f"{file} was left as it was: {reason}")
            return
        samples = [Sample(each.node, each.gate, list(self.judged[each.node.name].values()), each.stale is not None) for each in checked]
        broken = [folder.name for folder in self.selection.broken]
        try:
            prometheus.write_textfile(Path(file), prometheus.render(samples, broken, self.started, time.time()))
        except OSError as error:
            self._could_not_write(Path(file), error)

    # -- xdist -------------------------------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Controller: the nodes are asked once, here, and the workers are handed the answers."""
        import pickle  # under xdist alone

        answers = {} if self.idle else {name: self.checked(name) for name in self.nodes}
        node.workerinput["power_edge"] = pickle.dumps({name: (each.answer, each.age, each.stale) for name, each in answers.items()})

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", {}).get("power_edge", {"deselected": 0, "selected": []})
        self.deselected = max(self.deselected, told["deselected"])
        self.selected |= set(told["selected"])

    def take(self, shipped: bytes) -> None:
        """Worker: the answers that the controller sent."""
        import pickle

        shipped_answers: dict[str, tuple[Answer | Unreachable, str | None, str | None]] = pickle.loads(shipped)
        self.answers = {name: Checked(self.nodes[name], *told) for name, told in shipped_answers.items()}
