"""The version of the schemas, MAJOR.MINOR: of this program, and of what a file says it is for."""

import re
from functools import cache
from typing import NamedTuple

from power_edge import package_data

FILE = "schemas/VERSION"
_FORM = re.compile(r"([0-9]+)\.([0-9]+)", re.ASCII)
_DIGITS = 18


class SchemaVersion(NamedTuple):
    """A version of the whole set of schemas."""

    major: int
    minor: int

    @classmethod
    def of(cls, text: str) -> "SchemaVersion | None":
        """Return a text as a version; None if it is not one.

        A number with too many digits counts as a large one, which no schemas have.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            return None
        return cls(*(int(each) if len(each) <= _DIGITS else 10**_DIGITS for each in found.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@cache
def installed() -> SchemaVersion:
    """Return the version of this program's schemas."""
    found = SchemaVersion.of(package_data.text(FILE).strip())
    if found is None:
        raise RuntimeError(f"{FILE} is not a MAJOR.MINOR")
    return found
