"""The shells that scripts are tried in, act, and which of them are not installed here."""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

_COMMANDS = {
    "sh": ["sh"],
    "dash": ["dash"],
    "bash": ["bash"],
    "mksh": ["mksh"],
    "busybox": ["busybox", "sh"],
}

_BUILT_BY_GO = {"act"}


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


def path_of(name: str) -> str | None:
    """Return the path of a command: beside this Python, or on PATH."""
    return shutil.which(name, path=os.pathsep.join((str(Path(sys.executable).parent), _path())))


def not_installed(item: pytest.Item) -> set[str]:
    """Return the shells that a test is marked with and that this machine lacks.

    None in CI, which installs them all: there such a test fails. What tools/go-tools.sh builds is
    left out in CI too, where it could not be built: without Go, or without what Go fetches.
    """
    names: Iterable[str] = (name for mark in item.iter_markers("shell") for name in mark.args)
    lacking = {name for name in names if path_of(name) is None}
    if "CI" not in os.environ:
        return lacking
    return lacking & _BUILT_BY_GO


def _path() -> str:
    return os.environ.get("PATH", os.defpath)
