"""JUnit and JSON of a run about nodes: pytest's own plugins write them in place, here they are whole or the old file stays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from _pytest.junitxml import xml_key

from power_edge.whole import make_folder, replacing

Failed = Callable[[Path, OSError], None]


def make_whole(config: pytest.Config, failed: Failed) -> None:
    """See to it that the reports which the run was asked for replace the old ones in one step; `failed` is told of each that could not be written."""
    xml = config.stash.get(xml_key, None)
    if xml is not None:
        _junit(config, xml, failed)
    json_report = getattr(config, "_json_report", None)
    if json_report is not None and hasattr(json_report, "save_report"):  # an xdist worker's has none
        _json(json_report, failed)


def _junit(config: pytest.Config, xml: Any, failed: Failed) -> None:
    write, announce = xml.pytest_sessionfinish, xml.pytest_terminal_summary
    written = False

    def pytest_sessionfinish() -> None:
        # An error that left this hook would keep the plugins after it from ending their session.
        nonlocal written
        file = Path(xml.logfile)
        try:
            make_folder(file.parent)
            with replacing(file) as beside:
                xml.logfile = str(beside)
                write()
            written = True
        except OSError as error:
            failed(file, error)
        finally:
            xml.logfile = str(file)

    def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
        if written:
            announce(terminalreporter, config)

    # pluggy looks a plugin's hooks up when it is registered.
    config.pluginmanager.unregister(xml)
    xml.pytest_sessionfinish = pytest_sessionfinish
    xml.pytest_terminal_summary = pytest_terminal_summary
    config.pluginmanager.register(xml)


def _json(report: Any, failed: Failed) -> None:
    save = report.save_report

    def save_report(path: str) -> None:
        file = Path(path)
        try:
            make_folder(file.parent)
            with replacing(file) as beside:
                save(str(beside))
        except OSError as error:
            failed(file, error)
            raise

    report.save_report = save_report
