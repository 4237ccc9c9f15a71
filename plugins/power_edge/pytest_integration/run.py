"""A run about nodes: runs their items, and ends with the status and the reports that the results
call for.
"""

import gc
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from html import escape
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from _pytest.junitxml import xml_key

from power_edge import exit_status
from power_edge.atomic_file import way_out
from power_edge.checking.check import GATE_TYPE, Checked
from power_edge.model import Outcome
from power_edge.pytest_integration import fixtures, own_tests
from power_edge.pytest_integration.atomic_reports import make_whole
from power_edge.pytest_integration.collection import (
    BrokenNode,
    CheckItem,
    CouldNotLook,
    Drifted,
    NodeFolder,
    annotate,
    lay_to_node,
)
from power_edge.pytest_integration.collection import run as run_item
from power_edge.pytest_integration.grouping import folded
from power_edge.pytest_integration.nodes import Nodes
from power_edge.pytest_integration.results import Tally
from power_edge.report import junit, prometheus, terminal
from power_edge.report.prometheus import Sample
from power_edge.resources import names
from power_edge.text import Screen, printable

_STOCK = ("allure_report_dir", "usepdb", "trace", "setupshow", "setuponly")
"""Options with which our items run as all others do.

Each comes with a plugin, which may be switched off.
"""


