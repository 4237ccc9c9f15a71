"""What all tests share: the lab, and leaving it out, aloud, where no node can be booted."""

import signal

import pytest

from tests.support.lab.fixtures import firewalld_node, lab, node, rpm_node, t420
from tests.support.lab.requirements import impossible

__all__ = ["firewalld_node", "lab", "node", "rpm_node", "t420"]

_LEFT_OUT = pytest.StashKey[int]()


def pytest_configure() -> None:
    """Tests send signals to what they start.

    Under nohup, and in the background of a shell, some are ignored, and would be by those as well.
    """
    for number, usual in (
        (signal.SIGHUP, signal.SIG_DFL),
        (signal.SIGINT, signal.default_int_handler),
    ):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    on_nodes = [item for item in items if item.get_closest_marker("lab")]
    if on_nodes and impossible():
        config.stash[_LEFT_OUT] = len(on_nodes)
        config.hook.pytest_deselected(items=on_nodes)
        items[:] = [item for item in items if item not in on_nodes]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    # Under xdist it is the workers that collect: this process cannot tell how many there were.
    count = config.stash.get(_LEFT_OUT, None)
    if count or (config.pluginmanager.has_plugin("dsession") and impossible()):
        terminalreporter.section("not run", yellow=True)
        terminalreporter.line(
            f"{count or 'All'} tests on real nodes (-m lab): {impossible()}", yellow=True
        )
