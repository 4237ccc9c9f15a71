"""What the tests need beside Power Edge itself: the group `test` of pyproject.toml."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version


def of_tests(pyproject: str) -> list[str]:
    """The packages of the group `test`; groups that it includes do not count."""
    group = tomllib.loads(pyproject)["dependency-groups"]["test"]
    return [re.split(r"[<>=!~ \[]", each)[0] for each in group if isinstance(each, str)]


def packages_missing(pyproject: str) -> list[str]:
    """Those of them that are missing."""
    return [name for name in of_tests(pyproject) if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
