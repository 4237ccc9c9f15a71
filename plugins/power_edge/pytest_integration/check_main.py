"""`power-edge check`: pytest in this process, whose usage errors are in our words."""

import re
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
BROUGHT = {
    "pytest-xdist": ("-n", "--numprocesses", "--maxprocesses", "--dist"),
    "pytest-html": ("--html", "--self-contained-html", "--css"),
    "allure-pytest": ("--alluredir", "--clean-alluredir"),
}
"""Plugins of pytest that Power Edge is tested with and does not install -> options they bring."""
_SHORT = re.compile(r"(-n)([0-9]+|auto|logical)")
"""-n with its value in one word."""
_LEAST = 3
"""Letters of an option that may be a mistyped one."""
_SIMILARITY = 0.85
"""How much of a mistyped option is right (difflib's ratio): a wrong guess is worse than none."""


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
    """Return that there is no option `name`, and the plugin that brings it, or the nearest one of
    those that are known.
    """
    if (plugin := brought_by(name)) is not None:
        return (
            f"there is no option {printable(name)}: {plugin} brings it, so install that where Power"
            f" Edge is (pip install {plugin}, or pipx inject power-edge {plugin})"
        )
    hint = near(name, known)
    return f"there is no option {printable(name)}{f' ({hint})' if hint else ''}"


def near(name: str, known: Iterable[str]) -> str | None:
    """Return a hint with the option that is meant by `name`, None if none is near: one that begins
    with its words (`--json`), one of ours about nodes (`--tag`), or one that is spelled alike.
    """
    stem = name.lstrip("-").lower()
    if len(stem) < _LEAST:
        return None
    stems = {each.lstrip("-").lower(): each for each in known}
    longer = (each for each in stems if each.startswith(f"{stem}-"))
    meant = f"node-{stem}" if f"node-{stem}" in stems else next(longer, None)
    if meant is not None:
        return f"did you mean {printable(stems[meant])}?"
    return did_you_mean(name, stems.values(), similarity=_SIMILARITY)


def brought_by(option: str) -> str | None:
    """Return the plugin that would bring an option, as it stands on the command line (`-n2`); None
    for any other.
    """
    name = _SHORT.sub(r"\1", option.partition("=")[0])
    return next((plugin for plugin, options in BROUGHT.items() if name in options), None)


def run(words: Sequence[str], head_start: HeadStart | None = None) -> NoReturn:
    """Run pytest with the words of a command line, and end this process with its status.

    `head_start`: the nodes that were asked before, if any.
    """
    compat.word_usage_errors(in_words)
    own = [word for name in _PLUGINS for word in ("-p", name)]
    for name in _IMPORTED:
        own += ["-W", f"ignore:Module already imported so cannot be rewritten; {name}"]
    plugins = [head_start] if head_start is not None else []
    raise SystemExit(compat.run_pytest([*own, *words], plugins))
