"""The probe's answer about units, read into records but not yet joined into units."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Literal, NamedTuple

LinkKind = Literal["disk", "vendor", "generator", "runtime", "mask"]
Properties = Mapping[str, str]
"""One unit's block of `systemctl show`: property -> value, in systemd's words."""


class Link(NamedTuple):
    """An entry such as `sockets.target.wants/ssh.socket` in one of systemd's directories.

    `puller` is the unit before `.wants`, `.requires` or `.upholds`. `link`: it is a symbolic link,
    dangling or not; systemd ignores other files.
    """

    pulled: str
    puller: str
    by: LinkKind
    link: bool = True


_VAGUE = "a unit that it requires may fail to start"


def plainest(reasons: Iterable[str]) -> str:
    """Return one of several reasons: the same whatever their order, and one that names a unit if
    there is one.
    """
    return min(reasons, key=lambda reason: (reason == _VAGUE, reason))


def doubted(names: Iterable[str], unsure: Mapping[str, str]) -> str:
    """Return why a boot may do otherwise with a unit with these names, by the reasons of each unit
    and of all (`*`); empty where there is none.
    """
    own = [unsure[name] for name in names if name in unsure]
    return plainest(own) if own else unsure.get("*", "")


class Jobs(NamedTuple):
    """The job list of the next boot, by a dry run of systemd.

    - `jobs`: names of the units that the boot starts, aliases included.
    - `units`: the same without aliases, which may belong to other units now (as default.target's).
    - `unmet`: by unit, a condition (ConditionPathExists=) that fails, or may fail at the next boot.
    - `wakers`: by unit, the units that may start it.
    - `traps`: why the list decides nothing on this machine; empty where it does.
    - `early`: units that the kernel's command line adds or masks.
    - `unsure`: by unit, why a boot may differ from the list, with `*` for all units.
    - `unloaded`: names that the dry run has not met.
    """

    jobs: frozenset[str]
    units: frozenset[str]
    unmet: Mapping[str, str]
    wakers: Mapping[str, Sequence[str]]
    traps: Sequence[str]
    early: frozenset[str]
    unsure: Mapping[str, str]
    unloaded: frozenset[str]

    @property
    def bus(self) -> bool:
        """Whether a boot starts the message bus, which starts units for their callers."""
        return not self.jobs.isdisjoint(("dbus.socket", "dbus.service", "dbus-broker.service"))

    def start(self, declared_name: str, names: Set[str]) -> bool:
        """Return whether a boot starts the unit with this declared name, which has `names` now."""
        return declared_name in self.jobs or not names.isdisjoint(self.units)

    def doubted(self, names: Iterable[str]) -> str:
        """Return why a boot may differ from the list for a unit with these names; empty where it
        may not.
        """
        return doubted(names, self.unsure)


class Names(NamedTuple):
    """The unit files of the node.

    `files`: unit -> its first file. `known`: name without suffix -> units. `claims`: name -> units
    that have it or claim it (Alias=). `unread`: units whose file may not be read; they may claim
    any name.
    """

    files: Mapping[str, str]
    known: Mapping[str, Sequence[str]]
    claims: Mapping[str, Sequence[str]]
    unread: Sequence[str]


class Answer(NamedTuple):
    """All parts of the probe's answer. Mappings are by unit where nothing else is said.

    - `properties`: by each name of a unit, its block of `systemctl show`.
    - `job_types`: the types of queued jobs.
    - `states`: file states, what `systemctl is-enabled` says.
    - `links`: the links that pull a unit in. `masks`: (pulled, puller) of the entries that mask
      such links.
    - `left`: control groups that hold processes of units that are not active.
    - `halted`: why a unit's processes do not run.
    - `bus`: the D-Bus name for which the message bus starts the unit.
    - `activating`: triggers on disk whose files name the unit.
    - `goal`: what default.target leads to, None for a usual target.
    - `jobs`: None where the dry run was not possible; `unread` says why.
    - `unsure`: by unit, why a boot may do otherwise with it than what is on disk now says, with `*`
      for all units. Known without a dry run, too.
    - `active`: the active ones of the units around those that were asked about.
    - `access`: the units that carry the connection.
    - `install`: settings of [Install] sections, as `WantedBy=TARGET`.
    - `again`: by service that is up, what the journal has, by the monotonic clock: `start SECONDS`
      (the last start), `before SECONDS` (the one before), `stop SECONDS` (the last stop by a job).
    - `vain`: why a start now would fail, as `unmet CONDITION` or `lacks UNIT STATE`;
      `ready` where all was checked and nothing was found. `unheard now|boot WHY`: its socket does
      not listen where its unit files say, now or after a boot.
    - `now`: seconds since 1970 by the node's clock, 0.0 where unknown. `uptime`: seconds.
    """

    properties: Mapping[str, Properties]
    job_types: Mapping[str, str]
    states: Mapping[str, str]
    links: Mapping[str, Sequence[Link]]
    masks: frozenset[tuple[str, str]]
    names: Names
    left: frozenset[str]
    halted: Mapping[str, str]
    bus: Mapping[str, str]
    activating: Mapping[str, Sequence[str]]
    goal: str | None
    jobs: Jobs | None
    unread: str
    unsure: Mapping[str, str]
    active: frozenset[str]
    access: frozenset[str]
    install: Mapping[str, Sequence[str]]
    vain: Mapping[str, Sequence[str]]
    again: Mapping[str, Sequence[str]]
    now: float
    uptime: float


def unit_names(value: str) -> list[str]:
    """Return the units in a property's value. systemd C-quotes a name that holds a backslash."""
    return value.replace('"', "").replace("\\\\", "\\").split()


def seconds(properties: Properties, key: str) -> float:
    """Return a timestamp of the monotonic clock in seconds; 0.0 where there is none."""
    value = properties.get(key, "")
    return int(value) / 1_000_000 if value.isdecimal() else 0.0
