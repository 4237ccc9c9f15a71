"""A plugin for `power-edge check` alone: the words of its command line are nodes, not paths."""

from argparse import Namespace
from collections.abc import Generator, Sequence
from pathlib import Path
from shlex import quote

import pytest

from power_edge.config import ConfigError, find_node_configs
from power_edge.probing.failure import Unreachable
from power_edge.pytest_integration import compat
from power_edge.pytest_integration.check_main import brought_by, near, no_option
from power_edge.pytest_integration.selection import selection, selectors
from power_edge.text import printable


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """Rewrite `[NODE...] [OPTION...] [-- PATH...]` to what `pytest --node=` takes.

    A wrapper, since it has to run before the plugin that sends the scripts. Of `args` only the end
    is the command line; before it stand the words of addopts and PYTEST_ADDOPTS.
    """
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        given = len(early_config.invocation_params.args)
        before = args[: len(args) - given]
        args[:] = [*before, *_rewritten(parser, args[len(before) :], early_config, options)]
        known = parser.parse_known_args(args)
        options.node, options.file_or_dir = known.node, known.file_or_dir
    return (yield)


def _rewritten(
    parser: pytest.Parser, line: Sequence[str], config: pytest.Config, options: Namespace
) -> list[str]:
    end = line.index("--") if "--" in line else len(line)
    ours, paths = line[:end], line[end + 1 :]
    for word in paths:
        if word.startswith("-") and not (config.invocation_params.dir / word).exists():
            raise pytest.UsageError(
                f"{printable(word)} stands behind --, where paths are: write options before it"
            )
    places = _words(parser, ours)
    nodes = [ours[place] for place in places]
    rest = [word for place, word in enumerate(ours) if place not in places]
    cwd = config.invocation_params.dir
    selected = options.node or selectors(options)
    if not nodes and not selected and not _name_a_node(paths, options.node_configs, cwd):
        nodes = [*_this_machine(options.node_configs, cwd)]
    return [*(f"--node={name}" for name in nodes), *rest, "--", *paths]


def _words(parser: pytest.Parser, line: Sequence[str]) -> set[int]:
    """Return the places of the words that are neither options nor the values of options.

    pytest's own parser decides: a word is one if the line up to it has one positional argument more
    than the line before it. It cannot decide after an option that no plugin has defined yet
    (conftest.py files are read later). Raises UsageError for such a word.
    """
    places: set[int] = set()
    for place, word in enumerate(line):
        if word.startswith("-") and word != "-":
            continue
        if place == 0 or place - 1 in places:
            places.add(place)
            continue
        try:
            known, unknown = parser.parse_known_and_unknown_args(line[:place])
        except pytest.UsageError:
            continue  # the option before this word has no value yet
        option = line[place - 1]
        if unknown[-1:] == [option] and "=" not in option:
            names = compat.option_names(parser)
            said = no_option(option, names)
            if brought_by(option) is not None:
                raise pytest.UsageError(said)
            unknown_option = f"{said}\n" if near(option, names) else ""
            raise pytest.UsageError(
                f"{unknown_option}{printable(word)}: a node, or the value of {printable(option)}?"
                " Write nodes before the options, and the value as"
                f" {printable(option)}={printable(word)}; no plugin so far has that option"
            )
        count = len(known.file_or_dir)
        if len(parser.parse_known_args(line[: place + 1]).file_or_dir) > count:
            places.add(place)
    return places


def _name_a_node(paths: Sequence[str], node_configs: str | None, cwd: Path) -> bool:
    try:
        chosen = selection([], node_configs, paths, cwd)
    except (ConfigError, OSError):
        return True  # the run says what is wrong
    return bool(chosen.nodes or chosen.broken)


def _this_machine(node_configs: str | None, cwd: Path) -> tuple[str, ...]:
    """Return the names of the nodes that are this machine, at least one. Raises UsageError."""
    from power_edge.discover.init import find

    root = cwd / node_configs if node_configs else find_node_configs(cwd)
    notes: tuple[str, ...] = ()
    if node_configs and root is not None and not root.is_dir():
        raise pytest.UsageError(
            f"--node-configs={printable(node_configs)}: there is no such folder"
        )
    if root is not None:
        try:
            names, notes = find(root)
        except (ConfigError, Unreachable) as error:
            raise pytest.UsageError("\n".join(map(printable, str(error).split("\n")))) from None
        if names:
            return names
    if root is None:
        raise pytest.UsageError(
            "there is no node-configs/ in this folder or above it: change to its folder, or name it"
            " with --node-configs=DIR; power-edge init makes a first node here"
        )
    lines = (*notes, f"no node in {quote(str(root))} is this machine: power-edge init makes one")
    raise pytest.UsageError("\n".join(map(printable, lines)))
