"""Services: whether a systemd unit runs now, and whether a boot starts it.

What a unit does now is what systemd says (`systemctl show`). What a boot starts is the answer of a
dry run of systemd, together with the file state (what `is-enabled` says). Where a dry run is not
possible, the links on disk that pull a unit in (systemd.unit(5)) decide what they can. What the
running systemd remembers may be older than the disk.
"""

from collections.abc import Iterator, Mapping, Sequence

from power_edge.model import ResourceType, Triggers, Value
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services.fact import fact
from power_edge.resources.services.judge import judge
from power_edge.resources.services.observation import parse
from power_edge.resources.services.remedy import remedy
from power_edge.resources.services.unit import Unit
from power_edge.unit_names import SUFFIXES


def canonical(name: str) -> str:
    """Return the full name of a unit. Without a suffix it is a service, as for systemctl."""
    return name if name.endswith(SUFFIXES) else f"{name}.service"


def ask(declarations: Sequence[Service]) -> Iterator[str]:
    """Yield the probe's argument for each unit: `~` if only `state` is declared, then `=` or `!`
    for a unit that should not run or that no boot should start, then the full name.

    `!` asks for the full answer. The remedy needs that if the unit should run and no boot should
    start it, or the reverse.
    """
    for declared in declarations:
        now = "~" if declared.state in ("running", "stopped") and declared.enabled is None else ""
        down = declared.state in ("stopped", "disabled") or declared.enabled is False
        mixed = declared.state == "running" or declared.enabled is True
        yield f"{now}{'!' if down and mixed else '=' if down else ''}{canonical(declared.name)}"


_UNIT_FILES = (
    "/etc/systemd/system",
    "/etc/systemd/system.control",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/run/systemd/generator.early",
    "/run/systemd/generator.late",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
"""Folders of unit files (systemd.unit(5)), but for those of units that programs make."""
_AT_BOOT = (
    *(
        f"{folder}/systemd/{name}"
        for folder in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
        for name in ("system.conf", "system.conf.d")
    ),
    "/etc/fstab",
    "/etc/crypttab",
    "/etc/init.d",
    *(f"/etc/rc{level}.d" for level in "0123456S"),
    "/etc/systemd/system-generators",
    "/run/systemd/system-generators",
    "/usr/local/lib/systemd/system-generators",
    "/usr/lib/systemd/system-generators",
    "/etc/dbus-1/system-services",
    "/run/dbus-1/system-services",
    "/usr/local/share/dbus-1/system-services",
    "/usr/share/dbus-1/system-services",
)
"""What else decides what a boot or a call starts: see docs/verdicts/services.md."""


def triggers(declared: Service, _: str) -> Triggers:
    """Return the unit, the files that decide when it is started, and the command that changes
    both.
    """
    unit = canonical(declared.name)
    socket = (f"{unit.removesuffix('.service')}.socket",) if declared.by_socket else ()
    return Triggers(
        paths=_UNIT_FILES,
        databases=_AT_BOOT,
        units=(unit, *socket),
        commands=("systemctl",),
        topics=("unit-files",),
    )


def _expected(declared: Service) -> Mapping[str, Value]:
    fields: Mapping[str, Value] = {"state": declared.state, "enabled": declared.enabled}
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
    turn=40,
    fact=fact,
    triggers=triggers,
)
