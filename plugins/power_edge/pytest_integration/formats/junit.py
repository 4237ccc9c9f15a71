"""JUnit (--junitxml): items and own tests under the names of their nodes."""

import pytest

from power_edge.model.generated.report_schema import Item
from power_edge.pytest_integration import compat
from power_edge.report import junit


def pytest_power_edge_item(config: pytest.Config, report: pytest.TestReport, item: Item) -> None:
    testcase = compat.junit_testcase(config, report)
    if testcase is not None:
        junit.annotate(testcase, item)


def pytest_power_edge_own_test(
    config: pytest.Config,
    report: pytest.TestReport | pytest.CollectReport,
    node: str,
    outcome: str | None,
) -> None:
    testcase = compat.junit_testcase(config, report)
    if testcase is not None:
        junit.annotate_own(testcase, node, report.nodeid, outcome)
    if report.when == "teardown" and report.failed:
        compat.keep_junit_testcase(config, report)
