"""Files, by inotify(7): those that items need, and the paths of watcher.yaml.

The watches are on every folder on the way to a path, so that a path may be missing, and its folders
may be replaced. One inotify instance holds all of them: watchdog would take an instance and two
threads for each folder, and Linux gives a user 128 instances.
"""

import asyncio
import errno
import select
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from asyncinotify import Event as RawEvent
from asyncinotify import Inotify, Mask
from asyncinotify import Watch as FolderWatch

from power_edge.text import quoted
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.path_chain import Chain, Fingerprint, Look, chain, differing, folders
from power_edge.watch.sources import Listener, Source, Unavailable, Watched

NAME = "inotify"
_ON_THE_WAY = (
    Mask.CREATE | Mask.DELETE | Mask.MOVED_FROM | Mask.MOVED_TO | Mask.ATTRIB | Mask.DELETE_SELF
    | Mask.MOVE_SELF
)  # fmt: skip
_AT_THE_END = _ON_THE_WAY | Mask.MODIFY | Mask.CLOSE_WRITE
_OF_THE_FILE = Mask.MODIFY | Mask.CLOSE_WRITE | Mask.ATTRIB | Mask.DELETE_SELF | Mask.MOVE_SELF
_GONE = Mask.IGNORED | Mask.UNMOUNT | Mask.DELETE_SELF | Mask.MOVE_SELF
_REARM = 12
"""Sweeps after which all watches are made again, whether or not paths have changed."""
_ANY = ""
"""Stands for each name in a folder, and for the watched file itself."""


class Paths:
    """The watches for some paths, and the paths' fingerprints."""

    def __init__(self, inotify: Inotify, paths: Iterable[str]) -> None:
        self._inotify = inotify
        self._paths = sorted(paths)
        self._concerned: dict[int, defaultdict[str, set[str]]] = {}
        """Watch descriptor -> name in its folder -> the paths that it is on the way to."""
        self._places: defaultdict[str, set[tuple[int, str]]] = defaultdict(set)
        """The same the other way round: path -> descriptors and names."""
        self._watches: dict[int, FolderWatch] = {}
        self._made: dict[tuple[str, Mask], FolderWatch] = {}
        """The watches that the running call of `arm` has made. If such a place is replaced
        meanwhile, the watch on its parent folder reports it: that one was made before.
        """
        self._ways: dict[str, Chain] = {}
        self._fingerprints: dict[str, Fingerprint] = {}
        self._contents: dict[str, bytes | None] = {}
        """Of files that were written lately."""
        self.hidden: set[str] = set()
        """Folders and files that may not be watched: changes there send no event."""

    def arm(self, paths: Iterable[str] | None = None) -> dict[str, frozenset[str]]:
        """Watch all paths, or some of them, as they are now. Return those that have changed, each
        with the paths that differ.

        Raises OSError if the kernel allows no more watches.
        """
        changed = {}
        self._made.clear()
        for path in self._paths if paths is None else sorted(paths):
            self._forget(path)
            # A watch first, a look after it: so nothing happens between the two unseen. Where
            # the look finds another way than the one that is watched, it is watched again.
            way = chain(path)
            while True:
                self._watch_all(path, way)
                look = Look()
                watched, way = way, look.chain(path)
                if way == watched:
                    break
            before, now = self._fingerprints.get(path), look.fingerprint(way)
            self._ways[path], self._fingerprints[path] = way, now
            was, self._contents[path] = self._contents.get(path), look.recent_content(way)
            if before is not None and (before != now or _differ(was, self._contents[path])):
                changed[path] = differing(before, now)
        self._drop_unused()
        return changed

    def stale(self) -> list[str]:
        """Return the paths that are not as they were when they were armed."""
        look = Look()
        found = []
        for path in self._paths:
            way = look.chain(path)
            if (
                way != self._ways.get(path)
                or look.fingerprint(way) != self._fingerprints.get(path)
                or _differ(self._contents.get(path), look.recent_content(way))
            ):
                found.append(path)
        return found

    def concerned(self, event: RawEvent) -> set[str]:
        """Return the paths whose chain an event is about."""
        if event.watch is None:
            return set()
        names: Mapping[str, set[str]] = self._concerned.get(event.watch.wd, {})
        if event.mask & _GONE:
            if event.mask & Mask.IGNORED:
                self._concerned.pop(event.watch.wd, None)
                self._watches.pop(event.watch.wd, None)
            return {path for paths in names.values() for path in paths}
        name = _ANY if event.name is None else str(event.name)
        return names.get(_ANY, set()) | names.get(name, set())

    def _watch_all(self, path: str, way: Chain) -> None:
        for step in way.steps[:-1]:
            self._watch(step.folder, step.name, path, _ON_THE_WAY | Mask.ONLYDIR)
        if way.steps:
            last = way.steps[-1]
            self._watch(last.folder, last.name, path, _AT_THE_END | Mask.ONLYDIR)
        inside = list(folders(way))
        for folder in inside:
            self._watch(folder, _ANY, path, _AT_THE_END | Mask.ONLYDIR)
        if way.exists and not inside:
            # The file itself: a write by another hard link sends nothing to its folder.
            self._watch(way.end, _ANY, path, _OF_THE_FILE | Mask.DONT_FOLLOW)

    def _watch(self, place: str, name: str, path: str, mask: Mask) -> None:
        try:
            watch = self._made.get((place, mask))
            if watch is None:
                watch = self._inotify.add_watch(place, mask | Mask.MASK_ADD)
                self._made[place, mask] = watch
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM):
                raise
            if error.errno in (errno.EACCES, errno.EPERM):
                self.hidden.add(place)
            return  # it has gone, or may not be read: the step before it is watched
        self._watches[watch.wd] = watch
        self._concerned.setdefault(watch.wd, defaultdict(set))[name].add(path)
        self._places[path].add((watch.wd, name))

    def _forget(self, path: str) -> None:
        for descriptor, name in self._places.pop(path, ()):
            names = self._concerned.get(descriptor)
            if names is None:
                continue
            names[name].discard(path)
            if not names[name]:
                del names[name]

    def _drop_unused(self) -> None:
        for descriptor, names in list(self._concerned.items()):
            if not names:
                del self._concerned[descriptor]
                try:
                    self._inotify.rm_watch(self._watches.pop(descriptor))
                except OSError:
                    continue  # the kernel has dropped it, as the folder is gone


