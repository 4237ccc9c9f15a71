"""What the logs of package managers say of a package. Text in, causes out."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from power_edge.watch.causes.cause import Cause

KIND = "package"
_APT_TIME = "%Y-%m-%d  %H:%M:%S"
"""Local time."""
_APT_PACKAGE = re.compile(r"([a-z0-9][a-z0-9+.-]+):[a-z0-9-]+ \([^)]*\)")
_APT_ACTIONS = ("Install", "Reinstall", "Upgrade", "Downgrade", "Remove", "Purge")
_APT_USER = re.compile(r"(.*) \(\d+\)")
_DNF = re.compile(r"(\S+) [A-Z]+ ((\w+): (\S+)-[^-\s]+-[^-\s]+\.\w+)")
"""`2026-11-30T10:11:12+0000 SUBDEBUG Installed: tree-1.8.0-10.el9.x86_64`"""
_REMOVES = frozenset(("Remove", "Purge", "Erase", "Erased", "Removed", "Obsoleted"))
"""Actions after which a package is absent, of apt and of dnf. After all others it is present."""
_HERE = ("present", "latest")
"""States of a package that is installed."""


class LogEntry(NamedTuple):
    """What a log says of one package: from when to when it was changed, in whole seconds. `end` is
    None if it has not ended. `removes`: whether the package is absent afterwards.
    """

    package: str
    removes: bool
    start: float
    end: float | None
    cause: Cause


def apt(text: str) -> Iterator[LogEntry]:
    """Yield what is in /var/log/apt/history.log: paragraphs of `Field: value`. What is not
    understood is left out.
    """
    for paragraph in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in paragraph.strip().splitlines() if ": " in line
        )
        try:
            start = _seconds(fields["Start-Date"], _APT_TIME)
            end = _seconds(fields["End-Date"], _APT_TIME) if "End-Date" in fields else None
        except (KeyError, ValueError):
            continue
        user = _APT_USER.fullmatch(fields.get("Requested-By", ""))
        for action in _APT_ACTIONS:
            for package in _APT_PACKAGE.finditer(fields.get(action, "")):
                cause = Cause(
                    KIND,
                    user=user[1] if user is not None else None,
                    command=fields.get("Commandline"),
                    time=start,
                    detail=(f"{action}: {package[0]}",),
                )
                yield LogEntry(package[1], action in _REMOVES, start, end, cause)


def dnf(text: str) -> Iterator[LogEntry]:
    """Yield what is in /var/log/dnf.rpm.log. It does not say who ran dnf."""
    for line in text.splitlines():
        found = _DNF.fullmatch(line.strip())
        if found is None:
            continue
        try:
            moment = _seconds(found[1], "%Y-%m-%dT%H:%M:%S%z")
        except ValueError:
            continue
        cause = Cause(KIND, time=moment, detail=(found[2],))
        yield LogEntry(found[4], found[3] in _REMOVES, moment, moment, cause)


def last_of(
    entries: Iterator[LogEntry], package: str, state: str | None, since: float, until: float
) -> Cause | None:
    """Return the last entry about a package that overlaps these times, and that can have brought it
    to a state: `absent`, `present`, `latest`. Any other state is one in between, to which each
    action can lead.
    """
    found = None
    for entry in entries:
        begun = entry.start <= until
        ended = entry.end is not None and entry.end < since
        fits = entry.removes if state == "absent" else not (entry.removes and state in _HERE)
        if entry.package == package and begun and not ended and fits:
            found = entry.cause
    return found


def _seconds(text: str, form: str) -> float:
    return datetime.strptime(text, form).timestamp()
