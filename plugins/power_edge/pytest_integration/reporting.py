"""The results of a run: exit status, terminal, and what report formats get.

With xdist the controller reports; a worker only says which of its tests are about which node.
"""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from power_edge import exit_status
from power_edge.atomic_file import advice_for
from power_edge.checking import check
from power_edge.checking.check import Checked
from power_edge.model import Outcome
from power_edge.pytest_integration import compat, own_tests
from power_edge.pytest_integration.collection import CheckItem
from power_edge.pytest_integration.failure_display import FailureDisplay
from power_edge.pytest_integration.output import Output
from power_edge.pytest_integration.results import (
    DIFF,
    MEND,
    RECORD,
    attach_json,
    attached,
    mend_as_json,
)
from power_edge.pytest_integration.role_suites import suite_of
from power_edge.pytest_integration.run_report import RunReport
from power_edge.pytest_integration.run_state import RunState
from power_edge.pytest_integration.undeclared import Undeclared, undeclared
from power_edge.report import terminal
from power_edge.report.blocked_cause import cause
from power_edge.report.node_report import NodeReport
from power_edge.report.record import as_json, from_json

_GATE = {exit_status.COMPLIANT: "gate: ", exit_status.UNKNOWN: ""}
"""How the note about a gate begins, by the gate's status. Any other gate is shut."""


