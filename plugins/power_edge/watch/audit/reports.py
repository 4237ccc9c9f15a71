"""Turn audit events into acts, with their causes, and into events."""

import asyncio
import os
from collections import deque
from collections.abc import Iterable

from power_edge.watch.audit.acts import RULESET, WRITES, Done, Known, Places, done
from power_edge.watch.audit.records import EXECVE, USER_COMMAND, AuditEvent
from power_edge.watch.audit.ruleset import Wanted
from power_edge.watch.causes import processes
from power_edge.watch.causes.attribution import COMMIT, only_reads
from power_edge.watch.causes.cause import Act, Cause, plain
from power_edge.watch.event import Event, Kind
from power_edge.watch.sources import Listener

NAME = "auditd"
_WRITTEN = 0.02
"""Seconds from the record to the value: the record is written when the file is opened."""
_SUDO = 64
"""Uses of sudo that are kept: the command of one is a child of it, or of a process between."""
_RECENT = 1.0
"""Seconds for which what is known of a process stays true."""


class Reports:
    """Turns audit events into acts and events."""

    def __init__(self, wanted: Wanted, listener: Listener) -> None:
        self._wanted = wanted
        self._listener = listener
        by_number = {number: name for name, number in wanted.numbers.items()}
        self._known = Known(
            frozenset(wanted.commands),
            {number: name for number, name in by_number.items() if name in wanted.syscalls},
            {number: name for number, name in by_number.items() if name in WRITES},
            wanted.architecture,
            RULESET in wanted.subjects,
        )
        self._places = Places(wanted.subjects)
        self._process = -1, -1, ""
        self._looked = 0.0
        self._family: list[processes.Process] = []
        """Of the last process that was in a record: one often does many things in a row."""
        self._sudo: deque[AuditEvent] = deque(maxlen=_SUDO)

    def renew(self) -> None:
        """Follow the links on the way to files again."""
        self._places = Places(self._wanted.subjects)

    async def report(self, event: AuditEvent) -> None:
        """Report what an event did to something that is wanted."""
        if USER_COMMAND in event.kinds:
            self._sudo.append(event)
            return
        found = list(done(event, self._places, self._known, processes.in_our_network))
        if not found or event.pid == os.getpid():
            return
        process = event.pid, event.parent, event.command
        if process != self._process or event.time - self._looked > _RECENT:
            self._process, self._looked = process, event.time
            self._family = processes.family(event.pid, event.parent)
        cause = cause_of(event, self._family, await processes.login_name(event.login), self._sudo)
        ancestors = [each for each in self._family if each.pid != event.pid]
        line = ((event.pid, cause.command or ""), *processes.line(ancestors))
        for each in found:
            argv = event.argv if EXECVE in event.kinds else ()
            self._listener.act(Act(each.subject, event.time, cause, each.path, argv, line))
            self._wake(each, event)

    def _wake(self, each: Done, event: AuditEvent) -> None:
        """Report the event of an act, unless another source reports it as soon, or it is our own:
        the probes run commands too.
        """
        subject = each.subject
        if subject.kind is Kind.COMMAND and (
            only_reads(event.argv) or not processes.foreign(self._family, event.pid, event.parent)
        ):
            return
        if subject.kind is Kind.PATH or subject.name.startswith(COMMIT):
            return
        hint = Event(NAME, subject, event.time, f"{event.command} (process {event.pid})")
        if subject.kind is Kind.VALUE:
            asyncio.get_running_loop().call_later(_WRITTEN, self._listener.event, hint)
        else:
            self._listener.event(hint)


def cause_of(
    event: AuditEvent,
    family: Iterable[processes.Process],
    user: str | None,
    sudo: Iterable[AuditEvent] = (),
) -> Cause:
    """Return the cause that an event stands for.

    `family`: the process and its ancestors, as far as they lived when the record came. `sudo`: the
    recent uses of sudo, the oldest first.
    """
    members = list(family)
    own = next((each for each in members if each.pid == event.pid), None)
    # The kernel keeps the command line of a process that has been in a record, even if it runs
    # another program since (a login shell is `sshd: alice [priv]` there).
    living = own.command if own is not None and own.name == event.command else ""
    command = " ".join(event.argv) or living or event.line
    pids = {event.parent, *(each.pid for each in members)}
    use = next(
        (
            each
            for each in reversed(list(sudo))
            if each.session == event.session
            and each.login == event.login
            # All of sudo may have ended since: then it is known by its command.
            and (each.pid in pids or plain(each.ran) == plain(command))
        ),
        None,
    )
    if use is not None and plain(use.ran) == plain(command):
        command = use.ran
    if use is not None:
        # /proc shows no command line of a sudo that is about to end.
        via: tuple[str, ...] = (f"{os.path.basename(use.executable)} {use.ran}",)  # noqa: PTH119
    else:
        via = tuple(processes.rights(members))
    return Cause(
        "audit",
        user=user,
        command=command or None,
        via=via,
        unit=next((each.unit for each in members if each.unit is not None), None),
        # sudo gives its command a terminal of its own.
        terminal=(use.terminal if use is not None else "") or event.terminal or None,
        pid=event.pid if event.pid > 0 else None,
        time=event.time,
    )
