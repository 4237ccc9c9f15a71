"""Who changed a file or a value, or ran a command: records of the kernel's audit subsystem.

They come by netlink, to a group that anybody with the right may join (AUDIT_NLGRP_READLOG): beside
auditd, or without it. The rules for what items need are our own. They carry the key `power-edge`,
and go when the watch ends; rules of others are never touched.
"""

import asyncio
import errno
import fcntl
import os
import shutil
import socket
import struct
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from power_edge.text import quoted
from power_edge.watch import processes
from power_edge.watch.attribution import COMMIT, only_reads
from power_edge.watch.audit_acts import OPENINGS, RULESET, WRITES, Done, Known, Places, done
from power_edge.watch.audit_records import (
    CONFIG_CHANGE,
    EXECVE,
    USER_COMMAND,
    Assembler,
    AuditEvent,
)
from power_edge.watch.audit_rules import (
    KEY,
    LOCKED,
    Control,
    Rule,
    Status,
    command_rule,
    file_rule,
    folder_rule,
    syscall_rule,
    syscalls,
)
from power_edge.watch.cause import Act, Cause, plain
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.path_chain import chain
from power_edge.watch.sources import Listener, Source, Unavailable, Watched

NAME = "auditd"
_NETLINK_AUDIT, _SOL_NETLINK, _ADD_MEMBERSHIP, _READLOG = 9, 270, 1, 1
_SO_RCVBUFFORCE = 33
_BUFFER = 4 * 1024 * 1024
_HEADER = struct.Struct("=IHHII")
_LONGEST, _MOST = 64 * 1024, 500
"""Bytes of a record, and records that are read at a time."""
_ENCODING = "utf-8", "surrogateescape"
LOCK = f"/run/{KEY}-audit.lock"
_VALUES = "/proc/sys"
_WRITTEN = 0.02
"""Seconds from the record to the value: the record is written when the file is opened."""
_PROOF = 2.0
"""Seconds in which the record of our own rules has to come back."""
_OVERDUE = 0.1
_SUDO = 64
"""Uses of sudo that are kept: the command of one is a child of it, or of a process between."""
_RECENT = 1.0
"""Seconds for which what is known of a process stays true."""
_LOOK = 5.0
"""Seconds between two looks at rules that could not be set, and at what the kernel has lost."""
_ANEW = 12
"""Looks after which the links on the way to files are followed anew."""
_TOGETHER = 3
"""Files of one folder from which on the folder has a rule, and they have none: the kernel takes
12 ms to remove a rule, and the watch has to end within a second.
"""
PROGRAMS = os.pathsep.join(
    f"{prefix}/{name}" for prefix in ("/usr/local", "/usr", "") for name in ("sbin", "bin")
)


@dataclass
class Wanted:
    """What there is to be reported."""

    commands: tuple[str, ...]
    syscalls: tuple[str, ...]
    subjects: frozenset[Subject]
    numbers: Mapping[str, int] = field(default_factory=dict)
    """System calls by name, for this machine's architecture; empty without libaudit."""
    architecture: int = -1


def _wanted(watched: Watched) -> Wanted | None:
    """Return what there is to be reported; None if the source is switched off."""
    configured = watched.configured.auditd if watched.configured is not None else None
    if configured is not None and configured.enabled is False:
        return None
    return Wanted(
        tuple(configured.commands or ()) if configured is not None else (),
        tuple(configured.syscalls or ()) if configured is not None else (),
        frozenset(
            subject
            for subject in watched.subjects
            if subject.kind in (Kind.PATH, Kind.VALUE) or subject == RULESET
        ),
    )


def rules(wanted: Wanted) -> Iterator[Rule]:
    """Yield the rules for what is wanted, as the machine is now."""
    writers = [wanted.numbers[name] for name in WRITES if name in wanted.numbers]
    if any(subject.kind is Kind.VALUE for subject in wanted.subjects):
        opens = [wanted.numbers[name] for name in OPENINGS if name in wanted.numbers]
        yield folder_rule(_VALUES, opens, attributes=False)
    files: defaultdict[str, set[str]] = defaultdict(set)
    folders = set()
    for subject in wanted.subjects:
        if subject.kind is Kind.PATH:
            way = chain(subject.name)
            for path in (*way.links, way.end):
                if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114 strings
                    folders.add(path)
                else:
                    files[os.path.dirname(path)].add(path)  # noqa: PTH120
    folders |= {folder for folder, paths in files.items() if len(paths) >= _TOGETHER} - {"/"}
    yield from (folder_rule(folder, writers) for folder in sorted(folders))
    for folder, paths in sorted(files.items()):
        if folder not in folders:
            yield from map(file_rule, sorted(paths))
    programs = (shutil.which(command, path=PROGRAMS) for command in wanted.commands)
    for program in sorted({os.path.realpath(each) for each in programs if each is not None}):
        yield command_rule(program)
    for name in wanted.syscalls:
        if name in wanted.numbers:
            yield syscall_rule(wanted.numbers[name])


