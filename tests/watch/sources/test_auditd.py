"""Which rules the audit source sets."""

import asyncio
import errno
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from power_edge.model.generated.watcher_schema import Auditd, Watchers
from power_edge.watch.audit import feed, ruleset
from power_edge.watch.audit.acts import WRITES
from power_edge.watch.audit.rules import (
    KEY,
    Rule,
    Status,
    command_rule,
    file_rule,
    folder_rule,
    syscall_rule,
)
from power_edge.watch.audit.ruleset import Wanted, rules
from power_edge.watch.causes.cause import Act
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.sources import Unavailable, Watched, auditd
from power_edge.watch.sources.auditd import SOURCE
from tests.support.audit import records

NUMBERS = {name: number for number, name in enumerate(WRITES, 1)} | {"settimeofday": 164}
ALL = sorted(set(NUMBERS.values()) - {164})


def paths(*names: Path | str) -> frozenset[Subject]:
    return frozenset(Subject(Kind.PATH, str(name)) for name in names)


def wanted(subjects: frozenset[Subject], **configured: tuple[str, ...]) -> list[Rule]:
    found = Wanted(
        configured.get("commands", ()), configured.get("syscalls", ()), subjects, NUMBERS, 1
    )
    return [rule._replace(syscalls=tuple(sorted(rule.syscalls))) for rule in rules(found)]


def test_a_file_has_a_rule_of_its_own_though_it_is_missing(tmp_path: Path) -> None:
    (tmp_path / "motd").touch()
    assert wanted(paths(tmp_path / "motd")) == [file_rule(f"{tmp_path}/motd")]
    assert wanted(paths(tmp_path / "none")) == [file_rule(f"{tmp_path}/none")]
    # The first step that is missing: what comes there is looked at anew.
    assert wanted(paths(tmp_path / "none" / "at" / "all")) == [file_rule(f"{tmp_path}/none")]


def test_a_link_and_its_target_have_rules(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "link").symlink_to("../target")
    assert wanted(paths(tmp_path / "sub" / "link")) == [
        file_rule(f"{tmp_path}/target"),
        file_rule(f"{tmp_path}/sub/link"),
    ]


def test_folders_and_many_files_of_one_have_one_rule(tmp_path: Path) -> None:
    assert wanted(paths(tmp_path)) == [folder_rule(str(tmp_path), ALL)]
    files = paths(*(tmp_path / name for name in "abc"))
    assert wanted(files) == [folder_rule(str(tmp_path), ALL)]


def test_values_have_one_rule_for_those_who_open_them() -> None:
    found = wanted(frozenset({Subject(Kind.VALUE, "/proc/sys/vm/swappiness")}))
    openings = {NUMBERS[name] for name in ("open", "openat", "openat2", "creat", "truncate")}
    assert found == [folder_rule("/proc/sys", sorted(openings), attributes=False)]


def test_commands_and_system_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "multi"
    program.touch(mode=0o755)
    for name in ("iptables", "ip6tables"):
        (tmp_path / name).symlink_to("multi")
    monkeypatch.setattr(ruleset, "PROGRAMS", str(tmp_path))
    found = wanted(
        frozenset(), commands=("iptables", "ip6tables", "missing"), syscalls=("settimeofday",)
    )
    assert found == [command_rule(str(program)), syscall_rule(164)]


def test_it_is_wanted_for_files_values_and_what_is_configured() -> None:
    assert not SOURCE.wants(Watched(frozenset({Subject(Kind.UNIT, "cron.service")})))
    assert SOURCE.wants(Watched(paths("/etc/motd")))
    off = Watchers(enabled=True, auditd=Auditd(enabled=False, commands=["ufw"]))
    assert not SOURCE.wants(Watched(paths("/etc/motd"), off))
    on = Watchers(enabled=True, auditd=Auditd(commands=["ufw"]))
    assert SOURCE.wants(Watched(frozenset(), on))


class Kernel:
    """The kernel's end of the control connection. `enabled` and `lost` are as a test sets them."""

    def __init__(self, enabled: int = 1, daemon: int = 0) -> None:
        self.enabled, self.daemon, self.lost = enabled, daemon, 0
        self.calls: list[str] = []
        self.looks = self.left_behind = 0

    def status(self) -> Status:
        self.looks += 1
        return Status(self.enabled, self.daemon, self.lost)

    def enable(self, enabled: int) -> None:
        self.calls.append(f"enable {enabled}")
        self.enabled = enabled

    def add(self, rule: Rule) -> None:
        self.calls.append("add")

    def remove_ours(self) -> int:
        self.calls.append("remove ours")
        return self.left_behind


class Heard:
    """A listener that keeps what it hears, in order."""

    def __init__(self) -> None:
        self.all: asyncio.Queue[tuple[str, object]] = asyncio.Queue()

    def up(self) -> None:
        self.all.put_nowait(("up", None))

    def limited(self, why: str) -> None:
        self.all.put_nowait(("limited", why))

    def act(self, act: Act) -> None:
        self.all.put_nowait(("act", act.path))

    def event(self, event: Event) -> None:
        self.all.put_nowait(("event", event))

    def lost(self, count: int, why: str) -> None:
        self.all.put_nowait(("lost", count))