class Reporting:
    """The pytest plugin that reports one run. Registered beside Run."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._nodes = state.nodes
        self._results = state.results
        self._notes: list[str] = []
        """Lines about reports, for the end of the run."""
        self._unwritten = False
        """Whether a report that the run was asked for could not be written."""
        self._exited = False
        """Whether Ctrl-C, or a call of pytest.exit, ended the run."""
        self._stopped = False
        """Whether the run ended before its last test, for whatever reason, or left out one."""
        self._told: bool | None = None
        """Whether a worker of xdist said what was selected; None: there was no worker."""
        self._header_held = False
        self.output: Output | None = None
        """Where the terminal reporter writes."""

    def progress(self, text: str) -> None:
        """Print progress, on an interactive terminal only."""
        reporter = self._state.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter.isatty():
            reporter.ensure_newline()
            reporter.write_line(text)

    def note(self, *lines: str) -> None:
        """Print lines at the end of the run."""
        self._notes += lines

    def could_not_write(self, file: Path, error: OSError) -> None:
        """Print at the end that a report could not be written, and let the run fail."""
        self._unwritten = True
        reason = error.strerror or error
        self._notes.append(f"{file} could not be written: {reason} ({advice_for(error)})")

    # The phases of tests.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        item = attached(report)
        config = self._state.config
        if item is None:
            self._report_own(report)
            yield
            # Two own tests can have one id: pytest forgets the failure of the first if the second
            # passes.
            if self._results.own.failed(report.nodeid):
                compat.keep_among_failed(config, report)
            return None
        if self._state.is_worker:
            return (yield)
        if hasattr(report, own_tests.NODE):  # a fixture or a hook failed, not the item
            self._add_own(report, Outcome.DRIFT)
        self._results.add(item)
        config.hook.pytest_power_edge_item(config=config, report=report, item=item)
        yield
        if Outcome(item.outcome) is Outcome.BLOCKED:
            compat.keep_among_failed(config, report)  # pytest takes a skip for a success
        return None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> Generator[None]:
        if report.failed and not self._state.is_worker:
            self._add_own(report, Outcome.DRIFT)
            self._announce_own(report)
        return (yield)

    def _report_own(self, report: pytest.TestReport) -> None:
        """Count a phase of an own test. A worker of xdist only marks its node."""
        own = self._results.own
        name = getattr(report, own_tests.NODE, None) or own.node_of.get(report.nodeid)
        if name is not None:
            setattr(report, own_tests.NODE, name)
        if not self._state.is_worker:
            checked = self._nodes.waited_for(name) if name is not None else None
            blocked = checked is not None and not checked.gate.open
            self._add_own(report, own_tests.outcome_of(report, blocked=blocked))
            self._announce_own(report)

    def _add_own(self, report: compat.Report, outcome: Outcome | None) -> None:
        own, name = self._results.own, getattr(report, own_tests.NODE, None)
        if name is not None:
            own.node_of[report.nodeid] = name
            self._state.selected.add(name)
        own.add(report.nodeid, outcome)

    def _announce_own(self, report: compat.Report) -> None:
        name = getattr(report, own_tests.NODE, None)
        if name is not None:
            config = self._state.config
            outcome = self._results.own.of(name).get(report.nodeid)
            config.hook.pytest_power_edge_own_test(
                config=config, report=report, node=name, outcome=outcome
            )

    # The end of the run.

    def pytest_keyboard_interrupt(self) -> None:
        """Note that Ctrl-C, or a call of pytest.exit, ended the run."""
        self._exited = self._stopped = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        if self._state.is_worker:
            session.config.workeroutput["power_edge"] = {  # type: ignore[attr-defined]
                "deselected": self._state.deselected,
                "selected": sorted(self._state.selected),
                "own": self._results.own.node_of,
            }
        elif self._state.idle:
            if self._nodes.selection.broken and exit_status.replaceable(int(session.exitstatus)):
                session.exitstatus = exit_status.USAGE_ERROR
        else:
            self._stopped |= bool(session.shouldfail or session.shouldstop)
            # Before json-report reads it. The terminal reporter still gets pytest's own status and
            # prints its summary.
            session.exitstatus = self._status(int(session.exitstatus))
            report = self._run_report(session.exitstatus)
            session.config.hook.pytest_power_edge_report(config=session.config, report=report)
        result = yield
        self._check_output()
        if self._unwritten and exit_status.turns_into_internal_error(int(session.exitstatus)):
            session.exitstatus = exit_status.INTERNAL_ERROR
        return result

    def _check_output(self) -> None:
        """Let the run fail if its output could not be written. A watch has other outputs, and its
        reader may come and go.
        """
        if self.output is None or self._state.config.option.watch:
            return
        self.output.flush()
        if (error := self.output.error) is not None:
            self._unwritten = True
            with suppress(OSError):
                os.write(2, f"ERROR: the output could not be written: {error.strerror}\n".encode())

    def _status(self, status: int) -> int:
        """Return the status that the run ends with, instead of pytest's."""
        if not exit_status.replaceable(status):
            return status
        nothing = status == exit_status.NOTHING_SELECTED
        # If all items were deselected, the nodes were asked all the same. A gate that is shut then
        # counts.
        for name in self._nodes.by_name if nothing else self._state.usable:
            self._results.gates[name] = self._nodes.checked(name).gate.status
        if self._nodes.selection.broken:
            return exit_status.USAGE_ERROR
        if nothing and not any(self._results.gates.values()):
            return status
        # A 1 without a failed test comes from pytest.exit or from another plugin. A 0 from
        # pytest.exit does not make a node compliant that was never looked at.
        found = self._results.status()
        return found or (exit_status.INTERRUPTED if self._exited and not status else status)

    def _run_report(self, status: int) -> RunReport:
        waited_for = map(self._nodes.waited_for, self._state.usable)
        reports = [self._node_report(each) for each in waited_for if each is not None]
        return RunReport(
            status=status,
            started=self._state.started,
            nodes=reports,
            broken=[folder.name for folder in self._nodes.selection.broken],
            incomplete=self._incomplete(status, reports),
            note=self._notes.append,
            could_not_write=self.could_not_write,
        )

    def _node_report(self, checked: Checked) -> NodeReport:
        name, own = checked.node.name, self._results.own
        return NodeReport(
            checked.node,
            checked.gate,
            self._results.of(name),
            checked.stale is not None or checked.gate.status == exit_status.UNKNOWN,
            checked.answered_at(self._state.started),
            own.of(name) if own.about(name) else None,
            checked.shown,
        )

    def _incomplete(self, status: int, reports: Sequence[NodeReport]) -> str | None:
        """Return why this run cannot replace what an earlier one said of its nodes, or None."""
        complete_but_broken = (
            status == exit_status.USAGE_ERROR
            and self._state.config.option.continue_on_collection_errors
        )
        if exit_status.is_incomplete(status) and not complete_but_broken:
            return f"the run ended with {status}"
        if self._told is False:
            return "no worker of xdist came to its end"
        if self._state.deselected:
            return "items were deselected"
        # The gate is one result more than the items.
        if any(len(report.results) <= len(report.node.items) for report in reports):
            return "not all items were judged"
        if self._results.own.not_begun():
            return "not all tests were run"
        whole = self._nodes.selection.whole
        for report in reports:
            if report.node.name not in whole:
                return f"only a part of {report.node.name} was selected"
        return None

    # The terminal.

    def hold_header(self) -> None:
        """Hold pytest's header back until it is known whether other tests than ours run. About
        nodes it says nothing.
        """
        config, option = self._state.config, self._state.config.option
        # The controller of xdist collects nothing: it would never know.
        distributes = config.getoption("dist", "no") != "no"
        if distributes or not config.pluginmanager.hasplugin("terminalreporter"):
            return
        self._header_held = option.verbose == 0 and not (option.no_header or self._state.idle)
        option.no_header = option.no_header or self._header_held

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_collectionfinish(
        self, config: pytest.Config, items: Sequence[pytest.Item]
    ) -> list[str]:
        if not self._header_held:
            return []
        self._header_held = False
        own, others = compat.header(config)
        ours = all(isinstance(each, CheckItem) or suite_of(each) is not None for each in items)
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if ours and reporter is not None:
            reporter.showfspath = False  # fifty nodes have hundreds of files
        return [*others, *([] if ours else own)]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None]:
        display = FailureDisplay(terminalreporter, self._cause)
        display.take()
        display.write_blocks()
        try:
            return (yield)
        finally:
            display.write_lines()
            display.give_back()
            if not self._state.idle:
                # Last, so that hundreds of drifts do not hide them.
                self._write_nodes(terminalreporter, in_full=display.in_lines)

    def _write_nodes(self, terminalreporter: Any, *, in_full: bool) -> None:
        """`in_full`: also write why a gate is shut, because no block said it before."""
        names = sorted({*self._state.usable, *self._results.gates})
        if names or self._notes or self._nodes.selection.broken:
            # `section` would leave the end of pytest's line of dots to the next line.
            terminalreporter.write_sep("=", "nodes")
        lines = [self._node_line(name, in_full=in_full) for name in names]
        # The others of a run that --continue-on-collection-errors let go on.
        broken = [folder.name for folder in self._nodes.selection.broken]
        lines = sorted([*lines, *map(terminal.unusable, broken)], key=lambda line: line.nodes)
        for each in lines if terminalreporter.verbosity > 0 else terminal.together(lines):
            first, *rest = terminal.node_lines(each)
            colour = terminal.colour(each.counts)
            terminalreporter.write_line(first, **({colour: True} if colour else {}))
            for line in rest:
                terminalreporter.write_line(line)
        for note in self._notes:
            terminalreporter.write_line(note)

    def _node_line(self, name: str, *, in_full: bool) -> terminal.NodeLine:
        checked = self._nodes.waited_for(name)
        is_open = checked is not None and checked.gate.open
        missing = undeclared(self._nodes.by_name[name]) if is_open else Undeclared(())
        return terminal.NodeLine(
            name,
            self._results.counts(name),
            (*self._notes_on(name, in_full=in_full), *missing.notes),
            missing.types,
            cause=self._cause_of(name),
        )

    def _cause_of(self, name: str) -> str:
        """Return the cause why a node's gate is shut; empty if it is not."""
        checked = self._nodes.waited_for(name)
        if checked is None or checked.gate.open or checked.gate.why is None:
            return ""
        return self._cause(name, checked.gate.why)

    def _cause(self, name: str, why: str) -> str:
        return cause(why, check.names_of(self._nodes.by_name[name], self._nodes.options))

    def _notes_on(self, name: str, *, in_full: bool) -> Iterator[str]:
        checked = self._nodes.waited_for(name)
        if checked is None:  # the run was interrupted, and must not wait once more
            return
        if checked.gate.why:
            note = f"{_GATE.get(checked.gate.status, 'blocked: ')}{checked.gate.why}"
            already_printed = (
                not (checked.gate.open or in_full)
                and self._results.has_gate(name)
                and self._state.config.option.tbstyle != "no"
            )
            yield terminal.shortened(note) if already_printed else note
        if checked.age is not None:
            yield checked.stale or f"judged by an answer that is {checked.age} old"
        for item in self._results.of(name):
            for extra in item.extra or ():
                yield f"not declared: {extra}"

    @pytest.hookimpl(optionalhook=True)
    def pytest_json_modifyreport(self, json_report: dict[str, Any]) -> None:
        """Add the counts of the nodes. This hook of pytest-json-report is not given the config, so
        it is here and not in formats/.
        """
        statuses = {name: self._results.node_status(name) for name in self._state.usable}
        # An interrupted run checked no gates, and one that stopped early (-x) not all items. Then 0
        # would not mean that a node is compliant.
        json_report["power_edge"] = {
            name: {**self._results.counts(name), "exit_status": status}
            for name, status in statuses.items()
            if status or (name in self._results.gates and not self._is_cut_short(name))
        }

    def _is_cut_short(self, name: str) -> bool:
        """Return whether the run stopped before all items and own tests of a node."""
        if not self._stopped:
            return False
        items = len(self._nodes.by_name[name].items)
        own = self._results.own
        # The gate is one result more than the items.
        return (
            self._told is False
            or len(self._results.of(name)) <= items
            or any(own.node_of[test] == name for test in own.not_begun())
        )

    # xdist, and other plugins that serialise reports.

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(
        self, report: compat.Report
    ) -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
        data = yield
        item = attached(report)
        if data is not None and item is not None:
            data[RECORD] = as_json(item)
            data[MEND] = mend_as_json(report)
            if self._state.is_worker:  # for the controller: no file gets a content
                data[DIFF] = list(getattr(report, DIFF, ()))
        return data

    @pytest.hookimpl(wrapper=True)
    def pytest_report_from_serializable(
        self, data: dict[str, Any]
    ) -> Generator[None, compat.Report | None, compat.Report | None]:
        report = yield
        if report is not None and RECORD in data:
            setattr(report, RECORD, from_json(data[RECORD]))
            attach_json(report, data[MEND])
            setattr(report, DIFF, tuple(data.get(DIFF, ())))
        return report

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Controller: take what a worker knows of its tests. One that crashed says nothing."""
        output = getattr(node, "workeroutput", {}).get("power_edge")
        self._told = bool(self._told) or output is not None
        if output is None:
            self._stopped = True  # no other worker judges its remaining items
        else:
            self._state.deselected = max(self._state.deselected, output["deselected"])
            self._state.selected |= set(output["selected"])
            self._results.own.node_of |= output["own"]