class _Kernel(Protocol):
    """The control connection, as far as it is used here (`Control`)."""

    def status(self) -> Status: ...
    def enable(self, enabled: int) -> None: ...
    def add(self, rule: Rule) -> None: ...
    def remove_ours(self) -> int: ...


class _Rules:
    """Our rules in the kernel, for as long as the block lasts."""

    def __init__(self, control: _Kernel, wanted: Wanted) -> None:
        self._control = control
        self._wanted = wanted
        self._set: set[Rule] = set()
        self._enabled_by_us = False
        self.pending = False
        """Whether there are rules that could not be set: their folders are missing."""

    def begin(self) -> None:
        """Remove what a killed watch has left behind, and set the rules. Raises OSError."""
        if self._control.status().enabled == 0:
            self._control.enable(1)
            self._enabled_by_us = True
        self._control.remove_ours()
        self.complete()

    def complete(self) -> None:
        """Set the rules that are not set yet. Raises OSError."""
        self.pending = False
        for rule in rules(self._wanted):
            if rule in self._set:
                continue
            try:
                self._control.add(rule)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.ELOOP):
                    raise
                self.pending |= error.errno != errno.EEXIST
            else:
                self._set.add(rule)

    @property
    def some(self) -> bool:
        return bool(self._set)

    def end(self) -> None:
        """Remove our rules. Switch audit off if it was off, and nobody else has come to use it."""
        with suppress(OSError):
            self._control.remove_ours()
            if self._enabled_by_us and self._control.status().daemon == 0:
                self._control.enable(0)


class _Reports:
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
        """Follow the links on the way to files anew."""
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
        for each in found:
            argv = event.argv if EXECVE in event.kinds else ()
            self._listener.act(Act(each.subject, event.time, cause, each.path, argv))
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


def _feed() -> socket.socket:
    """Return a socket that gets all records. Raises Unavailable."""
    try:
        feed = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
            _NETLINK_AUDIT,
        )
    except (OSError, AttributeError) as error:
        raise Unavailable(f"this kernel has no audit subsystem for us: {error}") from None
    try:
        try:
            feed.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:
            feed.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        feed.bind((0, 0))
        feed.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _READLOG)
    except OSError as error:
        feed.close()
        raise Unavailable(
            f"audit records are for root ({error.strerror}): CAP_AUDIT_READ"
        ) from None
    return feed


@contextmanager
def _alone() -> Iterator[None]:
    """Hold what only one process of this machine can have. Raises Unavailable.

    Two watches would remove each other's rules. It is a lock on a file that root alone can open:
    the name of a socket could be taken by any user, who then has no watch name him. The lock goes
    with the process.
    """
    try:
        lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"{LOCK} cannot be opened: {error.strerror}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Unavailable("another watch of this machine has the audit rules") from None
        yield
    finally:
        os.close(lock)


async def _records(feed: socket.socket) -> list[tuple[int, str]]:
    """Wait for records, and return them: type and text. Raises OSError, ENOBUFS if some were lost.

    A datagram is a record.
    """
    loop = asyncio.get_running_loop()
    datagrams = [await loop.sock_recv(feed, _LONGEST)]
    with suppress(BlockingIOError):
        while len(datagrams) < _MOST:
            datagrams.append(feed.recv(_LONGEST))
    return [
        (_HEADER.unpack_from(each)[1], each[_HEADER.size :].rstrip(b"\0").decode(*_ENCODING))
        for each in datagrams
        if len(each) >= _HEADER.size
    ]


