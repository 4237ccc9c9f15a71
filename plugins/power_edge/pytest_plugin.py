"""The entry point: options. The rest is imported once a node is selected."""

import os
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from power_edge.pytest_integration.run import Run

_RUN: "pytest.StashKey[Run | None]" = pytest.StashKey()
_INTERRUPTION: "pytest.StashKey[Callable[[], None]]" = pytest.StashKey()
_LEFT_OUT: pytest.StashKey[set[str]] = pytest.StashKey()
_NODE_FILES = ("state.yaml", "identity.yaml")  # and system-identity.yaml
_OUTPUTS = ("prometheus_textfile", "event_log", "metrics_listen", "mend_script")
"""Options that say where results about nodes go."""
_SELECTORS = {
    "role": "nodes that have this role",
    "tag": "nodes with this tag",
    "site": "nodes of this site",
    "environment": "nodes of this environment, such as production",
}
"""Options --node-NAME, and what they check."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("power-edge", "nodes (Power Edge)")
    group.addoption(
        "--node",
        action="append",
        default=[],
        metavar="NAME",
        help="check this node of node-configs/; repeatable, and a glob ('rig-*')",
    )
    for name, what in _SELECTORS.items():
        group.addoption(
            f"--node-{name}",
            action="append",
            default=[],
            metavar=name.upper(),
            help=f"check {what}; repeatable. With --node and the like, nodes that fit all of them",
        )
    group.addoption(
        "--node-configs",
        metavar="DIR",
        help="the folder of nodes (default: node-configs/ here or in the nearest folder above)",
    )
    group.addoption(
        "--answers",
        action="append",
        default=[],
        metavar="FILE",
        help="judge this answer of a script from `power-edge probe-script`; connect to nothing;"
        " repeatable",
    )
    group.addoption(
        "--max-age",
        metavar="AGE",
        help="how old an answer of --answers may be: 90 (seconds), 30m, 24h, 7d (default: 24h)",
    )
    group.addoption(
        "--prometheus-textfile",
        metavar="FILE",
        help="write the results for node_exporter's textfile collector (name it *.prom)",
    )
    group.addoption(
        "--no-diff",
        action="store_true",
        help="show no diff of a text file that differs from its declared content",
    )
    group.addoption(
        "--mend-script",
        metavar="FILE",
        help="write what ends the drift of the one node as a script of sh; nothing is run",
    )
    group.addoption(
        "--watch",
        action="store_true",
        help="check, then wait for changes and check again what they can affect, until SIGTERM or"
        " Ctrl-C",
    )
    group.addoption(
        "--event-log",
        metavar="FILE",
        help="with --watch: append each change of an outcome as a line of JSON",
    )
    group.addoption(
        "--metrics-listen",
        metavar="HOST:PORT",
        help="with --watch: answer /metrics, /health, /status and /version over HTTP (HOST is"
        " 127.0.0.1 and PORT 9400 where one is left out)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> None:
    """Send the scripts at the earliest moment that knows the options. Meanwhile pytest starts."""
    options = early_config.known_args_namespace
    _, unknown = parser.parse_known_and_unknown_args(args)
    # A conftest.py may define an unknown option, else pytest refuses it: no node is asked before.
    if not (options.help or options.version or unknown):
        _begin(early_config, options, options.file_or_dir)


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(
    config: pytest.Config,
) -> "Generator[None, int | pytest.ExitCode | None, int | pytest.ExitCode | None]":
    """From here on pytest says that a run was interrupted. What it says about a path that it cannot
    take is printable: a checkout may be in a folder of any name.
    """
    config.stash.get(_INTERRUPTION, lambda: None)()
    try:
        return (yield)
    except pytest.UsageError as error:
        if config.stash.get(_RUN, None) is None:
            raise
        raise _printable(error) from None


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.help or config.option.version:
        return
    run = _begin(config, config.option, config.option.file_or_dir)
    if run is not None:
        run.join(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out own tests of a node that is not selected: testinfra's `host` would be this machine
    or another node, and they might pass there.
    """
    run = config.stash.get(_RUN, None)
    if run is None and "node-configs" not in str(collection_path):
        return None
    from power_edge.pytest_integration.selection import Selection

    folder = (run.nodes.selection if run is not None else Selection()).leaves_out(collection_path)
    if folder is None:
        return None
    if run is None:
        config.stash.setdefault(_LEFT_OUT, set()).add(folder.name)
    return True


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    left_out = sorted(config.stash.get(_LEFT_OUT, ()))
    if left_out:
        name = ascii(left_out[0])[1:-1] if len(left_out) == 1 else "'*'"
        terminalreporter.write_line(f"node-configs/: no node is selected; add --node={name}")


