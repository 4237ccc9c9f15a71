"""The version of this program, as it shows it."""

import re
from importlib.metadata import version
from pathlib import Path

_PRE_RELEASE = re.compile(r"([0-9]+\.[0-9]+\.[0-9]+)rc([0-9]+)")
"""A pre-release as PEP 440 writes it."""


def own_version() -> str:
    """Return the version, and the commit if the build knew it: `1.3.0-pre.145+abc1234`."""
    file = Path(__file__).with_name("commit.txt")  # an editable installation has none
    commit = file.read_text(encoding="ascii").strip() if file.exists() else ""
    return shown(version("power-edge"), commit)


def shown(wheel: str, commit: str) -> str:
    """Return a version of a wheel and the commit, or nothing, that it was built from.

    It has the form of semver.org.
    """
    semver = _PRE_RELEASE.sub(r"\1-pre.\2", wheel)
    return f"{semver}+{commit[:7]}" if commit else semver
