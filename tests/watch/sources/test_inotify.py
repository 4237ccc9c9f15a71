"""File events of the kernel, on real files."""

import asyncio
import errno
import fcntl
import mmap
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from asyncinotify import Inotify, Mask, Watch

from power_edge.text import quoted
from power_edge.watch.causes.cause import Act
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.sources import Source, Watched
from power_edge.watch.sources.inotify import SOURCE, Paths


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.losses: asyncio.Queue[str] = asyncio.Queue()
        self.limits: list[str] = []

    def up(self) -> None:
        self.ready.set()

    def limited(self, why: str) -> None:
        self.limits.append(why)
        self.ready.set()

    def act(self, act: Act) -> None:
        pass

    def event(self, event: Event) -> None:
        self.events.put_nowait(event)

    def lost(self, count: int, why: str) -> None:
        assert count
        self.losses.put_nowait(why)


def listen(
    paths: list[Path],
    scenario: Callable[[Heard], Awaitable[None]],
    sweep: float = 1e6,
    source: Source = SOURCE,
    kind: Kind = Kind.PATH,
) -> None:
    async def listening() -> None:
        heard = Heard()
        subjects = frozenset(Subject(kind, str(path)) for path in paths)
        running = asyncio.ensure_future(source.run(Watched(subjects, None, sweep), heard))
        try:
            await asyncio.wait_for(heard.ready.wait(), 30)
            await asyncio.wait_for(scenario(heard), 30)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(listening())


def replace(path: Path, text: str = "new\n") -> None:
    beside = path.with_name("beside")
    beside.write_text(text)
    beside.rename(path)


def swap(path: Path) -> None:
    path.parent.rename(path.parent.with_name("old"))
    path.parent.mkdir()
    path.write_text("swapped\n")


def write_by_hard_link(path: Path) -> None:
    (path.parent.parent / "hard").hardlink_to(path)
    (path.parent.parent / "hard").write_text("by the other name\n")


