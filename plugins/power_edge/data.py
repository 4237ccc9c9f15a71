"""The files that are no Python: schemas and probes, beside the package in a wheel, at the top of a checkout."""

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent


@cache
def folder(name: str) -> Path:
    """The folder `schemas` or `probes`: the wheel's where there is one, else the checkout's."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent.parent / name


@cache
def text(path: str) -> str:
    """The text of a file such as `probes/prelude.sh`."""
    top, _, rest = path.partition("/")
    return (folder(top) / rest).read_text(encoding="utf-8")
