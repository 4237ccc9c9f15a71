"""tox tests both ends of what pyproject.toml allows."""

import tomllib
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_pytestmin_has_the_oldest_pytest_that_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (floor,) = (
        each.removeprefix("pytest>=") for each in project["dependencies"] if "pytest>=" in each
    )
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    assert tox["testenv:pytestmin"]["deps"] == f"pytest=={floor}.0"
    assert tox["testenv:pytestmin"]["constraints"] == tox["testenv:newest"]["constraints"] == ""
    assert tox["testenv"]["constraints"] == "constraints.txt"