def _begin(config: pytest.Config, options: Namespace, arguments: list[str]) -> "Run | None":
    """Return the run about nodes, begun once; None if the command line asks for none."""
    if _RUN not in config.stash:
        selected = (getattr(options, f"node_{name}") for name in _SELECTORS)
        about_nodes = (
            bool(options.node or options.answers or options.watch)
            or any(selected)
            or any(getattr(options, name) is not None for name in _OUTPUTS)
            or any(_names_a_node(argument) for argument in arguments)
        )
        run = None
        if about_nodes:
            _end_on_interrupt(config)
            sys.meta_path.insert(0, _OwnModules)
            config.add_cleanup(lambda: sys.meta_path.remove(_OwnModules))
            from power_edge.pytest_integration.garbage import without_garbage_collection
            from power_edge.pytest_integration.head_start import HeadStart
            from power_edge.pytest_integration.startup import begin

            plugins = config.pluginmanager.get_plugins()
            head_start = next((each for each in plugins if isinstance(each, HeadStart)), None)
            try:
                with without_garbage_collection():
                    run = begin(
                        options,
                        arguments,
                        config.invocation_params.dir,
                        worker="PYTEST_XDIST_WORKER" in os.environ,
                        head_start=head_start,
                    )
            except pytest.UsageError as error:
                raise _printable(error) from None
            finally:
                if head_start is not None:
                    head_start.end()
        config.stash[_RUN] = run
    return config.stash[_RUN]


def _printable(error: pytest.UsageError) -> pytest.UsageError:
    """Return an error with each line of it printable: pytest prints it as it is."""
    from power_edge.text import printable

    return pytest.UsageError("\n".join(map(printable, str(error).split("\n"))))


def _end_on_interrupt(config: pytest.Config) -> None:
    """Let Ctrl-C end the run with 2 and one line while pytest starts: pytest itself would print a
    traceback."""

    def end(*_: object) -> None:
        os.write(2, b"\nERROR: interrupted\n")
        raise SystemExit(2)

    def undo() -> None:
        if signal.getsignal(signal.SIGINT) is end:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    if (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
        and threading.current_thread() is threading.main_thread()
    ):
        signal.signal(signal.SIGINT, end)
        config.stash[_INTERRUPTION] = undo
        config.add_cleanup(undo)


class _OwnModules:
    """Finds the modules of Power Edge before pytest does.

    pytest imports a plugin's modules to rewrite their assertions: it reads the source of each one
    again, which takes 15 ms before the nodes are asked. There are no tests in them.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, _: object = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, path) if name.startswith("power_edge.") else None


def _names_a_node(argument: str) -> bool:
    """Whether a path of the command line could be a node's folder or file.

    Cheap: it costs runs that are about no node one stat per argument.
    """
    path = argument.partition("::")[0]
    folder = os.path.dirname(path) if path.endswith(".py") else path  # noqa: PTH120
    return (
        path.endswith(_NODE_FILES)
        or "node-configs" in path
        or os.path.lexists(os.path.join(folder, "state.yaml"))  # noqa: PTH118 pathlib raises where it may not look
    )
