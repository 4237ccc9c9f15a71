"""What operators' own tests learn of a node without asking it: `facts["services"]["ssh"].state`."""

from collections.abc import Iterator, Mapping
from typing import Any

from power_edge.checking.check import Checked
from power_edge.model import FactFields, NotObserved, Observations
from power_edge.resources import names, resource
from power_edge.suites import Unknown


class Fact:
    """One thing on a node. Its attributes are the fields of a declaration, such as `state`.

    Reading one raises Unknown if it could not be looked at.
    """

    def __init__(self, what: str, fields: FactFields) -> None:
        self._what = what
        self._fields = fields

    def __getattr__(self, field: str) -> Any:
        if field.startswith("_") or field not in self._fields:
            known = ", ".join(self._fields)
            raise AttributeError(f"{self._what} has no {field}; the fields are {known}")
        return _known(f"{self._what} {field}", self._fields[field])

    def __repr__(self) -> str:
        fields = (
            f"{field}={'unknown' if isinstance(value, NotObserved) else repr(value)}"
            for field, value in self._fields.items()
        )
        return f"<{self._what}: {', '.join(fields)}>"


class TypeFacts(Mapping[str, Any]):
    """The things of one resource type, by declared name. None: it is not on the node.

    Reading one raises Unknown if it could not be looked at.
    """

    def __init__(self, kind: str, observed: Observations | NotObserved) -> None:
        self._kind = resource(kind)
        self._observed = observed

    def __getitem__(self, name: str) -> Any:
        kind, what = self._kind, f"{self._kind.name} {name}"
        if isinstance(self._observed, NotObserved):
            raise Unknown(f"{kind.name}: {self._observed.why}")
        key = kind.observation_key(name)
        if key not in self._observed:
            if kind.lists_all:
                return None
            raise Unknown(f"{what}: not read, because state.yaml does not declare it")
        fact = kind.fact(_known(what, self._observed[key]))
        if kind.whole and isinstance(fact, Mapping):
            if name not in fact:
                raise KeyError(f"{kind.name} has no {name}; there are {', '.join(fact)}")
            return _known(what, fact[name])
        fact = _known(what, fact)
        return Fact(what, fact) if isinstance(fact, Mapping) else fact

    def __iter__(self) -> Iterator[str]:
        return iter(() if isinstance(self._observed, NotObserved) else self._observed)

    def __len__(self) -> int:
        return 0 if isinstance(self._observed, NotObserved) else len(self._observed)


class Facts(Mapping[str, TypeFacts]):
    """What was observed on a node: `facts["services"]["ssh"]`."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked

    @property
    def _observed(self) -> Mapping[str, Observations | NotObserved]:
        return self._checked.observations

    def __getitem__(self, kind: str) -> TypeFacts:
        if kind not in names():
            raise KeyError(f"{kind} is not a resource type; the types are {', '.join(names())}")
        return TypeFacts(
            kind,
            self._observed.get(kind, NotObserved("not read, because state.yaml declares none")),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._observed)

    def __len__(self) -> int:
        return len(self._observed)


def _known(what: str, value: Any) -> Any:
    """Return a value that was observed. Raises Unknown for another."""
    if isinstance(value, NotObserved):
        raise Unknown(f"{what}: {value.why}")
    return value
