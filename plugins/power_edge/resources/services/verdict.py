"""A verdict on one field of a service, and the sentences that several verdicts share."""

from collections.abc import Iterable
from typing import NamedTuple

from power_edge.resources.services.unit import Trigger, Unit


class Verdict(NamedTuple):
    """Whether a unit is as declared (`ok`): True, False, or None where that cannot be decided.

    `why` is the reason for people. None is always given with a reason.
    """

    ok: bool | None
    why: str | None = None


def starters(triggers: Iterable[Trigger], action: str = "starts it") -> str | None:
    """Return `a.socket, b.timer starts it`; None without a trigger."""
    names = ", ".join(trigger.name for trigger in triggers)
    return f"{names} {action}" if names else None


def claimed(observed: Unit) -> str:
    """Return why a masked name proves nothing: another unit claims it (Alias=)."""
    names = ", ".join(observed.claimed_by)
    return f"the name is masked, but {names} may be meant: declare that unit"
