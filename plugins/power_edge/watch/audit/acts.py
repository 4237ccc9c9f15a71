"""What an audit event did to which subject. Only what is certain counts."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from power_edge.watch.audit.records import EXECVE, NETFILTER_CFG, AuditEvent, Path
from power_edge.watch.audit.rules import KEY
from power_edge.watch.causes.attribution import subject_of_command, subject_of_commit
from power_edge.watch.event import Kind, Subject
from power_edge.watch.path_chain import chain

RULESET = Subject(Kind.TOPIC, "nftables")
"""The packet filter, as the source `nftables` calls it."""
_LEGACY = "xt_"
"""The prefix of iptables-legacy's operations, which the source `nftables` does not see."""
SYSCALL = "syscall:"
"""Before the name of a system call of watcher.yaml, in the topic of an event."""
_CHANGES = """
chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat setxattr lsetxattr fsetxattr
removexattr lremovexattr fremovexattr truncate ftruncate creat mkdir mkdirat mknod mknodat rename
renameat renameat2 link linkat symlink symlinkat unlink unlinkat rmdir fallocate
"""
CHANGES = tuple(_CHANGES.split())
"""System calls that change a file or folder, or what they say of it."""
OPENS = {"open": 1, "openat": 2}
"""System calls that open a file, and which of their arguments has the flags (openat2's are not in
the record).
"""
OPENINGS = (*OPENS, "openat2", "creat", "truncate")
"""The system calls that begin to write a value in /proc/sys."""
WRITES = (*CHANGES, *OPENS, "openat2")
"""The system calls that a rule for a folder needs."""

Identity = tuple[int, int, int]
"""Major and minor number of the device, and the inode: what a file is, whatever its name."""


class Done(NamedTuple):
    """Something that was done to a subject. `path` is the very file."""

    subject: Subject
    path: str | None = None


def identity(path: str) -> Identity | None:
    """Return what a file is now. Links are not followed."""
    try:
        at = os.lstat(path)
    except OSError:
        return None
    return os.major(at.st_dev), os.minor(at.st_dev), at.st_ino


class Places:
    """The files and folders of some subjects, by name and by identity.

    A file can be called by other names: by a hard link, a bind mount, or in a container. The other
    way round, the same name can be another file there. So the identity decides.
    """

    def __init__(
        self,
        subjects: Iterable[Subject],
        identify: Callable[[str], Identity | None] = identity,
    ) -> None:
        self._identify = identify
        self._names: dict[str, Subject] = {}
        self._folders: dict[str, Subject] = {}
        self._identities: dict[Identity, tuple[Subject, str]] = {}
        for subject in sorted(subjects):
            if subject.kind is Kind.VALUE:
                self._add(subject, subject.name)
            elif subject.kind is Kind.PATH:
                way = chain(subject.name)
                for name in (subject.name, *way.links, *((way.end,) if way.exists else ())):
                    self._add(subject, name)
                if way.exists and _is_folder(way.end):
                    self._folders |= {subject.name: subject, way.end: subject}

    def find(self, event: AuditEvent, path: Path) -> Done | None:
        """Return what an event did to one of these files; None if the path is not one of them."""
        is_now = (*path.device, path.inode)
        full = event.full(path)
        subject = self._names.get(full)
        if subject is not None:
            now = self._identify(full)
            if now == is_now:
                self._identities[is_now] = subject, full  # it may have been replaced
                return Done(subject, full)
            # It was removed or replaced; our rule says that it was ours. A value stays the same.
            if subject.kind is Kind.PATH and KEY in event.keys:
                return Done(subject, full)
        if is_now in self._identities:
            return Done(*self._identities[is_now])
        inside = next((name for name in _above(full) if name in self._folders), None)
        if inside is not None and (KEY in event.keys or self._identify(full) == is_now):
            return Done(self._folders[inside], full)
        return None

    def ours(self, event: AuditEvent, path: Path) -> bool:
        """Return whether a program is this machine's own: our rule is about that file,
        and reports no other.
        """
        real = os.path.realpath(event.full(path))
        return KEY in event.keys or self._identify(real) == (*path.device, path.inode)

    def _add(self, subject: Subject, name: str) -> None:
        self._names.setdefault(name, subject)
        now = self._identify(name)
        if now is not None:
            self._identities.setdefault(now, (subject, name))


class Known(NamedTuple):
    """What there is to know beforehand.

    `commands` are names of programs. `syscalls` are those of watcher.yaml, `writers` all that can
    change a file, by their numbers on `architecture`. `ruleset`: whether the packet filter matters.
    """

    commands: frozenset[str]
    syscalls: Mapping[int, str]
    writers: Mapping[int, str]
    architecture: int
    ruleset: bool = True


def done(
    event: AuditEvent, places: Places, known: Known, same_network: Callable[[int], bool]
) -> Iterator[Done]:
    """Yield what an event did.

    `same_network`: whether a process is certainly in our network namespace. The packet filters of
    all containers are reported alike.
    """
    if NETFILTER_CFG in event.kinds and known.ruleset:
        # Who made a commit that the source `nftables` reports for our network namespace.
        yield Done(subject_of_commit(event.pid))
        if event.operation.startswith(_LEGACY) and same_network(event.pid):
            yield Done(RULESET)
    if not event.succeeded:
        return
    if EXECVE in event.kinds:
        # The first path is the program as it was called: it may be a link to another.
        for path in event.paths[:1]:
            name = os.path.basename(path.name)  # noqa: PTH119 strings
            # A container has a systemctl of its own, and what systemd answers to others than root
            # is in no record.
            if name in known.commands and event.user == 0 and places.ours(event, path):
                yield Done(subject_of_command(name))
        return
    native = event.architecture == known.architecture
    if native and KEY in event.keys and event.syscall in known.syscalls:
        yield Done(Subject(Kind.TOPIC, f"{SYSCALL}{known.syscalls[event.syscall]}"))
    if not writes(event, known.writers if native else {}):
        return
    found = (places.find(event, path) for path in event.paths if path.name and path.how != "PARENT")
    yield from dict.fromkeys(each for each in found if each is not None)


def writes(event: AuditEvent, writers: Mapping[int, str]) -> bool:
    """Return whether an event changed a file. A rule of somebody else's may report readers too."""
    if any(path.how in ("CREATE", "DELETE") for path in event.paths):
        return True
    name = writers.get(event.syscall, "")
    if KEY in event.keys and name not in OPENS:
        return True
    if name in OPENS and len(event.registers) > OPENS[name]:
        flags = event.registers[OPENS[name]]
        return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_TRUNC))
    return name in CHANGES


def _above(path: str) -> Iterator[str]:
    """Yield the folders above a path, the nearest first."""
    while "/" in path.rstrip("/"):
        path = path.rpartition("/")[0]
        yield path or "/"
        if not path:
            return


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116
    except OSError:
        return False
