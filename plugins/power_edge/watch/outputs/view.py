"""What the outputs of the watch are made from: a node as it is known at one moment.

A view is a copy. It is made in the watch's loop and may be read in another thread.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from power_edge import exit_status
from power_edge.checking.check import STATUS
from power_edge.config import Node
from power_edge.model import Outcome, Result
from power_edge.report.node_report import NodeReport
from power_edge.report.record import record
from power_edge.watch.debounce import ItemId, key_of
from power_edge.watch.node import State, counts
from power_edge.watch.supervisor import Health
from power_edge.watch.transition import Transition

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histogram of detection times, in seconds. One bucket more has all above."""


class Loaded(NamedTuple):
    """A node's configuration: its folder, when it was read (in seconds since 1970), and the commit
    that was checked out; None if that is not known.
    """

    folder: Path
    time: float
    commit: str | None


@dataclass
class History:
    """What the outputs remember of a node beside its state. Bounded by the number of its items."""

    since: dict[ItemId, float] = field(default_factory=dict)
    """When each item got the outcome that it has, in seconds since 1970."""
    detections: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    """How many drifts were detected within each of BOUNDS, but not within the one before."""
    detection_seconds: float = 0.0
    """The sum of their times."""
    were_up: set[str] = field(default_factory=set)
    """The sources that were up, also before the node's configuration was loaded again."""

    def add(self, transition: Transition) -> None:
        """Take in a transition."""
        result = transition.result
        if transition.before is not result.outcome:  # else it drifts in another way
            self.since[key_of(result.item)] = transition.time
        seconds = transition.detection_seconds
        if result.outcome is Outcome.DRIFT and seconds is not None:
            self.detections[bisect_left(BOUNDS, seconds)] += 1
            self.detection_seconds += seconds

    def forget_all_but(self, items: Set[ItemId]) -> None:
        """Forget items that are no longer declared."""
        self.since = {key: time for key, time in self.since.items() if key in items}

    def copy(self) -> "History":
        """Return a copy that shares nothing."""
        return replace(self, since=dict(self.since), detections=list(self.detections))


@dataclass(frozen=True, kw_only=True)
class View:
    """A node at one moment. `overdue` is in seconds, 0 if no check is."""

    node: Node
    state: State
    sources: Sequence[Health]
    overdue: float
    history: History
    loaded: Loaded
    config_error: str | None = None
    """Why the present files of the node cannot be used; None if they can."""
    own: Mapping[str, Outcome] | None = None
    """The outcomes of the operators' own tests by test id, None if there are no such tests."""

    @property
    def results(self) -> Sequence[Result]:
        """The latest result of each item, including the gate's own item."""
        return self.state.counted

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """How many items have each outcome."""
        return counts(self.state)

    @property
    def own_failed(self) -> int:
        """How many own tests failed."""
        return sum(outcome is Outcome.DRIFT for outcome in (self.own or {}).values())

    @property
    def exit_status(self) -> int:
        """The exit status of a watch of this node alone. Unknown until it was checked."""
        gate = self.state.gate
        if gate is None:
            return exit_status.UNKNOWN
        outcomes = [*(result.outcome for result in self.results), *(self.own or {}).values()]
        # The status of a blocked item is its gate's.
        return exit_status.worst([gate.status, *(STATUS.get(outcome, 0) for outcome in outcomes)])


def snapshot(
    *,
    node: Node,
    state: State,
    sources: Sequence[Health],
    overdue: float,
    history: History,
    loaded: Loaded,
    own: Mapping[str, Outcome] | None,
    config_error: str | None,
) -> View:
    """Return a view: a copy of everything that changes while the watch runs."""
    history.forget_all_but(state.results.keys())
    history.were_up.update(health.name for health in sources if health.was_up)
    return View(
        node=node,
        state=replace(state, results=dict(state.results), held=dict(state.held)),
        sources=[replace(each, was_up=each.name in history.were_up) for each in sources],
        overdue=overdue,
        history=history.copy(),
        loaded=loaded,
        own=own,
        config_error=config_error,
    )


def node_report(view: View) -> NodeReport | None:
    """Return a node as the reports of a run have it; None until it was checked."""
    gate = view.state.gate
    if gate is None:
        return None
    return NodeReport(
        view.node,
        gate,
        [record(result) for result in view.results],
        stale=gate.status == exit_status.UNKNOWN,
        observed=view.state.last_answer,
        own=view.own,
    )
