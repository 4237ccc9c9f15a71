"""Turn what was observed on a node into declarations that are true of it.

Pure. Each declaration is judged by the very observation that it was made from.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from power_edge.checking.cpu_limit import CpuLimit, TookTooLong
from power_edge.checking.evaluate import judge
from power_edge.config import ConfigError
from power_edge.config.node_configs import STATE
from power_edge.config.schema_version import installed
from power_edge.config.state import entries, state_of
from power_edge.config.yaml_reader import Document
from power_edge.model import Item, NotObserved, Observations, Outcome, ResourceType, Result
from power_edge.probing.framing import Answer
from power_edge.probing.observe import LONGEST_SECTION, parsed
from power_edge.resources import discovery, resource

SECONDS = 60.0
"""Seconds of computing for one resource type: discovery judges every candidate declaration."""


class Found(NamedTuple):
    """A true declaration: its name, its value as in the section, and where it comes from."""

    name: str
    value: Any
    why: str


class LeftOut(NamedTuple):
    """A thing that is not declared: on purpose, or because no declaration would be compliant."""

    what: str
    why: str


class Hidden(NamedTuple):
    """A thing that could not be observed."""

    what: str
    why: str


class Section(NamedTuple):
    """What was discovered for one resource type."""

    type: str
    found: tuple[Found, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    observations: Observations = MappingProxyType({})
    """What the machine shows of each thing that the discovery looked at."""

    @property
    def value(self) -> Any:
        """The section as in state.yaml."""
        if resource(self.type).key is not None:
            return [found.value for found in self.found]
        return {found.name: found.value for found in self.found}


class _Line(NamedTuple):
    sign: str
    what: str
    why: str


def section(name: str, answer: Answer) -> Section:
    """Return what can be declared of the resource type with that name."""
    try:
        return CpuLimit(SECONDS).spend(lambda: _section(name, answer))
    except TookTooLong as error:
        return Section(name, hidden=(Hidden(name, str(error)),))


def _section(name: str, answer: Answer) -> Section:
    kind = resource(name)
    output = answer.outputs.get(f"find.{name}")
    failure = "the answer is incomplete" if output is None else output.failure()
    if output is not None and len(output.stdout) > LONGEST_SECTION:
        failure = f"the section is longer than {LONGEST_SECTION >> 20} MiB"
    if output is None or failure is not None:
        return Section(name, hidden=(Hidden(name, failure or ""),))
    lines = list(_lines(output.stdout))
    declare = _together if kind.whole else _one_by_one
    observations = _observations(kind, answer)
    everything = [*declare(kind, lines, observations)]
    everything += [
        LeftOut(line.what, line.why) if line.sign == "-" else Hidden(line.what, line.why)
        for line in lines
        if line.sign != "+"
    ]
    return Section(
        name,
        tuple(each for each in everything if isinstance(each, Found)),
        tuple(each for each in everything if isinstance(each, LeftOut)),
        tuple(dict.fromkeys(each for each in everything if isinstance(each, Hidden))),
        {} if isinstance(observations, NotObserved) else observations,
    )


def _lines(output: bytes) -> Iterator[_Line]:
    for line in output.decode("utf-8", "surrogateescape").split("\n"):
        if line[:1] in ("+", "-", "?"):
            what, _, why = line[1:].partition("\t")
            yield _Line(line[0], what, why)


def _observations(kind: ResourceType[Any, Any], answer: Answer) -> Observations | NotObserved:
    output = answer.outputs.get(f"{kind.name}.0")
    return NotObserved("the answer is incomplete") if output is None else parsed(kind, output)


def _observed(observations: Observations | NotObserved, key: str) -> Any:
    return (
        observations
        if isinstance(observations, NotObserved)
        else observations.get(key, NotObserved("the node's answer does not mention it"))
    )


def _one_by_one(
    kind: ResourceType[Any, Any], lines: Iterable[_Line], observations: Observations | NotObserved
) -> Iterator[Found | LeftOut | Hidden]:
    """Declare each thing by itself. If two lines are about one thing, the first counts."""
    first: dict[str, tuple[str, str]] = {}
    for line in lines:
        if line.sign == "+":
            name = discovery(kind.name).name(line.what)
            first.setdefault(kind.canonical(name), (name, line.why))
    for key, (name, why) in first.items():
        observed = _observed(observations, key)
        yield (
            Hidden(name, observed.why)
            if isinstance(observed, NotObserved)
            else _one(kind, name, why, observed)
        )


def _one(kind: ResourceType[Any, Any], name: str, why: str, observed: Any) -> Found | LeftOut:
    problem = "no declaration would be compliant"
    for form in discovery(kind.name).forms(name, observed):
        value = {kind.key: name, **form} if kind.key is not None else form["value"]
        try:
            (item, _), *_ = items(kind, [value] if kind.key is not None else {name: value})
        except ConfigError as error:
            problem = error.problems[0].message
            continue
        result = judge(kind, item, {item.key: observed})
        if result.outcome is Outcome.COMPLIANT:
            return Found(name, value, why)
        problem = result.why or problem
    return LeftOut(name, f"{why}; {problem}" if why else problem)


def _together(
    kind: ResourceType[Any, Any], lines: Iterable[_Line], observations: Observations | NotObserved
) -> Iterator[Found | LeftOut | Hidden]:
    """Declare a type whose items share one observation.

    They are judged together: items that are not true are taken out until all are.
    """
    for line in lines:
        if line.sign != "+":
            continue
        observed = _observed(observations, "")
        if isinstance(observed, NotObserved):
            yield Hidden(kind.name, observed.why)
            return
        value, wrong = dict(next(discovery(kind.name).forms("", observed), {})), set[str]()
        while value:
            try:
                declared = items(kind, value)
            except ConfigError as error:
                yield LeftOut(kind.name, error.problems[0].message)
                return
            results = [judge(kind, item, {"": observed}) for item, _ in declared]
            wrong_place = next(
                (
                    place
                    for place, result in enumerate(results)
                    if result.outcome is not Outcome.COMPLIANT
                ),
                None,
            )
            whys = {_reason(result) for result in results}
            if len(whys) == 1 and all(each.outcome is Outcome.UNKNOWN for each in results):
                yield Hidden(kind.name, *whys)  # one cause, and nothing could be looked at
                return
            if wrong_place is None:
                undeclared = (
                    text for result in results for text in result.extra if text not in wrong
                )
                yield from (Found(name, entry, line.why) for name, entry in value.items())
                yield from (
                    LeftOut(text, "it exists and is not declared: every check reports it")
                    for text in undeclared
                )
                return
            result = results[wrong_place]
            yield LeftOut(result.item.name, _reason(result))
            wrong.add(result.item.name)
            value = _without(value, declared[wrong_place][1])
        return


def _reason(result: Result) -> str:
    """Return why an item is not compliant."""
    # An item of one field has the field's name, with which the reason begins.
    return (result.why or _actual(result)).removeprefix(f"{result.item.name}: ")


def _actual(result: Result) -> str:
    return "; ".join(
        f"{finding.field} is {finding.actual}"
        for finding in result.findings
        if finding.outcome is not Outcome.COMPLIANT
    )


def _without(section: Mapping[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    """Return a section without the item at a path, and without a list that this leaves empty."""
    name, *place = path
    rest = (
        [entry for index, entry in enumerate(section[str(name)]) if index != place[0]]
        if place
        else []
    )
    return {
        key: entry if key != name else rest for key, entry in section.items() if key != name or rest
    }


def items(kind: ResourceType[Any, Any], section: Any) -> list[tuple[Item, tuple[str | int, ...]]]:
    """Return the items of a section that is not written yet, with their paths in it.

    Raises ConfigError for what no state.yaml can contain.
    """
    state = {"version": str(installed()), kind.name: section}
    found = state_of(Document.of_value(STATE, state), "node").items
    return list(zip(found, (entry.path for entry in entries(kind, section)), strict=True))
