"""The labelled changes of schemas: one file each. This is their only loader.

facts/ are changes of the set in base/: `set` and `remove` name places by file and JSON pointer.
rules/ are changes of one small schema, `old` and `new`, one row at least for each rule. `verdict` is
the right one; `shown` is what is said instead, where it cannot be shown.
"""

import copy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from power_edge.release.schema_set import SchemaSet, checked

HERE = Path(__file__).parent
DOCUMENT = "document.schema.yaml"


class Row(NamedTuple):
    """A change: what it is called, the right verdict, what is shown, and both sets of schemas."""

    name: str
    verdict: str
    shown: str
    old: dict[str, Any]
    new: dict[str, Any]

    def sets(self) -> tuple[SchemaSet, SchemaSet]:
        return checked("old", self.old), checked("new", self.new)


@cache
def rows(folder: str) -> tuple[Row, ...]:
    return tuple(_row(path) for path in sorted((HERE / folder).glob("*.yaml")))


@cache
def base() -> dict[str, Any]:
    return {path.name: yaml.safe_load(path.read_bytes()) for path in (HERE / "base").glob("*.yaml")}


def _row(path: Path) -> Row:
    content = yaml.safe_load(path.read_bytes())
    verdict = content["verdict"]
    if "old" in content:
        old, new = {DOCUMENT: content["old"]}, {DOCUMENT: content["new"]}
    else:
        old, new = base(), copy.deepcopy(base())
        for place in content.get("remove", ()):
            parent, key = _parent(new, place)
            del parent[key]
        for place, value in content.get("set", {}).items():
            parent, key = _parent(new, place)
            parent[key] = value
    assert set(content) <= {"change", "verdict", "shown", "old", "new", "set", "remove"}
    return Row(content["change"], verdict, content.get("shown", verdict), old, new)


def _parent(files: dict[str, Any], place: str) -> tuple[Any, Any]:
    """What holds the value at a place, and its key or index there."""
    file, _, pointer = place.partition("#")
    keys = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    holder: Any = files
    for key in [file, *keys][:-1]:
        holder = holder[int(key)] if isinstance(holder, list) else holder[key]
    last = [file, *keys][-1]
    return holder, int(last) if isinstance(holder, list) else last
