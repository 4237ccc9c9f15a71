"""What `make dist` built; POWER_EDGE_DIST names the folder. And how docs/install.md installs it."""

import os
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/install.md"
_FOLDER = Path(os.environ.get("POWER_EDGE_DIST", "dist")).absolute()
"""As the environment names it where the tests start: some of them go to another folder."""


def folder() -> Path:
    """The folder of artifacts."""
    return _FOLDER


def artifact(pattern: str) -> Path:
    """The one file whose name fits. AssertionError: there is none, or more."""
    found = [*folder().glob(pattern)]
    assert len(found) == 1, f"make dist: {folder()} has {found} for {pattern}"
    return found[0]


def commands(title: str) -> str:
    """The commands of a block of docs/install.md."""
    (found,) = re.findall(
        rf"^```sh {title}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    return str(found)
