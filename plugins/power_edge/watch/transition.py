"""An item whose outcome has changed, and everything that is recorded of that."""

from typing import NamedTuple

from power_edge.model import Outcome, Result
from power_edge.watch.causes.cause import Cause
from power_edge.watch.event import Event


class Transition(NamedTuple):
    """An item's outcome before and after a check.

    `time` is when it was judged, in seconds since 1970. `before` is None if the item is new.
    `event` is the first event that led to the check, None if a full check found the change. `cause`
    is who or what made the change, None if no record says so.

    An item that drifts in another way than before has a transition from drift to drift.
    """

    time: float
    result: Result
    before: Outcome | None
    event: Event | None
    cause: Cause | None = None

    @property
    def detection_seconds(self) -> float | None:
        """Seconds from the event to the verdict; None if no event reported the change."""
        return None if self.event is None else max(0.0, self.time - self.event.time)
