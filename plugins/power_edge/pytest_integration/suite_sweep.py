"""Role suites in a watch: run again and again, each time in a copy of this process.

pytest runs tests one after the other, captures the output of the whole process, and keeps every
result. A copy may do all of that while the watch goes on. It sends its reports through a pipe, as
a worker of xdist would. The watch keeps the latest of them for the reports of its last state.
"""

import asyncio
import json
import os
import select
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from threading import Thread

import pytest

from power_edge.model import Finding, Item, Outcome, Result, Source
from power_edge.pytest_integration import compat, own_tests
from power_edge.pytest_integration.process_copy import in_a_copy, print_nothing
from power_edge.pytest_integration.run_state import RunState
from power_edge.watch.threads import in_thread

OWN = "own"
"""The type of an own test in reports."""
SECONDS = 300.0
"""Between two sweeps of a node, and the longest that one may take."""
_TEST, _PASSED, _FAILED = "test", "passed", "failed"

Tests = Sequence[pytest.Item]


class SuiteSweep:
    """The suites of the nodes of a watch, and their latest results."""

    def __init__(self, state: RunState, tests: Tests, seconds: float = SECONDS) -> None:
        """`tests`: the selected ones of all nodes."""
        self._state = state
        self.seconds = seconds
        self._tests: dict[str, Tests] = {}
        self._reports: dict[str, Sequence[pytest.TestReport]] = {}
        """Test id -> the phases of its latest run."""
        names = dict.fromkeys(state.node_of(test) for test in tests)
        for name in names:
            if name is not None:
                self.replace(name, [test for test in tests if state.node_of(test) == name])

    def replace(self, node: str, tests: Tests) -> None:
        """Take the tests of a node whose files were loaded again."""
        own = self._state.results.own
        ids = {test.nodeid for test in tests}
        for test in self._tests.get(node, ()):
            if test.nodeid not in ids:
                own.forget(test.nodeid)
                self._reports.pop(test.nodeid, None)
        for test in tests:
            if test.nodeid not in self._reports:
                own.replace(test.nodeid, node, Outcome.UNKNOWN)  # it was not run yet
        self._tests[node] = tests

    def items(self, node: str) -> list[Item]:
        """Return the tests of a node as items: what their results are about."""
        return [_item(node, test) for test in self._tests.get(node, ())]

    async def run(self, node: str) -> list[Result]:
        """Run the suites of a node, and return the result of each test. Takes `seconds` at most.

        Its gate is that of the answer that the nodes of the run have (Nodes.settle).
        """
        tests = self._tests.get(node, ())
        if not tests:
            return []
        reports, why = await self._reported(tests)
        results = []
        for test in tests:
            result = self._result(node, test, reports.get(test.nodeid, ()), why)
            self._state.results.own.replace(test.nodeid, node, result.outcome)
            results.append(result)
        return results

    async def _reported(
        self, tests: Tests
    ) -> tuple[Mapping[str, Sequence[pytest.TestReport]], str]:
        """Return the reports of a run by test id, and the reason to give for tests without a
        report."""
        reader, writer = os.pipe()
        config = self._state.config

        def work() -> None:
            os.close(reader)
            _end_with_reader(writer)
            compat.stop_capture(config)
            print_nothing()  # its end gave the output back
            self._reports.clear()  # which would be reported in place of a run
            data = json.dumps(_run(config, tests)).encode()
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(data)

        try:
            pid = in_a_copy(work)
        except OSError as error:
            os.close(reader)
            return {}, f"the suites could not be run: {error.strerror}"
        finally:
            os.close(writer)
        try:
            async with asyncio.timeout(self.seconds):
                data = await in_thread(_read, reader)
        except TimeoutError:
            return {}, f"the suites were not done after {self.seconds:g} s"
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            # What a dead network holds up does not end at once, and must not hold up the watch.
            Thread(target=os.waitpid, args=(pid, 0), daemon=True).start()
        try:
            sent = json.loads(data)
        except ValueError:
            return {}, "the process that ran the suites ended without a result"
        found: dict[str, list[pytest.TestReport]] = {}
        for each in sent:
            report = config.hook.pytest_report_from_serializable(config=config, data=each)
            found.setdefault(report.nodeid, []).append(report)
        return found, "it was not run"

    def _result(
        self, node: str, test: pytest.Item, phases: Sequence[pytest.TestReport], why: str
    ) -> Result:
        item = _item(node, test)
        if not phases:
            self._reports.pop(test.nodeid, None)
            return Result(item, Outcome.UNKNOWN, why=why)
        self._reports[test.nodeid] = phases
        checked = self._state.nodes.waited_for(node)
        blocked = checked is not None and not checked.gate.open
        outcomes = [own_tests.outcome_of(each, blocked=blocked) for each in phases]
        known = [each for each in outcomes if each is not None]
        outcome = own_tests.worst(known) if known else Outcome.UNKNOWN
        reason = next((_reason(each) for each in phases if not each.passed), None)
        if outcome is Outcome.DRIFT:
            return Result(item, outcome, (Finding(_TEST, outcome, _PASSED, reason or _FAILED),))
        return Result(item, outcome, (), reason)

    def latest(self) -> list[pytest.Item]:
        """Return the tests that were run. This plugin reports each in place of a run."""
        return [
            test for tests in self._tests.values() for test in tests if test.nodeid in self._reports
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Report a test with its latest result, and do not run it."""
        phases = self._reports.get(item.nodeid)
        if phases is None:
            return None
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for phase in phases:
            hook.pytest_runtest_logreport(report=phase)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True


def _item(node: str, test: pytest.Item) -> Item:
    file, line, _ = test.location
    place = Source(file, (line or 0) + 1)
    return Item(node, OWN, test.name, test.name, None, {_TEST: _PASSED}, (place,))


def _reason(report: pytest.TestReport) -> str | None:
    """Return the first line of why a test failed or was skipped."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else report.longreprtext
    lines = str(text).strip().splitlines()
    return lines[0].removeprefix("AssertionError: ").removeprefix("unknown: ") if lines else None


# In the copy.


class _Sent:
    """A plugin that takes the reports of a run as JSON has them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.reports: list[object] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        config = self._config
        self.reports.append(config.hook.pytest_report_to_serializable(config=config, report=report))


def _run(config: pytest.Config, tests: Tests) -> list[object]:
    sent = _Sent(config)
    config.pluginmanager.register(sent)
    for test, following in zip_longest(tests, tests[1:]):
        config.hook.pytest_runtest_protocol(item=test, nextitem=following)
    return sent.reports


def _end_with_reader(writer: int) -> None:
    """End this process when the pipe has no reader any more: the watch was killed."""
    poll = select.poll()
    poll.register(writer, 0)  # POLLERR is always reported

    def wait() -> None:
        poll.poll()
        os._exit(1)

    Thread(target=wait, daemon=True).start()


def _read(reader: int) -> bytes:
    with os.fdopen(reader, "rb") as pipe:
        return pipe.read()