class Reading:
    """The source while it runs."""

    def __init__(self, wanted: Wanted, control: _Kernel, feed: socket.socket, to: Listener):
        self._control = control
        self._feed = feed
        self._listener = to
        self._rules = _Rules(control, wanted)
        self._reports = _Reports(wanted, to)
        self._assembler = Assembler()
        self._lost = self._looks = 0

    async def run(self) -> None:
        status = self._control.status()
        self._lost = status.lost
        if status.enabled == LOCKED:
            # The rules that there are may report what we want to know.
            self._listener.limited(
                "the audit rules are locked until the next boot (auditctl -e 2): only what they"
                " report is known"
            )
            await self._read(proven=True)
        try:
            await asyncio.to_thread(self._rules.begin)
            if not self._rules.some:
                self._listener.up()
            await self._read(proven=not self._rules.some)
        finally:
            # In a thread: 12 ms for each rule. Nobody may leave before it is done.
            await asyncio.shield(asyncio.to_thread(self._rules.end))

    async def _read(self, *, proven: bool) -> None:
        """Read records for ever. Raises Unavailable if no record of our own rules comes, and
        ConnectionError if somebody else removes them.
        """
        loop = asyncio.get_running_loop()
        begun = looked = loop.time()
        while True:
            try:
                idle = _OVERDUE if self._assembler.waits else _LOOK
                async with asyncio.timeout(idle if proven else min(idle, _PROOF)):
                    records = await _records(self._feed)
            except TimeoutError:
                records = []
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._listener.lost(1, "the kernel's buffer of audit records was full")
                records = []
            received = loop.time()
            for kind, text in records:
                event = self._assembler.feed(kind, text)
                if event is not None:
                    proven = self._check(event, proven)
                    await self._reports.report(event)
            for event in self._assembler.overdue(time.time() - _OVERDUE):
                await self._reports.report(event)
            now = loop.time()
            if records:
                # In a storm of records most of the time is left to the rest.
                await asyncio.sleep(2 * (now - received))
            if not proven and now - begun > _PROOF:
                raise Unavailable(
                    "no record arrives: the kernel sends them to the machine's initial network"
                    " namespace only, not to containers"
                )
            if now - looked >= _LOOK:
                looked = now
                self._look()

    def _check(self, event: AuditEvent, proven: bool) -> bool:
        """Take a record of a changed rule. Return whether it is proven that records arrive."""
        if CONFIG_CHANGE not in event.kinds:
            return proven
        if event.operation == "add_rule" and KEY in event.keys and not proven:
            self._listener.up()
            return True
        if event.operation == "remove_rule" and KEY in event.keys and proven:
            raise ConnectionError("our audit rules were removed, by auditctl or with their folder")
        return proven

    def _look(self) -> None:
        """Set the rules whose folders have come, and see what the kernel has lost."""
        self._looks += 1
        if self._rules.pending or self._looks % _ANEW == 0:
            self._rules.complete()
            self._reports.renew()
        status = self._control.status()
        if status.enabled == 0:
            raise ConnectionError("audit was switched off")
        # Without auditd the kernel counts what it does not print.
        if status.daemon and status.lost > self._lost:
            self._listener.lost(status.lost - self._lost, "the kernel dropped audit records")
        self._lost = status.lost


async def run(watched: Watched, listener: Listener) -> None:
    wanted = _wanted(watched)
    assert wanted is not None
    with ExitStack() as opened:
        feed = opened.enter_context(_feed())
        opened.enter_context(_alone())
        try:
            known = syscalls((*WRITES, *wanted.syscalls))
        except OSError:
            if wanted.syscalls:
                raise Unavailable(
                    "the numbers of system calls need libaudit.so.1: install libaudit1 (Debian) or"
                    " audit-libs"
                ) from None
        else:
            wanted.numbers, wanted.architecture = known.numbers, known.architecture
            if unknown := set(wanted.syscalls) - set(known.numbers):
                raise Unavailable(
                    f"this machine has no system call {quoted(min(unknown))}: see"
                    " watchers.auditd.syscalls in watcher.yaml"
                )
        # A rule ends with the kernel's memory of its folder, which is kept for what is open.
        opened.callback(os.close, os.open(_VALUES, os.O_PATH | os.O_CLOEXEC))
        control = opened.enter_context(Control())
        try:
            await Reading(wanted, control, feed, listener).run()
        except PermissionError as error:
            raise Unavailable(
                f"audit rules are for root of the machine itself ({error.strerror}):"
                " CAP_AUDIT_CONTROL"
            ) from None
        except ConnectionRefusedError:
            raise Unavailable("audit works outside of containers only") from None


def _wants(watched: Watched) -> bool:
    wanted = _wanted(watched)
    return wanted is not None and bool(wanted.commands or wanted.syscalls or wanted.subjects)


SOURCE = Source(
    name=NAME,
    wants=_wants,
    # It says who did it. What was done, others see better.
    covers=lambda _: False,
    run=run,
    acts_late=True,
)
