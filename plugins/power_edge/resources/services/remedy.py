"""The systemctl calls that turn a drift back."""

from collections.abc import Iterator, Sequence

from power_edge.model import Command, Finding, Remedy
from power_edge.model.declared.resources.services_schema import Service
from power_edge.resources.services.judge import not_enabled, pull
from power_edge.resources.services.unit import Unit

_ENABLE = ("masked", "disabled", "enabled-runtime", "linked", "linked-runtime")
"""File states that `enable` makes an end of; the others lack an [Install] section, or are somebody else's."""


def remedy(declared: Service, seen: Unit | None, drifted: Sequence[Finding]) -> Remedy:
    """What would make the unit as declared."""
    return Remedy(tuple(_commands(declared, seen, drifted)))


def _commands(declared: Service, seen: Unit | None, drifted: Sequence[Finding]) -> Iterator[Command]:
    """The calls that make it as declared; none for a unit that is missing or cannot be loaded, or that can never be what is declared."""
    if seen is None or seen.missing or seen.load not in ("loaded", "masked", "not-found"):
        return
    fields = {finding.field for finding in drifted}
    state = declared.state if "state" in fields else None
    yield from _up(seen, start=state == "running", enable="enabled" in fields and declared.enabled is True)
    if state in ("stopped", "disabled"):
        yield from _stop(seen, timers=state == "disabled")
    if ("enabled" in fields and declared.enabled is False) or (state == "disabled" and not_enabled(seen).ok is not True):
        yield from _disable(seen)


def _up(seen: Unit, *, start: bool, enable: bool) -> Iterator[Command]:
    start = start and not (seen.type == "oneshot" and not seen.remains)
    enable = enable and seen.file_state in _ENABLE
    if not start and not enable:
        return
    if seen.load == "masked" or seen.file_state.startswith("masked"):
        yield "systemctl", "unmask", *(["--runtime"] if seen.file_state == "masked-runtime" else []), seen.name
    if enable:
        yield "systemctl", "enable", seen.name
    if start and (seen.active == "failed" or "auto-restart" in seen.sub):
        yield "systemctl", "reset-failed", seen.name  # a start limit that was hit would refuse the start
    if start:
        yield "systemctl", "start" if seen.active in ("inactive", "failed") else "restart", seen.name


def _stop(seen: Unit, *, timers: bool) -> Iterator[Command]:
    triggers = [trigger.name for trigger in seen.triggers if trigger.active and (timers or not trigger.name.endswith(".timer"))]
    if triggers or seen.active not in ("inactive", "failed"):
        yield "systemctl", "stop", *triggers, seen.name


def _disable(seen: Unit) -> Iterator[Command]:
    if seen.file_state not in ("enabled", "masked-runtime") and pull(seen) is not None:
        yield "systemctl", "mask", seen.name  # pulled in by the vendor's link or a generator's: there is nothing that `disable` takes away
        return
    if seen.file_state == "masked-runtime":
        yield "systemctl", "unmask", "--runtime", seen.name  # behind the mask `disable` finds no unit
    triggers = [trigger.name for trigger in seen.triggers if trigger.boots or (trigger.active and trigger.name.endswith(".timer"))]
    yield "systemctl", "disable", *triggers, seen.name
