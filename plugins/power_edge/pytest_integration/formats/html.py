"""HTML (--html of pytest-html): what differs, why an item is demanded, and test ids with their
special characters escaped. The results keep pytest's words: the page's filter reads them.
"""

from html import escape

import pytest

from power_edge.pytest_integration.results import DIFFERENCES, attached
from power_edge.text import printable


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_row(report: pytest.TestReport, cells: list[str]) -> None:
    """Escape the test id, which pytest-html writes as it is. Beside it show what differs.

    Ids of items cannot open a tag; those of the operators' own tests can.
    """
    shown = escape(report.nodeid)
    cells[:] = [cell.replace(report.nodeid, shown) for cell in cells]
    if attached(report) is not None:
        # pytest-html adds the phase of an error. That of an item says nothing: unknown is one.
        cells[:] = [cell.replace(f"{shown}::{report.when}", shown) for cell in cells]
    differences = getattr(report, DIFFERENCES, ())
    if differences:
        what = escape(printable("; ".join(differences)))
        cells[:] = [
            cell.replace("</td>", f" {what}</td>") if "col-testId" in cell else cell
            for cell in cells
        ]


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_html(report: pytest.TestReport, data: list[str]) -> None:
    """Show why an item is demanded. A failure says so in its own text."""
    item = attached(report)
    if item is not None and not report.failed:
        data[:0] = [
            escape(f"{each.reason} ({each.source}, {each.path})") + "\n"
            for each in item.reasons or ()
        ]
