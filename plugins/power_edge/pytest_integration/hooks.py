"""Hooks of Power Edge. A plugin or a conftest.py can implement them; report formats do.

A format that ships with Power Edge is a module of pytest_integration/formats/ which implements
these hooks, as a plugin of anyone else does. Nothing lists them: a module is found because it is
there.

All hooks are called in the process that reports (with xdist: the controller), and only in a run
about nodes. Other runs do not know them, so that Power Edge costs them nothing: implement a hook
with `@pytest.hookimpl(optionalhook=True)`.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from power_edge.model.generated.report_schema import Item
    from power_edge.pytest_integration.run_report import RunReport


@pytest.hookspec
def pytest_power_edge_item(config: pytest.Config, report: pytest.TestReport, item: "Item") -> None:
    """One phase of an item is about to be reported.

    Called before other plugins get the report, so that a format can add to it. `item` is the record
    that schemas/report.schema.yaml describes. An item has one or two phases.
    """


@pytest.hookspec
def pytest_power_edge_own_test(
    config: pytest.Config,
    report: pytest.TestReport | pytest.CollectReport,
    node: str,
    outcome: str | None,
) -> None:
    """One phase of an operator's own test about a node is about to be reported.

    `outcome` is the worst outcome of its phases so far, None if there is none yet.
    """


@pytest.hookspec
def pytest_power_edge_report(config: pytest.Config, report: "RunReport") -> None:
    """The run is over and its exit status is known: write a report of all nodes.

    Say what happened with `report.note`. If a file cannot be written, call
    `report.could_not_write` and return: the run then ends with 3.
    """
