"""Adopt drift in a section whose items are judged together, by one observation of all of them.

The firewall is such a section: what a rule does depends on the others, and `exclusive` on all. So a
change counts only if every item that was compliant still is, and every new item is.

A section has fields (`default_incoming: deny`) and lists of entries (`rules`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from power_edge.checking.evaluate import judge
from power_edge.config import ConfigError
from power_edge.config.state import entries
from power_edge.discover.sections import items
from power_edge.model import Outcome, ResourceType, Result
from power_edge.reconcile.proposals import (
    Adopted,
    NotAdopted,
    Proposal,
    change,
    drifts,
    nothing_holds,
    removal,
)
from power_edge.resources import discovery
from power_edge.yaml_edit.edit import Add, Edit, Put, YamlPath, at, changed
from power_edge.yaml_edit.writer import entries as as_entries
from power_edge.yaml_edit.writer import flow


class Broken(NamedTuple):
    """An item that a change leaves not compliant, and its path in the file."""

    result: Result
    path: YamlPath


class Section(NamedTuple):
    """A section of a state.yaml, and what was observed of it."""

    kind: ResourceType[Any, Any]
    document: Any
    """The value of the whole file."""
    compliant: frozenset[str]
    """The keys of the items that are compliant as declared."""
    observed: Any
    accepted: tuple[Edit, ...] = ()
    """The edits of the items that were adopted before."""

    def accept(self, edits: Iterable[Edit]) -> "Section":
        """Return the section with these edits made as well."""
        return self._replace(accepted=(*self.accepted, *edits))

    @property
    def as_observed(self) -> Mapping[str, Any]:
        """The section as discovery would declare it; empty if it would not."""
        return next(iter(discovery(self.kind.name).forms("", self.observed)), {})

    def broken_by(self, edits: Iterable[Edit], repaired: str | None) -> list[Broken] | None:
        """Return the items that edits would break: those compliant before, and new ones.

        None if the edits cannot be made, or if the item with the key `repaired` would not be
        compliant after them.
        """
        try:
            after = self._judged(edits)
        except ConfigError:
            return None
        if repaired is not None and (
            repaired not in after or after[repaired].result.outcome is not Outcome.COMPLIANT
        ):
            return None
        declared = self._keys(self.document[self.kind.name])
        return [
            item
            for key, item in after.items()
            if item.result.outcome is not Outcome.COMPLIANT
            and (key in self.compliant or key not in declared)
        ]

    def _judged(self, edits: Iterable[Edit]) -> dict[str, Broken]:
        """Return all items as they would be judged after the edits, by key. Raises ConfigError."""
        section = changed(self.document, [*self.accepted, *edits]).get(self.kind.name)
        return {
            item.key: Broken(judge(self.kind, item, {"": self.observed}), (self.kind.name, *path))
            for item, path in (items(self.kind, section) if section else [])
        }

    def _keys(self, section: Any) -> set[str]:
        return {self.kind.canonical(entry.name) for entry in entries(self.kind, section)}

    def undeclared(self, name: str) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        """Yield each entry of the list `name` that was observed and is not declared.

        With it come the fields that it would assert.
        """
        now = changed(self.document, self.accepted).get(self.kind.name, {})
        declared = self._keys(now)
        for value in self.as_observed.get(name, ()):
            (entry,) = entries(self.kind, {name: [value]})
            if self.kind.canonical(entry.name) not in declared:
                yield value, self.kind.asserts(entry.declared)


def adopt_in_section(section: Section, result: Result, path: YamlPath) -> Adopted | NotAdopted:
    """Return the edits that make a drifted item of a section true, and break no other.

    `path` is the item's in the file. If the edits break one other item, which is a field, that one
    is adopted along with it.
    """
    for proposal, broken in _possible(section, result, path):
        if not broken:
            return proposal.adopt(result.item)
        if len(broken) == 1:
            along = _adopt_along(section, proposal, broken[0])
            if along is not None:
                name = along.item.name
                summary = f"{proposal.summary}, and so {name}: {along.summary}"
                return Adopted(result.item, (*proposal.edits, *along.edits), summary)
    return nothing_holds(result)


def _adopt_along(section: Section, proposal: Proposal, broken: Broken) -> Adopted | None:
    """Return how a field that a proposal breaks is adopted after it, breaking nothing more.

    None for an entry of a list: its path may have moved. None also if the field became unknown.
    """
    if not _is_field(broken.path) or broken.result.outcome is not Outcome.DRIFT:
        return None
    after = section.accept(proposal.edits)
    after = after._replace(compliant=section.compliant - {broken.result.item.key})
    for next_proposal, more in _possible(after, broken.result, broken.path):
        if not more:
            return next_proposal.adopt(broken.result.item)
    return None


def _possible(
    section: Section, result: Result, path: YamlPath
) -> Iterator[tuple[Proposal, list[Broken]]]:
    """Yield the proposals for an item that can be made and repair it, with what they break."""
    if _is_field(path):
        proposals, repaired = _for_field(section, result, path), result.item.key
    else:
        proposals, repaired = _for_entry(section, result, path), None
    for proposal in proposals:
        broken = section.broken_by(proposal.edits, repaired)
        if broken is not None:
            yield proposal, broken


def _is_field(path: YamlPath) -> bool:
    """Return whether a path is that of a field of the section, not of an entry in a list."""
    return len(path) == 2


def _for_entry(section: Section, result: Result, path: YamlPath) -> Iterator[Proposal]:
    """Yield undeclared entries to put in place of a declared one; last, its removal.

    They are equal in all that did not drift.
    """
    drifted = {finding.field for finding in drifts(result)}
    declared, expected = at(section.document, path), result.item.expected
    for value, asserted in section.undeclared(str(path[1])):
        if any(
            asserted.get(field) != wanted
            for field, wanted in expected.items()
            if field not in drifted
        ):
            continue
        # A field that asserts nothing, such as a person's comment, stays.
        kept = {
            field: asserted.get(field, old)
            for field, old in declared.items()
            if field in asserted or field not in expected
        }
        more = {
            field: observed
            for field, observed in value.items()
            if field in asserted and field not in kept
        }
        yield change(path, declared, {**kept, **more})
    yield removal(path, result)


def _for_field(section: Section, result: Result, path: YamlPath) -> Iterator[Proposal]:
    """Yield a field's value as observed; then undeclared entries to declare, if those differ."""
    (drift,) = drifts(result)
    old = at(section.document, path)
    for new in (section.as_observed.get(str(path[1])), drift.actual):
        if new is not None and new != old:
            yield Proposal((Put(path, new),), f"{flow(old)} -> {flow(new)}")
    for name, value in section.as_observed.items():
        if isinstance(value, list):
            yield _declare_missing(section, name, result.item.key)


def _declare_missing(section: Section, name: str, key: str) -> Proposal:
    """Return the addition of undeclared entries to the list `name`, as few as make `key` true."""
    place = (section.kind.name, name)
    needed = [value for value, _ in section.undeclared(name)]
    for value in list(needed):
        without = [other for other in needed if other is not value]
        if section.broken_by([Add(place, as_entries(without))], key) == []:
            needed = without
    return Proposal(
        (Add(place, as_entries(needed)),),
        f"{len(needed)} added to {name}"
        if needed
        else "it is compliant with the other adopted items",
    )
