"""What `make dist` built; POWER_EDGE_DIST names the folder."""

import os
from pathlib import Path


def folder() -> Path:
    """The folder of artifacts."""
    return Path(os.environ["POWER_EDGE_DIST"]).absolute()


def artifact(pattern: str) -> Path:
    """The one file whose name fits. AssertionError: there is none, or more."""
    found = [*folder().glob(pattern)]
    assert len(found) == 1, f"make dist: {folder()} has {found} for {pattern}"
    return found[0]
