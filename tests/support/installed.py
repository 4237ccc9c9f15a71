"""What the tests need beside Power Edge itself: the group `test` of pyproject.toml."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version


def packages_missing(pyproject: str) -> list[str]:
    """The packages of the group `test` that are missing; groups that it includes do not count."""
    group = tomllib.loads(pyproject)["dependency-groups"]["test"]
    names = [re.split(r"[<>=!~ \[]", each)[0] for each in group if isinstance(each, str)]
    return [name for name in names if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
