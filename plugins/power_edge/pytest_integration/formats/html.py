"""HTML (--html of pytest-html): test ids with their special characters escaped."""

from html import escape

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_row(report: pytest.TestReport, cells: list[str]) -> None:
    """Escape the test id, which pytest-html writes as it is.

    Ids of items cannot open a tag; those of the operators' own tests can.
    """
    cells[:] = [cell.replace(report.nodeid, escape(report.nodeid)) for cell in cells]