OURS = 'audit(1.0:1): auid=1 ses=1 op=add_rule key="power-edge" list=4 res=1'
SSHD = paths("/etc/ssh/sshd_config")


def reading(
    kernel: Kernel, test: Callable[[Heard, Callable[[int, str], None]], Awaitable[None]]
) -> None:
    """Run a test while the source reads: what the test calls sends a record."""

    async def within() -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.setblocking(False)
        heard = Heard()
        wanted = Wanted((), (), SSHD, NUMBERS, 0xC000003E)
        watch = auditd.Reading(wanted, kernel, ours, heard)
        task = asyncio.create_task(watch.run())

        def send(kind: int, text: str) -> None:
            header = struct.pack("=IHHII", 16 + len(text), kind, 0, 0, 0)
            theirs.send(header + text.encode() + b"\0")

        with ours, theirs:
            async with asyncio.timeout(60):
                await test(heard, send)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(within())


def test_it_is_up_when_the_record_of_its_own_rule_has_come() -> None:
    kernel = Kernel(enabled=0)

    async def test(heard: Heard, send: Callable[[int, str], None]) -> None:
        for kind, text in records("sudo-tee"):
            send(kind, text)
        assert await heard.all.get() == ("act", "/etc/ssh/sshd_config")
        send(1305, OURS)
        assert await heard.all.get() == ("up", None)

    reading(kernel, test)
    assert kernel.calls == ["enable 1", "remove ours", "add", "remove ours", "enable 0"]


def test_late_records_of_what_a_killed_watch_left_prove_nothing_and_end_nothing() -> None:
    """The kernel sends records when it comes to it: the first may be older than this watch."""
    kernel = Kernel()
    kernel.left_behind = 2
    removed = OURS.replace("add_rule", "remove_rule")

    async def test(heard: Heard, send: Callable[[int, str], None]) -> None:
        for text in (OURS, OURS, removed, removed):
            send(1305, text)
        for kind, text in records("sudo-tee"):
            send(kind, text)
        assert await heard.all.get() == ("act", "/etc/ssh/sshd_config")
        send(1305, OURS)
        assert await heard.all.get() == ("up", None)

    reading(kernel, test)


def test_audit_that_others_use_stays_on() -> None:
    kernel = Kernel(enabled=0)

    async def test(heard: Heard, send: Callable[[int, str], None]) -> None:
        send(1305, OURS)
        await heard.all.get()
        kernel.daemon = 7

    reading(kernel, test)
    assert "enable 0" not in kernel.calls


def test_with_locked_rules_records_are_read_and_the_reason_is_shown() -> None:
    kernel = Kernel(enabled=2)

    async def test(heard: Heard, send: Callable[[int, str], None]) -> None:
        kind, why = await heard.all.get()
        assert kind == "limited"
        assert "auditctl -e 2" in str(why)
        for number, text in records("sudo-tee"):
            send(number, text)
        assert await heard.all.get() == ("act", "/etc/ssh/sshd_config")

    reading(kernel, test)
    assert kernel.calls == []


def test_lost_records_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    real, full = feed.records, [OSError(errno.ENOBUFS, "full")]

    async def records_of(connection: socket.socket) -> list[tuple[int, str]]:
        if full:
            raise full.pop()
        return await real(connection)

    monkeypatch.setattr(auditd, "records", records_of)

    async def test(heard: Heard, send: Callable[[int, str], None]) -> None:
        assert await heard.all.get() == ("lost", 1)
        send(1305, OURS)
        assert await heard.all.get() == ("up", None)

    reading(Kernel(), test)


def test_what_the_kernel_dropped_counts_beside_auditd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditd, "_LOOK", 0.0)
    kernel = Kernel()

    async def test(heard: Heard, send: Callable[[int, str], None]) -> None:
        send(1305, OURS)
        assert await heard.all.get() == ("up", None)
        # Without auditd the kernel counts what it does not print.
        kernel.lost = 5
        for number, text in records("sudo-tee"):
            send(number, text)
        assert await heard.all.get() == ("act", "/etc/ssh/sshd_config")
        looks = kernel.looks
        while kernel.looks == looks:
            await asyncio.sleep(0)
        kernel.lost, kernel.daemon = 8, 7
        send(1305, OURS)
        assert await heard.all.get() == ("lost", 3)

    reading(kernel, test)


def test_only_one_watch_has_the_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LOCK", str(tmp_path / "lock"))
    with feed.alone(), pytest.raises(Unavailable, match="another watch"), feed.alone():
        pass
    with feed.alone():  # it ends with its holder, and leaves a file that root alone can open
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_no_other_user_can_keep_a_watch_from_the_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was the name of a socket, which any user could take: nobody was named any more."""
    monkeypatch.setattr(feed, "LOCK", str(tmp_path / "lock"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taken:
        with suppress(OSError):  # a watch of this machine may have it
            taken.bind(f"\0{KEY}/audit")
        with feed.alone():
            pass


def test_a_lock_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(feed, "LOCK", str(tmp_path / "lock"))
    with pytest.raises(Unavailable, match="lock cannot be opened: "), feed.alone():
        pass
    assert not (tmp_path / "elsewhere").exists()
