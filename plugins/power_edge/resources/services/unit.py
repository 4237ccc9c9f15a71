"""What was observed of a systemd unit: the records that are judged."""

import math
from typing import Literal, NamedTuple


class Trigger(NamedTuple):
    """A socket, timer or path unit that starts the unit.

    `active` and `boots` (whether a boot starts the trigger) are None where that is unknown.
    `changed` is when its state changed last, in seconds of the monotonic clock, 0.0 for never; the
    state changes when the trigger starts the unit. `stays`: `systemctl disable` does not keep a
    boot from starting it.
    """

    name: str
    active: bool | None
    boots: bool | None
    changed: float = 0.0
    stays: bool = False


PullerKind = Literal["disk", "vendor", "generator", "runtime", "mask", "memory"]


class Puller(NamedTuple):
    """A unit that pulls this one in when it starts.

    `by` says how it does that:
    - `disk`: by a link that the next boot finds and that `systemctl disable` removes;
    - `vendor`: by a link of the vendor, below /usr;
    - `generator`: by a link that a generator makes again at each boot;
    - `runtime`: by a link that a boot forgets;
    - `mask`: not at all; systemd reads the entry as a mask of the dependency, since it is empty or
      leads to /dev/null;
    - `memory`: the manager alone remembers it, from a line of a unit file or from a removed link.

    `boots`: whether a boot starts the unit that pulls; None: unknown.
    """

    name: str
    by: PullerKind
    boots: bool | None


class Boot(NamedTuple):
    """What the next boot does with a unit, by a dry run of systemd itself.

    `starts`: its job list holds the unit. `unmet`: a condition that makes the boot skip the unit,
    or may; empty for none. `wakers`: units that a boot starts and that may start this one later
    (OnSuccess=, a timer's unit that pulls it in), and D-Bus calls that do. `doubt`: why nothing on
    disk decides what a boot does with this unit; empty where it is decided. `unsure`: why a boot
    may differ from the job list; empty where it may not.
    """

    starts: bool
    unmet: str = ""
    wakers: tuple[str, ...] = ()
    doubt: str = ""
    unsure: str = ""


class Change(NamedTuple):
    """What a command that changes the unit would run into.

    - `refuses_start`, `refuses_stop`: RefuseManualStart=, RefuseManualStop=.
    - `own_file`: its unit file lies in /etc/systemd/system, where a mask would have to lie.
    - `mask`: the file that masks it, if `systemctl unmask` does not look in its folder; else empty.
    - `forgotten`: its unit file lies in a folder that a boot empties.
    - `linked`: its unit file is a link to a file elsewhere (`systemctl link`).
    - `installs`: `systemctl enable` makes a boot start it.
    - `also`: units that `enable` and `disable` change as well (Also=).
    - `stops`: active units that a stop stops as well.
    - `starts_stop`: active units that a start stops (Conflicts=).
    - `requirers`: units that a boot starts and that fail without this one.
    - `unmet`: a condition that makes systemd skip a start now.
    - `lacks`: what it requires and cannot be loaded, as `NAME LOAD-STATE`.
    - `ready`: nothing that is known of now keeps its socket from starting it: it was checked that
      its conditions hold, and that all that it requires is up.
    - `unheard`, `unheard_at_boot`: why the socket of its name does not listen where its unit files
      say, now and after a boot; empty where it does.
    - `unneeded`: StopWhenUnneeded=.
    - `upheld`: active units that start it again when it stops (Upholds=).
    - `access`: the units whose processes carry the connection that this answer came by.
    """

    refuses_start: bool = False
    refuses_stop: bool = False
    own_file: bool = False
    mask: str = ""
    forgotten: bool = False
    linked: bool = False
    installs: bool = True
    also: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    starts_stop: tuple[str, ...] = ()
    requirers: tuple[str, ...] = ()
    unmet: str = ""
    lacks: tuple[str, ...] = ()
    ready: bool = False
    unheard: str = ""
    unheard_at_boot: str = ""
    unneeded: bool = False
    upheld: tuple[str, ...] = ()
    access: frozenset[str] = frozenset()


class Restarts(NamedTuple):
    """How often systemd restarted a service by itself, and when. Times are seconds of the monotonic
    clock, 0.0 for never.

    `age`: seconds since it became active; None where it is not active or where the clocks do not
    say. `down`: the same since it became inactive; infinite if it never was active in this boot.
    `started`: when its last start began. `ended`: when it left the active state last, or
    some time before.
    `by_itself`: nobody stopped it then, or that is unknown. `limited`: RuntimeMaxSec= ends it
    regularly. `lasted`: for a unit that is active without a process, how many seconds its processes
    lived after it had become active; None where that was not recorded. `uptime`: seconds since the
    machine's boot.
    """

    number: int = 0
    age: float | None = None
    started: float = 0.0
    ended: float = 0.0
    by_itself: bool = True
    limited: bool = False
    lasted: float | None = None
    uptime: float = 0.0
    down: float | None = math.inf


class Unit(NamedTuple):
    """What was observed of a unit. The states are systemd's own words; `file_state` (what
    `is-enabled` says) is empty where it is unknown.

    A unit that is plainly up comes from listings alone: its type, triggers and pullers were not
    read. For a unit that is plainly as declared by `systemctl show`, `change` was not read. The
    file state of both was read only if `enabled` is declared.

    - `remains`: RemainAfterExit=.
    - `queued`: the manager has a job for it that is not done. `job`: the type of that job
      (`start`, `stop`, `restart`), empty where it is unknown.
    - `left`: it is not active, yet processes of it exist.
    - `halted`: why no process of it runs, or not its main one: `frozen` by the kernel, or `stopped`
      by a signal; empty where they run.
    - `claimed_by`: for a missing or masked name, units that it may mean (Alias=, or the socket of a
      missing service).
    - `nearest`: for a missing name, units with similar names.
    - `unusable`: for a missing name, the path of a file of that name that systemd cannot read.
    - `appears`: for a missing name, why the next boot may find a unit of that name all the same;
      empty where it may not.
    - `boot`: None where systemd's dry run was not possible, and `unread` says why; then `pullers`
      decide what they can, and `goal` is what default.target leads to, None for a usual target.
    - `follows`: units whose end starts it (OnSuccess=, OnFailure=).
    - `sysv`: it is made from a script in /etc/init.d.
    - `boot_asked`: False where what a boot does is not declared. What is known of it may be less
      than a verdict needs.
    """

    name: str
    load: str
    active: str
    sub: str
    file_state: str
    type: str | None = None
    remains: bool = False
    queued: bool = False
    job: str = ""
    left: bool = False
    halted: str = ""
    triggers: tuple[Trigger, ...] = ()
    pullers: tuple[Puller, ...] = ()
    claimed_by: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()
    unusable: str = ""
    appears: str = ""
    goal: str | None = None
    boot: Boot | None = None
    unread: str = ""
    restarts: Restarts = Restarts()
    follows: tuple[str, ...] = ()
    sysv: bool = False
    change: Change = Change()
    boot_asked: bool = True

    @property
    def missing(self) -> bool:
        """Whether there is no unit of this name: no file, and nothing of it runs."""
        return self.load == "not-found" and self.active in ("inactive", "failed")

    @property
    def exited(self) -> bool:
        """Whether it should stay up (it is not a oneshot), counts as active, and has no process."""
        return self.active == "active" and self.sub == "exited" and self.type != "oneshot"
