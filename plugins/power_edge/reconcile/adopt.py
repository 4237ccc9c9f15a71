"""Drift taken over into state.yaml: the smallest edit of each declaration that makes it true of
what was seen. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

from power_edge.checking.check import Checked
from power_edge.checking.evaluate import judge
from power_edge.config import ConfigError, Node, load_state
from power_edge.config.state import entries
from power_edge.config.yaml_reader import read
from power_edge.discover.sections import items
from power_edge.model import Item, NotObserved, Outcome, ResourceType, Result
from power_edge.resources import discoverable, discovery, resource
from power_edge.yaml_edit.edit import (
    Add,
    Edit,
    EditRefused,
    Put,
    Remove,
    YamlPath,
    at,
    changed,
    edit,
)
from power_edge.yaml_edit.writer import entries as as_entries
from power_edge.yaml_edit.writer import flow


class Adopted(NamedTuple):
    """An item with the edits that make it true, and what they come to, for people."""

    item: Item
    edits: tuple[Edit, ...]
    told: str


class Left(NamedTuple):
    """An item that is not compliant and not adopted, and why."""

    item: Item
    why: str


class Adoption(NamedTuple):
    """A state.yaml with the drift taken over, and what was done with each item."""

    text: str
    adopted: tuple[Adopted, ...]
    left: tuple[Left, ...]
    secrets: frozenset[str] = frozenset()
    """Declared values that nobody is to be shown, by what the node says of them."""


def asked(node: Node) -> Node:
    """The node as it is to be asked: what a check need not know of drift, a new declaration may."""
    wider = (
        item._replace(declared=discovery(item.type).asked(item.declared))
        if item.type in discoverable()
        else item
        for item in node.items
    )
    return replace(node, state=node.state._replace(items=tuple(wider)))


def adopt(text: str, checked: Checked, wanted: Iterable[Item]) -> Adoption:
    """The text of the node's state.yaml with the drift of the wanted items taken over; the gate is
    open.

    What is not drift, and what would not be compliant by the very observation that shows the drift,
    is left as it is. Raises ConfigError where the file cannot be used.
    """
    file, node = checked.node.state.file, checked.node.name
    there = read(text.encode("utf-8", "surrogatepass"), file).value
    results = [
        result
        for item in wanted
        if (result := checked.result(item)).outcome is not Outcome.COMPLIANT
    ]
    secrets = frozenset(_secrets(checked))
    drifted = [result for result in results if result.outcome is Outcome.DRIFT]
    left = [
        Left(result.item, f"{result.outcome.value}: {result.why}")
        for result in results
        if result.outcome is not Outcome.DRIFT
    ]
    found = list(_found(there, checked, drifted))
    left += [one for one in found if isinstance(one, Left)]
    adopted = [one for one in found if isinstance(one, Adopted)]
    while True:
        adopted, refused = _possible(text, adopted, file)
        new = edit(text, [change for one in adopted for change in one.edits], file)
        wrong = list(
            _wrong(
                checked, load_state(new.encode("utf-8", "surrogatepass"), file, node).items, adopted
            )
        )
        left += [*refused, *wrong]
        if not wrong:
            return Adoption(new, tuple(adopted), tuple(left), secrets)
        keys = {(one.item.type, one.item.key) for one in wrong}
        adopted = [one for one in adopted if (one.item.type, one.item.key) not in keys]


def _secrets(checked: Checked) -> Iterator[str]:
    for item in checked.node.items:
        for finding in checked.result(item).findings:
            if finding.secret and (value := getattr(item.declared, finding.field)):
                yield value


def _found(
    there: Mapping[str, Any], checked: Checked, drifted: Sequence[Result]
) -> Iterator[Adopted | Left]:
    """What can be done with each item by itself; of a type that is judged as a whole, one after the
    other.
    """
    accepted: list[Edit] = []
    for name, results in groupby(
        sorted(drifted, key=lambda result: result.item.type), key=lambda result: result.item.type
    ):
        kind, observations = resource(name), checked.observations[name]
        if name not in discoverable():
            yield from (
                Left(result.item, f"{name} cannot be discovered, so they cannot be adopted")
                for result in results
            )
            continue
        assert not isinstance(observations, NotObserved), "drift was seen"
        paths = {
            kind.canonical(entry.name): (name, *entry.path) for entry in entries(kind, there[name])
        }
        sound = frozenset(
            item.key
            for item in checked.node.items
            if item.type == name and checked.result(item).outcome is Outcome.COMPLIANT
        )
        for result in results:
            path = paths[result.item.key]
            if kind.whole:
                one = _of_section(
                    _Section(kind, there, tuple(accepted), sound, observations[""]), result, path
                )
                accepted += one.edits if isinstance(one, Adopted) else ()
            else:
                one = _alone(kind, result, path, at(there, path), observations.get(result.item.key))
            yield one


def _alone(
    kind: ResourceType, result: Result, path: YamlPath, value: Any, observed: Any
) -> Adopted | Left:
    """An item that is judged by itself."""
    item = result.item
    forms = list(discovery(kind.name).forms(item.name, observed))
    secrets = [
        finding.field
        for finding in result.findings
        if finding.secret and finding.outcome is Outcome.DRIFT
    ]
    if forms and secrets:
        return Left(
            item,
            f"{' and '.join(secrets)} of a secret: what is there now is not shown, and is declared by hand",
        )
    if not forms or (kind.fact is not None and kind.fact(observed) is None):
        return Adopted(item, (Remove(path),), _gone(result))
    declared = value if kind.key is not None else {"value": value}
    for candidate in _candidates(declared, forms, result):
        try:
            told = _told(declared, candidate)
            (new, _), *_ = items(
                kind, [candidate] if kind.key is not None else {item.name: candidate["value"]}
            )
        except (
            ConfigError,
            KeyError,
            ValueError,
        ):  # what was seen need not be a word that can be declared
            continue
        if judge(kind, new, {new.key: observed}).outcome is Outcome.COMPLIANT:
            edits = (
                tuple(_edits(path, declared, candidate))
                if kind.key is not None
                else (Put(path, candidate["value"]),)
            )
            return Adopted(item, edits, told)
    return Left(
        item, f"no declaration of it would hold true: {result.why or 'nothing fits what was seen'}"
    )


def _gone(result: Result) -> str:
    return f"removed: {result.why or 'it is not there any more'}"


def _candidates(
    declared: Mapping[str, Any], forms: Sequence[Mapping[str, Any]], result: Result
) -> Iterator[Mapping[str, Any]]:
    """Declarations that may hold true, those that change the least and assert the most first."""
    actual = {
        finding.field: finding.actual
        for finding in result.findings
        if finding.outcome is Outcome.DRIFT
    }
    rest = {field: value for field, value in declared.items() if field not in actual}
    observed = {field: value for field, value in actual.items() if value is not None}

    def with_(values: Mapping[str, Any]) -> dict[str, Any]:
        """The declaration, its fields in order, the drifted ones by these values or not at all."""
        kept = {
            field: values.get(field, value)
            for field, value in declared.items()
            if field in rest or field in values
        }
        return {**kept, **{field: value for field, value in values.items() if field not in kept}}

    ours = [{field: form[field] for field in actual if field in form} for form in forms]
    yield with_(observed)
    yield from (with_({**observed, **values}) for values in ours)
    # One field in place of another: a hash in place of a content.
    yield from (
        with_({**values, field: form[field]})
        for form, values in zip(forms, ours, strict=True)
        for field in form
        if field not in declared
    )
    yield from map(with_, (*ours, {}))


def _edits(path: YamlPath, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Edit]:
    for field in old:
        if field not in new:
            yield Remove((*path, field))
    for field, value in new.items():
        if field not in old or old[field] != value:
            yield Put((*path, field), value)


def _told(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What differs, with values as the file has them.

    Raises ValueError for one that none can hold.
    """
    changes = [
        f"{field}: {flow(old[field])} -> {flow(new[field])}"
        for field in old
        if field in new and old[field] != new[field]
    ]
    changes += [f"{field} left out" for field in old if field not in new]
    return ", ".join(
        [*changes, *(f"{field}: {flow(new[field])} added" for field in new if field not in old)]
    )


