"""How a resource type is discovered: from what a node shows to a declaration that holds true of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Watch(NamedTuple):
    """What to keep an eye on for declared things: files and folders, units in the journal, commands
    that change them.
    """

    paths: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


def _nothing(_: Sequence[str], __: str) -> Watch:
    return Watch()


def _same(declared: Any) -> Any:
    return declared


class Discovery(NamedTuple):
    """The inverse of judging, for one resource type; pure, as the type itself is.

    What is worth declaring is found on the node by probes/discovery/TYPE.sh, which prints lines:
    `+ARGUMENT<TAB>WHY` for what the type's own probe is to be asked about (ARGUMENT as
    ResourceType.ask gives it), `-WHAT<TAB>WHY` for what is left out on purpose, `?WHAT<TAB>WHY` for
    what could not be seen. WHY is for people, and becomes a comment.
    """

    name: Callable[[str], str]
    """An argument of the probe -> the name that the thing is declared by."""
    forms: Callable[[str, Any], Iterator[Mapping[str, Any]]]
    """Name, and what was seen -> declarations without the name, best first; the first that is
    judged compliant is taken. None at all: no declaration can hold true for it. For a type that
    observes one thing for all its items: the section as a whole.
    """
    watch: Callable[[Sequence[str], str], Watch] = _nothing
    """Names of things declared, and the node's family of distributions (`debian`, `rhel`, `alpine`,
    `arch`) -> what watcher.yaml needs for them.
    """
    asked: Callable[[Any], Any] = _same
    """A declaration -> the one to be asked about so that `forms` is shown all that it needs."""
