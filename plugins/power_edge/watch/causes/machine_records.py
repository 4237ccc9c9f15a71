"""What this machine itself records about a change: systemd's record of a unit with the last lines
of its journal, and the logs of package managers.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from dbus_fast import BusType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from power_edge.model import Result
from power_edge.resources import resource
from power_edge.watch.bus import PROPERTIES, SYSTEMD, Refused, call
from power_edge.watch.causes import package_logs
from power_edge.watch.causes.cause import Cause
from power_edge.watch.journal import Entry, Journal, NoJournal

FindCause = Callable[[Result, float, float], Awaitable[Cause | None]]
"""Look for the cause of a change to this result, between two times. None: no record of one was
found, or it could not be read.
"""
_LOGS = (
    (Path("/var/log/apt/history.log"), package_logs.apt),
    (Path("/var/log/dnf.rpm.log"), package_logs.dnf),
)
_TAIL = 64 * 1024
"""Bytes of a log that are read, from its end."""
_LINES, _MOST_LINES = 3, 50
"""Lines of a journal in a cause, and those that are read."""
_ENDS = frozenset(
    (
        "9d1aaa27d60140bd96365438aad20286",  # stopped
        "7ad2d189f7e94e70a38c781354912448",  # deactivated successfully
        "d9b373ed55a64feb8242e02dbe79a49c",  # failed, with its result
    )
)
"""Ids of systemd's messages about the end of a unit (systemd/sd-messages.h)."""
_AFTER = 0.05
"""Seconds after its end in which systemd writes how a unit has ended."""
_SIGNALLED = (2, 3)
"""CLD_KILLED and CLD_DUMPED of siginfo_t: the status is a signal."""


async def of_package(result: Result, since: float, until: float) -> Cause | None:
    """Return the log entry about a package."""
    item = result.item
    if not resource(item.type).triggers(item.declared, "").locks:
        return None
    state = next((each.actual for each in result.findings if each.field == "state"), None)
    shown = state if isinstance(state, str) else None
    return await asyncio.to_thread(_logged, item.key, shown, since, until)


async def of_unit(result: Result, since: float, until: float) -> Cause | None:
    """Return how a unit ended, and what was written in its journal."""
    item = result.item
    if not resource(item.type).triggers(item.declared, "").units:
        return None
    lines = asyncio.create_task(asyncio.to_thread(_journal, item.key, since))
    properties: dict[str, object] = {}
    with suppress(OSError, EOFError, DBusFastError, AssertionError):
        properties = await _properties(item.key)
    return unit_cause(item.key, properties, await lines, since, until)


MACHINE_RECORDS: tuple[FindCause, ...] = (of_package, of_unit)


def unit_cause(
    unit: str, properties: dict[str, object], lines: list[Entry], since: float, until: float
) -> Cause | None:
    """Return the cause that a unit's properties and journal tell: None if it did not end within
    these times.
    """
    left, ended, begun = (
        stamp / 1e6 if isinstance(stamp := properties.get(name), int) else 0.0
        for name in ("ActiveExitTimestamp", "InactiveEnterTimestamp", "ActiveEnterTimestamp")
    )
    if not ended:
        # systemd forgets a unit that nothing refers to when it has stopped.
        ended = next((line.time for line in reversed(lines) if line.kind in _ENDS), 0.0)
    # A unit that never came up has not left; one that systemd restarts enters `inactive` only then.
    moment = next((each for each in (left, ended) if each and since <= each <= until), None)
    if moment is None:
        return None
    again = begun > moment
    last = (moment if again else max(moment, ended)) + _AFTER
    messages = [line.message for line in lines if since <= line.time <= last][-_LINES:]
    # If it was started again since, its result and process are those of now.
    if again or not properties:
        return Cause("service", unit=unit, time=moment, detail=tuple(messages))
    pid = properties.get("ExecMainPID")
    return Cause(
        "service",
        unit=unit,
        pid=pid if isinstance(pid, int) and pid > 0 else None,
        time=moment,
        detail=(_result(properties), *messages),
    )


def _result(properties: dict[str, object]) -> str:
    text = f"result {properties.get('Result', 'unknown')}"
    code, status = properties.get("ExecMainCode"), properties.get("ExecMainStatus")
    if code in _SIGNALLED:
        return f"{text}, its main process ended by signal {status}"
    return f"{text}, its main process ended with {status}" if code == 1 else text


async def _properties(unit: str) -> dict[str, object]:
    """Return a unit's properties, empty if systemd has forgotten it. Raises OSError, EOFError,
    DBusFastError, AssertionError.
    """
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        (path,) = await call(bus, SYSTEMD, "GetUnit", "s", unit)
        (found,) = await call(
            bus, SYSTEMD._replace(path=str(path), interface=PROPERTIES), "GetAll", "s", ""
        )
        if not isinstance(found, dict):
            return {}
        return {name: value.value for name, value in found.items()}
    except Refused:
        return {}
    finally:
        bus.disconnect()


def _journal(unit: str, since: float) -> list[Entry]:
    try:
        with Journal([unit]) as journal:
            return journal.last(_MOST_LINES, since)
    except (NoJournal, OSError):
        return []


def _logged(package: str, state: str | None, since: float, until: float) -> Cause | None:
    for path, parse in _LOGS:
        with suppress(OSError):
            cause = package_logs.last_of(parse(_tail(path)), package, state, since, until)
            if cause is not None:
                return cause
    return None


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        return file.read().decode("utf-8", "replace")
