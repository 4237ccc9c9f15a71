"""JUnit, JSON and HTML of a run about nodes: plugins write them in place, here they are whole or
the old file stays.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from _pytest.junitxml import xml_key

from power_edge.atomic_file import make_folder, replacing

Failed = Callable[[Path, OSError], None]


def make_whole(config: pytest.Config, failed: Failed) -> None:
    """See to it that the reports which the run was asked for replace the old ones in one step;
    `failed` is told of each that could not be written.
    """
    xml = config.stash.get(xml_key, None)
    if xml is not None:
        _junit(config, xml, failed)
    for plugin in list(config.pluginmanager.get_plugins()):
        if type(plugin).__module__.startswith("pytest_html.") and hasattr(plugin, "_write_report"):
            _html(config, plugin, failed)
    json_report = getattr(config, "_json_report", None)
    if json_report is not None and hasattr(
        json_report, "save_report"
    ):  # an xdist worker's has none
        _json(json_report, failed)


class _Report:
    """The report of a plugin that keeps the file's path in an attribute."""

    def __init__(self, plugin: Any, attribute: str, failed: Failed) -> None:
        self._plugin = plugin
        self._attribute = attribute
        self._failed = failed
        self.written = False

    def write(self, write: Callable[[], None]) -> None:
        """Let the plugin write beside the file.

        Raises nothing: an error would keep the plugins after it from ending their session.
        """
        named = getattr(self._plugin, self._attribute)
        file = Path(named)
        try:
            make_folder(file.parent)
            with replacing(file) as beside:
                setattr(self._plugin, self._attribute, type(named)(beside))
                write()
            self.written = True
        except OSError as error:
            self._failed(file, error)
        finally:
            setattr(self._plugin, self._attribute, named)


def _junit(config: pytest.Config, xml: Any, failed: Failed) -> None:
    write, announce = xml.pytest_sessionfinish, xml.pytest_terminal_summary
    report = _Report(xml, "logfile", failed)

    def pytest_sessionfinish() -> None:
        report.write(write)

    def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
        if report.written:
            announce(terminalreporter, config)

    # pluggy looks a plugin's hooks up when it is registered.
    config.pluginmanager.unregister(xml)
    xml.pytest_sessionfinish = pytest_sessionfinish
    xml.pytest_terminal_summary = pytest_terminal_summary
    config.pluginmanager.register(xml)


def _html(config: pytest.Config, html: Any, failed: Failed) -> None:
    generate, write, announce = (
        html._generate_report,
        html._write_report,
        html.pytest_terminal_summary,
    )
    report = _Report(html, "_report_path", failed)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(terminalreporter: Any) -> None:
        if report.written:
            announce(terminalreporter)

    def generate_report(*args: Any, **options: Any) -> None:
        try:
            generate(*args, **options)
        except OSError as error:  # of the plugin's own templates and scripts
            failed(Path(html._report_path), error)

    config.pluginmanager.unregister(html)
    html._generate_report = generate_report
    html._write_report = lambda page: report.write(lambda: write(page))
    html.pytest_terminal_summary = pytest_terminal_summary
    config.pluginmanager.register(html)


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
