"""JSON (--json-report of pytest-json-report): the record of each item. The counts of the nodes are
added by reporting.py, which has them.
"""

import pytest

from power_edge.model.generated.report_schema import Item
from power_edge.pytest_integration import compat
from power_edge.report.record import as_json


def pytest_power_edge_item(config: pytest.Config, report: pytest.TestReport, item: Item) -> None:
    if compat.makes_json(config):
        compat.set_json_metadata(report, {"power_edge": as_json(item)})