def _differ(before: bytes | None, now: bytes | None) -> bool:
    """Return whether two contents are known, and differ."""
    return before is not None and now is not None and before != now


def _paths(watched: Watched) -> frozenset[str]:
    configured = watched.configured.inotify if watched.configured is not None else None
    own = configured.paths or () if configured is not None else ()
    return frozenset([*(s.name for s in watched.subjects if s.kind is Kind.PATH), *own])


async def run(watched: Watched, listener: Listener) -> None:
    """Report changes of files until cancelled. Raises Unavailable."""
    try:
        inotify = Inotify(cache_size=256, sync_timeout=0)
    except OSError as error:
        raise Unavailable(
            f"inotify cannot be used: {error.strerror} (see fs.inotify.max_user_instances)"
        ) from None
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    with inotify, _mounts(ready) as mounted:
        try:
            paths = Paths(inotify, _paths(watched))
            paths.arm()
            loop.add_reader(inotify.fd, ready.set)
            if paths.hidden:
                listener.limited(f"{quoted(min(paths.hidden))} may not be read by this user")
            else:
                listener.up()
            next_sweep = loop.time() + watched.sweep_seconds
            sweeps = 0
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(next_sweep):
                        await ready.wait()
                ready.clear()
                begun = loop.time()
                sweep, remounted = begun >= next_sweep, mounted()
                sweeps += sweep
                rearm = remounted or (sweep and sweeps % _REARM == 0)
                _report(paths, list(inotify), listener, sweep=sweep, rearm=rearm)
                if sweep:
                    next_sweep = loop.time() + watched.sweep_seconds
                # In a storm of events most of the time is left to the rest.
                await asyncio.sleep(2 * (loop.time() - begun))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.ENOMEM):
                raise
            raise Unavailable(
                f"the kernel allows no more watches: {error.strerror}"
                " (raise fs.inotify.max_user_watches)"
            ) from None
        finally:
            loop.remove_reader(inotify.fd)


@contextmanager
def _mounts(ready: asyncio.Event) -> Iterator[Callable[[], bool]]:
    """Set `ready` when something is mounted or unmounted, and yield a function that says whether
    that was so: inotify reports nothing when a path is hidden by a mount.
    """
    changed = False
    with open("/proc/self/mountinfo", "rb") as table, select.epoll() as poll:  # noqa: PTH123
        # The file can always be read, so that a plain add_reader would spin: only "there is news"
        # counts (proc_pid_mountinfo(5)).
        poll.register(table.fileno(), select.EPOLLPRI | select.EPOLLERR)

        def on_change() -> None:
            nonlocal changed
            poll.poll(0)
            changed = True
            ready.set()

        def mounted() -> bool:
            nonlocal changed
            was, changed = changed, False
            return was

        loop = asyncio.get_running_loop()
        loop.add_reader(poll.fileno(), on_change)
        try:
            yield mounted
        finally:
            loop.remove_reader(poll.fileno())


def _report(
    paths: Paths, events: list[RawEvent], listener: Listener, *, sweep: bool, rearm: bool
) -> None:
    """`sweep`: look at all paths. `rearm`: make all watches again as well."""
    now = time.time()
    overflow = any(event.mask & Mask.Q_OVERFLOW for event in events)
    concerned = {path for event in events for path in paths.concerned(event)}
    if sweep and not rearm:
        concerned.update(paths.stale())
    for path, entries in paths.arm(None if rearm or overflow else concerned).items():
        listener.event(Event(NAME, Subject(Kind.PATH, path), now, entries=entries))
    if overflow:
        listener.lost(1, "the kernel's queue of file events was full")


SOURCE = Source(
    name=NAME,
    wants=lambda watched: bool(_paths(watched)),
    covers=lambda subject: subject.kind is Kind.PATH,
    run=run,
)
