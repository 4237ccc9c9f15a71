"""Adopt drift: the smallest edits of a state.yaml that make it true of what was observed. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from power_edge.checking.check import Checked
from power_edge.checking.evaluate import judge
from power_edge.config import Node, load_state
from power_edge.config.state import entries
from power_edge.config.yaml_reader import read
from power_edge.model import Item, NotObserved, Outcome, Reason, Result
from power_edge.reconcile.item import adopt_item
from power_edge.reconcile.proposals import Adopted, NotAdopted
from power_edge.reconcile.section import Section, adopt_in_section
from power_edge.resources import discoverable, discovery, resource
from power_edge.yaml_edit.edit import EditRefused, YamlPath, at, edit


class Adoption(NamedTuple):
    """The text of a state.yaml with the drift adopted, and what was done with each item."""

    text: str
    adopted: tuple[Adopted, ...]
    left: tuple[NotAdopted, ...]
    secrets: frozenset[str] = frozenset()
    """Declared values that no message may show, as far as the node makes them secrets."""


def widened(node: Node) -> Node:
    """Return the node with declarations that make its probe collect all that adopting needs.

    A check need not know what drifted to what; a new declaration must.
    """
    widened_items = (
        item._replace(declared=discovery(item.type).widen(item.declared))
        if item.type in discoverable()
        else item
        for item in node.items
    )
    return node.with_items(widened_items)


def adopt(text: str, checked: Checked, selected: Iterable[Item]) -> Adoption:
    """Return the text of a node's state.yaml with the drift of the wanted items adopted.

    The node's gate is open. An item stays as it is if it is not drift, or if it would not be
    compliant by the very observation that shows the drift. Raises ConfigError if the file cannot be
    used.
    """
    results = [
        result
        for item in selected
        if (result := checked.result(item)).outcome is not Outcome.COMPLIANT
    ]
    not_adopted = [
        NotAdopted(result.item, f"{result.outcome.value}: {result.why}")
        for result in results
        if result.outcome is not Outcome.DRIFT
    ]
    drifted = []
    for result in results:
        if result.outcome is Outcome.DRIFT and result.item.reasons:
            not_adopted.append(NotAdopted(result.item, _demanded(result.item.reasons[0])))
        elif result.outcome is Outcome.DRIFT:
            drifted.append(result)
    adopted = []
    for one in _one_by_one(text, checked, drifted):
        if isinstance(one, Adopted):
            adopted.append(one)
        else:
            not_adopted.append(one)
    new, adopted, more = _together(text, checked, adopted)
    return Adoption(new, tuple(adopted), (*not_adopted, *more), frozenset(_secrets(checked)))


def _demanded(reason: Reason) -> str:
    return f"{reason.source} demands it ({reason.text}): change {reason.path} there"


def _secrets(checked: Checked) -> Iterator[str]:
    for item in checked.node.items:
        for finding in checked.result(item).findings:
            if finding.secret and (value := getattr(item.declared, finding.field)):
                yield value


def _one_by_one(
    text: str, checked: Checked, drifted: Iterable[Result]
) -> Iterator[Adopted | NotAdopted]:
    """Yield for each drifted item how it is adopted, or why it is not, type by type."""
    document = read(text.encode("utf-8", "surrogatepass"), checked.node.state.file).value

    def type_of(result: Result) -> str:
        return result.item.type

    for name, results in groupby(sorted(drifted, key=type_of), key=type_of):
        if name in discoverable():
            yield from _of_type(name, document, checked, results)
        else:
            for result in results:
                yield NotAdopted(
                    result.item, f"{name} cannot be discovered, so they cannot be adopted"
                )


def _of_type(
    name: str, document: Mapping[str, object], checked: Checked, results: Iterable[Result]
) -> Iterator[Adopted | NotAdopted]:
    kind, observations = resource(name), checked.observations[name]
    assert not isinstance(observations, NotObserved), "drift was observed"
    paths: dict[str, YamlPath] = {
        kind.canonical(entry.name): (name, *entry.path) for entry in entries(kind, document[name])
    }
    if not kind.whole:
        for result in results:
            key = result.item.key
            value = at(document, paths[key])
            yield adopt_item(kind, result, paths[key], value, observations.get(key))
        return
    compliant = frozenset(
        item.key
        for item in checked.node.items
        if item.type == name and checked.result(item).outcome is Outcome.COMPLIANT
    )
    section = Section(kind, document, compliant, observations[""])
    for result in results:
        one = adopt_in_section(section, result, paths[result.item.key])
        if isinstance(one, Adopted):
            section = section.accept(one.edits)
        yield one


def _together(
    text: str, checked: Checked, adopted: Sequence[Adopted]
) -> tuple[str, list[Adopted], list[NotAdopted]]:
    """Return the text with all edits made that are possible and true together, and the rest.

    The new text is loaded and judged again. As long as something in it is not compliant, its edits
    are dropped and the others are made again.
    """
    file, not_adopted = checked.node.state.file, list[NotAdopted]()
    while True:
        adopted, refused = _editable(text, adopted, file)
        new = edit(text, [change for one in adopted for change in one.edits], file)
        state = load_state(new.encode("utf-8", "surrogatepass"), file, checked.node.name)
        wrong = list(_not_compliant(checked, state.items, adopted))
        not_adopted += [*refused, *wrong]
        if not wrong:
            return new, adopted, not_adopted
        dropped = {_key(one.item) for one in wrong}
        adopted = [one for one in adopted if _key(one.item) not in dropped]


def _editable(
    text: str, adopted: Sequence[Adopted], file: str
) -> tuple[list[Adopted], list[NotAdopted]]:
    """Divide into what can be edited in the file, and what takes a person."""
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
            refused.append(NotAdopted(one.item, str(error)))
    return possible, refused


def _not_compliant(
    checked: Checked, new: Iterable[Item], adopted: Sequence[Adopted]
) -> Iterator[NotAdopted]:
    """Yield the adopted items that would not be compliant in the new file, and why.

    If an item that is new in the file is not compliant, all adopted items of its type are yielded:
    it is unknown which of them brought it.
    """
    declared = {_key(item) for item in checked.node.items}
    adopted_keys = {_key(one.item) for one in adopted}
    wrong: dict[tuple[str, str], Result] = {}
    for item in new:
        if _key(item) in adopted_keys or _key(item) not in declared:
            result = judge(resource(item.type), item, checked.observations[item.type])
            if result.outcome is not Outcome.COMPLIANT:
                wrong[_key(item)] = result
    wrong_types = {type_ for type_, key in wrong if (type_, key) not in adopted_keys}
    for one in adopted:
        if (judged := wrong.get(_key(one.item))) is not None:
            yield NotAdopted(one.item, f"it would still be {judged.outcome.value}: {judged.why}")
        elif one.item.type in wrong_types:
            yield NotAdopted(one.item, "what would be added is not compliant")


def _key(item: Item) -> tuple[str, str]:
    return item.type, item.key
