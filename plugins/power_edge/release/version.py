"""A version in the form that each kind of package uses. All forms have the same order."""

import re
from typing import NamedTuple

from power_edge.release.schema_set import Unusable
from power_edge.text import quoted

_SEMVER = re.compile(
    r"v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-pre\.(0|[1-9][0-9]*))?", re.ASCII
)


class Version(NamedTuple):
    """A release, or the pre-release of that number. `pre` counts commits; None for a release."""

    major: int
    minor: int
    patch: int
    pre: int | None = None

    @classmethod
    def of(cls, text: str) -> "Version":
        """Return the version of a tag, `v1.3.0-pre.145`, or the same without v. Raises Unusable."""
        found = _SEMVER.fullmatch(text)
        if found is None:
            raise Unusable(
                f"{quoted(text)} is not a version: write three numbers, such as 1.3.0 or"
                " 1.3.0-pre.145"
            )
        major, minor, patch, pre = found.groups()
        return cls(int(major), int(minor), int(patch), int(pre) if pre is not None else None)

    @property
    def release(self) -> str:
        """The three numbers."""
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def semver(self) -> str:
        """As Helm and the program write it."""
        return self.release if self.pre is None else f"{self.release}-pre.{self.pre}"

    @property
    def tag(self) -> str:
        """The git tag."""
        return f"v{self.semver}"

    @property
    def wheel(self) -> str:
        """As PEP 440 writes it."""
        return self.release if self.pre is None else f"{self.release}rc{self.pre}"

    @property
    def oci(self) -> tuple[str, ...]:
        """The tags of an image, without `+`, which no registry takes; the exact one is first."""
        if self.pre is not None:
            return (self.semver,)
        return self.release, f"{self.major}.{self.minor}", str(self.major)

    @property
    def package(self) -> str:
        """As Debian and RPM write it. Before `~` is later than behind it."""
        return f"{self.release}-1" if self.pre is None else f"{self.release}~pre{self.pre}-1"

    @property
    def order(self) -> tuple[int, int, int, bool, int]:
        """What versions are sorted by. A pre-release is before its release."""
        return self.major, self.minor, self.patch, self.pre is None, self.pre or 0