CHANGES = {
    "write": lambda path: path.write_text("written\n"),
    "chmod": lambda path: path.chmod(0o600),
    "replace": replace,
    "delete": lambda path: path.unlink(),
    "swap": swap,
    "hard-link": write_by_hard_link,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_a_file_is_reported(tmp_path: Path, change: Callable[[Path], object]) -> None:
    path = tmp_path / "folder/file"
    path.parent.mkdir()
    path.write_text("old\n")

    async def scenario(heard: Heard) -> None:
        change(path)
        assert (await heard.events.get()).subject == Subject(Kind.PATH, str(path))

    listen([path], scenario)


def test_it_is_reported_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "file"

    async def scenario(heard: Heard) -> None:
        for text in ("one\n", "two\n", "three\n"):
            replace(path, text)
            await heard.events.get()
            path.unlink()
            await heard.events.get()

    listen([path], scenario)


def test_a_path_may_come_step_by_step(tmp_path: Path) -> None:
    path = tmp_path / "a/b/c/file"

    async def scenario(heard: Heard) -> None:
        path.parent.mkdir(parents=True)
        path.write_text("here\n")
        while True:
            await heard.events.get()
            if path.exists() and heard.events.empty():
                break
        shutil.rmtree(tmp_path / "a")
        await heard.events.get()

    listen([path], scenario)


def test_the_target_of_a_link_counts_and_where_the_link_leads(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    link = tmp_path / "link"
    link.symlink_to("one")

    async def scenario(heard: Heard) -> None:
        (tmp_path / "one/file").write_text("changed\n")
        await heard.events.get()
        (tmp_path / "new").symlink_to("two")
        (tmp_path / "new").rename(link)
        await heard.events.get()
        while not heard.events.empty():
            heard.events.get_nowait()
        (tmp_path / "two/file").write_text("changed as well\n")
        await heard.events.get()

    listen([link / "file"], scenario)


def test_what_is_in_a_folder_counts_two_levels_deep(tmp_path: Path) -> None:
    async def scenario(heard: Heard) -> None:
        folder = tmp_path / "a.service.d"
        folder.mkdir()
        assert (await heard.events.get()).entries == {str(folder)}
        (folder / "b.conf").write_text("[Service]\n")
        assert (await heard.events.get()).entries == {str(folder / "b.conf")}

    listen([tmp_path], scenario)


def test_a_file_beside_it_is_not_reported(tmp_path: Path) -> None:
    path, beside = tmp_path / "file", tmp_path / "beside"
    path.write_text("x")

    async def scenario(heard: Heard) -> None:
        beside.write_text("x")
        path.write_text("y")
        assert (await heard.events.get()).subject.name == str(path)
        assert heard.events.empty()

    listen([path], scenario)


def test_reading_is_no_change(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_text("x")

    async def scenario(heard: Heard) -> None:
        path.read_text()
        os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        other.write_text("x")
        subjects = [(await heard.events.get()).subject.name]
        while not heard.events.empty():
            subjects.append(heard.events.get_nowait().subject.name)
        # utime(2) changes the ctime, which may be a chown: it counts. Reading alone does not.
        assert set(subjects) <= {str(other), str(path)}

    listen([path, other], scenario)


def test_a_sweep_finds_what_no_event_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    monkeypatch.setattr(
        "power_edge.watch.sources.inotify.Paths.concerned", lambda self, event: set()
    )

    async def scenario(heard: Heard) -> None:
        path.write_text("y")
        assert (await heard.events.get()).subject.name == str(path)

    listen([path], scenario, sweep=0.01)


def test_a_sweep_asks_for_each_path_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for number in range(5):
        (tmp_path / f"real/{number}").touch()
    paths = [f"{tmp_path}/link/{number}" for number in range(5)]
    asked: list[str] = []
    real = os.lstat

    def lstat(path: str) -> os.stat_result:
        asked.append(path)
        return real(path)

    with Inotify() as inotify:
        watched = Paths(inotify, [*paths, f"{tmp_path}/link/missing", f"{tmp_path}/link"])
        watched.arm()
        monkeypatch.setattr("power_edge.watch.path_chain.os.lstat", lstat)
        assert watched.stale() == []
    assert {*paths} & {*asked} == set()
    # The entries of a folder are looked at for themselves, beside those that are named.
    entries = {f"{tmp_path}/real/{number}" for number in range(5)}
    assert entries <= {*asked}
    assert [path for path in {*asked} - entries if asked.count(path) > 1] == []


def test_each_folder_is_watched_once_however_many_paths_lead_through_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, Mask]] = []
    real = Inotify.add_watch

    def add_watch(self: Inotify, place: str, mask: Mask) -> Watch:
        made.append((place, mask))
        return real(self, place, mask)

    monkeypatch.setattr(Inotify, "add_watch", add_watch)
    with Inotify() as inotify:
        watched = Paths(inotify, [f"{tmp_path}/{number}" for number in range(5)])
        for _ in range(2):  # a watch can end silently: all are made again each time
            made.clear()
            watched.arm()
            assert len(made) == len({*made})
            assert str(tmp_path) in {place for place, _ in made}


def test_an_overflow_is_a_loss_and_everything_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    watched = tmp_path / "folder"
    watched.mkdir()
    path = tmp_path / "file"
    path.write_text("x")

    async def scenario(heard: Heard) -> None:
        # The loop is not given a turn, so that the kernel's queue fills.
        for number in range(limit // 2 + 10):
            (watched / f"{number % 7}").touch()
            (watched / f"{number % 7}").unlink()
        path.write_text("y")
        assert "queue" in await heard.losses.get()
        names = {str(path)}
        while names:
            names.discard((await heard.events.get()).subject.name)

    listen([watched, path], scenario)


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        yield memory


def test_writes_through_mapped_memory_are_found_by_the_sweep(tmp_path: Path) -> None:
    # Linux notes no time for the second write, since the page has not gone to the disk yet.
    path = tmp_path / "file"
    path.write_text("old old old\n")
    os.utime(path, (1e9, 1e9))

    async def scenario(heard: Heard) -> None:
        with mapped(path) as memory:
            for word in (b"new", b"two", b"end"):
                memory[:3] = word
                event = await heard.events.get()
                assert event.subject == Subject(Kind.PATH, str(path))

    listen([path], scenario, sweep=0.05)


def test_a_file_that_was_written_lately_and_stays_is_reported_once(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_text("old\n")
    other.write_text("old\n")

    async def scenario(heard: Heard) -> None:
        path.write_text("new\n")
        assert (await heard.events.get()).subject.name == str(path)
        with mapped(other) as memory:
            for word in (b"new", b"two"):  # two sweeps
                memory[:3] = word
                assert (await heard.events.get()).subject.name == str(other)
        assert heard.events.empty()

    listen([path, other], scenario, sweep=0.05)


@pytest.mark.parametrize("change", ["attributes", "extended"])
def test_attributes_that_need_no_event_are_found_by_the_sweep(tmp_path: Path, change: str) -> None:
    path = tmp_path / "file"
    path.write_text("old\n")

    async def scenario(heard: Heard) -> None:
        if change == "extended":
            os.setxattr(path, "user.power-edge", b"1")
        else:
            # FS_IOC_SETFLAGS with FS_NODUMP_FL, as `chattr +d` does.
            with path.open("rb") as file:
                fcntl.ioctl(file, 0x40086602, (0x40).to_bytes(8, "little"))
        assert (await heard.events.get()).subject.name == str(path)

    listen([path], scenario, sweep=0.05)


def test_what_may_not_be_read_is_not_said_to_be_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Inotify.add_watch

    def refused(self: Inotify, place: str, mask: Mask) -> Watch:
        if place == str(tmp_path / "hidden"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(self, place, mask)

    monkeypatch.setattr(Inotify, "add_watch", refused)
    path, other = tmp_path / "hidden" / "file", tmp_path / "other"
    path.parent.mkdir()

    async def scenario(heard: Heard) -> None:
        assert heard.limits == [f"{quoted(str(path.parent))} may not be read by this user"]
        other.write_text("new\n")
        assert (await heard.events.get()).subject.name == str(other)

    listen([path, other], scenario)
