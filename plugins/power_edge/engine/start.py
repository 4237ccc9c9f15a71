"""From the command line to a run: which nodes, which way to each, and the scripts on their way."""

import re
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from power_edge import check
from power_edge.config import ConfigError, Node
from power_edge.engine.selection import selection
from power_edge.probing.answer import NoAnswer, read
from power_edge.probing.route import BadRoute, Options
from power_edge.probing.transport import Pending

if TYPE_CHECKING:
    from power_edge.engine.session import Run

_AGE = re.compile(r"([0-9]{1,9})([smhd]?)")
_SHOWS_ONLY = ("collectonly", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def begin(options: Namespace, arguments: Sequence[str], cwd: Path, *, worker: bool) -> "Run | None":
    """The run that these options and paths ask for, its nodes already asked; None where they name no node.

    Raises UsageError for what cannot be used, before any node is touched: a broken node (unless --continue-on-collection-errors), a pattern that
    names none, an answer of another node.
    """
    try:
        chosen = selection(options.node, options.node_configs, arguments, cwd)
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None
    except OSError as error:
        raise pytest.UsageError(f"{error.filename}: {error.strerror}") from None
    if chosen.broken and not options.continue_on_collection_errors:
        raise pytest.UsageError("\n".join(["unusable configuration", *map(str, chosen.broken.values())]))
    if not chosen.nodes and not chosen.broken:
        return None
    names = Counter(folder.name for folder in (*chosen.nodes, *chosen.broken))
    if twice := [name for name, count in names.items() if count > 1]:
        raise pytest.UsageError(f"two nodes are called {twice[0]}: check the folders that hold them one at a time")
    ways = _transport(options)
    max_age = _age(options.max_age)
    idle = any(getattr(options, name, False) for name in _SHOWS_ONLY)
    pending = {} if idle or worker or options.answers else ask(chosen.nodes.values(), ways)
    from power_edge.engine.session import Run  # while the nodes are at work

    run = Run(chosen, ways, pending, idle=idle)
    if options.answers:
        _take_answers(run, [cwd / file for file in options.answers], max_age)
    elif worker:
        run.ask_late = lambda: ask(chosen.nodes.values(), ways)
    return run


def ask(nodes: Iterable[Node], ways: Options) -> dict[str, Pending]:
    """Send the scripts, and go on: the answers are waited for when the first item of their node runs. Raises UsageError."""
    try:
        return check.ask(nodes, ways)
    except BadRoute as error:
        raise pytest.UsageError(str(error)) from None


def _take_answers(run: "Run", files: Sequence[Path], max_age: float) -> None:
    for file in files:
        _take_answer(run, file, max_age)
    silent = sorted(run.nodes.keys() - run.answers.keys())
    if silent:
        raise pytest.UsageError(f"no answer of {', '.join(silent)}: --answers connects to nothing, so give an answer of each selected node")


def _take_answer(run: "Run", file: Path, max_age: float) -> None:
    try:
        answer = read(file.read_bytes())
    except OSError as error:
        raise pytest.UsageError(f"--answers={file}: {error.strerror}") from None
    except NoAnswer as error:
        raise pytest.UsageError(
            f"--answers={file}: no answer of a probe: {error}; make one with: power-edge plan NODE >probe.sh, and there: sh probe.sh >answer"
        ) from None
    if answer.node not in run.nodes:
        raise pytest.UsageError(f"--answers={file}: an answer of node {answer.node!r}, which is not selected (--node)")
    if answer.node in run.answers:
        raise pytest.UsageError(f"--answers={file}: a second answer of node {answer.node}")
    run.take_answer(answer, max_age)


def _age(text: str) -> float:
    match = _AGE.fullmatch(text)
    if match is None:
        raise pytest.UsageError(f"--max-age={text}: write seconds, or a number with s, m, h or d (90, 30m, 24h, 7d)")
    return int(match[1]) * _SECONDS[match[2]]


def _transport(options: Namespace) -> Options:
    """testinfra's own options; its plugin may be switched off, and then there are none."""
    given: dict[str, Any] = {name: getattr(options, name) for name in Options._fields if hasattr(options, name)}
    return Options(**given)
