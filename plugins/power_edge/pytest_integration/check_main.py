"""The process of `power-edge check`: `python -m pytest`, whose usage errors are in our words."""

import runpy
from collections.abc import Iterable

from power_edge.pytest_integration import compat
from power_edge.text import did_you_mean, printable

_UNKNOWN = "unrecognized arguments: "
_ABOUT = "argument "


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


if __name__ == "__main__":
    compat.word_usage_errors(in_words)
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)
