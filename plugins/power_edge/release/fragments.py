"""Changelog fragments: changelog.d/NAME.TYPE.md. The type says which bump the change requires."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from power_edge.release.changes import Verdict
from power_edge.release.schema_set import Unusable
from power_edge.text import quoted

FOLDER: Final = "changelog.d"
SUFFIX: Final = ".md"
TYPES: Final[Mapping[str, Verdict]] = {
    "breaking": Verdict.MAJOR,
    "feature": Verdict.MINOR,
    "bugfix": Verdict.PATCH,
    "config": Verdict.PATCH,
    "doc": Verdict.PATCH,
}
"""pyproject.toml lists the same types for towncrier."""
_FORMER = {
    "added": "feature",
    "fixed": "bugfix",
    "changed": "breaking, feature or bugfix",
    "removed": "breaking",
}
_NAME = re.compile(r"[^/]+?\.(?P<type>[^./]+)(?:\.[0-9]+)?\.md")
"""A number may follow the type, where an issue has two fragments (towncrier)."""


class Fragment(NamedTuple):
    """A file in changelog.d/."""

    path: str
    type: str

    @property
    def bump(self) -> Verdict:
        """The bump that it claims."""
        return TYPES[self.type]


def fragments(files: Mapping[str, bytes]) -> list[Fragment]:
    """Return the fragments of the files in changelog.d/, by name. Raises Unusable for one that
    says nothing or has no known type."""
    return [_fragment(name, data) for name, data in sorted(files.items()) if name[0] != "."]


def _fragment(name: str, data: bytes) -> Fragment:
    path = f"{FOLDER}/{name}"
    found = _NAME.fullmatch(name)
    type_ = found["type"] if found is not None else ""
    if type_ not in TYPES:
        now = _FORMER.get(type_)
        todo = f"its type is now {now}" if now else f"the types are {', '.join(TYPES)}"
        raise Unusable(f"{quoted(path, 200)} has no known type: name it NAME.TYPE.md; {todo}")
    if not data.strip():
        raise Unusable(f"{quoted(path, 200)} is empty: say what changed")
    return Fragment(path, type_)


def to_write(bump: Verdict) -> str:
    """Return the fragment to write for a bump, as a path."""
    type_ = {Verdict.MAJOR: "breaking", Verdict.MINOR: "feature", Verdict.PATCH: "bugfix"}[bump]
    return f"{FOLDER}/NAME.{type_}{SUFFIX}"
