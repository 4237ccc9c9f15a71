"""`power-edge check`: pytest in this process, whose usage errors are in our words."""

from collections.abc import Iterable, Sequence
from typing import NoReturn

from power_edge.pytest_integration import compat
from power_edge.pytest_integration.head_start import HeadStart
from power_edge.text import did_you_mean, printable

_UNKNOWN = "unrecognized arguments: "
_ABOUT = "argument "
_PLUGINS = ("power_edge.pytest_plugin", "power_edge.pytest_integration.check_words")
"""Named with -p, so that they are loaded once each, also where no entry point brings them in
(PYTEST_DISABLE_PLUGIN_AUTOLOAD)."""
_IMPORTED = ("power_edge", "testinfra")
"""Imported before pytest could rewrite their assertions. No test of an operator's is in them."""


def in_words(message: str, options: Iterable[str]) -> str:
    """Return an error of argparse as we write one, with the option that is nearest to a wrong one.

    `options` are those that are known.
    """
    if not message.startswith(_UNKNOWN):
        return printable(message.removeprefix(_ABOUT))
    words = message.removeprefix(_UNKNOWN).split()
    wrong = [word.partition("=")[0] for word in words if word.startswith("-")] or words
    known = [*options]
    return "\n".join(no_option(name, known) for name in dict.fromkeys(wrong))


def no_option(name: str, known: Iterable[str]) -> str:
    """Return that there is no option `name`, and the nearest one of those that are known."""
    hint = did_you_mean(name, known)
    return f"there is no option {printable(name)}{f' ({hint})' if hint else ''}"


def run(words: Sequence[str], head_start: HeadStart | None = None) -> NoReturn:
    """Run pytest with the words of a command line, and end this process with its status.

    `head_start`: the nodes that were asked before, if any; then the words are its own.
    """
    compat.word_usage_errors(in_words)
    own = [word for name in _PLUGINS for word in ("-p", name)]
    for name in _IMPORTED:
        own += ["-W", f"ignore:Module already imported so cannot be rewritten; {name}"]
    plugins = [head_start] if head_start is not None else []
    given = head_start.words if head_start is not None else words
    raise SystemExit(compat.run_pytest([*own, *given], plugins))
