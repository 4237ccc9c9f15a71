"""Discovers the systemd units that somebody made a decision about, and what can be declared of
them.
"""

from collections.abc import Iterator, Mapping

from power_edge.model.discovery import Discovery
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services import canonical
from power_edge.resources.services.unit import Unit


def name(argument: str) -> str:
    """Return the name for people of a unit, from the probe's argument. A service loses its suffix,
    unless the rest of its name ends like a unit.
    """
    unit = argument.removeprefix("!")
    short = unit.removesuffix(".service")
    return short if canonical(short) == unit else unit


def forms(_: str, observed: Unit) -> Iterator[Mapping[str, object]]:
    """Yield declarations, best first: what the unit does, and whether a boot starts it, as far as
    that lasts.

    Only `enabled` is declared of a job that a timer starts and of a oneshot, which normally do not
    run, and of a unit that has failed, is starting or is stopping, which nobody wants. A unit
    without [Install] (static) cannot be disabled, so `enabled: false` would say nothing about it.
    """
    static = observed.file_state == "static"
    oneshot = observed.type == "oneshot" and not observed.remains
    has_timer = any(
        trigger.active for trigger in observed.triggers if trigger.name.endswith(".timer")
    )
    up = observed.active in ("active", "reloading", "refreshing") and not has_timer
    down = observed.active == "inactive" and not has_timer
    if up:
        yield {"state": "running", "enabled": True}
        if not static:
            yield {"state": "running", "enabled": False}
        yield {"state": "running"}
    if down and not oneshot:
        yield {"state": "stopped", "enabled": True}
    if down and not static:
        yield {"state": "disabled"}
    if down and not oneshot:
        yield {"state": "stopped"}
    yield {"enabled": True}
    if down:
        yield {"state": "stopped"}
    if not static:
        yield {"enabled": False}


DISCOVERY: Discovery[Service, Unit] = Discovery(name=name, forms=forms)