class _Section(NamedTuple):
    """A section that is judged as a whole: the file with the edits accepted so far, the items that
    were compliant, and what was seen.
    """

    kind: ResourceType
    there: Any
    accepted: tuple[Edit, ...]
    sound: frozenset[str]
    observed: Any

    @property
    def form(self) -> Mapping[str, Any]:
        return next(iter(discovery(self.kind.name).forms("", self.observed)), {})

    def judged(self, edits: Iterable[Edit]) -> dict[str, tuple[Result, YamlPath]]:
        """The items with these edits made as well, judged, by key, and where they stand.

        Raises ConfigError for what cannot be declared.
        """
        section = changed(self.there, [*self.accepted, *edits]).get(self.kind.name)
        found = items(self.kind, section) if section else []
        return {
            item.key: (judge(self.kind, item, {"": self.observed}), (self.kind.name, *path))
            for item, path in found
        }

    def wrong(self, edits: Iterable[Edit], key: str | None) -> list[tuple[Result, YamlPath]] | None:
        """The items that these edits leave wrong though they were compliant or are new; None where
        that cannot be, or the item `key` is not true.
        """
        try:
            judged = self.judged(edits)
        except ConfigError:
            return None
        before = {
            self.kind.canonical(entry.name)
            for entry in entries(self.kind, self.there[self.kind.name])
        }
        wrong = {
            found: one for found, one in judged.items() if one[0].outcome is not Outcome.COMPLIANT
        }
        if key is not None and (key in wrong or key not in judged):
            return None
        return [one for found, one in wrong.items() if found in self.sound or found not in before]


