"""Who changed a file or a value, or ran a command: records of the kernel's audit subsystem.

The rules for what items need are our own. They carry the key `power-edge`, and go when the watch
ends; rules of others are never touched. Each part is a module of watch/audit/: which rules
(ruleset), their binary form (rules), how records come (feed), what they say (records), what was
done to what (acts), and who did it (reports).
"""

import asyncio
import errno
import os
import socket
import time
from contextlib import ExitStack

from power_edge.text import quoted
from power_edge.watch.audit.acts import WRITES
from power_edge.watch.audit.feed import alone, feed, records
from power_edge.watch.audit.records import CONFIG_CHANGE, Assembler, AuditEvent
from power_edge.watch.audit.reports import NAME, Reports
from power_edge.watch.audit.rules import KEY, LOCKED, Control, syscalls
from power_edge.watch.audit.ruleset import VALUES, Kernel, OurRules, Wanted, wanted_of
from power_edge.watch.sources import Listener, Source, Unavailable, Watched

_PROOF = 2.0
"""Seconds in which the record of our own rules has to come back."""
_OVERDUE = 0.1
"""Seconds after which an event whose last record has not come is taken as it is."""
_LOOK = 5.0
"""Seconds between two looks at rules that could not be set, and at what the kernel has lost."""
_RENEWED_AFTER = 12
"""Looks after which the links on the way to files are followed again."""


class Reading:
    """The source while it runs."""

    def __init__(self, wanted: Wanted, control: Kernel, feed: socket.socket, to: Listener):
        self._control = control
        self._feed = feed
        self._listener = to
        self._rules = OurRules(control, wanted)
        self._reports = Reports(wanted, to)
        self._assembler = Assembler()
        self._lost = self._looks = 0
        self._removals = 0
        """Records still to come of rules that a killed watch left, and we removed."""

    async def run(self) -> None:
        """Set the rules, and read records until cancelled. Raises as `_read`, and OSError."""
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
            self._removals = await asyncio.to_thread(self._rules.begin)
            if not self._rules.some:
                self._listener.up()
            await self._read(proven=not self._rules.some)
        finally:
            # In a thread: 12 ms for each rule. Nobody may leave before it is done.
            await asyncio.shield(asyncio.to_thread(self._rules.end))

    async def _read(self, *, proven: bool) -> None:
        """Read records forever. Raises Unavailable if no record of our own rules comes, and
        ConnectionError if somebody else removes them.
        """
        loop = asyncio.get_running_loop()
        begun = looked = loop.time()
        while True:
            try:
                idle = _OVERDUE if self._assembler.waits else _LOOK
                async with asyncio.timeout(idle if proven else min(idle, _PROOF)):
                    received = await records(self._feed)
            except TimeoutError:
                received = []
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._listener.lost(1, "the kernel's buffer of audit records was full")
                received = []
            read = loop.time()
            for kind, text in received:
                event = self._assembler.feed(kind, text)
                if event is not None:
                    proven = self._check(event, proven)
                    await self._reports.report(event)
            for event in self._assembler.overdue(time.time() - _OVERDUE):
                await self._reports.report(event)
            now = loop.time()
            if received:
                # In a storm of records most of the time is left to the rest.
                await asyncio.sleep(2 * (now - read))
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
        if CONFIG_CHANGE not in event.kinds or KEY not in event.keys:
            return proven
        if self._removals:
            # The kernel sends records late when it is busy: those of a watch that was killed just
            # now may come to us, and would prove our rules, only to have them "removed".
            self._removals -= event.operation == "remove_rule"
        elif event.operation == "add_rule" and not proven:
            self._listener.up()
            return True
        elif event.operation == "remove_rule" and proven:
            raise ConnectionError(
                "the audit rules of the watch were removed, by auditctl or with their folder"
            )
        return proven

    def _look(self) -> None:
        """Set the rules whose folders have come, and see what the kernel has lost."""
        self._looks += 1
        if self._rules.pending or self._looks % _RENEWED_AFTER == 0:
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
    """Report events and acts from audit records until cancelled. Raises Unavailable."""
    wanted = wanted_of(watched)
    assert wanted is not None
    with ExitStack() as opened:
        joined = opened.enter_context(feed())
        opened.enter_context(alone())
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
        opened.callback(os.close, os.open(VALUES, os.O_PATH | os.O_CLOEXEC))
        control = opened.enter_context(Control())
        try:
            await Reading(wanted, control, joined, listener).run()
        except PermissionError as error:
            raise Unavailable(
                f"only root of the machine itself may set audit rules ({error.strerror}):"
                " CAP_AUDIT_CONTROL"
            ) from None
        except ConnectionRefusedError:
            raise Unavailable("audit works outside of containers only") from None


def _wants(watched: Watched) -> bool:
    wanted = wanted_of(watched)
    return wanted is not None and bool(wanted.commands or wanted.syscalls or wanted.subjects)


SOURCE = Source(
    name=NAME,
    wants=_wants,
    # It reports who did it. Other sources report better what was done.
    covers=lambda _: False,
    run=run,
    acts_late=True,
)
