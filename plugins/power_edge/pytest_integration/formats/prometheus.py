"""Prometheus (--prometheus-textfile): the file, if the run is complete. A watch has written it."""

import time
from pathlib import Path

import pytest

from power_edge.pytest_integration.run_report import RunReport
from power_edge.report.prometheus import write_textfile


def pytest_power_edge_report(config: pytest.Config, report: RunReport) -> None:
    if not (file := config.option.prometheus_textfile):
        return
    if report.incomplete is not None:
        left = "not changed" if Path(file).exists() else "not written"
        report.note(f"{file} was {left}: {report.incomplete}")
        return
    if config.option.watch:
        return
    try:
        write_textfile(Path(file), report.nodes, report.broken, report.started, time.time())
    except OSError as error:
        report.could_not_write(Path(file), error)
