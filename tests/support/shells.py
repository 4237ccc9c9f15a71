"""The shells that scripts are tried in, and which of them are not installed here."""

import os
import shutil
from collections.abc import Iterable

import pytest

_COMMANDS = {
    "sh": ["sh"],
    "dash": ["dash"],
    "bash": ["bash"],
    "mksh": ["mksh"],
    "busybox": ["busybox", "sh"],
}


def each_shell(*names: str) -> pytest.MarkDecorator:
    """Return a mark that gives a test `shell`, the command of a shell, once for each name.

    All shells without a name.
    """
    return pytest.mark.parametrize(
        "shell",
        [
            pytest.param(_COMMANDS[name], marks=pytest.mark.shell(name), id=name)
            for name in names or _COMMANDS
        ],
    )


def not_installed(item: pytest.Item) -> set[str]:
    """Return the shells that a test is marked with and that this machine lacks.

    None in CI, which installs them all: there such a test fails.
    """
    if "CI" in os.environ:
        return set()
    names: Iterable[str] = (name for mark in item.iter_markers("shell") for name in mark.args)
    return {name for name in names if shutil.which(name) is None}