def _of_section(
    section: _Section, result: Result, path: YamlPath, *, alone: bool = False
) -> Adopted | Left:
    """An item that is judged with others.

    What it makes wrong of them is taken over with it, unless `alone`.
    """
    listed = len(path) > 2
    for edits, told in (_of_list if listed else _of_field)(section, result, path):
        wrong = section.wrong(edits, None if listed else result.item.key)
        if wrong == []:
            return Adopted(result.item, edits, told)
        if (
            wrong and not alone and len(wrong) == 1 and len(wrong[0][1]) == 2
        ):  # a field: places in lists may have moved
            ((other, place),) = wrong
            after = section._replace(
                accepted=(*section.accepted, *edits), sound=section.sound - {other.item.key}
            )
            along = _of_section(after, other, place, alone=True)
            if isinstance(along, Adopted):
                return Adopted(
                    result.item,
                    (*edits, *along.edits),
                    f"{told}, and so {other.item.name}: {along.told}",
                )
    return Left(
        result.item,
        f"no declaration of it would hold true: {result.why or 'nothing fits what was seen'}",
    )


Proposed = Iterator[tuple[tuple[Edit, ...], str]]


def _of_list(section: _Section, result: Result, path: YamlPath) -> Proposed:
    """A rule as it is by what was seen, all of it being as declared but what drifted; or none."""
    drifted = {finding.field for finding in result.findings if finding.outcome is Outcome.DRIFT}
    declared, expected = at(section.there, path), result.item.expected
    for value, asserted in _unknown_of(section, str(path[1])):
        if all(
            asserted.get(field) == wanted
            for field, wanted in expected.items()
            if field not in drifted
        ):
            # A person's note, which asserts nothing, stays.
            kept = {
                field: asserted.get(field, old)
                for field, old in declared.items()
                if field in asserted or field not in expected
            }
            new = {
                **kept,
                **{
                    field: observed
                    for field, observed in value.items()
                    if field in asserted and field not in kept
                },
            }
            yield tuple(_edits(path, declared, new)), _told(declared, new)
    yield (Remove(path),), _gone(result)


def _of_field(section: _Section, result: Result, path: YamlPath) -> Proposed:
    """A field as it is by what was seen; or, where rules that are not declared are what differs,
    those declared as well.
    """
    (finding,) = (finding for finding in result.findings if finding.outcome is Outcome.DRIFT)
    name, old = str(path[1]), at(section.there, path)
    for new in (section.form.get(name), finding.actual):
        if new is not None and new != old:
            yield (Put(path, new),), f"{flow(old)} -> {flow(new)}"
    for lists in (field for field, value in section.form.items() if isinstance(value, list)):
        new_ones = [value for value, _ in _unknown_of(section, lists)]
        for value in list(new_ones):
            without = [other for other in new_ones if other is not value]
            if (
                section.wrong(
                    [Add((section.kind.name, lists), as_entries(without))], result.item.key
                )
                == []
            ):
                new_ones = without
        told = (
            f"{len(new_ones)} added to {lists}"
            if new_ones
            else "it holds with what else was adopted"
        )
        yield (Add((section.kind.name, lists), as_entries(new_ones)),), told


def _unknown_of(section: _Section, lists: str) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """What was seen of a list and is not declared, each with the fields that it would assert."""
    kind = section.kind
    known = {
        kind.canonical(entry.name)
        for entry in entries(kind, changed(section.there, section.accepted).get(kind.name, {}))
    }
    for value in section.form.get(lists, ()):
        (entry,) = entries(kind, {lists: [value]})
        if kind.canonical(entry.name) not in known:
            yield value, kind.asserts(entry.declared)


def _possible(text: str, adopted: Sequence[Adopted], file: str) -> tuple[list[Adopted], list[Left]]:
    """Those whose edits the file allows, of values that YAML can hold; the others need a person."""
    try:
        edit(text, [change for one in adopted for change in one.edits], file)
        return list(adopted), []
    except (EditRefused, ValueError):
        possible, refused = [], []
    for one in adopted:
        try:
            edit(text, one.edits, file)
            possible.append(one)
        except (EditRefused, ValueError) as error:
            refused.append(Left(one.item, str(error)))
    return possible, refused


def _wrong(checked: Checked, new: Iterable[Item], adopted: Sequence[Adopted]) -> Iterator[Left]:
    """What would not be compliant after all."""
    before = {(item.type, item.key) for item in checked.node.items}
    touched = {(one.item.type, one.item.key) for one in adopted}
    bad = {}
    for item in new:
        if (item.type, item.key) in touched or (item.type, item.key) not in before:
            result = judge(resource(item.type), item, checked.observations[item.type])
            if result.outcome is not Outcome.COMPLIANT:
                bad[item.type, item.key] = (
                    f"it would be {result.outcome.value} all the same: {result.why}"
                )
    strange = {type_ for type_, key in bad if (type_, key) not in touched}
    for one in adopted:
        why = bad.get((one.item.type, one.item.key)) or (
            "what would be added does not hold true" if one.item.type in strange else None
        )
        if why is not None:
            yield Left(one.item, why)
