"""What all tests share: the lab; what is left out, and why; no process but in tests marked so."""

import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.alone import alone, beside
from tests.support.installed import packages_missing
from tests.support.lab.fixtures import firewalld_node, lab, node, rpm_node, t420
from tests.support.lab.requirements import impossible
from tests.support.shells import not_installed

__all__ = ["alone", "beside", "firewalld_node", "lab", "node", "rpm_node", "t420"]

_LEFT_OUT = pytest.StashKey[int]()
_NO_DIST = pytest.StashKey[int]()
_NO_SHELL = pytest.StashKey[tuple[int, set[str]]]()
_STARTS = frozenset(
    ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system")
)
"""Events of sys.addaudithook by which a process starts."""
_watched: list[str] | None = None
"""What the running test started; None for a test that may start processes."""


def _note_start(event: str, arguments: tuple[object, ...]) -> None:
    if _watched is not None and event in _STARTS:
        _watched.append(f"{event} {arguments[:2]}"[:200])


sys.addaudithook(_note_start)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test that starts a process and is marked neither `shell` nor `lab`."""
    global _watched  # noqa: PLW0603 an audit hook stays for good
    may = any(map(item.get_closest_marker, ("shell", "lab", "artifact")))
    started: list[str] = []
    _watched = None if may else started
    try:
        return (yield)
    finally:
        _watched = None
        if started:
            pytest.fail(f"it starts a process ({started[0]}): mark it `shell`", pytrace=False)


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
def pytest_collection(session: pytest.Session) -> None:
    """Refuse a run of these tests in a checkout that has only what `make check` installed; else
    say how examples are drawn, before any module of tests is read.

    pytest reads this file too if a node is checked in the checkout: then it has other arguments.
    """
    here = Path(__file__).parent
    root = session.config.invocation_params.dir
    paths = [root / each.partition("::")[0] for each in session.config.args]
    if not any(path.is_relative_to(here) or path == here.parent for path in paths):
        return
    if lacking := packages_missing((here.parent / "pyproject.toml").read_text(encoding="utf-8")):
        raise pytest.UsageError(
            "the project's own tests need what `make test` installs (missing:"
            f" {', '.join(lacking)}); to check this machine: power-edge check"
        )
    from hypothesis import settings  # `make check` does not install it

    # CI runs the same examples each time, however busy it is; a soak draws new ones.
    settings.register_profile(
        "power-edge", derandomize="POWER_EDGE_SOAK" not in os.environ, deadline=None
    )
    settings.load_profile("power-edge")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    on_nodes = [item for item in items if item.get_closest_marker("lab")]
    if on_nodes and impossible():
        config.stash[_LEFT_OUT] = len(on_nodes)
        config.hook.pytest_deselected(items=on_nodes)
        items[:] = [item for item in items if item not in on_nodes]
    of_dist = [item for item in items if item.get_closest_marker("artifact")]
    if of_dist and "POWER_EDGE_DIST" not in os.environ:
        config.stash[_NO_DIST] = len(of_dist)
        config.hook.pytest_deselected(items=of_dist)
        items[:] = [item for item in items if item not in of_dist]
    lacking = {item: names for item in items if (names := not_installed(item))}
    if lacking:
        config.stash[_NO_SHELL] = len(lacking), set().union(*lacking.values())
        config.hook.pytest_deselected(items=list(lacking))
        items[:] = [item for item in items if item not in lacking]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    lines = []
    # Under xdist it is the workers that collect: this process cannot tell how many there were.
    count = config.stash.get(_LEFT_OUT, None)
    if count or (config.pluginmanager.has_plugin("dsession") and impossible()):
        lines.append(f"{count or 'All'} tests on real nodes (-m lab): {impossible()}")
    if of_dist := config.stash.get(_NO_DIST, 0):
        lines.append(f"{of_dist} tests of artifacts: make dist, then POWER_EDGE_DIST=dist pytest")
    number, shells = config.stash.get(_NO_SHELL, (0, set()))
    if number:
        lines.append(
            f"{number} tests in shells that are not installed: {', '.join(sorted(shells))}"
        )
    if lines:
        terminalreporter.section("not run", yellow=True)
    for line in lines:
        terminalreporter.line(line, yellow=True)
