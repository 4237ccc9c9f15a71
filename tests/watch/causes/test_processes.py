"""What /proc says of a process."""

import os
from pathlib import Path

import pytest

from power_edge.watch.causes import processes
from power_edge.watch.causes.processes import Process


def make(proc: Path, pid: int, parent: int, user: int, name: str, command: str = "") -> None:
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "stat").write_text(f"{pid} ({name}) S {parent} 1 1 0 -1")
    (folder / "cmdline").write_text(command.replace(" ", "\0") + "\0" if command else "")
    (folder / "status").write_text(f"Name:\t{name}\nUid:\t1000\t{user}\t0\t0\n")
    (folder / "loginuid").write_text("1000")
    (folder / "cgroup").write_text("0::/user.slice/user-1000.slice/session-3.scope\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    make(tmp_path, 1, 0, 0, "systemd", "/sbin/init")
    make(tmp_path, 10, 1, 0, "sshd", "sshd: stella [priv]")
    make(tmp_path, 20, 10, 1000, "bash", "-bash")
    make(tmp_path, 30, 20, 0, "sudo", "sudo vi /etc/motd")
    make(tmp_path, 31, 30, 0, "sudo", "sudo vi /etc/motd")
    make(tmp_path, 40, 31, 0, "odd ) S 7", "vi /etc/motd")
    return tmp_path


def test_a_process_and_its_ancestors(proc: Path) -> None:
    found = processes.family(40, 31, proc)
    assert [each.pid for each in found] == [40, 31, 30, 20, 10]
    assert found[0] == Process(40, "odd ) S 7", 31, 0, 1000, "vi /etc/motd", "session-3.scope")
    assert list(processes.rights(found)) == ["sudo vi /etc/motd"]


def test_ancestors_of_a_process_that_has_ended(proc: Path) -> None:
    assert [each.pid for each in processes.family(41, 31, proc)] == [31, 30, 20, 10]
    assert processes.family(41, 39, proc) == []
    # Its number belongs to another process now.
    assert [each.pid for each in processes.family(20, 31, proc)] == [31, 30, 20, 10]


def test_a_process_is_foreign_if_all_its_ancestors_are(
    proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def foreign(pid: int, parent: int) -> bool:
        return processes.foreign(processes.family(pid, parent, proc), pid, parent)

    assert foreign(40, 31)
    assert foreign(41, 31)
    assert not foreign(41, 39)
    (proc / "20" / "stat").unlink()
    assert not foreign(40, 31)
    make(proc, 60, 61, 0, "systemctl")
    make(proc, 61, os.getpid(), 0, "sh")
    make(proc, os.getpid(), 1, 0, "python")
    assert not foreign(60, 61)
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert foreign(60, 61)


def test_a_process_without_a_record(proc: Path) -> None:
    assert [each.pid for each in processes.family(30, None, proc)] == [30, 20, 10]
    assert processes.family(99, None, proc) == []


def test_a_process_that_ends_has_no_command_line(proc: Path) -> None:
    make(proc, 70, 20, 0, "sudo")
    found = processes.family(70, 20, proc)
    assert found[0].command == ""
    assert list(processes.rights(found)) == []


def test_a_circle_ends(proc: Path) -> None:
    make(proc, 50, 51, 0, "a")
    make(proc, 51, 50, 0, "b")
    assert len(processes.family(50, 51, proc)) == 32


def test_a_kernel_without_login_users(proc: Path) -> None:
    (proc / "40" / "loginuid").unlink()
    (proc / "40" / "cgroup").unlink()
    found = processes.read(40, proc)
    assert found is not None
    assert (found.login, found.unit) == (processes.NOBODY, None)


@pytest.mark.parametrize(
    ("cgroups", "unit"),
    [
        ("0::/system.slice/cron.service\n", "cron.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n", "x.service"),
        ("0::/system.slice/docker-abc.scope/inner\n", "docker-abc.scope"),
        ("9:name=systemd:/system.slice/ssh.service\n8:pids:/x.service\n0::/\n", "ssh.service"),
        ("8:pids:/x.service\n0::/\n", None),
        ("0::/\n", None),
        ("", None),
        ("nonsense", None),
    ],
)
def test_units(cgroups: str, unit: str | None) -> None:
    assert processes.unit_of(cgroups) == unit


def test_this_process() -> None:
    found = processes.read(os.getpid())
    assert found is not None
    assert (found.parent, found.user) == (os.getppid(), os.geteuid())
    assert processes.in_our_network(os.getpid())
    assert not processes.in_our_network(2**31 - 1)