class Run:
    """The pytest plugin of one run. Registered only where nodes are selected."""

    config: pytest.Config

    def __init__(self, nodes: Nodes, *, idle: bool, ask_late: bool) -> None:
        """`idle`: the run shows what there is (--collect-only, --fixtures) and judges nothing.

        `ask_late`: this may be an xdist worker, which asks nothing, or a pytest that one of its
        tests started; the environment does not tell.
        """
        self.nodes = nodes
        self.idle = idle
        self.tally = Tally()
        self.started = time.time()
        self._ask_late = ask_late
        self._selected: set[str] = set()
        """Nodes with a selected item, of theirs or of the operators' own."""
        self._deselected = 0
        self._told: list[str] = []
        """Lines about reports, for the end of the run."""
        self._unwritten = False
        """Whether a report that the run was asked for could not be written."""

    def join(self, config: pytest.Config) -> None:
        """Take part in a session: our items and markers, and the fixtures that own tests are given.

        Raises UsageError.
        """
        self.config = config
        # what is loaded by now stays: to go through it again and again costs a tenth of a run
        gc.freeze()
        selection = self.nodes.selection
        # testpaths, or the current folder, are what pytest falls back to where no path was given.
        config.args[:] = [*selection.arguments, *map(str, selection.by_option)]
        if config.option.importmode == "prepend" and self._own_tests_of_one_name():
            config.option.importmode = (
                "importlib"  # by default pytest refuses them, being modules of one name
            )
        for kind in (GATE_TYPE, *names()):
            config.addinivalue_line("markers", f"{kind}: items of this type (Power Edge)")
        if self._is_worker:
            if not self.idle:
                self.nodes.unpack(config.workerinput["power_edge"])  # type: ignore[attr-defined]
        else:
            self.nodes.say = self._say
            if self._ask_late:
                self.nodes.ask()
            make_whole(config, self._could_not_write)
            self._shield_terminal()
        config.stash[fixtures.NODES] = self.nodes
        config.pluginmanager.register(self, "power_edge_run")
        config.pluginmanager.register(fixtures, "power_edge_fixtures")

    def _shield_terminal(self) -> None:
        """Own tests have names, output and messages of their own, and quote what machines answer:
        pytest writes them as they are.
        """
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            writer = reporter._tw
            writer._file = Screen(writer._file, colours=writer.hasmarkup)

    def _own_tests_of_one_name(self) -> bool:
        folders = self.nodes.selection.nodes if len(self.nodes.selection.nodes) > 1 else ()
        counts = Counter(
            file.name
            for folder in folders
            for file in folder.rglob("*.py")
            if file.name not in ("conftest.py", "__init__.py")
        )
        return any(count > 1 for count in counts.values())

    def _say(self, text: str) -> None:
        """A log has no use for it."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter.isatty():
            reporter.ensure_newline()
            reporter.write_line(text)

    @property
    def _is_worker(self) -> bool:
        return hasattr(self.config, "workerinput")

    # -- collecting
    # --------------------------------------------------------------------------------------------------------------------------

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

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._deselected += sum(self._node_of(item) is not None for item in items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        gc.freeze()  # the items stay, too
        own = self.tally.own.node_of
        for item in session.items:
            name = self._node_of(item)
            if name is not None:
                self._selected.add(name)
                if not isinstance(item, CheckItem):
                    own[item.nodeid] = name

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if report.failed and (name := self.nodes.beside(collector.path)) is not None:
            setattr(report, own_tests.NODE, name)
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> Generator[None]:
        if report.failed and not self._is_worker:
            self._take_own(report, Outcome.DRIFT)
            self._name_in_junit(report)
        return (yield)

    def _node_of(self, item: pytest.Item) -> str | None:
        """The node that an item is about: its own, the one it was parametrized with, or the one in
        whose folder it stands.
        """
        if isinstance(item, CheckItem):
            return item.node_name
        callspec = getattr(item, "callspec", None)
        if (
            callspec is not None
            and isinstance(node := callspec.params.get("node"), str)
            and node in self.nodes.by_name
        ):
            return node
        return self.nodes.beside(item.path)

    # -- running
    # -----------------------------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        config = self.config
        failed_early = session.testsfailed and not config.option.continue_on_collection_errors
        if (
            self.idle
            or failed_early
            or self._is_worker
            or config.pluginmanager.hasplugin("dsession")
            or not self._lean
        ):
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
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        if not isinstance(item, CheckItem) or not self._lean:
            return None
        run_item(item, nextitem)
        return True

    @property
    def _lean(self) -> bool:
        """allure sees no status in the lean protocol (tried), and a debugger no frame."""
        return not any(getattr(self.config.option, name, None) for name in _STOCK)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        name = None if isinstance(item, CheckItem) else self._node_of(item)
        if name is not None and not (gate := self.nodes.checked(name).gate).open:
            raise pytest.skip.Exception(
                printable(f"{name} is blocked: {gate.why}"), _use_item_location=True
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if isinstance(item, CheckItem):
            if item.result is not None:
                annotate(report, item.result)
            if report.failed and not isinstance(
                getattr(call.excinfo, "value", None), CouldNotLook | Drifted
            ):
                lay_to_node(report, item, call)
        return report

    # -- reporting
    # ---------------------------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        metadata = getattr(report, "power_edge", None)
        if metadata is None:
            self._own_test_reported(report)
            yield
            # Two own tests can have one id: pytest forgets the failure of the first where the
            # second passes.
            if self.tally.own.failed(report.nodeid):
                self._keep_among_failed(report)
            return None
        if self._is_worker:
            return (yield)
        if hasattr(
            report, own_tests.NODE
        ):  # the failure of a fixture or a hook: the item itself is as judged
            self._take_own(report, Outcome.DRIFT)
        report._json_report_extra = {"metadata": {"power_edge": metadata}}  # type: ignore[attr-defined]
        self.tally.add(metadata)
        xml = self.config.stash.get(xml_key, None)
        if xml is not None:
            junit.annotate(xml.node_reporter(report), metadata)
        yield
        if metadata["outcome"] == Outcome.BLOCKED:
            self._keep_among_failed(report)  # pytest takes a skip for a success
        return None

    def _keep_among_failed(self, report: pytest.TestReport) -> None:
        """Let --lf run it again."""
        last_failed = self.config.pluginmanager.get_plugin("lfplugin")
        if last_failed is not None:
            last_failed.lastfailed[report.id] = True

    def _own_test_reported(self, report: pytest.TestReport) -> None:
        """Count a phase of an own test. A worker of xdist only marks whose it is."""
        name = getattr(report, own_tests.NODE, None) or self.tally.own.node_of.get(report.nodeid)
        if name is not None:
            setattr(report, own_tests.NODE, name)
        if not self._is_worker:
            checked = self.nodes.waited_for(name) if name is not None else None
            blocked = checked is not None and not checked.gate.open
            self._take_own(report, own_tests.outcome_of(report, blocked=blocked))
            self._name_in_junit(report)

    def _take_own(
        self, report: pytest.TestReport | pytest.CollectReport, outcome: Outcome | None
    ) -> None:
        own, name = self.tally.own, getattr(report, own_tests.NODE, None)
        if name is not None:
            own.node_of[report.nodeid] = name
            self._selected.add(name)
        own.add(report.nodeid, outcome)

    def _name_in_junit(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        own, name = self.tally.own, getattr(report, own_tests.NODE, None)
        xml = self.config.stash.get(xml_key, None)
        if xml is not None and name is not None:
            junit.annotate_own(
                xml.node_reporter(report), name, report.nodeid, own.of(name).get(report.nodeid)
            )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        if self._is_worker:
            told = {
                "deselected": self._deselected,
                "selected": sorted(self._selected),
                "own": self.tally.own.node_of,
            }
            session.config.workeroutput["power_edge"] = told  # type: ignore[attr-defined]
        elif self.idle:
            if self.nodes.selection.broken and exit_status.replaceable(int(session.exitstatus)):
                session.exitstatus = exit_status.USAGE_ERROR
        else:
            # Before json-report looks, while the terminal still gets pytest's own status and prints
            # its summary.
            session.exitstatus = self._status(int(session.exitstatus))
            self._write_textfile(session.exitstatus)
        result = yield
        if self._unwritten and session.exitstatus == exit_status.COMPLIANT:
            session.exitstatus = exit_status.INTERNAL_ERROR
        return result

    def _status(self, status: int) -> int:
        """The status that the run ends with, instead of pytest's."""
        if not exit_status.replaceable(status):
            return status
        # Where all items were deselected the nodes were asked all the same, and a shut gate is no
        # "nothing to do".
        for name in self.nodes.by_name if status == exit_status.NOTHING_SELECTED else self._usable:
            self.tally.gates[name] = self.nodes.checked(name).gate.status
        if self.nodes.selection.broken:
            return exit_status.USAGE_ERROR
        if status == exit_status.NOTHING_SELECTED and not any(self.tally.gates.values()):
            return status
        return (
            self.tally.status() or status
        )  # a 1 without a failed test is pytest.exit's, or a plugin's

    @property
    def _usable(self) -> list[str]:
        """The nodes with a selected item that are not broken, by name."""
        return sorted(self._selected & self.nodes.by_name.keys())

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
            if not self.idle:
                self._write_nodes(
                    terminalreporter
                )  # last, where they are seen below hundreds of drifts

    def _write_nodes(self, terminalreporter: Any) -> None:
        lines = [
            line
            for name in sorted({*self._usable, *self.tally.gates})
            for line in terminal.node_lines(name, self.tally.counts(name), self._notes(name))
        ]
        if lines or self._told:
            terminalreporter.write_sep(
                "=", "nodes"
            )  # `section` leaves the end of pytest's line of dots to the next line
        for line in [*lines, *self._told]:
            terminalreporter.write_line(line)

    def _notes(self, name: str) -> Iterator[str]:
        checked = self.nodes.waited_for(name)
        if checked is None:  # the run was interrupted, and must not wait once more
            return
        if checked.gate.why:
            told = f"{'gate' if checked.gate.open else 'blocked'}: {checked.gate.why}"
            shown_above = (
                not checked.gate.open
                and self.tally.has_gate(name)
                and self.config.option.tbstyle != "no"
            )
            yield terminal.shortened(told) if shown_above else told
        if checked.age is not None:
            yield checked.stale or f"judged by an answer that is {checked.age} old"
        for metadata in self.tally.results(name):
            for extra in metadata.get("extra", ()):
                yield f"not declared: {extra}"

    @pytest.hookimpl(optionalhook=True)
    def pytest_json_modifyreport(self, json_report: dict[str, Any]) -> None:
        statuses = {name: self.tally.node_status(name) for name in self._usable}
        # A run that was interrupted looked at no gates: that nothing was found says nothing then.
        json_report["power_edge"] = {
            name: {**self.tally.counts(name), "exit_status": status}
            for name, status in statuses.items()
            if status or name in self.tally.gates
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """pytest-html shows ids as they are.

        Ours begin no tag; those of the operators' own tests can.
        """
        cells[:] = [cell.replace(report.nodeid, escape(report.nodeid)) for cell in cells]

    def _write_textfile(self, status: int) -> None:
        file = self.config.option.prometheus_textfile
        if not file:
            return
        checked = [
            each for name in self._usable if (each := self.nodes.waited_for(name)) is not None
        ]
        samples = [self._sample(each) for each in checked]
        reason = self._partial(status, samples)
        if reason is not None:
            self._told.append(f"{file} was left as it was: {reason}")
            return
        broken = [folder.name for folder in self.nodes.selection.broken]
        try:
            prometheus.write_textfile(Path(file), samples, broken, self.started, time.time())
        except OSError as error:
            self._could_not_write(Path(file), error)

    def _sample(self, checked: Checked) -> Sample:
        name, own = checked.node.name, self.tally.own
        return Sample(
            checked.node,
            checked.gate,
            self.tally.results(name),
            checked.stale is not None,
            checked.answered_at(self.started),
            own.of(name) if own.about(name) else None,
        )

    def _partial(self, status: int, samples: Sequence[Sample]) -> str | None:
        """Why this run says too little of its nodes to replace what an earlier one said; None where
        it is whole.
        """
        complete_but_broken = (
            status == exit_status.USAGE_ERROR and self.config.option.continue_on_collection_errors
        )
        if exit_status.is_incomplete(status) and not complete_but_broken:
            return f"the run ended with {status}"
        if self._deselected:
            return "items were deselected"
        if any(
            len(sample.results) <= len(sample.node.items) for sample in samples
        ):  # the gate is one more
            return "not all items were judged"
        if self.tally.own.not_begun():
            return "not all tests were run"
        if part := [
            sample.node.name
            for sample in samples
            if sample.node.name not in self.nodes.selection.whole
        ]:
            return f"only a part of {part[0]} was selected"
        return None

    def _could_not_write(self, file: Path, error: OSError) -> None:
        self._unwritten = True
        self._told.append(
            f"{file} could not be written: {error.strerror or error} ({way_out(error)})"
        )

    # -- xdist
    # -------------------------------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Controller: the nodes are asked once, here, and the workers are handed the answers."""
        node.workerinput["power_edge"] = b"" if self.idle else self.nodes.pack()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", {}).get(
            "power_edge", {"deselected": 0, "selected": [], "own": {}}
        )
        self._deselected = max(self._deselected, told["deselected"])
        self._selected |= set(told["selected"])
        self.tally.own.node_of |= told["own"]
