"""Event sources: one module each, found because it is there.

A module has `SOURCE`, a `Source`. docs/adding.md walks through one.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol

from power_edge.model.generated.watcher_schema import Watchers
from power_edge.watch.causes.cause import Act
from power_edge.watch.event import Event, Subject


class Unavailable(Exception):
    """This source cannot work on this machine as it is; the message says why, and what would help.

    It is tried again, but seldom.
    """


class Listener(Protocol):
    """What a running source calls."""

    def up(self) -> None:
        """From now on no event is missed. What changed before is looked at by a full check."""

    def limited(self, why: str) -> None:
        """It works only in part, and does not count as up; the reason is for people."""

    def act(self, act: Act) -> None:
        """Somebody did something. It wakes nothing: it can be the cause of a transition."""

    def event(self, event: Event) -> None:
        """Something may have changed."""

    def lost(self, count: int, why: str) -> None:
        """Events were lost, at least so many. A full check follows."""


@dataclass(frozen=True)
class Watched:
    """What a source is to watch: the subjects that items need, and the node's watcher.yaml.

    `sweep_seconds`: how often it looks at everything, in case an event was lost.
    """

    subjects: frozenset[Subject]
    configured: Watchers | None = None
    sweep_seconds: float = 5.0


@dataclass(frozen=True, kw_only=True)
class Source:
    """A kind of events.

    `run` watches until it is cancelled, or raises: `Unavailable`, or whatever went wrong. It is
    started again then. It calls `Listener.up` once it can no longer miss an event.
    """

    name: str
    """As in watcher.yaml and in metrics."""
    wants: Callable[[Watched], bool]
    """Whether there is anything for it to watch."""
    covers: Callable[[Subject], bool]
    """Whether it reports each change of a subject while it is up."""
    run: Callable[[Watched, Listener], Awaitable[None]] = field(repr=False)
    acts_late: bool = False
    """Whether an act can be reported after the change that it made was judged."""


def sources() -> Iterator[Source]:
    """Yield all event sources."""
    for module in iter_modules(__path__):
        yield import_module(f"{__name__}.{module.name}").SOURCE
