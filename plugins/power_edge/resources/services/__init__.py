"""Services: systemd units that run or do not, and that start at boot or do not.

What a unit does is the manager's word (`systemctl show`). What a boot starts is the answer of a dry
run of systemd itself, with the file state (what `is-enabled` says) beside it. Where the dry run
cannot be had, the links on disk that pull a unit in (systemd.unit(5)) decide what they can. What
the manager remembers may be older than the disk.
"""

from collections.abc import Iterator, Sequence

from power_edge.model import ResourceType, Triggers
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services.judge import judge
from power_edge.resources.services.observation import Unit, parse
from power_edge.resources.services.remedy import remedy

_SUFFIXES = (
    ".service",
    ".socket",
    ".timer",
    ".target",
    ".mount",
    ".automount",
    ".swap",
    ".path",
    ".slice",
    ".scope",
    ".device",
)


def canonical(name: str) -> str:
    """The full name of a unit: without a suffix it is a service, as systemctl has it."""
    return name if name.endswith(_SUFFIXES) else f"{name}.service"


def ask(declarations: Sequence[Service]) -> Iterator[str]:
    """Names for the probe: `~` where only what the unit does now is declared.

    Then `=` where it is to be down and no boot is to start it, or `!` for the full answer, which
    the remedy needs where it is to run and no boot is to start it, or the reverse.
    """
    for declared in declarations:
        now = "~" if declared.state in ("running", "stopped") and declared.enabled is None else ""
        down = declared.state in ("stopped", "disabled") or declared.enabled is False
        mixed = declared.state == "running" or declared.enabled is True
        yield f"{now}{'!' if down and mixed else '=' if down else ''}{canonical(declared.name)}"


def fact(observed: Unit) -> Unit | None:
    """None for a name that means no unit: its record would be true in an `assert`."""
    return None if observed.missing else observed


def triggers(declared: Service, _: str) -> Triggers:
    """Return the unit, the folder of the links and files that enable it, and the command that
    changes both.
    """
    return Triggers(
        paths=("/etc/systemd/system",),
        units=(canonical(declared.name),),
        commands=("systemctl",),
    )


def _expected(declared: Service) -> dict[str, object]:
    fields = {"state": declared.state, "enabled": declared.enabled}
    return {field: value for field, value in fields.items() if value is not None}


RESOURCE: ResourceType[Service, Unit] = ResourceType(
    name="services",
    declares=list[Service],
    key="name",
    canonical=canonical,
    expected=_expected,
    ask=ask,
    parse=parse,
    judge=judge,
    remedy=remedy,
    fact=fact,
    triggers=triggers,
)
