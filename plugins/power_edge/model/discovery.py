"""How a resource type is discovered: from what a node shows to a declaration that holds there."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

Declared = TypeVar("Declared")
Observed = TypeVar("Observed")


def _unchanged(declared: Declared) -> Declared:
    return declared


class Discovery(NamedTuple, Generic[Declared, Observed]):
    """The inverse of judging, for one resource type. Pure, as the type itself is.

    probes/discovery/TYPE.sh finds on the node what is worth declaring. It prints lines:
    `+ARGUMENT<TAB>WHY` for an argument of the type's own probe (as ResourceType.ask yields it),
    `-WHAT<TAB>WHY` for what is left out on purpose, `?WHAT<TAB>WHY` for what could not be looked
    at. WHY is for people and becomes a comment.
    """

    name: Callable[[str], str]
    """Return the declared name for an argument of the probe."""
    forms: Callable[[str, Observed], Iterator[Mapping[str, object]]]
    """Yield declarations without the name, best first, for a name and its observation.

    The first that is judged compliant is used. None at all: no declaration can hold for it. If all
    items share one observation, the name is '' and the declaration is the whole section.
    """
    widen: Callable[[Declared], Declared] = _unchanged
    """Widen a declaration so that the probe collects what `forms` needs."""
