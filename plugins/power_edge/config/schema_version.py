"""The version of the schemas, MAJOR.MINOR: of this program, and of what a file says it is for."""

import re
from functools import cache
from typing import NamedTuple

from power_edge import package_data

FILE = "schemas/VERSION"
_FORM = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})", re.ASCII)


class SchemaVersion(NamedTuple):
    """A version of the whole set of schemas."""

    major: int
    minor: int

    @classmethod
    def of(cls, text: str) -> "SchemaVersion | None":
        """Return the version that a text is, None if it is none."""
        found = _FORM.fullmatch(text)
        return None if found is None else cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@cache
def installed() -> SchemaVersion:
    """Return the version of this program's schemas."""
    found = SchemaVersion.of(package_data.text(FILE).strip())
    if found is None:
        raise RuntimeError(f"{FILE} is no MAJOR.MINOR")
    return found
