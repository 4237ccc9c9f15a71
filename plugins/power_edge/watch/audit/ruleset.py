"""Which audit rules a watch needs, and keeping them in the kernel while it runs."""

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from power_edge.watch.audit.acts import OPENINGS, RULESET, WRITES
from power_edge.watch.audit.rules import (
    Rule,
    Status,
    command_rule,
    file_rule,
    folder_rule,
    syscall_rule,
)
from power_edge.watch.event import Kind, Subject
from power_edge.watch.path_chain import chain
from power_edge.watch.sources import Watched

VALUES = "/proc/sys"
_TOGETHER = 3
"""From this many files of one folder on, one rule for the folder replaces those of the files: the
kernel takes 12 ms to remove a rule, and the watch has to end within a second.
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


def wanted_of(watched: Watched) -> Wanted | None:
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
        yield folder_rule(VALUES, opens, attributes=False)
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


class Kernel(Protocol):
    """The control connection, as far as it is used here (`Control`)."""

    def status(self) -> Status: ...
    def enable(self, enabled: int) -> None: ...
    def add(self, rule: Rule) -> None: ...
    def remove_ours(self) -> int: ...


class OurRules:
    """Our rules in the kernel, for as long as the block lasts."""

    def __init__(self, control: Kernel, wanted: Wanted) -> None:
        self._control = control
        self._wanted = wanted
        self._set: set[Rule] = set()
        self._enabled_by_us = False
        self.pending = False
        """Whether there are rules that could not be set: their folders are missing."""

    def begin(self) -> int:
        """Remove what a killed watch has left behind, and set the rules. Return how many were
        removed. Raises OSError.
        """
        if self._control.status().enabled == 0:
            self._control.enable(1)
            self._enabled_by_us = True
        removed = self._control.remove_ours()
        self.complete()
        return removed

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
        """Whether there are any."""
        return bool(self._set)

    def end(self) -> None:
        """Remove our rules. Switch audit off if it was off before and nobody else uses it by
        now."""
        with suppress(OSError):
            self._control.remove_ours()
            if self._enabled_by_us and self._control.status().daemon == 0:
                self._control.enable(0)
