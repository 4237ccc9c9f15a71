"""Asks nodes before pytest is imported, for `power-edge check` of whole nodes.

To import pytest takes as long as to log in over ssh, so the two run side by side. What pytest would
refuse or narrow can be known without pytest only if the command line is of a few plain words, and
pytest reads no settings of its own. For any other one there is no head start: the nodes are asked
once pytest has read the options, as `pytest --node=NODE` does.

Nothing here imports pytest.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from power_edge.checking import check
from power_edge.config import ConfigError
from power_edge.config.selectors import Selectors
from power_edge.probing.connection import BadRoute, Options
from power_edge.probing.parallel import Pending
from power_edge.pytest_integration.garbage import without_garbage_collection
from power_edge.pytest_integration.selection import Selection, selection

_FLAGS = frozenset(("-q", "-qq", "-v", "-vv", "--no-diff", "--json-report", "--sudo"))
"""Options that select nothing, and that no run is refused for."""


def _is_no_folder(value: str) -> bool:
    return not Path(value).is_dir()


_VALUED: Mapping[str, Callable[[str], bool]] = {
    "--node-configs": lambda value: Path(value).is_dir(),
    "--ssh-config": lambda value: Path(value).exists(),
    "--ssh-identity-file": lambda value: Path(value).exists(),
    "--junitxml": _is_no_folder,
    "--json-report-file": _is_no_folder,
    "--prometheus-textfile": lambda value: value.endswith(".prom"),
}
"""Such options that take a file, and whether no run is refused for this one."""
_SETTINGS = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)
"""The files that pytest looks for in the current folder and in those above, in this order. The
first one with settings of pytest is taken.
"""
_PLAIN = frozenset(
    ("addopts", "empty_parameter_set_mark", "filterwarnings", "markers", "pythonpath", "testpaths")
)
"""Settings that neither refuse nor narrow a run about nodes, if addopts and filterwarnings have no
other words than the following.
"""
_PLAIN_WORDS = ("--import-mode=importlib", "--strict-config", "--strict-markers")
"""Words of addopts that do not, either."""
_ACTIONS = frozenset(("always", "default", "error", "ignore", "module", "once"))
"""Words of filterwarnings that pytest takes; it refuses others, or imports what they name."""


class Question(NamedTuple):
    """All that decides which nodes are asked, for what, and over which routes."""

    patterns: tuple[str, ...]
    node_configs: str | None
    arguments: tuple[str, ...]
    cwd: Path
    selectors: Selectors
    options: Options


@dataclass(eq=False, repr=False)
class HeadStart:
    """Nodes that were loaded and asked before pytest was imported; a plugin of pytest's, so that
    the run finds it. No debug log of pytest's shows what it holds.
    """

    question: Question
    words: tuple[str, ...]
    """The command line, its nodes written as pytest takes them."""
    chosen: Selection
    pending: dict[str, Pending]

    _is_taken: bool = False

    def take(self) -> dict[str, Pending]:
        """Return the pending answers, for a run that asks the same question."""
        self._is_taken = True
        return self.pending

    def end(self) -> None:
        """End what was started, unless a run took it."""
        for pending in self.pending.values() if not self._is_taken else ():
            pending.lifeline.cut()


def begin(words: Sequence[str]) -> HeadStart | None:
    """Load the nodes that the words of `power-edge check` name, and ask them for all their items.

    None if pytest has to read the words first, and if anything is wrong: then nothing was asked,
    and the run says what is wrong.
    """
    # A pytest that started this process may have left words for it.
    if any(name.startswith("PYTEST_") for name in os.environ):
        return None
    with without_garbage_collection(), suppress(ConfigError, BadRoute, OSError):
        question = _question(words, Path.cwd())
        if question is None or not _has_plain_settings(question.cwd):
            return None
        chosen = selection(question.patterns, question.node_configs, (), question.cwd)
        if chosen.nodes and not chosen.broken:
            options = (word for word in words if word.startswith("-"))
            given = (*options, *(f"--node={pattern}" for pattern in question.patterns))
            pending = check.ask(chosen.nodes.values(), question.options)
            return HeadStart(question, given, chosen, pending)
    return None


def _question(words: Sequence[str], cwd: Path) -> Question | None:
    """Return what the words ask; None if they are not plain, or name no node."""
    patterns: list[str] = []
    given: dict[str, str] = {}
    for word in words:
        option, _, value = word.partition("=")
        if not word.startswith(("-", "@")):  # @FILE: pytest takes words from it
            patterns.append(word)
        elif option in _VALUED and _VALUED[option](value):
            given[option] = value
        elif word not in _FLAGS:
            return None
    # pytest refuses a file without the option that writes it.
    has_idle_file = "--json-report-file" in given and "--json-report" not in words
    if not patterns or has_idle_file:
        return None
    routes = Options(
        ssh_config=given.get("--ssh-config"),
        ssh_identity_file=given.get("--ssh-identity-file"),
        sudo="--sudo" in words,
    )
    return Question(tuple(patterns), given.get("--node-configs"), (), cwd, Selectors(), routes)


def _has_plain_settings(cwd: Path) -> bool:
    """Whether pytest reads none but plain settings in a folder. Raises OSError."""
    for folder in (cwd, *cwd.parents):
        for name in _SETTINGS:
            if (folder / name).is_file():
                plain = name == "pyproject.toml" and _is_plain(folder / name)
                if plain is not None:
                    return plain
    return True


def _is_plain(pyproject: Path) -> bool | None:
    """Whether the settings of pytest in a file are plain; None if it has none. Raises OSError."""
    import tomllib  # 2 ms, which a folder without such a file need not take

    try:
        found = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return False  # pytest says what is wrong
    match found.get("tool"):
        case {"pytest": {"ini_options": dict(settings), **more}} if not more:
            return (
                settings.keys() <= _PLAIN
                and _is_of(settings.get("addopts", []), _PLAIN_WORDS)
                and _is_of(settings.get("filterwarnings", []), _ACTIONS)
            )
        case {"pytest": _}:
            return False
    return None


def _is_of(words: object, plain: Collection[str]) -> bool:
    """Whether a value is a list of such words alone."""
    return isinstance(words, list) and all(
        isinstance(word, str) and word in plain for word in words
    )
