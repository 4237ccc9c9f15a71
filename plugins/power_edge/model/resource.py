"""The record that makes a resource type: plain functions, nothing else."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, Union

from power_edge.model.outcome import Finding, Value
from power_edge.model.remedy import Remedy

Declared = TypeVar("Declared")
Observed = TypeVar("Observed")


class NotObserved(NamedTuple):
    """The probe could not look: it needs root, a tool is missing, or there was no answer.

    `judge` never gets it. It makes each field of the item unknown.
    """

    why: str


FactFields: TypeAlias = Mapping[str, Union["Value", NotObserved]]
"""The fields of a declaration, each with its value on the node."""


Observations = Mapping[str, object]
"""Key -> what the probe observed, as the type's own record, or NotObserved."""


class Entry(NamedTuple, Generic[Declared]):
    """An item in its section of state.yaml: name, declaration, and path inside the section.

    The path is `(3,)` for the fourth item of a list, `("rules", 0)` for the first rule.
    """

    name: str
    declared: Declared
    path: tuple[str | int, ...]


class Triggers(NamedTuple):
    """What on the node can change an item.

    `paths` are absolute paths of files and folders; of a folder everything in it counts, two levels
    deep. `units` are full names of systemd units whose state is the item's or whose journal reports
    the change, `commands` names of programs that make it.

    The watch alone uses the rest. `databases` are absolute paths of what a tool keeps for itself.
    `values` are absolute paths of files that send no events, and whose content is compared (in
    /proc and /sys). `topics` are names that event sources report about a node as a whole:
    `unit-files`, `nftables`, `xtables`, `network`. `locks` are absolute paths of files that a tool
    locks while it changes the item (fcntl(2)): what is read meanwhile is an intermediate state.
    """

    paths: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()


def _asserted_fields(declared: Any, key: str | None) -> dict[str, Value]:
    return {
        field.name.rstrip("_"): value
        for field in fields(declared)
        if field.name != key and (value := getattr(declared, field.name)) is not None
    }


def _set_fields(declared: Any) -> dict[str, Value]:
    return {
        field.name.rstrip("_"): value
        for field in fields(declared)
        if (value := getattr(declared, field.name)) is not None and value != field.default
    }


def _no_problems(_: object) -> Iterator[tuple[str, str]]:
    return iter(())


def _nothing_attached(declared: Declared, _: object) -> Declared:
    return declared


def _nothing_hidden(_: object) -> Sequence[str]:
    return ()


def _unchanged(observed: Any) -> Any:
    return observed


def _no_triggers(_: object, __: str) -> Triggers:
    return Triggers()


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceType(Generic[Declared, Observed]):
    """A kind of thing that a node can be declared to have.

    `Declared` is the declaration of one item, `Observed` the record that the probe's answer gives
    for it. Observed includes None where the type uses None for "looked, and it is not on the node".

    The schema, the probe and the module of a type share its name. All functions here are pure; only
    the probe touches a node.
    """

    name: str
    declares: object
    """The generated type of the section in state.yaml, as `msgspec.convert` takes it:
    `list[Service]`, `dict[str, str]`, `Firewall`.
    """
    parse: Callable[[bytes], Mapping[str, Observed | NotObserved]]
    """Read the probe's output. Return observations by key.

    Raises ValueError if the output is not understood: each item becomes unknown.
    """
    judge: Callable[[Declared, Observed], Iterator[Finding]]
    """Compare a declaration with its observation. Yield a finding for each field of `expected`; a
    field without a finding is unknown.
    """
    remedy: Callable[[Declared, Observed, Sequence[Finding]], Remedy]
    """Return what ends the drifts (at least one) of a declaration."""
    key: str | None = None
    """The property that names an item of a list. None: `entries` yields the items."""
    entries: Callable[[Any], Iterator[Entry[Declared]]] | None = None
    """Yield the items of a section of the type `declares`."""
    canonical: Callable[[str], str] = str
    """Return the key of the observation for a declared name. Total: every string has a key."""
    expected: Callable[[Declared], Mapping[str, Value]] | None = None
    """Return the fields that a declaration asserts. Default: all fields of the dataclass that are
    set, without the key.
    """
    problems: Callable[[Declared], Iterator[tuple[str, str]]] = _no_problems
    """Yield contradictions that a schema cannot express: the field, and what is wrong and what to
    do.
    """
    attach: Callable[[Declared, Callable[[str], bytes]], Declared] = _nothing_attached
    """Return a declaration with what it takes from a file beside state.yaml. The second argument
    reads a file, by its path from there. Raises ValueError if what it read cannot be used, and
    passes what the reading raises.
    """
    ask: Callable[[Sequence[Declared]], Iterable[str]] | None = None
    """Yield the probe's arguments for declarations. Default: the items' keys."""
    extra: Callable[[Declared, Observed], Iterable[str]] | None = None
    """Yield what is on the node beyond the declaration and deserves a warning, such as open
    firewall rules.
    """
    fact: Callable[[Observed], "FactFields | Value | NotObserved"] = _unchanged
    """Return what operators' own tests get for an observation: the fields of a declaration with
    their values on the node, or the value if the type has one. None: the thing is not on the node.
    Of a `whole` type they are the fields of the section. Default: the observation.
    """
    hidden: Callable[[Declared], Sequence[str]] = _nothing_hidden
    """Return the fields of a declaration whose values no message may show (secrets)."""
    triggers: Callable[[Declared, str], Triggers] = _no_triggers
    """Return what on the node can change an item. The second argument is the node's family of
    distributions: `debian`, `rhel`, `alpine`, `arch`, or '' if it is none of these.
    """
    quiet: float = 0.0
    """Seconds without a further event until the watch checks: one command causes many events.
    """
    whole: bool = False
    """All items share one observation, under the key '' (the firewall: one set of rules decides
    about every item).
    """
    lead: str | None = None
    """The name of the item that all others need (the firewall: `enabled`). While it drifts, their
    drifts follow from it, and people see them in its block.
    """
    turn: int = 50
    """Where its mends come in a mend script: packages bring files, services read files, and the
    firewall comes last.
    """
    lists_all: bool = False
    """The probe prints a whole table, whatever its arguments: for a key that is not in it, `judge`
    gets None. Observed must include None then. Otherwise an item without an answer is unknown.
    """

    def items_of(self, section: Any) -> Iterator[Entry[Declared]]:
        """Yield the items of a section of the type `declares`, in order."""
        if self.entries is not None:
            yield from self.entries(section)
        elif self.key is not None:
            for index, declared in enumerate(section):
                yield Entry(getattr(declared, self.key), declared, (index,))

    def asserts(self, declared: Declared) -> Mapping[str, Value]:
        """Return the fields that a declaration asserts, by name."""
        if self.expected is not None:
            return self.expected(declared)
        return _asserted_fields(declared, self.key)

    def leniencies(self, declared: Declared) -> Mapping[str, Value]:
        """Return the fields, by name, that assert nothing and are not at their default: each makes
        the verdict on an entry of a list milder. Sections that are not lists have none.
        """
        if self.key is None:
            return {}
        asserted = {*self.asserts(declared), self.key}
        fields = _set_fields(declared)
        return {field: value for field, value in fields.items() if field not in asserted}

    def observation_key(self, name: str) -> str:
        """Return the key of a name's observation: '' if all items share one."""
        return "" if self.whole else self.canonical(name)
