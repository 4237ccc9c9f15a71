"""What a resource type is made of: plain functions and one record."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from power_edge.model.outcome import Finding
from power_edge.model.remedy import Remedy


class NotObserved(NamedTuple):
    """Could not look: needs root, no tool, no answer.

    Never handed to `judge`; makes each field of the item unknown.
    """

    why: str


Observations = Mapping[str, Any]
"""Key -> the type's own record of what was seen; None: looked, and it is not there; NotObserved: could
not look.
"""


class Entry(NamedTuple):
    """An item inside its section of state.yaml: its name, its declaration, and where it stands
    (`(3,)`, `("rules", 0)`).
    """

    name: str
    declared: Any
    path: tuple[str | int, ...]


def _expected(declared: Any, key: str | None) -> dict[str, Any]:
    return {
        field.name.rstrip("_"): value
        for field in fields(declared)
        if field.name != key and (value := getattr(declared, field.name)) is not None
    }


def _no_problems(_: Any) -> Iterator[tuple[str, str]]:
    return iter(())


def _nothing_hidden(_: Any) -> Sequence[str]:
    return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceType:
    """A kind of thing that a node can be declared to have.

    The schema, the probe and the module of a type share its name. Everything here is pure; only the
    probe touches a node.
    """

    name: str
    declares: Any
    """The generated type of the whole section of state.yaml, as `msgspec.convert` takes it:
    `list[Service]`, `dict[str, str]`, `Firewall`.
    """
    parse: Callable[[bytes], Observations]
    """What the probe printed -> observations by key.

    ValueError: not understood (each item becomes unknown).
    """
    judge: Callable[[Any, Any], Iterator[Finding]]
    """Declaration, and what was seen (None: looked, not there) -> a finding for each field of
    `expected`; a field without one is unknown.
    """
    remedy: Callable[[Any, Any, Sequence[Finding]], Remedy]
    """Declaration, observation, the drifts (at least one) -> what would end them."""
    key: str | None = None
    """The property that names an item of the list; None: `entries` says what the items are."""
    entries: Callable[[Any], Iterator[Entry]] | None = None
    canonical: Callable[[str], str] = str
    """Name as declared -> key of the observation. Total: any string has one."""
    expected: Callable[[Any], Mapping[str, Any]] | None = None
    """Declaration -> the fields that it asserts; by default all fields of the dataclass that are
    set, but for the key.
    """
    problems: Callable[[Any], Iterator[tuple[str, str]]] = _no_problems
    """Declaration -> (field, what is wrong and what would be right): contradictions that a schema
    cannot say.
    """
    ask: Callable[[Sequence[Any]], Iterable[str]] | None = None
    """Declarations -> arguments of the probe; by default the items' keys."""
    extra: Callable[[Any, Any], Iterable[str]] | None = None
    """Declaration, seen -> what is there beyond the declaration and worth a warning (open firewall
    rules).
    """
    fact: Callable[[Any], Any] | None = None
    """Observation -> what operators' own tests are given for it: None where the thing is not there,
    NotObserved where that is open. By default itself.
    """
    hidden: Callable[[Any], Sequence[str]] = _nothing_hidden
    """Declaration -> its fields whose values no message may show: secrets."""
    whole: bool = False
    """The type observes one thing for all its items (the firewall), under the key ''."""
    lists_all: bool = False
    """The probe reads a whole table whatever it was asked: a key that is not in it is not there.

    Otherwise an item without an answer is unknown.
    """

    def items_of(self, section: Any) -> Iterator[Entry]:
        """The items of a section of `declares`' type, in order."""
        if self.entries is not None:
            yield from self.entries(section)
        elif self.key is not None:
            for index, declared in enumerate(section):
                yield Entry(getattr(declared, self.key), declared, (index,))

    def asserts(self, declared: Any) -> Mapping[str, Any]:
        """The fields that a declaration asserts, by name."""
        return (
            self.expected(declared) if self.expected is not None else _expected(declared, self.key)
        )
