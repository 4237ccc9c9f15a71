"""What a unit does now: verdicts on `state: running` and `state: stopped`."""

from power_edge.resources.services.unit import Unit
from power_edge.resources.services.verdict import Verdict, claimed, starters

_UP = ("active", "reloading", "refreshing")
_DOWN = ("inactive", "failed")

SETTLED = 60.0
"""Seconds that a service must be up after systemd restarted it before it counts as running. A
restart loop with a shorter period never reaches them, and a single restart is forgiven after a
minute.
"""
_LOOP_RESTARTS = 3
"""Restarts from which on a loop with a long period is suspected."""
_LOOP_FORGOTTEN = 3600.0
"""Seconds of uptime after which a service is no longer suspected."""

_ONE_PROCESS = ("simple", "exec", "idle")
"""Types of services whose one process may be a job that ends: with RemainAfterExit=yes its end is a
success. The other types are daemons.
"""
_WORK_DONE = "active (exited): it has done its work and left no process"


def state_word(observed: Unit) -> str:
    """Return one word or two for what a unit does, as `actual` of `state` shows it."""
    if recently_restarted(observed) is not None:
        return "restarting"
    if observed.active in _UP and observed.halted:
        return observed.halted if observed.halted == "frozen" else "stopped by a signal"
    if observed.active in _UP and observed.sub != "exited":
        return "running"
    if observed.active in _DOWN and "auto-restart" not in observed.sub:
        return "failed" if observed.active == "failed" else "stopped"
    return f"{observed.active} ({observed.sub})"


def running(observed: Unit) -> Verdict:
    """Return the verdict on `state: running`."""
    if "auto-restart" in observed.sub:
        return Verdict(False, "it keeps ending, and systemd is about to restart it")
    if observed.active in _UP:
        return _up(observed)
    if observed.active == "activating":
        if observed.restarts.number:
            times = _times(observed.restarts.number)
            return Verdict(
                False, f"it is starting ({observed.sub}), after systemd restarted it {times}"
            )
        return Verdict(None, f"it is starting ({observed.sub})")
    if observed.active not in (*_DOWN, "deactivating", "maintenance"):
        return Verdict(None, _other_state(observed))
    if observed.active == "deactivating" and (not observed.queued or observed.job == "stop"):
        return Verdict(False, f"it is stopping ({observed.sub})")
    if observed.queued:
        return Verdict(None, _queued(observed))
    if observed.load == "masked":
        return Verdict(False, "it is masked")
    if observed.load not in ("loaded", "not-found"):
        return Verdict(False, f"its unit file cannot be loaded ({observed.load})")
    if observed.type == "oneshot" and not observed.remains:
        return Verdict(
            False, "a oneshot without RemainAfterExit=yes is never active between its runs"
        )
    return Verdict(False, starters(trigger for trigger in observed.triggers if trigger.active))


def _up(observed: Unit) -> Verdict:
    """Return the verdict on `state: running` for a unit that systemd counts as active."""
    if observed.halted == "frozen":
        return Verdict(False, "its processes are frozen: the kernel does not run them")
    if observed.halted:
        return Verdict(False, "its process is stopped by a signal (SIGSTOP)")
    if observed.exited:
        return exited(observed)
    if (verdict := recently_restarted(observed)) is not None:
        return verdict
    if (why := _may_loop(observed)) is not None:
        return Verdict(None, why)
    notes = (
        _WORK_DONE if observed.sub == "exited" else "",
        "it will not fire again" if observed.sub == "elapsed" else "",
        "its unit file is gone" if observed.load == "not-found" else "",
    )
    return Verdict(True, ", ".join(filter(None, notes)) or None)


def recently_restarted(observed: Unit) -> Verdict | None:
    """Return a verdict for a service that ended by itself and has been up again for a moment only;
    None for any other unit.
    """
    restarts = observed.restarts
    if observed.active not in _UP or (restarts.age is not None and restarts.age >= SETTLED):
        return None
    when = f"{max(0, restarts.age):.0f} s ago" if restarts.age is not None else "at an unknown time"
    if restarts.number:
        last = "the last time " if restarts.number > 1 else ""
        why = f"systemd restarted it {_times(restarts.number)}, {last}{when}"
        if restarts.limited:
            return Verdict(None, f"{why} (RuntimeMaxSec= ends it regularly)")
        return Verdict(None if restarts.age is None else False, why)
    if not restarts.ended or not restarts.by_itself or not _has_process(observed):
        return None
    # The state of a trigger changes when its unit starts. The triggers were read after the unit.
    again = [
        trigger
        for trigger in observed.triggers
        if trigger.active and trigger.changed > restarts.started - 0.5
    ]
    starter = starters(again, "started it again") or "was started again"
    return Verdict(
        None,
        f"it ended by itself, and {starter} {when}: it counts as running when it has been up for"
        f" {SETTLED:.0f} s",
    )


