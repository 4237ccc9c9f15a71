"""Systemd units that somebody decided about, with what can be held true of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from power_edge.model.discovery import Discovery
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services import canonical
from power_edge.resources.services.observation import Unit


def name(argument: str) -> str:
    """An argument of the probe as people name units: a service without its suffix, unless what is
    left has a suffix as well.
    """
    unit = argument.removeprefix("!")
    short = unit.removesuffix(".service")
    return short if canonical(short) == unit else unit


def forms(_: str, observed: Unit) -> Iterator[Mapping[str, Any]]:
    """What it does and whether a boot starts it, as far as that lasts.

    A job that a timer starts, or a oneshot, is at rest between its runs by nature; what has failed,
    or is on its way, is nobody's wish. Of these only `enabled` is declared. A unit without
    [Install] (static) cannot be disabled, so that it is not is no news.
    """
    static = observed.file_state == "static"
    once = observed.type == "oneshot" and not observed.remains
    timed = any(trigger.active for trigger in observed.triggers if trigger.name.endswith(".timer"))
    up = observed.active in ("active", "reloading", "refreshing") and not timed
    down = observed.active == "inactive" and not timed
    if up:
        yield {"state": "running", "enabled": True}
        if not static:
            yield {"state": "running", "enabled": False}
        yield {"state": "running"}
    if down and not once:
        yield {"state": "stopped", "enabled": True}
    if down and not static:
        yield {"state": "disabled"}
    if down and not once:
        yield {"state": "stopped"}
    yield {"enabled": True}
    if down:
        yield {"state": "stopped"}
    if not static:
        yield {"enabled": False}


DISCOVERY: Discovery[Service, Unit] = Discovery(name=name, forms=forms)
