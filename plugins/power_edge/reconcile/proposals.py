"""How an item is adopted: the edits that make its declaration true, or why there are none."""

from collections.abc import Mapping
from typing import NamedTuple

from power_edge.model import Finding, Item, Outcome, Result
from power_edge.yaml_edit.edit import Edit, Put, Remove, YamlPath
from power_edge.yaml_edit.writer import flow


class Adopted(NamedTuple):
    """An item, the edits that make its declaration true, and a summary of them for people."""

    item: Item
    edits: tuple[Edit, ...]
    summary: str


class NotAdopted(NamedTuple):
    """An item that is not compliant and not adopted, and why."""

    item: Item
    why: str


class Proposal(NamedTuple):
    """Edits that may make a declaration true, and a summary of them for people."""

    edits: tuple[Edit, ...]
    summary: str

    def adopt(self, item: Item) -> Adopted:
        """Return the item, adopted by these edits."""
        return Adopted(item, self.edits, self.summary)


def drifts(result: Result) -> list[Finding]:
    """Return the fields of an item that drifted."""
    return [finding for finding in result.findings if finding.outcome is Outcome.DRIFT]


def change(path: YamlPath, old: Mapping[str, object], new: Mapping[str, object]) -> Proposal:
    """Return the edits from one declaration at a path to another, field by field.

    Raises ValueError for a value that YAML cannot hold.
    """
    removed = [field for field in old if field not in new]
    added = [field for field in new if field not in old]
    changed = [field for field in old if field in new and old[field] != new[field]]
    edits: tuple[Edit, ...] = (
        *(Remove((*path, field)) for field in removed),
        *(
            Put((*path, field), value)
            for field, value in new.items()
            if field in (*changed, *added)
        ),
    )
    parts = [
        *(f"{field}: {flow(old[field])} -> {flow(new[field])}" for field in changed),
        *(f"{field} left out" for field in removed),
        *(f"{field}: {flow(new[field])} added" for field in added),
    ]
    return Proposal(edits, ", ".join(parts))


def removal(path: YamlPath, result: Result) -> Proposal:
    """Return the removal of a declared thing that is gone."""
    return Proposal((Remove(path),), f"removed: {result.why or 'it does not exist any more'}")


def nothing_holds(result: Result) -> NotAdopted:
    """Return a drifted item for which no declaration was found that is true."""
    why = result.why or "no declaration can describe what was observed"
    return NotAdopted(result.item, f"no declaration of it would be compliant: {why}")