def _has_process(observed: Unit) -> bool:
    """Return whether this is a service that is up by a process of its own. A mount ends when
    somebody unmounts it, and a oneshot that has done its work cannot end by itself.
    """
    return observed.name.endswith(".service") and observed.sub != "exited"


def _may_loop(observed: Unit) -> str | None:
    """Return why a service that has been up for a minute may be in a restart loop all the same;
    None where it is not.

    It may be where systemd restarted it at least three times, and it has not yet been up for as
    long as its lives since the boot lasted on average. In a loop with a steady period this holds at
    every look.
    """
    number, age, uptime = observed.restarts.number, observed.restarts.age, observed.restarts.uptime
    if number < _LOOP_RESTARTS or age is None or observed.restarts.limited:
        return None
    if age >= min(_LOOP_FORGOTTEN, uptime / number):
        return None
    minutes = round(age / 60)
    return (
        f"systemd restarted it {_times(number)}, the last time {minutes} min ago:"
        " it may be in a restart loop"
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def exited(observed: Unit) -> Verdict:
    """Return whether a unit that is not a oneshot, and is active without a process, has done its
    work (True) or lost its daemon (False).
    """
    lasted = observed.restarts.lasted
    if lasted is None or (
        lasted >= SETTLED and (observed.sysv or observed.type not in _ONE_PROCESS)
    ):
        return Verdict(
            False, "its processes have ended, though systemd counts it as active (RemainAfterExit)"
        )
    if observed.sysv:
        return Verdict(
            None,
            "its script in /etc/init.d has ended and left no process; it is unknown whether it"
            " should leave one",
        )
    if observed.type in _ONE_PROCESS and lasted < SETTLED:
        return Verdict(True, _WORK_DONE)
    if observed.type == "forking" and lasted < 1:
        return Verdict(True, _WORK_DONE)
    if observed.type in (*_ONE_PROCESS, "forking"):
        return Verdict(
            None,
            f"active (exited): its processes ended {round(lasted)} s after its start; it is unknown"
            " whether they should stay",
        )
    return Verdict(
        False,
        f"its daemon ended {round(lasted)} s after its start, though systemd counts it as active"
        " (RemainAfterExit)",
    )


def stopped(observed: Unit) -> Verdict:
    """Return the verdict on `state: stopped`: nothing of the unit runs, and nothing waits to start
    it. A timer may wait: its job is stopped between two runs.
    """
    down = _down(observed)
    if not down.ok or observed.load == "masked":
        return down
    waking = [
        trigger
        for trigger in observed.triggers
        if trigger.active and not trigger.name.endswith(".timer")
    ]
    if waking:
        return Verdict(False, starters(waking))
    unsure = [trigger for trigger in observed.triggers if trigger.active is None]
    if unsure:
        return Verdict(None, starters(unsure, "may start it: its state could not be read"))
    if (why := _starts_again(observed)) is not None:
        return Verdict(None, why)
    active = [trigger for trigger in observed.triggers if trigger.active]
    return Verdict(True, down.why or starters(active, "starts it from time to time"))


def _starts_again(observed: Unit) -> str | None:
    """Return why a unit that is down may be up again in a moment, by no job that waits and no
    trigger; None where nothing says so.
    """
    if observed.change.upheld:
        return f"{', '.join(observed.change.upheld)} starts it again (Upholds=)"
    down = observed.restarts.down
    if observed.follows and (down is None or down < SETTLED):
        when = "at an unknown time" if down is None else f"{max(0, down):.0f} s ago"
        names = ", ".join(observed.follows)
        return f"it ended {when}, and the end of {names} starts it (OnSuccess=, OnFailure=)"
    return None


def _down(observed: Unit) -> Verdict:
    """Return whether nothing of the unit runs."""
    if "auto-restart" in observed.sub:
        return Verdict(False, "systemd is about to restart it")
    if observed.active in _UP:
        if observed.exited and not exited(observed).ok:
            return Verdict(None, "systemd counts it as active, though its processes have ended")
        gone = observed.load == "not-found"
        return Verdict(False, "its unit file is gone, and it still runs" if gone else None)
    if observed.active == "activating":
        return Verdict(False, f"it is starting ({observed.sub})")
    if observed.active == "deactivating":
        return Verdict(None, f"it is stopping ({observed.sub})")
    if observed.active not in _DOWN:
        return Verdict(None, _other_state(observed))
    if observed.queued:
        return Verdict(None, _queued(observed))
    if observed.left:
        return Verdict(None, "systemd counts it as stopped, but processes of it are left")
    if observed.claimed_by:
        return Verdict(None, claimed(observed))
    failed = observed.active == "failed"
    return Verdict(True, "it has failed; nothing of it runs" if failed else None)


def _other_state(observed: Unit) -> str:
    return f"systemd says {observed.active} ({observed.sub})"


def _queued(observed: Unit) -> str:
    if observed.job:
        return f"its {observed.job} job is not done yet"
    return "a job for it is queued and has not run yet"
